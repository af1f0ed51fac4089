"""The cost of LangChain's calls of `ChatAuriko`: a callback handler, and a context manager that sets one up.

The sums are made by `auriko.spend`. Its own `track_spend()` counts every call of the client, also those that
LangChain's callbacks never hear of; the handler here counts what its callbacks belong to, such as one agent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook

from auriko import SpendTracker
from auriko.routing import StructuredWarning
from auriko.spend import CallRecord, SpendTotal
from auriko_langchain._keys import COST, PROVIDER
from auriko_langchain._reply import get_routing_metadata

_active: ContextVar[AurikoCostCallbackHandler | None] = ContextVar("auriko_cost_callback", default=None)
register_configure_hook(_active, inheritable=True)


class AurikoCostCallbackHandler(BaseCallbackHandler):
    """Adds up what the calls cost that it is a callback of, over threads, event loops and streams.

        handler = AurikoCostCallbackHandler()
        agent.invoke(..., config={"callbacks": [handler]})
        handler.usd, handler.by_model()

    Args:
        outer: A handler that is told the same.

    Attributes:
        spend: The sums and the single calls.
        cached_calls: Answers out of LangChain's cache, which cost nothing and are not among the calls.
        warnings: What the gateway changed or ignored, with the provider and the model that answered.
    """

    # In the event loop itself: the sums are quicker than a change of threads, which every token would pay for.
    run_inline = True

    def __init__(self, outer: AurikoCostCallbackHandler | None = None) -> None:
        super().__init__()
        self.spend = SpendTracker()
        self.cached_calls = 0
        self.warnings: list[tuple[str | None, str | None, StructuredWarning]] = []
        self._outer = outer
        self._started: dict[UUID, float] = {}
        self._lock = threading.Lock()

    @property
    def usd(self) -> float:
        """The sum that is known to have been billed, in USD."""
        return self.spend.usd

    @property
    def cache_savings_usd(self) -> float:
        """The sum that the providers' caches saved, in USD."""
        return self.spend.total.cache_savings_usd

    @property
    def calls(self) -> int:
        """The number of calls that have ended well."""
        return self.spend.calls

    def by_provider(self) -> dict[str | None, SpendTotal]:
        """Sums by the provider that answered."""
        return self.spend.by_provider()

    def by_model(self) -> dict[str | None, SpendTotal]:
        """Sums by the model that answered."""
        return self.spend.by_model()

    def __repr__(self) -> str:
        return f"AurikoCostCallbackHandler({self.spend!r})"

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Notes that a call has begun."""
        with self._lock:
            self._started[run_id] = time.time()
        if self._outer is not None:
            self._outer.on_chat_model_start(serialized, messages, run_id=run_id, **kwargs)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Counts a call that has ended."""
        if self._outer is not None:
            self._outer.on_llm_end(response, run_id=run_id, **kwargs)
        with self._lock:
            started = self._started.pop(run_id, None)
        message = _message(response)
        # Seen before, as when an outer block's handler is also a callback of the call itself.
        if started is None or message is None:
            return
        routing = get_routing_metadata(message)
        if routing is not None and (routing.model_extra or {}).get("cached"):
            with self._lock:
                self.cached_calls += 1
            return
        self.spend.add(_record(message, started))
        if routing is not None and routing.warnings:
            with self._lock:
                self.warnings += [(routing.provider, routing.model_canonical, w) for w in routing.warnings]

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forgets a call that failed."""
        if self._outer is not None:
            self._outer.on_llm_error(error, run_id=run_id, **kwargs)
        with self._lock:
            self._started.pop(run_id, None)


@contextmanager
def get_auriko_cost_callback() -> Generator[AurikoCostCallbackHandler]:
    """A handler for all of LangChain's calls within the `with` block.

        with get_auriko_cost_callback() as costs:
            agent.invoke(...)
        print(costs.usd)

    Blocks may be nested.
    """
    handler = AurikoCostCallbackHandler(_active.get())
    token = _active.set(handler)
    try:
        yield handler
    finally:
        _active.reset(token)


def _message(response: LLMResult) -> AIMessage | None:
    """The answer, if it is one of `ChatAuriko`."""
    generation = response.generations[0][0] if response.generations and response.generations[0] else None
    message = generation.message if isinstance(generation, ChatGeneration) else None
    if isinstance(message, AIMessage) and message.response_metadata.get("model_provider") == PROVIDER:
        return message
    return None


def _record(message: AIMessage, started: float) -> CallRecord:
    metadata: Mapping[str, Any] = message.response_metadata
    usage: Mapping[str, Any] = message.usage_metadata or {}
    taken: Mapping[str, Any] = usage.get("input_token_details") or {}
    made: Mapping[str, Any] = usage.get("output_token_details") or {}
    routing = get_routing_metadata(message)
    cost = routing.cost if routing is not None else None
    return CallRecord.from_dict(
        {
            "status": "ok",
            "model_asked": metadata["model_name"],
            "model": metadata["model_name"],
            "provider": routing.provider if routing is not None else None,
            "usd": metadata.get(COST),
            "cache_savings_usd": cost.cache_savings_usd if cost is not None else None,
            "prompt_tokens": usage.get("input_tokens"),
            "completion_tokens": usage.get("output_tokens"),
            "cached_tokens": taken.get("cache_read"),
            "cache_write_tokens": taken.get("cache_creation"),
            "reasoning_tokens": made.get("reasoning"),
            "ttft_ms": routing.ttft_ms if routing is not None else None,
            "duration_ms": (time.time() - started) * 1000,
            "started_at": started,
            "stream": isinstance(message, AIMessageChunk),
            "request_id": metadata.get("request_id"),
        }
    )
