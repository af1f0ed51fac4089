"""The choice of a provider: candidates, filters, scores, order. Pure: no clock, no I/O, no chance."""
