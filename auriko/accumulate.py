"""A streamed chat completion put together from its chunks, as a plain call would have answered (API section 8.2)."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pydantic import BaseModel

from auriko.models._base import came_with
from auriko.models.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChoiceMessage,
    Delta,
    GeneratedImage,
    RedactedReasoningBlock,
    StreamChoice,
    ThinkingReasoningBlock,
    ToolCall,
    ToolCallDelta,
    ToolCallFunction,
    new_call_id,
)
from auriko.response_headers import ResponseHeaders

ModelT = TypeVar("ModelT", bound=BaseModel)
_OF_WHOLE: Final = ("system_fingerprint", "service_tier", "usage", "routing_metadata")


class ChatAccumulator:
    """Collects chunks while they pass; `completion()` can be asked at any time.

    It keeps what is needed for the next turn: reasoning blocks with their signatures, and those of tool calls.
    """

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._choices: dict[int, _ChoiceState] = {}

    def add(self, chunk: ChatCompletionChunk) -> None:
        """Takes the next chunk."""
        whole = self._whole
        if chunk.id:
            whole.setdefault("id", chunk.id)
        if chunk.model:
            whole.setdefault("model", chunk.model)
        if chunk.created:
            whole.setdefault("created", chunk.created)
        whole.update(_given(chunk, _OF_WHOLE))
        for choice in chunk.choices:
            state = self._choices.get(choice.index)
            if state is None:
                state = self._choices[choice.index] = _ChoiceState()
            state.add(choice)

    def completion(self, headers: ResponseHeaders | None = None) -> ChatCompletion:
        """The completion as far as it has come.

        Args:
            headers: The stream's headers, which become those of the completion.
        """
        choices = [state.choice(index) for index, state in sorted(self._choices.items())]
        completion = _made(ChatCompletion, self._whole, choices=choices)
        came_with(completion, headers)
        return completion


class _ChoiceState:
    """One of the `n` answers."""

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}
        self._logprobs: dict[str, Any] | None = None
        self._message: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {"content": [], "refusal": [], "reasoning_content": []}
        self._reasoning = _Reasoning()
        self._calls = _ToolCalls()
        self._images: list[GeneratedImage] = []

    def add(self, choice: StreamChoice) -> None:
        self._facts.update(_given(choice, ("finish_reason", "native_finish_reason")))
        if isinstance(choice.logprobs, dict):
            self._logprobs = _joined(self._logprobs or {}, choice.logprobs)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        delta = choice.delta
        if delta.role:
            self._message["role"] = delta.role
        for name, pieces in self._texts.items():
            piece = getattr(delta, name)
            if piece is not None:
                pieces.append(piece)
        self._message = _joined(self._message, delta.__pydantic_extra__ or {})
        self._reasoning.add(delta)
        for call in delta.tool_calls or ():
            self._calls.add(call)
        self._images += delta.images or ()

    def choice(self, index: int) -> Choice:
        texts = {name: "".join(pieces) for name, pieces in self._texts.items() if pieces}
        annotations: Any = self._message.get("annotations")
        message = _made(
            ChoiceMessage,
            self._message,
            **texts,
            tool_calls=self._calls.whole() or None,
            reasoning=self._reasoning.blocks() or None,
            images=list(self._images) or None,
            annotations=annotations if isinstance(annotations, list) else None,
        )
        return _made(Choice, self._facts, index=index, message=message, logprobs=self._logprobs)


class _Reasoning:
    """Reasoning blocks: a signature closes the one that is being streamed, and redacted data is a block of its own."""

    def __init__(self) -> None:
        self._done: list[ThinkingReasoningBlock | RedactedReasoningBlock] = []
        self._open: list[str] = []

    def add(self, delta: Delta) -> None:
        if delta.reasoning_content:
            self._open.append(delta.reasoning_content)
        if delta.reasoning_signature is not None:
            self._done.append(self._thinking(delta.reasoning_signature))
            self._open = []
        if delta.reasoning_redacted_data is not None:
            if self._open:
                self._done.append(self._thinking(None))
                self._open = []
            self._done.append(RedactedReasoningBlock(type="redacted", data=delta.reasoning_redacted_data))

    def blocks(self) -> list[Any]:
        return [*self._done, self._thinking(None)] if self._open else list(self._done)

    def _thinking(self, signature: str | None) -> ThinkingReasoningBlock:
        return ThinkingReasoningBlock(type="thinking", thinking="".join(self._open), signature=signature)


class _ToolCalls:
    """Tool calls by their index; their pieces may be interleaved, and ids may come late."""

    def __init__(self) -> None:
        self._by_index: dict[int, list[_ToolCallState]] = {}

    def add(self, delta: ToolCallDelta) -> None:
        calls = self._by_index.setdefault(delta.index, [])
        # Some upstreams send whole calls, all at index 0: then another id is another call.
        if not calls or (delta.id and calls[-1].id and delta.id != calls[-1].id):
            calls.append(_ToolCallState())
        calls[-1].add(delta)

    def whole(self) -> list[ToolCall]:
        return [call.whole() for _, calls in sorted(self._by_index.items()) for call in calls]


class _ToolCallState:
    def __init__(self) -> None:
        self.id = ""
        self._name = ""
        self._arguments: list[str] = []
        self._rest: dict[str, Any] = {}

    def add(self, delta: ToolCallDelta) -> None:
        self.id = self.id or delta.id or ""
        self._rest.update(_given(delta, ("type", "provider_signature")))
        if delta.function is not None:
            name = delta.function.name
            if name and name != self._name:  # some upstreams repeat the whole name with every piece
                self._name += name
            if delta.function.arguments:
                self._arguments.append(delta.function.arguments)

    def whole(self) -> ToolCall:
        function = ToolCallFunction(name=self._name, arguments="".join(self._arguments))
        self.id = self.id or new_call_id()  # the same however often the answer is asked for
        return _made(ToolCall, self._rest, id=self.id, function=function)


def _made(model: type[ModelT], said: dict[str, Any], **put_together: Any) -> ModelT:
    """The model of what was said, where what was put together of pieces wins over fields of the same name."""
    return model.model_validate({**said, **put_together})


def _given(part: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of these names that are not None, and those that the models do not know."""
    given = {name: value for name in names if (value := getattr(part, name)) is not None}
    return {**given, **(part.__pydantic_extra__ or {})}


def _joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both, with lists of one name joined."""
    joined = dict(old)
    for name, value in new.items():
        before: Any = joined.get(name)
        joined[name] = before + value if isinstance(before, list) and isinstance(value, list) else value
    return joined
