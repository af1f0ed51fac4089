"""What a ledger of calls holds, added up for its page: sums, times and errors; prompts and replies are in no ledger."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from auriko.sandbox.live.charts import Bars, Timeline, bars_of, timeline
from auriko.spend import SpendLedger

WINDOWS = {"1h": 3600.0, "24h": 86400.0, "7d": 7 * 86400.0, "30d": 30 * 86400.0, "all": 0.0}
_STANDARD = "24h"
_UNKNOWN = "unknown"
_SLOTS = 60
_LATEST = 25
_MOST = 30
_MOST_CONVERSATIONS = 10
# Percentiles are of so many calls, the latest ones.
_TIMED = 20_000


class Filter(NamedTuple):
    """The part of a ledger that is asked for in the page's address.

    Attributes:
        since: A window of `WINDOWS`.
        provider: The provider that answered, or nothing for any.
        model: The model that answered.
        tag: A tag.
        conversation: A conversation.
        show: `errors` for those alone that came to nothing.
    """

    since: str = _STANDARD
    provider: str = ""
    model: str = ""
    tag: str = ""
    conversation: str = ""
    show: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """The filter of an address; what it does not know is left out."""
        known = {name: query[name] for name in cls._fields if name in query}
        if known.get("since", _STANDARD) not in WINDOWS:
            del known["since"]
        return cls(**known)

    def with_(self, **changed: str) -> str:
        """The query of an address with some of it changed."""
        fields = self._replace(**changed)._asdict()
        return "?" + urlencode({name: value for name, value in fields.items() if value})

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """The names that are filtered for, and how to be without them."""
        names = ("provider", "model", "tag", "conversation")
        return [(getattr(self, name), self.with_(**{name: ""})) for name in names if getattr(self, name)]

    def condition(self, now: float) -> tuple[str, list[Any]]:
        """The filter as SQL, and its values."""
        terms, values = ["1"], list[Any]()
        if self.since != "all":
            begin = now - WINDOWS[self.since]
            # Names of records begin with the time of their end, by which the file is in order.
            terms += ["calls.id >= ?", "started_at >= ?"]
            values += [f"{int(begin * 1e9):x}", begin]
        for column in ("provider", "model", "conversation"):
            if value := getattr(self, column):
                terms.append(f"coalesce({column}, '{_UNKNOWN}') = ?")
                values.append(value)
        if self.tag:
            terms.append("EXISTS (SELECT 1 FROM json_each(calls.tags) AS its WHERE its.value = ?)")
            values.append(self.tag)
        if self.show == "errors":
            terms.append("status = 'error'")
        return " AND ".join(terms), values


class Latency(NamedTuple):
    """The percentiles of a provider's times to the first token and of its whole calls, in ms."""

    provider: str
    ttft_p50: float | None
    ttft_p95: float | None
    whole_p50: float | None
    whole_p95: float | None


