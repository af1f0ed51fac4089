"""Servers of one's own that speak the OpenAI API."""
