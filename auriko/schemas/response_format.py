"""The form that an answer is to have, of a type of Python: what is asked for, and what reads the answer.

Pydantic models, dataclasses, typed dictionaries, lists, enums and plain types will do; or a `pydantic.TypeAdapter`.
What is no object on the wire is asked for as one with a `value`, since providers want an object.
"""

# Schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pydantic import PydanticUserError, TypeAdapter
from pydantic_core import from_json

from auriko.errors import StructuredOutputError, error_from_event
from auriko.meaning.structured import of_json_value, structured_answer
from auriko.models._base import Reply
from auriko.models.chat import ChatCompletion
from auriko.models.parsed import ParsedChatCompletion, ParsedResponse, without_object
from auriko.models.responses import Response, ResponseMessageOutputItem, ResponseRefusalContentPart
from auriko.schemas import fitting_name, inlined, strict_schema

T = TypeVar("T")
# What answers may be asked to be: a type that pydantic knows, or what reads it.
AnswerType: TypeAlias = type[T] | TypeAdapter[T]
_VALUE: Final = "value"
# Parts of schemas that say of which kind a value is, and those that strict mode knows nothing of.
_SAYS: Final = frozenset({"type", "anyOf", "allOf", "$ref", "enum", "const"})
_LOOSE: Final = frozenset({"patternProperties", "prefixItems", "propertyNames", "uniqueItems"})
# By the reason that a response gives for being incomplete, the finish reason of a chat completion.
_ENDINGS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


class ResponseFormat(Generic[T]):
    """A type as the form of answers; `response_format_of` makes it.

    Attributes:
        name: The type's name, as the API takes it.
        schema: The JSON schema that is asked for.
        strict: Whether providers can hold answers to it to the letter.
    """

    def __init__(self, adapter: TypeAdapter[T], name: str | None) -> None:
        self._validate: Callable[[Any], T] = of_json_value(adapter.validate_json)
        schema = _without_discriminators(adapter.json_schema())
        self.name = fitting_name(name or inlined(schema).get("title") or "answer")
        self._wrapped = inlined(schema).get("type") != "object"
        if self._wrapped:
            definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
            schema = {"type": "object", "properties": {_VALUE: schema}, "required": [_VALUE], **definitions}
        self.strict = _can_be_strict(schema)
        self.schema = strict_schema(schema) if self.strict else schema

    def for_chat(self) -> dict[str, Any]:
        """The `response_format` of a chat completion."""
        return {"type": "json_schema", "json_schema": self._described()}

    def for_responses(self) -> dict[str, Any]:
        """The `text.format` of a response."""
        return {"type": "json_schema", **self._described()}

    def _described(self) -> dict[str, Any]:
        return {"name": self.name, "schema": self.schema, **({"strict": True} if self.strict else {})}

    def read(self, text: str | None, finish_reason: str | None, refusal: str | None = None) -> T:
        """The object that an answer holds.

        Raises:
            StructuredOutputError: There is none; the subclass says why.
        """
        return structured_answer(
            text, validate=self._validated, name=self.name, finish_reason=finish_reason, refusal=refusal
        )

    def partial(self, text: str) -> Any:
        """The JSON value of an answer as far as it has come, which nothing has checked; None before there is any."""
        try:
            return self._unwrapped(from_json(text, allow_partial="trailing-strings"))
        except ValueError:
            return None

    def of_completion(self, reply: ChatCompletion) -> ParsedChatCompletion[T]:
        """The completion with the object of each of its answers; one that calls tools has none.

        Raises:
            StructuredOutputError: An answer holds no such object.
        """
        parsed: ParsedChatCompletion[T] = without_object(ParsedChatCompletion, reply)
        with _answered_by(reply):
            for choice in parsed.choices:
                message = choice.message
                if message.content or not message.tool_calls:
                    message.keep(self.read(message.content, choice.finish_reason, message.refusal))
            if not parsed.choices:
                self.read(None, None)
        return parsed

    def of_response(self, reply: Response) -> ParsedResponse[T]:
        """The response with the object of its text; one that calls functions has none.

        Raises:
            StructuredOutputError: The response holds no such object.
            APIStatusError: The response failed.
        """
        if reply.status == "failed":
            raise error_from_event({"error": reply.error.model_dump() if reply.error else {}}, reply.response_headers)
        parsed: ParsedResponse[T] = without_object(ParsedResponse, reply)
        if parsed.output_text or not any(item.type == "function_call" for item in parsed.output):
            reason = (parsed.incomplete_details or {}).get("reason")
            with _answered_by(reply):
                parsed.keep(self.read(parsed.output_text, _ENDINGS.get(str(reason)), _refusal(parsed)))
        return parsed

    def _validated(self, value: Any) -> T:
        return self._validate(self._unwrapped(value))

    def _unwrapped(self, value: Any) -> Any:
        return value[_VALUE] if self._wrapped and isinstance(value, dict) and _VALUE in value else value


@contextmanager
def _answered_by(reply: Reply) -> Generator[None]:
    """Errors inside know the headers of the reply."""
    try:
        yield
    except StructuredOutputError as error:
        error.response_headers = reply.response_headers
        raise


def response_format_of(form: AnswerType[T]) -> ResponseFormat[T]:
    """The form of a type; made once for each.

    Raises:
        TypeError: It is no type that pydantic knows.
    """
    if not isinstance(form, Hashable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _no_type(form)
    return _made(form)


@lru_cache(maxsize=256)
def _made(form: AnswerType[T]) -> ResponseFormat[T]:
    if isinstance(form, str):
        raise _no_type(form)
    try:
        adapter = form if isinstance(form, TypeAdapter) else TypeAdapter(form)
        return ResponseFormat(adapter, getattr(form, "__name__", None))
    except PydanticUserError as error:
        raise TypeError(f"response_format: {error.message}") from None


def _can_be_strict(schema: Any) -> bool:
    """False where a part takes values that strict mode cannot describe: of any kind, or objects of any names."""
    if not isinstance(schema, dict) or _SAYS.isdisjoint(schema) or not _LOOSE.isdisjoint(schema):
        return False
    if schema.get("type") == "object" and "properties" not in schema:
        return False
    named = [each for name in ("properties", "$defs") for each in (schema.get(name) or {}).values()]
    listed = [each for name in ("anyOf", "allOf") for each in schema.get(name) or ()]
    return all(map(_can_be_strict, [*named, *listed, *([schema["items"]] if "items" in schema else [])]))


def _without_discriminators(schema: Any) -> Any:
    """The schema with unions as strict mode has them, which need no discriminator."""
    if isinstance(schema, list):
        return [_without_discriminators(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_union = isinstance(schema.get("discriminator"), dict) and isinstance(schema.get("oneOf"), list)
    kept = {"anyOf" if is_union and name == "oneOf" else name: value for name, value in schema.items()}
    return {
        name: _without_discriminators(value)
        for name, value in kept.items()
        if not (is_union and name == "discriminator")
    }


def _no_type(form: Any) -> TypeError:
    return TypeError(f"response_format is a type such as a pydantic model or list[int], not {form!r}")


def _refusal(response: Response) -> str | None:
    parts = [part for item in response.output if isinstance(item, ResponseMessageOutputItem) for part in item.content]
    return next((part.refusal for part in parts if isinstance(part, ResponseRefusalContentPart)), None)
