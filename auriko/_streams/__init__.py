"""Streams of items, and what reads them from events."""
