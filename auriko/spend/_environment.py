"""The ledger that `AURIKO_LEDGER` names; apart, so that SQLite is loaded only where it is used."""

from __future__ import annotations

import os

from auriko.spend._recorder import Recorder


def ledger_of_environment() -> Recorder | None:
    """The ledger that AURIKO_LEDGER names, if it does."""
    path = os.environ.get("AURIKO_LEDGER")
    if not path:
        return None
    from auriko.spend._ledger import ledger_at

    return ledger_at(path)