@dataclass(slots=True)
class Sums:
    """Sums over calls: how many, what is known to have been billed (USD), tokens, and what caches saved (USD)."""

    calls: int = 0
    errors: int = 0
    usd: float = 0.0
    unknown: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    savings_usd: float = 0.0

    def add(self, other: Sums) -> None:
        """Takes others into these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class LedgerView:
    """Everything that the page shows."""

    path: str
    filter: Filter
    groups: Mapping[str, Mapping[str, Sums]]
    over_time: Timeline
    latencies: Sequence[Latency]
    latest: Sequence[Mapping[str, Any]]
    limits: Sequence[Any]

    @property
    def total(self) -> Sums:
        """The sums over all."""
        return self.groups["all"].get("", Sums())

    def ranked(self, key: str) -> list[tuple[str, Sums]]:
        """The sums by that key, the most spent or called first."""
        return sorted(self.groups[key].items(), key=lambda one: (-one[1].usd, -one[1].calls))[:_MOST]

    def spent(self, key: str) -> Bars:
        """The sums spent by that key, the most first."""
        return bars_of({name: sums.usd for name, sums in self.ranked(key)}, colours=sorted(self.groups[key]))


def latest_id(ledger: SpendLedger) -> str:
    """The name of the latest record, by which it is known that there is something new."""
    with ledger.reading() as database:
        ((found,),) = database.execute("SELECT max(id) FROM calls")
        return str(found)


def ledger_view(ledger: SpendLedger, chosen: Filter) -> LedgerView:
    """What is asked for of the ledger as it is now."""
    now = time.time()
    where, values = chosen.condition(now)
    with ledger.reading() as database:
        seconds, began = _extent(database, chosen, now)
        groups, events = _added_up(database, where, values, now, seconds)
        groups["tag"] = _by_tag(database, where, values)
        groups["conversation"] = _by_conversation(database, where, values)
        return LedgerView(
            path=_as_typed(ledger.path),
            filter=chosen,
            groups=groups,
            over_time=timeline(
                events, now=now, seconds=seconds, slots=_SLOTS, began=began, each=_in_words(seconds / _SLOTS)
            ),
            latencies=_latencies(database, where, values),
            latest=_latest(database, where, values),
            limits=ledger.limits,
        )


def _extent(database: sqlite3.Connection, chosen: Filter, now: float) -> tuple[float, str]:
    """The length of the time that is shown, in seconds, and its beginning in words."""
    if chosen.since != "all":
        return WINDOWS[chosen.since], f"{chosen.since} ago"
    ((first,),) = database.execute("SELECT coalesce(min(started_at), ?) FROM calls", [now])
    # A little more, so that the first call is within it.
    return max(now - first, 60.0) * 1.001, time.strftime("%d %b %Y", time.localtime(first))


def _added_up(
    database: sqlite3.Connection, where: str, values: list[Any], now: float, seconds: float
) -> tuple[dict[str, dict[str, Sums]], list[tuple[float, int, int, float]]]:
    """The sums by everything but tags, and what happened when, all in one reading of the file."""
    groups: dict[str, dict[str, Sums]] = {key: defaultdict(Sums) for key in ("all", "provider", "model", "error")}
    events: list[tuple[float, int, int, float]] = []
    query = f"""
        SELECT CAST((? - started_at) / ? AS INTEGER), provider, model,
            CASE status WHEN 'error' THEN coalesce(error_code, error, 'unknown') END,
            count(*), total(usd), sum(usd IS NULL AND may_be_billed), CAST(total(prompt_tokens) AS INTEGER),
            CAST(total(completion_tokens) AS INTEGER), total(cache_savings_usd)
        FROM calls WHERE {where} GROUP BY 1, 2, 3, 4
    """  # noqa: S608 - of the terms above
    for slot, provider, model, failure, calls, *rest in database.execute(query, [now, seconds / _SLOTS, *values]):
        sums = Sums(calls, calls if failure else 0, *rest)
        names = {"all": "", "provider": provider or _UNKNOWN, "model": model or _UNKNOWN, "error": failure}
        for key, name in names.items():
            if name is not None:
                groups[key][name].add(sums)
        events.append((now - (slot + 0.5) * seconds / _SLOTS, calls, sums.errors, sums.usd))
    return groups, events


def _by_tag(database: sqlite3.Connection, where: str, values: list[Any]) -> dict[str, Sums]:
    query = f"""
        SELECT json_each.value, count(*), sum(status = 'error'), total(usd)
        FROM calls, json_each(calls.tags) WHERE tags != '[]' AND {where} GROUP BY 1
    """  # noqa: S608 - as above
    return {str(name): Sums(*sums) for name, *sums in database.execute(query, values)}


def _by_conversation(database: sqlite3.Connection, where: str, values: list[Any]) -> dict[str, Sums]:
    # There may be as many as there are calls.
    query = f"""
        SELECT conversation, count(*), sum(status = 'error'), total(usd), sum(usd IS NULL AND may_be_billed)
        FROM calls WHERE conversation IS NOT NULL AND {where}
        GROUP BY 1 ORDER BY 4 DESC, 2 DESC LIMIT {_MOST_CONVERSATIONS}
    """  # noqa: S608 - as above
    return {name: Sums(*sums) for name, *sums in database.execute(query, values)}


def _latencies(database: sqlite3.Connection, where: str, values: list[Any]) -> list[Latency]:
    query = f"""
        SELECT provider, ttft_ms, duration_ms FROM calls
        WHERE status = 'ok' AND provider IS NOT NULL AND {where} ORDER BY id DESC LIMIT {_TIMED}
    """  # noqa: S608 - as above
    times: defaultdict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for provider, ttft_ms, duration_ms in database.execute(query, values):
        first, whole = times[provider]
        whole.append(duration_ms)
        if ttft_ms is not None:
            first.append(ttft_ms)
    return [
        Latency(name, *(_percentile(sorted(each), part) for each in both for part in (0.5, 0.95)))
        for name, both in sorted(times.items())
    ]


def _latest(database: sqlite3.Connection, where: str, values: list[Any]) -> list[dict[str, Any]]:
    rows = database.execute(f"SELECT * FROM calls WHERE {where} ORDER BY id DESC LIMIT {_LATEST}", values)  # noqa: S608
    rows.row_factory = sqlite3.Row
    return [{**row, "clock": time.strftime("%d %b %H:%M:%S", time.localtime(row["started_at"]))} for row in rows]


def _percentile(values: list[float], part: float) -> float | None:
    return values[min(int(part * len(values)), len(values) - 1)] if values else None


def _as_typed(path: Path) -> str:
    """The path with `~` for the user's folder."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _in_words(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
