"""Rules of a call, as values and generators; nothing here does I/O."""
