"""The loop of a model that calls tools, as a generator without input and output: who asks and who runs is outside."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from auriko.meaning.tool_calls import ReadCall, read_calls
from auriko.models.chat import ChatCompletion, ToolCall
from auriko.tools._tool import Tool, ToolError, result_text


@dataclass(slots=True)
class ToolCallRecord:
    """A call that the model made, and what came of it.

    Attributes:
        id: The call's id.
        name: The tool that was called.
        arguments: With what; empty where they could not be read.
        result: What the model is told, as text.
        error: The exception that the tool raised, or what was wrong with the call; None where it went well.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    result: str = ""
    error: Exception | None = None

    def to_message(self) -> dict[str, Any]:
        """The result as a message of the conversation."""
        return {"role": "tool", "tool_call_id": self.id, "content": self.result}


@dataclass(slots=True)
class ToolStep:
    """One answer of the model, and the results of the tools that it called.

    Attributes:
        number: 1 for the first answer; 0 for calls of the messages that were left to be run.
        reply: The answer, with who gave it and what it cost; None for number 0.
        calls: The calls, with their results.
        messages: What the step adds to the conversation: the answer's message, and the results.
    """

    number: int
    reply: ChatCompletion | None
    calls: list[ToolCallRecord]
    messages: list[dict[str, Any]] = field(repr=False)

    @property
    def usd(self) -> float | None:
        """What the answer cost in USD; None where that is unknown."""
        metadata = self.reply.routing_metadata if self.reply is not None else None
        return metadata.cost.usd if metadata is not None and metadata.cost is not None else None

    @property
    def provider(self) -> str | None:
        """The provider that gave the answer."""
        metadata = self.reply.routing_metadata if self.reply is not None else None
        return metadata.provider if metadata is not None else None


@dataclass(slots=True)
class Ask:
    """Ask the model with these arguments, and come back with its `ChatCompletion`."""

    request: dict[str, Any]


@dataclass(slots=True)
class Execute:
    """Run these calls, all at once; each record then has its result."""

    calls: list[tuple[Tool, ToolCallRecord]]


Loop: TypeAlias = Generator["Ask | Execute | ToolStep", Any, None]
_FORCED: Final = ("auto", "none")


def tool_loop(tools: Mapping[str, Tool], params: Mapping[str, Any], max_steps: int) -> Loop:
    """Asks, has run what is called, and asks again, until an answer calls nothing; steps come out as they are done."""
    messages = [_plain(message) for message in params["messages"]]
    request = {**params, "tools": [tool.to_wire() for tool in tools.values()]}
    if left := _unanswered(messages):
        yield from _run(tools, 0, None, left, messages, [])
    for number in range(1, max_steps + 1):
        reply: ChatCompletion = yield Ask({**request, "messages": list(messages)})
        choice = reply.choices[0] if reply.choices else None
        message: dict[str, Any] = _plain(choice.message) if choice is not None else {"role": "assistant", "content": ""}
        calls = read_calls(choice.message.tool_calls, choice.finish_reason) if choice is not None else []
        yield from _run(tools, number, reply, calls, messages, [message])
        if not calls:
            return
        if request.get("tool_choice") not in _FORCED:
            request.pop("tool_choice", None)  # a tool that has to be called each time would be called for ever


def _run(
    tools: Mapping[str, Tool],
    number: int,
    reply: ChatCompletion | None,
    calls: Sequence[ReadCall],
    messages: list[dict[str, Any]],
    added: list[dict[str, Any]],
) -> Loop:
    records = [ToolCallRecord(read.call.id, read.call.function.name, read.arguments) for read in calls]
    runnable: list[tuple[Tool, ToolCallRecord]] = []
    for read, record in zip(calls, records, strict=True):
        tool = tools.get(record.name)
        if read.problem is not None:
            fail(record, ToolError(read.problem))
        elif tool is None:
            fail(record, ToolError(f"there is no tool {record.name!r}; the tools are {', '.join(tools)}"))
        else:
            runnable.append((tool, record))
    if runnable:
        yield Execute(runnable)
    added += [record.to_message() for record in records]
    messages += added
    yield ToolStep(number, reply, records, added)


def succeed(record: ToolCallRecord, result: Any) -> None:
    """Notes what a tool gave."""
    record.result = result_text(result)


def fail(record: ToolCallRecord, error: Exception) -> None:
    """Notes what went wrong, and tells the model so that it can do better."""
    record.error = error
    what = str(error) if isinstance(error, ToolError) else f"{type(error).__name__}: {error}"
    record.result = f"Error: {what}"


def _unanswered(messages: list[dict[str, Any]]) -> list[ReadCall]:
    """The calls of the last answer without a result, as where an earlier run was cut."""
    answered: set[Any] = set()
    for message in reversed(messages):
        if message.get("role") == "tool":
            answered.add(message.get("tool_call_id"))
            continue
        calls = [ToolCall.model_validate(call) for call in message.get("tool_calls") or ()]
        return read_calls([call for call in calls if call.id not in answered], None)
    return []


def _plain(message: Any) -> dict[str, Any]:
    return message.model_dump(exclude_none=True) if isinstance(message, BaseModel) else dict(message)
