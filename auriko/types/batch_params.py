"""Options of `client.chat.completions.batch` and `batch_as_completed`, as a typed dictionary."""

from __future__ import annotations

from typing_extensions import TypedDict


class BatchOptions(TypedDict, total=False):
    """Bounds of a batch.

    `max_concurrency` is the most requests under way at once (16 if left out), `max_per_second` the most that start
    in a second. Once the batch has cost `limit_usd`, no further request is sent. `progress` shows a bar with the
    running cost; left out, there is one where tqdm is installed and somebody looks: in a notebook or a terminal.
    """

    max_concurrency: int
    max_per_second: float | None
    limit_usd: float | None
    progress: bool | None
