"""The cost of calls, added up in one place, whichever framework makes them, sync or async, streamed or not.

Every finished call of a client becomes a `CallRecord`, which is told to the trackers of its context and of its
client, to the ledger of AURIKO_LEDGER, and to whoever listens. A cost that the gateway did not report counts as
unknown, never as 0.
"""

from typing import TYPE_CHECKING, Any

from auriko._display.money import add_usd, decimal_text, json_text, usd_text
from auriko.spend._ledger_error import LedgerError
from auriko.spend._periods import limit_of_text
from auriko.spend._record import CallRecord, CallStart, SpendTotal
from auriko.spend._recorder import Recorder, add_listener, add_source, remove_listener
from auriko.spend._tracker import SpendTracker, checked_limit, track_spend

if TYPE_CHECKING:
    from auriko.spend._ledger import SpendLedger
    from auriko.spend._shared_limit import LimitStatus

__all__ = [
    "CallRecord",
    "CallStart",
    "LedgerError",
    "LimitStatus",
    "Recorder",
    "SpendLedger",
    "SpendTotal",
    "SpendTracker",
    "add_listener",
    "add_source",
    "add_usd",
    "checked_limit",
    "decimal_text",
    "json_text",
    "limit_of_text",
    "remove_listener",
    "track_spend",
    "usd_text",
]


def __getattr__(name: str) -> Any:
    if name in {"LimitStatus", "SpendLedger"}:  # SQLite costs some milliseconds to import
        from auriko.spend import _ledger

        return getattr(_ledger, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
