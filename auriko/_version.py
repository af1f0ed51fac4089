"""The version of this package, as its metadata and the User-Agent say it."""

__version__ = "2.0.0a1"
