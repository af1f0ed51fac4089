"""`ChatAuriko`: a LangChain chat model that goes through the Auriko gateway."""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable

from auriko.call_arguments import merge_arguments
from auriko_langchain import _translator
from auriko_langchain._binding import ChatBinding
from auriko_langchain._fields import ChatFields
from auriko_langchain._from_stream import ChunkReader
from auriko_langchain._from_wire import chat_result
from auriko_langchain._input import with_answers_read
from auriko_langchain._keys import PROVIDER
from auriko_langchain._labels import labels_from_config, labels_of_run
from auriko_langchain._params import CALL_FIELDS, OF_STREAMS, check_names
from auriko_langchain._profiles import profile_of, profiles_of_directory, snapshot
from auriko_langchain._register import allow_loading
from auriko_langchain._reply import as_cached
from auriko_langchain._structured import Method, structured_runnable
from auriko_langchain._to_wire import to_wire
from auriko_langchain._tools import (
    Tool,
    ToolChoice,
    is_wired,
    wire_arguments,
    wire_response_format,
    wire_tool_choice,
    wire_tools,
)
from auriko_langchain._tracing import StreamSpan, on_run_span, streams_know_tracers
from auriko_langchain.errors import langchain_errors

_translator.register()
_CHARACTERS_PER_TOKEN = 4
MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def _signature_ready(method: MethodT) -> MethodT:
    """The method with its signature read once; langchain-core reads it on every call, a tenth of its time."""
    method.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
    return method


