"""Answers that follow a schema: what reads them, and what `with_structured_output` is made of."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, convert_to_messages
from langchain_core.output_parsers.transform import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.utils.json import parse_partial_json
from langchain_core.utils.pydantic import is_basemodel_subclass

from auriko.meaning.structured import structured_answer, validator
from auriko_langchain._from_wire import read_calls_of
from auriko_langchain._input import with_answers_read
from auriko_langchain._keys import REFUSAL
from auriko_langchain._tools import wire_tools
from auriko_langchain.errors import AurikoStructuredOutputError, langchain_errors

Method = Literal["json_schema", "function_calling", "json_mode"]


class AnswerParser(BaseTransformOutputParser[Any]):
    """Reads the object that an answer holds, or raises an error that says why it holds none.

    Of a stream the object comes as it grows, and last as a whole. With `include_raw` every item is a dictionary of
    `raw`, the message, `parsed`, the object, and `parsing_error`, of a stream the keys that an item adds.
    """

    schema_class: Any = None
    schema_name: str = "JSON"
    tool: str | None = None
    include_raw: bool = False

    @property
    def OutputType(self) -> type[Any]:  # noqa: N802 - LangChain's name
        """The type that the answer is parsed into."""
        return dict if self.include_raw else self.schema_class or dict

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """The object; of a part of an answer as far as it goes, or None.

        Raises:
            AurikoStructuredOutputError: There is none; the subclass says why.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else AIMessage(generation.text)
        if partial:
            return self.growing(message)
        return {"raw": message, **self._outcome(message)} if self.include_raw else self.whole(message)

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """The same; not in another thread, which would take longer than the parsing."""
        return self.parse_result(result, partial=partial)

    def parse(self, text: str) -> Any:
        """The object in a text that is no message."""
        return self.whole(AIMessage(text))

    def whole(self, message: BaseMessage) -> Any:
        """The object of a whole answer."""
        with langchain_errors():
            return structured_answer(
                message.text,
                validate=self._validated,
                name=self.schema_name,
                finish_reason=message.response_metadata.get("finish_reason"),
                refusal=message.additional_kwargs.get(REFUSAL),
                calls=read_calls_of(message),
                tool=self.tool,
            )

    def growing(self, message: BaseMessage) -> Any:
        """The object as far as an answer has come, or None where that is not valid yet."""
        try:
            value = self._so_far(message)
            return None if value is None else self._validated(value)
        except ValueError:
            return None

    def _so_far(self, message: BaseMessage) -> Any:
        if self.tool is not None:
            calls = message.tool_calls if isinstance(message, AIMessage) else []
            return next((call["args"] for call in calls if call["name"] == self.tool), None)
        _, brace, rest = message.text.partition("{")
        return parse_partial_json(brace + rest) if brace else None

    def _validated(self, value: Any) -> Any:
        return value if self.schema_class is None else validator(self.schema_class)(value)

    def _outcome(self, message: BaseMessage) -> dict[str, Any]:
        try:
            return {"parsed": self.whole(message), "parsing_error": None}
        except AurikoStructuredOutputError as error:
            return {"parsed": None, "parsing_error": error}

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:  # noqa: A002 - LangChain's name
        growing = _GrowingAnswer(self)
        for chunk in input:
            yield from growing.add(chunk)
        yield from growing.end()

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:  # noqa: A002 - as above
        growing = _GrowingAnswer(self)
        async for chunk in input:
            for item in growing.add(chunk):
                yield item
        for item in growing.end():
            yield item


class _GrowingAnswer:
    """An answer that is being streamed, and the objects that it has held so far."""

    def __init__(self, parser: AnswerParser) -> None:
        self._parser = parser
        self._message: Any = None
        self._last: Any = None

    def add(self, chunk: str | BaseMessage) -> Iterator[Any]:
        """The items of the stream for this chunk."""
        message = AIMessageChunk(content=chunk) if isinstance(chunk, str) else chunk
        self._message = message if self._message is None else self._message + message
        if self._parser.include_raw:
            yield {"raw": message}
        value = self._parser.growing(self._message)
        if value is not None and value != self._last:
            self._last = value
            yield {"parsed": value} if self._parser.include_raw else value

    def end(self) -> Iterator[Any]:
        """The last item of the stream: the whole object, where it differs from the last that was shown."""
        whole = self._parser.parse_result([ChatGeneration(message=self._message or AIMessage(""))])
        if self._parser.include_raw:
            yield {"parsed": whole["parsed"], "parsing_error": whole["parsing_error"]}
        elif whole != self._last:
            yield whole


def structured_runnable(
    model: Any,
    schema: Any,
    method: Method,
    *,
    include_raw: bool,
    strict: bool | None,
    arguments: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """A model with answers that follow a schema: see `ChatAuriko.with_structured_output`.

    Raises:
        ValueError: There is no schema, or no such method.
    """
    if method not in ("json_schema", "function_calling", "json_mode"):
        raise ValueError(f"unknown method {method!r}: json_schema, function_calling or json_mode")
    if schema is None and method != "json_mode":
        raise ValueError(f"method {method!r} needs a schema")
    name = ""
    parameters: dict[str, Any] = {}
    options: dict[str, Any] = dict(arguments)
    if schema is not None:
        described = wire_tools([schema], strict)[0]
        name, parameters = described["function"]["name"], described["function"]["parameters"]
        options["ls_structured_output_format"] = {"kwargs": {"method": method, "strict": strict}, "schema": described}
    bound: Runnable[LanguageModelInput, AIMessage]
    if method == "function_calling":
        bound = model.bind_tools([schema], tool_choice=name, strict=strict, **options)
    else:
        form = {"type": "json_object"} if method == "json_mode" else schema
        bound = model.bind_tools([], response_format=form, strict=strict, **options)
        if method == "json_mode" and schema is not None:
            bound = _describing(parameters) | bound
    return bound | AnswerParser(
        schema_class=schema if isinstance(schema, type) and is_basemodel_subclass(schema) else None,
        schema_name=name or "JSON",
        tool=name if method == "function_calling" else None,
        include_raw=include_raw,
    )


def _describing(schema: Mapping[str, Any]) -> Runnable[LanguageModelInput, LanguageModelInput]:
    def described(prompt: LanguageModelInput) -> LanguageModelInput:
        read = with_answers_read(prompt)
        if isinstance(read, PromptValue):
            return describe(schema, read.to_messages())
        return describe(schema, convert_to_messages([read] if isinstance(read, str) else read))

    async def adescribed(prompt: LanguageModelInput) -> LanguageModelInput:  # not in another thread
        return described(prompt)

    return RunnableLambda(described, adescribed, name="describe_json")


def describe(schema: Mapping[str, Any], messages: list[BaseMessage]) -> list[BaseMessage]:
    """The messages, with the schema told before them where none of them speaks of JSON.

    Providers refuse their JSON mode for a conversation without that word.
    """
    if any("json" in message.text.lower() for message in messages):
        return messages
    told = f"Answer with one JSON object that follows this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"
    return [SystemMessage(told), *messages]
