"""How a call runs, as values and generators; nothing here does I/O."""
