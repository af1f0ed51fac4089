"""Replies whose answers are objects of a type that was asked for."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import PrivateAttr

from auriko.models._base import AurikoResponseModel, Reply, came_with
from auriko.models.chat import ChatCompletion, Choice, ChoiceMessage
from auriko.models.responses import Response

T = TypeVar("T")


class _Answer(AurikoResponseModel, Generic[T]):
    """What has an object, which is no field: an answer goes back to the model as it came."""

    _parsed: tuple[T, ...] = PrivateAttr(default=())

    @property
    def parsed(self) -> T:
        """The object.

        Raises:
            ValueError: The model called tools instead of answering.
        """
        if not self._parsed:
            raise ValueError("the model called tools instead of answering: run them and send their results")
        return self._parsed[0]

    def keep(self, parsed: T) -> None:
        """Takes the object."""
        self._parsed = (parsed,)


class ParsedMessage(ChoiceMessage, _Answer[T], Generic[T]):
    """The message of an answer; `parsed` is its object."""


class ParsedChoice(Choice, Generic[T]):
    """One of the `n` answers."""

    message: ParsedMessage[T]  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride]


class ParsedChatCompletion(ChatCompletion, Generic[T]):
    """A chat completion; `parsed` is the object of its first answer, each message has its own."""

    choices: list[ParsedChoice[T]]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def parsed(self) -> T:
        """The object of the first answer.

        Raises:
            ValueError: The model called tools instead of answering.
        """
        return self.choices[0].message.parsed


class ParsedResponse(Response, _Answer[T], Generic[T]):
    """A response; `parsed` is the object of its text."""


def without_object(kind: type[Any], reply: Reply) -> Any:
    """The reply as one of this kind, without objects so far."""
    made: Reply = kind.model_validate(reply.model_dump(exclude_unset=True, warnings=False))
    came_with(made, reply.response_headers)
    return made
