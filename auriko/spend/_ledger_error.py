"""What is raised where a ledger's file cannot be used; apart, so that SQLite is loaded only where it is used."""

from typing import Final

# Seconds for which a file is waited for that another process is writing.
PATIENCE: Final = 10.0


class LedgerError(Exception):
    """A ledger cannot be read: it is damaged, locked, or something else than a ledger."""


class LedgerBusyError(LedgerError):
    """Another process is writing the ledger just now."""
