"""The LlamaIndex LLM of the Auriko gateway."""

# LlamaIndex types its decorators, responses and tools with bare dicts and callables.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, cast

from llama_index.core.base.llms.generic_utils import prompt_to_messages
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.prompts.base import BasePromptTemplate
from llama_index.core.tools.types import BaseTool
from llama_index.core.types import Model
from llama_index_instrumentation import get_dispatcher
from typing_extensions import override

from auriko_llamaindex._call import Call
from auriko_llamaindex._from_wire import completion_response
from auriko_llamaindex._settings import AurikoSettings
from auriko_llamaindex._structured import Prediction, apredict, astream, predict, stream
from auriko_llamaindex._tools import tool_selections, tool_spec, why_not_run, wire_tool_choice

_dispatcher = get_dispatcher(__name__)
MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def _chat_events(method: MethodT) -> MethodT:
    """LlamaIndex's events around a chat method; its own decorator forgets the method's type."""
    return cast("MethodT", llm_chat_callback()(method))


def _completion_events(method: MethodT) -> MethodT:
    """LlamaIndex's events around a completion method, with the method's type kept."""
    return cast("MethodT", llm_completion_callback()(method))


class Auriko(AurikoSettings):
    """An LLM whose every response says who answered and what it cost.

    `Auriko(model="gpt-4o")` or `Auriko(models=["gpt-4o", "claude-sonnet-4-6"], routing={"optimize": "cost"})`;
    the key comes from `api_key` or AURIKO_API_KEY. Every call takes any argument of the client's `create`, and
    `models`, `routing` and `gateway_metadata`, which win over the LLM's own, key by key.

    A response, and the last item of a stream, holds `additional_kwargs["routing_metadata"]` with the cost in USD,
    the token counts beside it, and the whole reply in `raw`, all as plain JSON values.

    Raises:
        ValueError: A setting is wrong.
        AuthenticationError: There is no key.
    """

    @classmethod
    def class_name(cls) -> str:
        """The name that stored components are known by."""
        return "auriko_llm"

    # --- the eight methods of an LLM: the public ones tell events, the private ones do the work ---

    @_chat_events
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The answer to the messages."""
        return self._chat(messages, **kwargs)

    @_chat_events
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        """The answer as it grows; the request is sent when the first item is asked for."""
        return self._stream_chat(messages, **kwargs)

    @_chat_events
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The answer to the messages."""
        return await self._achat(messages, **kwargs)

    @_chat_events
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse, None]:
        """The answer as it grows; the request is sent when the first item is asked for."""
        return self._astream_chat(messages, **kwargs)

    @_completion_events
    @override
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The answer to the prompt as one user message."""
        return completion_response(self._chat(prompt_to_messages(prompt), **kwargs))

    @_completion_events
    @override
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        """The answer to the prompt as it grows."""
        items = self._stream_chat(prompt_to_messages(prompt), **kwargs)
        return (completion_response(item) for item in items)

    @_completion_events
    @override
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The answer to the prompt as one user message."""
        return completion_response(await self._achat(prompt_to_messages(prompt), **kwargs))

    @_completion_events
    @override
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        """The answer to the prompt as it grows."""
        items = self._astream_chat(prompt_to_messages(prompt), **kwargs)
        return (completion_response(item) async for item in items)

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        call = Call(self, messages, kwargs)
        with call.on_span():
            return call.response(self._client().chat.completions.create(**call.arguments))

    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        call = Call(self, messages, kwargs)
        with call.on_span():
            return call.response(await self._async_client().chat.completions.create(**call.arguments))

    def _stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        # Here and not in the generator: wrong arguments are refused at the call, and its span is the current one.
        call, client = Call(self, messages, kwargs, stream=True), self._client()

        def items() -> Generator[ChatResponse, None, None]:
            with call.on_span():
                opened = client.chat.completions.create(**call.arguments, stream=True)
            with opened as reply:
                for chunk in reply:
                    item = call.item(chunk)
                    if item is not None:
                        yield item
            yield call.last_item(reply)

        return items()

    def _astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse, None]:
        call, client = Call(self, messages, kwargs, stream=True), self._async_client()

        async def items() -> AsyncGenerator[ChatResponse, None]:
            with call.on_span():
                opened = await client.chat.completions.create(**call.arguments, stream=True)
            async with opened as reply:
                async for chunk in reply:
                    item = call.item(chunk)
                    if item is not None:
                        yield item
            yield call.last_item(reply)

        return items()

    # --- tools ---

    @override
    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | Mapping[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or ())
        if user_msg is not None:
            messages += prompt_to_messages(user_msg) if isinstance(user_msg, str) else [user_msg]
        if not tools:
            return {"messages": messages, **kwargs}
        strict = self.strict if strict is None else strict
        prepared: dict[str, Any] = {
            "messages": messages,
            "tools": [tool_spec(tool, strict=strict) for tool in tools],
            "tool_choice": wire_tool_choice(tool_choice, required=tool_required),
            # Left out where it is the API's default, since not every provider knows it.
            "parallel_tool_calls": None if allow_parallel_tool_calls else False,
        }
        return {**{name: value for name, value in prepared.items() if value is not None}, **kwargs}

    @override
    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The tool calls that the response asks for, with their arguments as dictionaries.

        A call that must not be run, because its arguments are cut or cannot be read, says so in its name, which is that
        of no tool: agents tell the model.

        Raises:
            ValueError: `error_on_no_tool_call` is set, and there is none, or one that must not be run.
        """
        selections = tool_selections(response)
        if error_on_no_tool_call and (why := why_not_run(response)):
            raise ValueError(f"the model's call cannot be run: {why}")
        if error_on_no_tool_call and not selections:
            raise ValueError(f"the model called no tool; it answered: {response.message.content!r}")
        return selections

    # --- structured prediction ---

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """An object of `output_cls`, which the model fills in.

        Raises:
            ValueError: The answer holds no such object.
        """
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        output: Model = predict(Prediction(self, output_cls, prompt, llm_kwargs, prompt_args))
        _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
        return output

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """An object of `output_cls`, which the model fills in; raises as `structured_predict` does."""
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        output: Model = await apredict(Prediction(self, output_cls, prompt, llm_kwargs, prompt_args))
        _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
        return output

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        return stream(Prediction(self, output_cls, prompt, llm_kwargs, prompt_args))

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        return astream(Prediction(self, output_cls, prompt, llm_kwargs, prompt_args))
