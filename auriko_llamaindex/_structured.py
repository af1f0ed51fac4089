"""Structured prediction: the ways to ask for an object, and how it is read from the answer."""

# LlamaIndex types additional_kwargs with bare dicts, and what an LLM offers to its programs is protected.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportPrivateUsage=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import create_flexible_model
from llama_index.core.prompts.base import BasePromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, ValidationError

from auriko.errors import BadRequestError
from auriko.meaning.structured import structured_answer, validator
from auriko.schemas import fitting_name, inlined, strict_schema
from auriko_llamaindex._tools import finish_reason, read_calls_of, read_json

if TYPE_CHECKING:
    from auriko_llamaindex._settings import AurikoSettings

Arguments: TypeAlias = dict[str, Any]
Route: TypeAlias = Callable[["AurikoSettings", type[BaseModel], list[ChatMessage], Arguments], Arguments]

# By these the gateway says that no provider of the model can do it, whatever the prompt is.
_UNSUPPORTED: Final = frozenset(
    {
        "json_mode_not_supported",
        "no_tools_on_endpoint",
        "structured_output_not_supported",
        "tool_choice_required_not_supported",
        "tools_not_supported",
        "tools_with_structured_output_not_supported",
    }
)
_NO_ANSWER: Final = ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT))
_TOOL_ARGUMENTS: Final = frozenset({"tool_choice", "tool_required", "allow_parallel_tool_calls", "strict"})


class Prediction:
    """One object to be predicted. Where the gateway cannot do it one way, the next way is taken."""

    def __init__(
        self,
        llm: AurikoSettings,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: Mapping[str, Any] | None,
        prompt_args: Mapping[str, Any],
    ) -> None:
        self.llm = llm
        self._output_cls = output_cls
        self._messages = llm._extend_messages(prompt.format_messages(llm=llm, **prompt_args))  # noqa: SLF001 - LlamaIndex's own programs call it
        self._llm_kwargs = dict(llm_kwargs or {})
        self._routes = _routes(llm)

    @cached_property
    def _partial_cls(self) -> type[BaseModel]:
        return create_flexible_model(self._output_cls)

    def request(self) -> Arguments:
        """The arguments of the chat call on the present way."""
        return self._routes[0](self.llm, self._output_cls, list(self._messages), dict(self._llm_kwargs))

    def fall_back(self, error: BadRequestError) -> None:
        """Take the next way, or raise the error if it has another reason or there is no other way."""
        if error.code not in _UNSUPPORTED or len(self._routes) == 1:
            raise error
        self._routes = self._routes[1:]

    def partial(self, response: ChatResponse) -> BaseModel:
        """The object as far as a growing answer goes; fields that have not come yet are None."""
        text = _called_with(response) or (response.message.content or "")
        value = read_json(text[text.find("{") :])
        try:
            return self._output_cls.model_validate(value)
        except ValidationError:
            return self._partial_cls.model_validate(value)

    def parse(self, response: ChatResponse) -> Any:
        """The object of a whole answer.

        Raises:
            StructuredOutputError: The answer holds no such object; the subclass says why.
        """
        calls = read_calls_of(response)
        return structured_answer(
            response.message.content,
            validate=validator(self._output_cls),
            name=self._output_cls.__name__,
            finish_reason=finish_reason(response),
            refusal=response.additional_kwargs.get("refusal"),
            calls=calls,
            tool=calls[0].call.function.name if calls else None,
        )


def predict(prediction: Prediction) -> Any:
    """The object, by a plain call."""
    while True:
        try:
            return prediction.parse(prediction.llm.chat(**prediction.request()))
        except BadRequestError as error:
            prediction.fall_back(error)


async def apredict(prediction: Prediction) -> Any:
    """The object, by an asynchronous call."""
    while True:
        try:
            return prediction.parse(await prediction.llm.achat(**prediction.request()))
        except BadRequestError as error:
            prediction.fall_back(error)


def stream(prediction: Prediction) -> Generator[Any, None, None]:
    """The object as it grows; the last one is complete and valid."""
    while True:
        response = _NO_ANSWER
        try:
            for response in prediction.llm.stream_chat(**prediction.request()):
                yield prediction.partial(response)
        except BadRequestError as error:
            prediction.fall_back(error)
        else:
            yield prediction.parse(response)
            return


async def astream(prediction: Prediction) -> AsyncGenerator[Any, None]:
    """The object as it grows; the last one is complete and valid."""
    while True:
        response = _NO_ANSWER
        try:
            async for response in await prediction.llm.astream_chat(**prediction.request()):
                yield prediction.partial(response)
        except BadRequestError as error:
            prediction.fall_back(error)
        else:
            yield prediction.parse(response)
            return


def _routes(llm: AurikoSettings) -> list[Route]:
    mode = llm.pydantic_program_mode
    if mode == PydanticProgramMode.FUNCTION:
        return [_by_tool]
    if mode == PydanticProgramMode.LLM:
        return [_by_text]
    if mode != PydanticProgramMode.DEFAULT:
        raise ValueError(f"pydantic_program_mode {mode.value!r} belongs to other LLMs: use default, function or llm")
    if llm.should_use_structured_outputs:
        return [_by_schema, _by_text]
    return [_by_tool, _by_text] if llm.is_function_calling_model else [_by_text]


def _by_tool(
    llm: AurikoSettings, output_cls: type[BaseModel], messages: list[ChatMessage], llm_kwargs: Arguments
) -> Arguments:
    """A tool whose arguments are the object, and which the model must call."""
    llm_kwargs.pop("allow_parallel_tool_calls", None)
    options: Arguments = {"tool_required": True, **llm_kwargs}
    return llm._prepare_chat_with_tools([get_function_tool(output_cls)], chat_history=messages, **options)  # noqa: SLF001 - as above


def _by_schema(
    llm: AurikoSettings, output_cls: type[BaseModel], messages: list[ChatMessage], llm_kwargs: Arguments
) -> Arguments:
    """A response_format with the object's schema."""
    schema = output_cls.model_json_schema()
    strict = llm.strict is not False
    described: Arguments = {
        "name": fitting_name(schema.get("title") or output_cls.__name__),
        "schema": strict_schema(schema) if strict else inlined(schema),
        "strict": strict,
    }
    if "description" in schema:
        described["description"] = schema["description"]
    response_format = {"type": "json_schema", "json_schema": described}
    return {"messages": messages, "response_format": response_format, **_without_tools(llm_kwargs)}


def _by_text(
    _llm: AurikoSettings, output_cls: type[BaseModel], messages: list[ChatMessage], llm_kwargs: Arguments
) -> Arguments:
    """The schema in the prompt, for models that can do nothing else."""
    schema = json.dumps(output_cls.model_json_schema(), ensure_ascii=False)
    demand = f"Answer with one JSON object that fits this JSON schema, and with nothing else:\n{schema}"
    *earlier, last = messages or [ChatMessage(role=MessageRole.USER)]
    if last.role == MessageRole.USER:
        last = last.model_copy(update={"blocks": [*last.blocks, TextBlock(text=demand)]})
    else:
        earlier, last = messages, ChatMessage(role=MessageRole.USER, content=demand)
    return {"messages": [*earlier, last], **_without_tools(llm_kwargs)}


def _without_tools(llm_kwargs: Arguments) -> Arguments:
    return {name: value for name, value in llm_kwargs.items() if name not in _TOOL_ARGUMENTS}


def _called_with(response: ChatResponse) -> str | None:
    """The arguments of the first tool call, or None where there is none."""
    calls = response.message.additional_kwargs.get("tool_calls")
    return str(calls[0]["function"]["arguments"]) if calls else None
