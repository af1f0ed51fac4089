"""One finished call as a value, and sums over calls."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from auriko._display.money import add_usd, nano_of, usd_text

Status = Literal["ok", "error", "abandoned"]
Operation = Literal["chat", "responses"]
_numbers: Final = itertools.count()
_process: Final[list[str]] = []


class CallStart(NamedTuple):
    """A call as far as it is known when it starts.

    Attributes:
        operation: `chat` for chat completions, `responses` for the Responses API.
        model_asked: The model or models that the request names, with commas between them.
        stream: Whether the answer is to be streamed.
        base_url: Where the gateway is.
        started_at: The time, in seconds since the epoch.
        conversation: The id of the conversation that it is a turn of, or None.
    """

    operation: Operation
    model_asked: str
    stream: bool
    base_url: str
    started_at: float
    conversation: str | None = None


def new_id() -> str:
    """A name for a record that no other has, in whatever process."""
    # The time comes first, so that records are in order by their names, and a database grows at its end.
    return f"{time.time_ns():x}{_process[0]}{next(_numbers):x}"


def _name_process() -> None:
    _process[:] = [os.urandom(8).hex()]


_name_process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_name_process)


class CallRecord(NamedTuple):
    """One finished call and what it cost. Prompts and replies are no part of it.

    A tuple, since one is made for every call: that takes a third of the time of a dataclass, and half to write it.

    Attributes:
        started_at: When it started, in seconds since the epoch.
        operation: `chat` for chat completions, `responses` for the Responses API.
        status: `ok`, `error`, or `abandoned` for a call that was cancelled or a stream that was not read to its end.
        error: The name of the exception's class, or None.
        error_code: The gateway's code of the error, or None.
        model_asked: The model or models that the request named, with commas between them.
        model: The model that answered, or None where it is not known.
        provider: The provider that answered, or None.
        usd: What was billed, in USD; None where it is not known.
        may_be_billed: Whether the gateway may have billed the call.
        cache_savings_usd: What the provider's cache saved, in USD.
        prompt_tokens: Tokens in.
        completion_tokens: Tokens out.
        cached_tokens: Tokens read from the provider's cache.
        cache_write_tokens: Tokens written to it.
        reasoning_tokens: Tokens of reasoning among those out.
        ttft_ms: Time to the first token in milliseconds, as the gateway says, else as seen here in a stream.
        duration_ms: Time from the start of the call to its end, in milliseconds.
        stream: Whether the answer was streamed.
        request_id: The request's id, to be quoted to support.
        tags: The tags of the trackers that it was told to.
        id: A name of the record like no other, so that nothing counts it twice; it begins with the time of its end.
        estimated_usd: What a call of unknown cost counts as against a limit, in USD; None without one.
        conversation: The id of the conversation that it was a turn of, or None.
    """

    started_at: float
    operation: Operation
    status: Status
    error: str | None
    error_code: str | None
    model_asked: str
    model: str | None
    provider: str | None
    usd: float | None
    may_be_billed: bool
    cache_savings_usd: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    ttft_ms: float | None
    duration_ms: float
    stream: bool
    request_id: str | None
    tags: tuple[str, ...]
    id: str
    estimated_usd: float | None = None
    conversation: str | None = None

    @property
    def cost_is_unknown(self) -> bool:
        """True if the call may have been billed at a cost that nobody told."""
        return self.usd is None and self.may_be_billed

    @property
    def counted_nano(self) -> int:
        """What counts against a limit, in billionths of a dollar: the cost, else its estimate."""
        return nano_of(self.usd if self.usd is not None else self.estimated_usd or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """The fields as they go into JSON."""
        return {**self._asdict(), "tags": list(self.tags)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> CallRecord:
        """The record of such fields: those left out are unknown, those that a record does not have are dropped."""
        known: dict[str, Any] = {**_UNKNOWN, "id": new_id(), **fields}
        known["tags"] = tuple(known["tags"] or ())
        return cls._make(known[name] for name in cls._fields)

    def __str__(self) -> str:
        answered = f"{self.model or self.model_asked} by {self.provider or 'an unknown provider'}"
        cost = usd_text(self.usd) if self.usd is not None else "unknown cost" if self.may_be_billed else "not billed"
        return (
            f"{self.status}: {self.error or answered}, {cost}, {self.duration_ms:.0f} ms, request id {self.request_id}"
        )


_UNKNOWN: Final[dict[str, Any]] = {
    **dict.fromkeys(CallRecord._fields),
    "operation": "chat",
    "may_be_billed": True,
    "stream": False,
}


@dataclass
class SpendTotal:
    """A sum over calls.

    Attributes:
        calls: How many calls.
        usd: What is known to have been billed, in USD.
        unknown_cost_calls: How many calls may have been billed at a cost that is not known.
        estimated_calls: How many of those count as an estimate against a limit.
        estimated_usd: The sum of the estimates, in USD, which is no part of `usd`.
        prompt_tokens: Tokens in.
        completion_tokens: Tokens out.
        cache_savings_usd: What caches saved, in USD.
    """

    calls: int = 0
    usd: float = 0.0
    unknown_cost_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_savings_usd: float = 0.0
    estimated_calls: int = 0
    estimated_usd: float = 0.0

    @property
    def cost_text(self) -> str:
        """The sum as text, with the calls of unknown cost named beside it and never shown as 0."""
        unknown = self.unknown_cost_calls - self.estimated_calls
        parts = [usd_text(self.usd)] if self.usd or not self.unknown_cost_calls else []
        parts += [f"{usd_text(self.estimated_usd)} estimated"] if self.estimated_calls else []
        parts += [f"{unknown} unknown" if parts else "unknown"] if unknown else []
        return " + ".join(parts)

    def add(self, record: CallRecord) -> None:
        """Counts one call."""
        self.calls += 1
        self.usd = add_usd(self.usd, record.usd)
        if record.usd is None and record.may_be_billed:
            self.unknown_cost_calls += 1
            if record.estimated_usd is not None:
                self.estimated_calls += 1
                self.estimated_usd = add_usd(self.estimated_usd, record.estimated_usd)
        self.prompt_tokens += record.prompt_tokens or 0
        self.completion_tokens += record.completion_tokens or 0
        self.cache_savings_usd = add_usd(self.cache_savings_usd, record.cache_savings_usd)
