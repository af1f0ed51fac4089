"""What one process carries, worked out from what a call and a chunk cost it."""

from __future__ import annotations

import os

from goals import Results
from roster import OURS, OURS_FAST

SECONDS_PER_ANSWER, CHUNKS_PER_SECOND = 2, 50


def capacity(results: Results) -> str:
    """A table for threads and tasks, on both transports: what fills one core, and what is kept in memory for it."""
    ours, fast = results.get(OURS, {}), results.get(OURS_FAST, {})
    columns = {
        "`Client`, 16 threads": (ours.get("16 threads"), ours.get("paced stream"), {}),
        "`AsyncClient`, 100 tasks": (ours.get("asyncio 100"), ours.get("50 paced streams"), ours),
        "16 threads on httptools": (fast.get("16 threads"), fast.get("paced stream"), {}),
        "100 tasks on httptools": (fast.get("asyncio 100"), fast.get("50 paced streams"), fast),
    }
    rows: dict[str, list[str]] = {
        "calls per second": [_rate(call) for call, _, _ in columns.values()],
        f"calls in flight, at {SECONDS_PER_ANSWER} s an answer": [
            _rate(call, SECONDS_PER_ANSWER) for call, _, _ in columns.values()
        ],
        "chunks per second, each a read of its own": [_rate(chunk) for _, chunk, _ in columns.values()],
        f"streams of {CHUNKS_PER_SECOND} chunks a second": [
            _rate(chunk, 1 / CHUNKS_PER_SECOND) for _, chunk, _ in columns.values()
        ],
        "KB for a call in flight": [
            _shown(memory.get("1000 in flight: MB"), 1024 / 1000) for _, _, memory in columns.values()
        ],
        "KB for an open stream": [_shown(memory.get("1000 streams: KB each")) for _, _, memory in columns.values()],
    }
    head = [f"| one core full | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    body = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(
        [*head, *body, "", f"This machine has {os.cpu_count()} cores, so it carries that many times as much."]
    )


def _rate(microseconds: float | None, times: float = 1) -> str:
    return _shown(None if microseconds is None else 1e6 / microseconds * times)


def _shown(figure: float | None, times: float = 1) -> str:
    """Two digits: it is an estimate."""
    return "-" if figure is None else f"{float(f'{figure * times:.2g}'):,.0f}"
