"""What calls cost, added up in one place, whichever framework makes them, sync or async, streamed or not.

Every finished call of a client becomes a `CallRecord`, which is told to the trackers of its context and of its
client, and to whoever listens. A cost that the gateway did not report counts as unknown, never as 0.
"""

from auriko.spend._record import CallRecord, CallStart, SpendTotal
from auriko.spend._recorder import Recorder, add_listener, remove_listener
from auriko.spend._tracker import SpendTracker, track_spend

__all__ = [
    "CallRecord",
    "CallStart",
    "Recorder",
    "SpendTotal",
    "SpendTracker",
    "add_listener",
    "remove_listener",
    "track_spend",
]
