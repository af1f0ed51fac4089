"""What is shown: cards in notebooks, tables, and amounts of money."""
