"""Answers of servers of the OpenAI API, as events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from auriko.errors import CODES
from auriko.meaning.mending import chat_model
from auriko.meaning.reasoning import reasoning_text
from auriko.meaning.tool_calls import CallsInPieces
from auriko.models.chat import ChatCompletionChunk, StreamChoice
from auriko.sandbox.engines.base import EngineError, Event, Finish, Prompt, Text, Thought, ToolCall
from auriko.sandbox.engines.json_types import is_array, is_object
from auriko.sandbox.engines.tokens import count_prompt_tokens, count_tokens

_Reason = Literal["stop", "length", "tool_calls", "content_filter"]
_REASONS: dict[str, _Reason] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}

# Other servers' names for errors that the registry knows.
_CODES = {
    "exceed_context_size_error": "context_length_exceeded",
    "content_filter": "content_filtered",
    "content_policy_violation": "content_filtered",
}
# The caller's key for the gateway is not the gateway's key for the upstream: a 401 there is a failure here.
_BY_STATUS = {
    404: "model_unavailable",
    408: "upstream_timeout",
    413: "payload_too_large",
    429: "rate_limit_exceeded",
    503: "model_unavailable",
    504: "upstream_timeout",
    529: "model_unavailable",
}
_REFUSED_REQUEST = frozenset({400, 422})
_LONGEST_MESSAGE = 500


class UpstreamAnswer:
    """Grows from chunks, or from one whole completion."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._text = self._thought = ""
        self._calls = CallsInPieces()
        self._reason: _Reason | None = None
        self._usage: Mapping[str, Any] = {}

    def read(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """The events of a chunk.

        Raises:
            EngineError: It is an error, or has another shape.
        """
        if chunk.get("error") is not None:
            raise refusal(0, chunk, None)
        usage = chunk.get("usage")
        if is_object(usage):
            self._usage = usage
        for choice in _choices(chunk.get("choices")):
            if choice.finish_reason:
                self._reason = _REASONS.get(choice.finish_reason, "stop")
            yield from self._read_choice(choice)

    def end(self) -> Iterator[Event]:
        """The events after the last chunk.

        Raises:
            EngineError: The answer is not complete.
        """
        if self._reason is None:
            raise EngineError("it broke off in the middle of its answer")
        calls = [call.whole().function for call in self._calls.said()]
        for call in calls:
            yield ToolCall(call.name, call.arguments)
        told = "".join([self._text, *(call.name + call.arguments for call in calls)])
        completion = _count(self._usage.get("completion_tokens"), lambda: count_tokens(self._thought + told))
        yield Finish(
            self._reason,
            _count(self._usage.get("prompt_tokens"), lambda: count_prompt_tokens(self._prompt)),
            completion,
            cached_tokens=self._detail("prompt_tokens_details", "cached_tokens", lambda: 0),
            reasoning_tokens=min(
                completion,
                self._detail("completion_tokens_details", "reasoning_tokens", lambda: count_tokens(self._thought)),
            ),
        )

    def _detail(self, group: str, name: str, estimate: Callable[[], int]) -> int:
        details = self._usage.get(group)
        return _count(details.get(name) if is_object(details) else None, estimate)

    def _read_choice(self, choice: StreamChoice) -> Iterator[Event]:
        delta = choice.delta
        if thought := reasoning_text(delta):
            self._thought += thought
            yield Thought(thought)
        if text := delta.content or delta.refusal:
            self._text += text
            tokens = choice.logprobs.get("content") if is_object(choice.logprobs) else None
            yield Text(text, tuple(tokens) if is_array(tokens) else ())
        for piece in delta.tool_calls or ():
            self._calls.add(piece)


def _choices(choices: Any) -> list[StreamChoice]:
    """The choices of a chunk, or of a whole completion as if it were one chunk."""
    given = choices if is_array(choices) else ()
    as_chunks = [
        {**choice, "delta": choice.get("delta") or choice.get("message")} if is_object(choice) else choice
        for choice in given
    ]
    try:
        return chat_model(ChatCompletionChunk, {"choices": as_chunks}).choices
    except ValidationError as error:
        raise EngineError(f"it sent a choice that cannot be read: {error.errors()[0]['msg']}") from error


def refusal(status: int, body: Any, retry_after: str | None) -> EngineError:
    """The error here for one of the upstream.

    Args:
        status: Of the reply; 0 for an error inside a stream.
        body: The reply as JSON, or None.
        retry_after: The header of that name.
    """
    error = body.get("error", body) if is_object(body) else body
    said = error.get("message") if is_object(error) else error
    message = f"it says {said[:_LONGEST_MESSAGE]!r}" if isinstance(said, str) and said else "it gives no reason"
    code = _known_code(error) or ("invalid_request" if status in _REFUSED_REQUEST else _BY_STATUS.get(status))
    if status in {401, 403}:
        message = f"it refuses the API key that it was sent, or the lack of one (status {status}); {message}"
    elif status:
        message = f"status {status}, {message}"
    return EngineError(message, code or "upstream_error", _seconds(retry_after))


def _known_code(error: Any) -> str | None:
    """The registry's code for a refused request, if the error names one."""
    for name in (error.get("code"), error.get("type")) if is_object(error) else ():
        code = _CODES.get(name, name) if isinstance(name, str) else ""
        if code in CODES and CODES[code].type == "invalid_request_error":
            return code
    return None


def _count(reported: Any, estimate: Callable[[], int]) -> int:
    """The number that was reported, or an estimate where that is not a number of tokens."""
    return reported if isinstance(reported, int) and reported >= 0 else estimate()


def _seconds(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or "")
    except ValueError:  # a date; the caller then waits as long as it likes
        return None
    return seconds if 0 <= seconds < float("inf") else None
