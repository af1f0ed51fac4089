"""Answers that follow a schema: what reads them, and what `with_structured_output` is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, convert_to_messages
from langchain_core.output_parsers import (
    BaseCumulativeTransformOutputParser,
    JsonOutputParser,
    PydanticOutputParser,
)
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from auriko_langchain._keys import REFUSAL
from auriko_langchain.errors import AurikoRefusalError

Method = Literal["json_schema", "function_calling", "json_mode"]


class AnswerParser(BaseCumulativeTransformOutputParser[Any]):
    """Reads the answer by another parser, and raises where the model declined instead of finding nothing."""

    parser: BaseCumulativeTransformOutputParser[Any]

    @property
    def OutputType(self) -> type[Any]:  # noqa: N802 - LangChain's name
        """The type that the answer is parsed into."""
        return self.parser.OutputType

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """The answer; None where a stream has not brought enough of it.

        Raises:
            AurikoRefusalError: The model declined.
            OutputParserException: The answer does not follow the schema.
        """
        message = result[0].message if isinstance(result[0], ChatGeneration) else None
        # Of a stream the whole refusal is wanted, so its end is waited for.
        whole = not isinstance(message, AIMessageChunk) or message.chunk_position == "last"
        if message is not None and whole and (refusal := message.additional_kwargs.get(REFUSAL)):
            raise AurikoRefusalError(str(refusal))
        return self.parser.parse_result(result, partial=partial)

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """The same; not in another thread, which would take longer than the parsing."""
        return self.parse_result(result, partial=partial)

    def parse(self, text: str) -> Any:
        """The answer in a text that is no message."""
        return self.parser.parse(text)


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
        described: dict[str, Any] = convert_to_openai_tool(schema, strict=strict)
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
    parser = answer_parser(schema, method, name)
    return with_raw(bound, parser) if include_raw else bound | parser


def _describing(schema: Mapping[str, Any]) -> Runnable[LanguageModelInput, LanguageModelInput]:
    def described(prompt: LanguageModelInput) -> LanguageModelInput:
        if isinstance(prompt, PromptValue):
            return describe(schema, prompt.to_messages())
        return describe(schema, convert_to_messages([prompt] if isinstance(prompt, str) else prompt))

    async def adescribed(prompt: LanguageModelInput) -> LanguageModelInput:  # not in another thread
        return described(prompt)

    return RunnableLambda(described, adescribed, name="describe_json")


def answer_parser(schema: Any, method: Method, tool_name: str) -> AnswerParser:
    """The parser that turns the model's message into an instance of the schema's class, or a dictionary without one."""
    model = schema if isinstance(schema, type) and is_basemodel_subclass(schema) else None
    if method == "function_calling":
        if model is None:
            return AnswerParser(parser=JsonOutputKeyToolsParser(key_name=tool_name, first_tool_only=True))
        return AnswerParser(parser=PydanticToolsParser(tools=[model], first_tool_only=True))
    return AnswerParser(parser=JsonOutputParser() if model is None else _of_class(model))


def describe(schema: Mapping[str, Any], messages: list[BaseMessage]) -> list[BaseMessage]:
    """The messages, with the schema told before them where none of them speaks of JSON.

    Providers refuse their JSON mode for a conversation without that word.
    """
    if any("json" in message.text.lower() for message in messages):
        return messages
    told = f"Answer with one JSON object that follows this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"
    return [SystemMessage(told), *messages]


def _of_class(model: type[BaseModel]) -> PydanticOutputParser[BaseModel]:
    return PydanticOutputParser(pydantic_object=model)


def with_raw(model: Runnable[Any, AIMessage], parser: Runnable[AIMessage, Any]) -> Runnable[Any, Any]:
    """A runnable whose result has `raw`, the message, `parsed`, the answer, and `parsing_error`."""
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")
