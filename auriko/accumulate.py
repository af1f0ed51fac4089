"""A streamed chat completion put together from its chunks, as a plain call would have answered (API section 8.2)."""

from __future__ import annotations

from typing import Any, Final

from auriko.meaning.message import MessageInPieces, joined_lists
from auriko.models._base import came_with
from auriko.models.chat import ChatCompletion, ChatCompletionChunk, Choice, StreamChoice
from auriko.response_headers import ResponseHeaders

# These come with every chunk, or are put together; of the others the last that a chunk brings counts.
_FIRST: Final = ("id", "model", "created")
_LAST: Final = tuple(name for name in ChatCompletionChunk.model_fields if name not in {*_FIRST, "object", "choices"})
_OF_CHOICE: Final = tuple(name for name in StreamChoice.model_fields if name not in {"index", "delta", "logprobs"})


class ChatAccumulator:
    """Collects chunks while they pass; `completion()` can be asked at any time.

    It keeps what is needed for the next turn: reasoning blocks with their signatures, and those of tool calls.
    """

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._choices: dict[int, _ChoiceInPieces] = {}

    def add(self, chunk: ChatCompletionChunk) -> None:
        """Takes the next chunk."""
        for name in _FIRST:
            if value := getattr(chunk, name):
                self._whole.setdefault(name, value)
        self._whole |= _given(chunk, _LAST)
        for choice in chunk.choices:
            state = self._choices.get(choice.index)
            if state is None:
                state = self._choices[choice.index] = _ChoiceInPieces()
            state.add(choice)

    def completion(self, headers: ResponseHeaders | None = None) -> ChatCompletion:
        """The completion as far as it has come.

        Args:
            headers: The stream's headers, which become those of the completion.
        """
        choices = [state.choice(index) for index, state in sorted(self._choices.items())]
        completion = ChatCompletion.model_validate({**self._whole, "choices": choices})
        came_with(completion, headers)
        return completion


class _ChoiceInPieces:
    """One of the `n` answers."""

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}
        self._logprobs: dict[str, Any] | None = None
        self._message = MessageInPieces()

    def add(self, choice: StreamChoice) -> None:
        self._facts |= _given(choice, _OF_CHOICE)
        if isinstance(choice.logprobs, dict):
            self._logprobs = joined_lists(self._logprobs or {}, choice.logprobs)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        self._message.add(choice.delta)

    def choice(self, index: int) -> Choice:
        message = self._message.whole()
        return Choice.model_validate({**self._facts, "index": index, "message": message, "logprobs": self._logprobs})


def _given(part: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of these names that say something, and those that the models do not know."""
    given = {name: value for name in names if (value := getattr(part, name)) is not None and value != ""}
    return {**given, **(part.__pydantic_extra__ or {})}
