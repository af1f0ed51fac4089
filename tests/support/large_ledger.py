"""A ledger of as many calls as you like, written straight into its file."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auriko.spend import SpendLedger
from tests.support.spend_calls import record

_MODELS = {"gpt-4o": "openai", "claude-sonnet-4-6": "anthropic", "gemini-2.5-flash": "google_vertex", "llama": "groq"}


def large_ledger(path: Path, calls: int, days: float) -> SpendLedger:
    """The ledger, whose calls are spread evenly over so many days up to now; one in fifty has failed."""
    ledger = SpendLedger(path)
    ledger.add(record(usd=0.001, tags=("first",)))
    ledger.flush()
    database = sqlite3.connect(path, isolation_level=None)
    columns = [row[1] for row in database.execute("PRAGMA table_info(calls)")]
    database.execute("BEGIN")
    query = f"INSERT INTO calls ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - of its own
    database.executemany(query, _rows(columns, calls, days))
    database.execute("COMMIT")
    database.close()
    return ledger


def _rows(columns: list[str], calls: int, days: float) -> Iterator[list[Any]]:
    chance = random.Random(0)
    now = time.time()
    for number in range(calls):
        at = now - days * 86400 * (1 - number / calls)
        model, provider = chance.choice(list(_MODELS.items()))
        failed = chance.random() < 0.02
        fields = {
            "id": f"{int(at * 1e9):x}{number:08x}",
            "started_at": at,
            "duration_ms": chance.uniform(300, 3000),
            "ttft_ms": chance.uniform(100, 900),
            "operation": "chat",
            "stream": number % 2,
            "status": "error" if failed else "ok",
            "error": "RateLimitError" if failed else None,
            "error_code": "rate_limit_exceeded" if failed else None,
            "model_asked": model,
            "model": None if failed else model,
            "provider": None if failed else provider,
            "usd": None if failed else chance.uniform(0.0001, 0.01),
            "may_be_billed": not failed,
            "cache_savings_usd": 0.0001,
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "tags": json.dumps([chance.choice(["search", "summaries"])]),
            "conversation": f"thread-{number // 5:06}" if number % 2 else None,
        }
        yield [fields.get(column) for column in columns]
