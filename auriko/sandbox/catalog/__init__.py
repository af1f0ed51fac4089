"""Models and providers on offer: prices, limits, where they run."""
