"""Endpoints, streams and documents over HTTP."""
