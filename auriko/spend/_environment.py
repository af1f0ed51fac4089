"""The ledger that `AURIKO_LEDGER` names; apart, so that SQLite is loaded only where it is used."""

from __future__ import annotations

import os

from auriko.spend._recorder import Recorder


def ledger_of_environment() -> Recorder | None:
    """The ledger that AURIKO_LEDGER names, if it does, with the limit that AURIKO_LIMIT_USD says, if it does.

    Raises:
        ValueError: AURIKO_LIMIT_USD is no limit, or there is no ledger that could hold it.
    """
    path, limit = os.environ.get("AURIKO_LEDGER"), os.environ.get("AURIKO_LIMIT_USD")
    if limit and not path:
        raise ValueError("AURIKO_LIMIT_USD needs AURIKO_LEDGER, the file that processes count in")
    if not path:
        return None
    from auriko.spend._ledger import ledger_at

    if not limit:
        return ledger_at(path)
    from auriko.spend._periods import limit_of_text

    try:
        return ledger_at(path, *limit_of_text(limit))
    except ValueError as error:
        raise ValueError(f"AURIKO_LIMIT_USD: {error}") from None
