"""Replies whose answers are objects of a type that was asked for."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import PrivateAttr
from typing_extensions import Self

from auriko.models._base import Reply, came_with
from auriko.models.chat import ChatCompletion, Choice, ChoiceMessage
from auriko.models.responses import Response

T = TypeVar("T")
ReplyT = TypeVar("ReplyT", bound=Reply)


class ParsedMessage(ChoiceMessage, Generic[T]):
    """The message of an answer and its object, which is no field: the message goes back to the model as it came."""

    _parsed: tuple[T, ...] = PrivateAttr(default=())

    @property
    def parsed(self) -> T:
        """The object.

        Raises:
            ValueError: The model called tools instead of answering.
        """
        return _only(self._parsed)

    def keep(self, parsed: T) -> None:
        """Takes the object."""
        self._parsed = (parsed,)


class ParsedChoice(Choice, Generic[T]):
    """One of the `n` answers."""

    message: ParsedMessage[T]  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride]


class ParsedChatCompletion(ChatCompletion, Generic[T]):
    """A chat completion; `parsed` is the object of its first answer, each message has its own."""

    choices: list[ParsedChoice[T]]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]

    @classmethod
    def of(cls, reply: ChatCompletion) -> Self:
        """The completion, without objects so far."""
        return _as(cls, reply)

    @property
    def parsed(self) -> T:
        """The object of the first answer.

        Raises:
            ValueError: The model called tools instead of answering.
        """
        return self.choices[0].message.parsed


class ParsedResponse(Response, Generic[T]):
    """A response; `parsed` is the object of its text."""

    _parsed: tuple[T, ...] = PrivateAttr(default=())

    @classmethod
    def of(cls, reply: Response) -> Self:
        """The response, without its object so far."""
        return _as(cls, reply)

    @property
    def parsed(self) -> T:
        """The object.

        Raises:
            ValueError: The model called functions instead of answering.
        """
        return _only(self._parsed)

    def keep(self, parsed: T) -> None:
        """Takes the object."""
        self._parsed = (parsed,)


def _only(parsed: tuple[T, ...]) -> T:
    if not parsed:
        raise ValueError("the model called tools instead of answering: run them and send their results")
    return parsed[0]


def _as(kind: type[ReplyT], reply: Reply) -> ReplyT:
    made = kind.model_validate(reply.model_dump(exclude_unset=True, warnings=False))
    came_with(made, reply.response_headers)
    return made
