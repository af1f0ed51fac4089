"""Pieces of an answer while it comes into being, before any endpoint puts it into its own form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auriko.sandbox.catalog.billing import Bill, TokenCounts


@dataclass(frozen=True, slots=True)
class ReasoningText:
    """A piece of readable reasoning."""

    choice: int
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningEnd:
    """The end of the reasoning, with the signature of all of it, and all of it in a form that is not for reading."""

    choice: int
    signature: str
    sealed: str


@dataclass(frozen=True, slots=True)
class RedactedReasoning:
    """A block of reasoning that is not for reading."""

    choice: int
    sealed: str


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A piece of the answer, with the log probabilities of its tokens if they were asked for and are known."""

    choice: int
    text: str
    logprobs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole picture: a PNG in base64."""

    choice: int
    data: str


@dataclass(frozen=True, slots=True)
class RefusalText:
    """A piece of a refusal."""

    choice: int
    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """The beginning of the tool call number `index` of this choice."""

    choice: int
    index: int
    id: str
    name: str
    signature: str | None


@dataclass(frozen=True, slots=True)
class CallArguments:
    """A piece of that call's arguments."""

    choice: int
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ChoiceEnd:
    """The end of a choice: "stop", "length", "tool_calls" or "content_filter"."""

    choice: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last piece: what was measured, and what it costs."""

    counts: TokenCounts
    bill: Bill
    ttft_ms: float
    throughput_tps: float


Piece = (
    ReasoningText
    | ReasoningEnd
    | RedactedReasoning
    | AnswerText
    | Picture
    | RefusalText
    | CallStart
    | CallArguments
    | ChoiceEnd
    | Finished
)