@labels_from_config
@streams_know_tracers
class ChatAuriko(ChatFields):
    """A chat model behind the Auriko gateway, which picks a provider for every call and says what it cost.

        model = ChatAuriko(models=["gpt-4o", "claude-sonnet-4-6"], routing={"optimize": "cost"})
        message = model.invoke("Why is the sky blue?")
        message.response_metadata["cost"]              # USD
        message.response_metadata["routing_metadata"]  # provider, model, latency, ...

    Every field of a request can also be given to one call or to `bind`, and wins there. The values of `routing`
    and `gateway_metadata` win one by one: what a call does not name stays.

    Raises:
        AurikoAuthenticationError: There is no API key.
        ValueError: A setting is out of its range, or not exactly one of `model` and `models` is given.
        TypeError: An argument is unknown.
    """

    @property
    def _llm_type(self) -> str:
        return "auriko-chat"

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.models or [self.model or ""], snapshot())

    def fetch_profile(self) -> ModelProfile | None:
        """The profile by the gateway's directory as it is now, which becomes the model's; None if it is unknown."""
        with langchain_errors():
            directory = self._client().models.list_directory()
        return self._use_profile(profiles_of_directory(directory))

    async def afetch_profile(self) -> ModelProfile | None:
        """The profile by the gateway's directory as it is now, which becomes the model's; None if it is unknown."""
        with langchain_errors():
            directory = await self._async_client().models.list_directory()
        return self._use_profile(profiles_of_directory(directory))

    def _use_profile(self, known: Mapping[str, ModelProfile]) -> ModelProfile | None:
        self.profile = profile_of(self.models or [self.model or ""], known)
        return self.profile

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        # What langchain-core's own makes, without the deprecated method that it goes through.
        return {**self._identifying_params, "_type": self._llm_type, "stop": stop, **kwargs}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        models = kwargs.get("models") or (None if kwargs.get("model") else self.models)
        if models:
            params["ls_model_name"] = ",".join(models)
        if not stop and self.stop:
            params["ls_stop"] = [self.stop] if isinstance(self.stop, str) else self.stop
        return params

    def _convert_input(self, model_input: LanguageModelInput) -> PromptValue:
        return super()._convert_input(with_answers_read(model_input))

    @_signature_ready
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, run_manager, kwargs)
        with langchain_errors(), on_run_span(run_manager):
            return chat_result(self._client().chat.completions.create(stream=False, **request))

    @_signature_ready
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, run_manager, kwargs)
        with langchain_errors(), on_run_span(run_manager):
            return chat_result(await self._async_client().chat.completions.create(stream=False, **request))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request = self._stream_request(messages, stop, run_manager, kwargs)
        reader, span = ChunkReader(), StreamSpan(run_manager)
        with langchain_errors():
            with span.adopted():
                opened = self._client().chat.completions.create(stream=True, **request)
            with opened as chunks:
                for item in chunks:
                    chunk = reader.read(item)
                    if chunk is not None:
                        if run_manager is not None:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                last = reader.last(chunks.usage, chunks.routing_metadata, chunks.response_headers)
                yield last
                span.settle(last)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._stream_request(messages, stop, run_manager, kwargs)
        reader, span = ChunkReader(), StreamSpan(run_manager)
        with langchain_errors():
            with span.adopted():
                opened = await self._async_client().chat.completions.create(stream=True, **request)
            async with opened as chunks:
                async for item in chunks:
                    chunk = reader.read(item)
                    if chunk is not None:
                        if run_manager is not None:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                last = reader.last(chunks.usage, chunks.routing_metadata, chunks.response_headers)
                yield last
                span.settle(last)

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, run: Any, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """The arguments of the client's call."""
        derived, call = self._derived, labels_of_run(self, run, kwargs)
        if call:
            check_names(call, CALL_FIELDS, "argument")
            call = {name: value for name, value in call.items() if name not in OF_STREAMS}
            if not is_wired(call):
                call = wire_arguments(call)
        request = merge_arguments(derived.defaults, derived.gateway, call)
        request["messages"] = to_wire(messages)
        if stop:
            request["stop"] = stop
        return request

    def _stream_request(
        self, messages: list[BaseMessage], stop: list[str] | None, run: Any, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        stream_usage = kwargs.get("stream_usage")
        request = self._request(messages, stop, run, kwargs)
        if (request.get("n") or 1) > 1:
            raise ValueError("n > 1 cannot be streamed: LangChain joins the chunks of a stream into one message")
        if self.stream_usage if stream_usage is None else stream_usage:
            request.setdefault("stream_options", {"include_usage": True})
        return request

    def bind(self, **kwargs: Any) -> ChatBinding:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # langchain-core has a private class there
        """The model with arguments for every call; `routing` and `gateway_metadata` are merged over its own."""
        return ChatBinding(bound=self, kwargs={}, config={}).bind(**kwargs)

    def bind_tools(
        self,
        tools: Sequence[Tool],
        *,
        tool_choice: ToolChoice = None,
        strict: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools that it may call.

        Args:
            tools: Tools, functions, pydantic classes, typed dictionaries, or schemas.
            tool_choice: Which must be called: "any" or True, a name, "none"; None leaves it to the model.
            strict: Whether calls must follow the schemas to the letter.
            response_format: The form of the final answer: a class, a JSON schema, or as on the wire.
            **kwargs: Further arguments of the calls.

        Raises:
            ValueError: There is no tool of the name in `tool_choice`.
            TypeError: An argument is unknown.
        """
        check_names(kwargs, [*CALL_FIELDS, "ls_structured_output_format"], "argument")
        bound = dict(kwargs)
        offered = wire_tools(tools, strict)
        if offered:
            bound["tools"] = offered
        if (choice := wire_tool_choice(tool_choice, offered)) is not None:
            bound["tool_choice"] = choice
        if response_format is not None:
            bound["response_format"] = wire_response_format(response_format, strict)
        return self.bind(**bound)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """The model with answers that follow a schema.

        Args:
            schema: A pydantic class, of which the answer is an instance; or a typed dictionary or a JSON schema,
                with which it is a dictionary. "json_mode" does without.
            method: "json_schema" has the provider keep to the schema, "function_calling" makes it a tool that must
                be called, "json_mode" asks for JSON of any form, which the prompt has to describe: the schema is
                told before a prompt that does not speak of JSON.
            include_raw: Whether the result is a dictionary of `raw`, the message, `parsed` and `parsing_error`.
            strict: Whether the provider must keep to the schema to the letter.
            **kwargs: Further arguments of the calls.

        Raises:
            ValueError: There is no schema, or no such method.
        """
        return structured_runnable(self, schema, method, include_raw=include_raw, strict=strict, arguments=kwargs)

    def _convert_cached_generations(self, cache_val: list[Generation]) -> list[ChatGeneration]:
        return [as_cached(generation) for generation in super()._convert_cached_generations(cache_val)]

    def _combine_llm_outputs(self, _llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        costs = [output.get("cost") for output in _llm_outputs if output]
        known = [cost for cost in costs if cost is not None]
        return {"cost": sum(known) if len(known) == len(costs) else None}

    def get_num_tokens(self, text: str) -> int:
        """About how many tokens a text has, without asking anybody."""
        return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Tool] | None = None) -> int:
        """About how many tokens the messages have, and the tools with them, without asking anybody."""
        schemas: list[Any] = wire_tools(tools or (), None)
        return count_tokens_approximately(messages, chars_per_token=_CHARACTERS_PER_TOKEN, tools=schemas)


allow_loading(ChatAuriko)
