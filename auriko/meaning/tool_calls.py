"""Tool calls: which pieces of a stream are one call, and which calls may be run (API sections 3.3 and 11.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from auriko.meaning.choice import cut
from auriko.models._arguments import arguments_text, read_arguments
from auriko.models.chat import ToolCall, ToolCallDelta, ToolCallFunction, new_call_id


@dataclass(slots=True, frozen=True)
class ReadCall:
    """A tool call as it is to be taken.

    Attributes:
        call: The call as it came.
        arguments: What to call the tool with; empty where there is a problem.
        problem: Why the call must not be run, or None.
    """

    call: ToolCall
    arguments: dict[str, Any]
    problem: str | None


def read_calls(calls: Sequence[ToolCall] | None, finish_reason: str | None) -> list[ReadCall]:
    """The calls of an answer, and which of them may be run.

    A call whose arguments cannot be read may not, nor one without a name, nor the last of an answer that was cut
    before any arguments came.
    """
    if not calls:
        return []
    read: list[ReadCall] = []
    for call in calls:
        arguments: dict[str, Any] = {}
        problem = None
        try:
            arguments = read_arguments(call.function.arguments)
        except ValueError as error:
            problem = cut(finish_reason) or str(error)
        if not call.function.name:
            arguments, problem = {}, problem or "the call names no function"
        read.append(ReadCall(call, arguments, problem))
    if not read[-1].arguments and read[-1].problem is None and (why := cut(finish_reason)):
        read[-1] = ReadCall(read[-1].call, {}, why)
    return read


@dataclass(slots=True)
class CallInPieces:
    """A call of a stream, as far as it has come.

    Attributes:
        position: Its place among the calls of the answer, in the order of their first pieces.
        id: Its id, which no other call of the answer has; empty until one came.
        sent_id: The id that the server writes.
        name: The name of its function.
        pieces: What has come of its arguments.
        signature: Its provider's signature, or None.
        rest: Fields that have no place of their own.
    """

    position: int
    id: str = ""
    sent_id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list[str])
    signature: str | None = None
    rest: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def arguments(self) -> str:
        """The text of its arguments so far."""
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    @property
    def says_anything(self) -> bool:
        """True if a name or arguments have come."""
        return bool(self.name) or arguments_text(self.arguments) != "{}"

    def known_id(self) -> str:
        """Its id, which is made where none came, and the same however often it is asked for."""
        self.id = self.id or new_call_id()
        return self.id

    def whole(self) -> ToolCall:
        """The call as a plain reply would have it."""
        function = ToolCallFunction(name=self.name, arguments=self.arguments)
        return ToolCall.model_validate(
            {**self.rest, "id": self.known_id(), "function": function, "provider_signature": self.signature}
        )

    def is_readable(self) -> bool:
        """True if arguments have come that are an object already."""
        text = self.arguments
        try:
            read_arguments(text)
        except ValueError:
            return False
        return bool(text) and not text.isspace()


class CallsInPieces:
    """The calls of a stream, put together from pieces that may be interleaved, repeated or without an index."""

    def __init__(self) -> None:
        self._calls: list[CallInPieces] = []
        self._at: dict[int, CallInPieces] = {}

    def add(self, piece: ToolCallDelta) -> tuple[CallInPieces, str, str]:
        """The call that a piece belongs to, and what the piece adds to its name and its arguments."""
        call = self._of(piece)
        if piece.id and not call.sent_id:
            call.sent_id = piece.id
            taken = any(other.id == piece.id for other in self._calls)
            call.id = new_call_id() if taken else piece.id
        call.signature = piece.provider_signature or call.signature
        if piece.type:
            call.rest["type"] = piece.type
        if piece.__pydantic_extra__:
            call.rest.update(piece.__pydantic_extra__)
        function = piece.function
        if function is None:
            return call, "", ""
        # Some servers repeat the whole name with every piece.
        name = function.name if function.name and function.name != call.name else ""
        call.name += name
        arguments = function.arguments or ""
        if arguments:
            call.pieces.append(arguments)
        return call, name, arguments

    def said(self) -> list[CallInPieces]:
        """The calls of which anything has come that could be run."""
        return [call for call in self._calls if call.says_anything] if self._calls else []

    def _of(self, piece: ToolCallDelta) -> CallInPieces:
        indexed = "index" in piece.model_fields_set
        last = self._at.get(piece.index) if indexed else (self._calls[-1] if self._calls else None)
        if last is None:
            call = self._new()
        elif piece.id and piece.id == last.sent_id:
            call = last
        elif piece.id and last.sent_id:
            # Servers that give every call the same index, or none, tell them apart by their ids.
            call = next((known for known in self._calls if known.sent_id == piece.id), None) or self._new()
        else:
            call = self._new() if self._begins(piece, last, indexed=indexed) else last
        self._at[piece.index] = call
        return call

    def _new(self) -> CallInPieces:
        call = CallInPieces(len(self._calls))
        self._calls.append(call)
        return call

    @staticmethod
    def _begins(piece: ToolCallDelta, call: CallInPieces, *, indexed: bool) -> bool:
        """True if a piece that no id tells apart begins another call than the one that is open at its place."""
        name = piece.function.name if piece.function is not None else None
        if not name or not call.name:
            return False
        if name == call.name:
            # A name that is repeated to the end comes without arguments then.
            return bool(piece.function and piece.function.arguments) and call.is_readable()
        return not indexed or call.is_readable()
