"""Who else sees usage and cost: callbacks, events, token counters and OpenTelemetry spans."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.callbacks.schema import EventPayload
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, PrivateAttr

from auriko_llamaindex import _otel

MESSAGES = [ChatMessage(role="user", content="Hi")]
MODES = ["chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete"]


class Recorder(BaseEventHandler):
    """Keeps every event."""

    _events: list[Any] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Recorder"

    def handle(self, event: Any, **_kwargs: Any) -> None:
        self._events.append(event)

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self._events if isinstance(event, kinds)]


@pytest.fixture
def recorder() -> Recorder:
    handler = Recorder()
    dispatcher = get_dispatcher()
    dispatcher.event_handlers = [*dispatcher.event_handlers, handler]
    return handler


async def _run(gateway: Any, llm: Any, mode: str) -> None:
    if "stream" in mode:
        gateway.streams("Hel", "lo")
    else:
        gateway.says("Hello")
    result = getattr(llm, mode)(MESSAGES if "chat" in mode else "Hi")
    if mode.startswith("a"):
        result = await result
    if mode.startswith("astream"):
        _ = [item async for item in result]
    elif mode.startswith("stream"):
        list(result)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_there_is_one_end_event_and_it_holds_the_cost(gateway, recorder, mode):
    await _run(gateway, gateway.llm(), mode)
    (event,) = recorder.of(LLMChatEndEvent, LLMCompletionEndEvent)
    assert event.response.additional_kwargs["routing_metadata"]["cost"]["usd"] == 0.0021
    assert event.response.raw["usage"]["total_tokens"] == 10
    json.dumps(event.model_dump(), default=str)
    dumped = event.model_dump()
    assert dumped["response"]["additional_kwargs"]["routing_metadata"]["provider"] == "example_host"
    assert event.span_id.startswith(f"Auriko.{mode}-")


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_legacy_callbacks_see_the_cost_once(gateway, mode):
    debug = LlamaDebugHandler(print_trace_on_end=False)
    await _run(gateway, gateway.llm(callback_manager=CallbackManager([debug])), mode)
    ((_start, end),) = debug.get_llm_inputs_outputs()
    payload = end.payload[EventPayload.RESPONSE if "chat" in mode else EventPayload.COMPLETION]
    assert payload.additional_kwargs["routing_metadata"]["cost"]["usd"] == 0.0021
    assert len(debug.get_event_pairs(CBEventType.LLM)) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_token_counter_counts_what_the_gateway_says(gateway, mode):
    counter = TokenCountingHandler(tokenizer=_no_tokenizer)
    await _run(gateway, gateway.llm(callback_manager=CallbackManager([counter])), mode)
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (7, 3)


def _no_tokenizer(_text: str) -> list[int]:
    return []


def test_the_start_event_names_the_model_and_the_routing(gateway, recorder):
    gateway.says("ok")
    gateway.llm(models=["a", "b"], routing={"optimize": "cost"}).chat(MESSAGES, temperature=0.5)
    (event,) = recorder.of(LLMChatStartEvent)
    assert event.model_dict["model"] == "a,b"
    assert event.model_dict["routing"] == {"optimize": "cost"}
    assert "ak_test" not in str(event.model_dump())


def test_structured_prediction_tells_its_events_and_those_of_its_call(gateway, recorder):
    class City(BaseModel):
        name: str

    gateway.says('{"name": "Oslo"}')
    gateway.llm(should_use_structured_outputs=True).structured_predict(City, PromptTemplate("x"))
    assert len(recorder.of(LLMStructuredPredictStartEvent, LLMStructuredPredictEndEvent)) == 2
    (end,) = recorder.of(LLMChatEndEvent)
    assert end.response.additional_kwargs["routing_metadata"]["cost"]["usd"] == 0.0021


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(spans) -> trace.Tracer:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider.get_tracer("test")


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_the_current_span_holds_the_cost(gateway, tracer, spans, mode):
    with tracer.start_as_current_span("llm"):
        await _run(gateway, gateway.llm(), mode)
    (span,) = spans.get_finished_spans()
    attributes = dict(span.attributes)
    assert attributes["llm.cost.total"] == attributes["gen_ai.usage.cost"] == 0.0021
    assert json.loads(attributes["mlflow.llm.cost"]) == {"total_cost": 0.0021}
    assert attributes["auriko.provider"] == "example_host"
    assert attributes["auriko.model_canonical"] == attributes["gen_ai.response.model"] == "m-1"
    assert attributes["auriko.ttft_ms"] == 12.5


def test_a_stream_writes_on_the_span_that_it_was_asked_in(gateway, tracer, spans):
    gateway.streams("Hel", "lo")
    outer = tracer.start_span("outer")
    with trace.use_span(outer, end_on_exit=False):
        stream = gateway.llm().stream_chat(MESSAGES)
    with tracer.start_as_current_span("elsewhere"):
        list(stream)
    outer.end()
    costs = {span.name: dict(span.attributes).get("llm.cost.total") for span in spans.get_finished_spans()}
    assert costs == {"elsewhere": None, "outer": 0.0021}


def test_the_span_behind_a_proxy_is_the_one_written_on(gateway, tracer, spans):
    """OpenInference keeps a proxy as the current span, and points it elsewhere when the call has returned."""

    class Proxy(trace.NonRecordingSpan):
        def __init__(self, wrapped: Any) -> None:
            super().__init__(wrapped.get_span_context())
            self.__wrapped__ = wrapped

    gateway.streams("Hel", "lo")
    real = tracer.start_span("real")
    proxy = Proxy(real)
    with trace.use_span(proxy):
        stream = gateway.llm().stream_chat(MESSAGES)
    proxy.__wrapped__ = trace.INVALID_SPAN
    list(stream)
    real.end()
    (span,) = spans.get_finished_spans()
    assert span.attributes["llm.cost.total"] == 0.0021


def test_an_unknown_cost_is_no_cost_of_zero(gateway, tracer, spans):
    gateway.says("ok", routing_metadata={"provider": "p"})
    with tracer.start_as_current_span("llm"):
        gateway.llm().chat(MESSAGES)
    (span,) = spans.get_finished_spans()
    assert dict(span.attributes) == {"auriko.provider": "p"}


def test_a_span_that_has_ended_is_left_alone(gateway, tracer, spans):
    gateway.streams("ok")
    with tracer.start_as_current_span("llm"):
        stream = gateway.llm().stream_chat(MESSAGES)
    list(stream)
    (span,) = spans.get_finished_spans()
    assert not span.attributes


def test_without_opentelemetry_calls_work_as_they_are(gateway, monkeypatch):
    monkeypatch.setattr(_otel, "trace", None)
    gateway.says("ok")
    assert gateway.llm().chat(MESSAGES).message.content == "ok"
