"""Many requests at once, bounded in number, in rate, in memory and in cost: from threads, or on an event loop.

A request is read from its iterable when there is room for it, so an iterable may be lazy and longer than memory.
What cannot be sent, or fails, is an exception in the place of its reply; so is a request that a spend limit stopped,
as a `BudgetExceededError`.
"""

from auriko.batch._tasks import AsyncBatch, collect_async
from auriko.batch._threads import Batch, collect

__all__ = ["AsyncBatch", "Batch", "collect", "collect_async"]
