"""Answers that somebody chose: as a list, by model, or by a function of the request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard, cast

from auriko.errors import CODES
from auriko.sandbox.engines.base import EngineError, Event, Finish, Prompt, Thought, ToolCall
from auriko.sandbox.engines.json_types import is_array, is_object
from auriko.sandbox.engines.speech import say
from auriko.sandbox.toml_file import read_toml

Part: TypeAlias = str | Thought | ToolCall | EngineError | Finish
Answer: TypeAlias = Part | Iterable[Part]
ModelAnswers: TypeAlias = Part | Sequence[Answer] | Callable[[Prompt], Answer | None]
Answers: TypeAlias = ModelAnswers | Mapping[str, ModelAnswers]


def by_model(answers: Answers) -> TypeGuard[Mapping[str, ModelAnswers]]:
    """True if these are answers for each of some models."""
    return isinstance(answers, Mapping)


class ScriptedError(EngineError):
    """An error as an answer: the caller gets it, and no other provider is tried.

    Args:
        code: One of the API's codes, such as `rate_limit_exceeded`, which has a status of its own.
        message: What the error says.
        retry_after: Seconds in its header `Retry-After`.
    """

    is_final = True

    def __init__(self, code: str, message: str = "This error was chosen.", retry_after: float | None = None) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is not a code of the API's errors")
        if not 0 <= float(retry_after or 0) < 1e9:
            raise ValueError(f"retry_after is {retry_after!r}, which is no number of seconds to wait")
        super().__init__(message, code, None if retry_after is None else float(retry_after))


def tool_call(name: str, /, **arguments: Any) -> ToolCall:
    """A call of a tool as an answer, such as `tool_call("get_weather", city="Oslo")`."""
    return ToolCall(name, json.dumps(arguments, ensure_ascii=False, default=str))


class ScriptedEngine:
    """An engine that says what it is told to. Safe to use from several threads.

    Args:
        answers: A text, `tool_call(...)` or an error, which is given every time; a list, each of whose items is given
            once; a function of the request, which may yield parts and take its time; or a dict of any of these by
            model. An item that is a list itself is one answer of several parts; `Finish("length")` says it is cut.
        name: The engine's name, which a catalogue's providers refer to.
    """

    def __init__(self, answers: Answers, name: str = "scripted") -> None:
        self.name = name
        self._answers = answers
        self._given: dict[int, int] = {}
        self._lock = threading.Lock()

    def run(self, prompt: Prompt) -> Iterator[Event]:
        """Events of the next answer."""
        answer = self.take(prompt)
        if answer is None:
            raise ScriptedError("invalid_request", f"There is no answer for the model {prompt.model!r}.")
        return say(_said([answer] if isinstance(answer, Part) else answer), prompt)

    def take(self, prompt: Prompt) -> Answer | None:
        """The next answer to this request, or None if there is none. What is thought before it does not count.

        Raises:
            ScriptedError: All answers of a list have been given, or the function has failed.
        """
        chosen = self._answers.get(prompt.model) if by_model(self._answers) else cast("ModelAnswers", self._answers)
        if prompt.is_thought and chosen is not None:
            return ""
        if callable(chosen):
            with _failing_as_said():
                return chosen(prompt)
        if chosen is None or isinstance(chosen, Part):
            return chosen
        with self._lock:
            number = self._given[id(chosen)] = self._given.get(id(chosen), 0) + 1
        if number > len(chosen):
            raise ScriptedError(
                "invalid_request", f"All {len(chosen)} answers have been given; this would be one more."
            )
        return chosen[number - 1]


@contextmanager
def _failing_as_said() -> Generator[None]:
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        message = f"The function of answers failed with {type(error).__name__}: {error}"
        raise ScriptedError("invalid_request", message) from error


def _said(parts: Iterable[Part]) -> Iterator[str | Event]:
    with _failing_as_said():
        for part in parts:
            if isinstance(part, EngineError):
                raise part
            yield part


def read_answers(path: Path) -> Answers:
    """The `answers` of a TOML file: a text, `{tool, arguments}` or `{error}`, a list of these, or a table by model.

    Raises:
        ValueError: The file cannot be read, or has something else.
    """
    data = read_toml(path)
    if data.keys() != {"answers"}:
        raise ValueError(f"The file {path} has to have `answers`, and nothing else.")
    return cast("Answers", _read(data["answers"]))


def _read(data: Any) -> Any:
    if isinstance(data, str):
        return data
    if is_array(data):
        return [_read(each) for each in data]
    if is_object(data):
        rest = {name: value for name, value in data.items() if name not in {"tool", "error"}}
        if isinstance(data.get("tool"), str) and rest.keys() <= {"arguments"} and is_object(rest.get("arguments", {})):
            return tool_call(data["tool"], **rest.get("arguments", {}))
        if isinstance(data.get("error"), str) and rest.keys() <= {"message", "retry_after"}:
            return ScriptedError(data["error"], **rest)
        if rest.keys() == data.keys():
            return {name: _read(each) for name, each in data.items()}
    raise ValueError(f"{data!r} is no answer: it is a text, {{tool, arguments}}, {{error}} or a list of these.")
