"""Who else sees usage and cost: callbacks, events and token counters."""

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
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, PrivateAttr

from tests.support.llamaindex_ways import MESSAGES, MODES, run


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


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_there_is_one_end_event_and_it_holds_the_cost(gateway, recorder, mode):
    await run(gateway, gateway.llm(), mode)
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
    await run(gateway, gateway.llm(callback_manager=CallbackManager([debug])), mode)
    ((_start, end),) = debug.get_llm_inputs_outputs()
    payload = end.payload[EventPayload.RESPONSE if "chat" in mode else EventPayload.COMPLETION]
    assert payload.additional_kwargs["routing_metadata"]["cost"]["usd"] == 0.0021
    assert len(debug.get_event_pairs(CBEventType.LLM)) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_token_counter_counts_what_the_gateway_says(gateway, mode):
    counter = TokenCountingHandler(tokenizer=_no_tokenizer)
    await run(gateway, gateway.llm(callback_manager=CallbackManager([counter])), mode)
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
