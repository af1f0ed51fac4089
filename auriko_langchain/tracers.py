"""A tracer for LangSmith that reports what the gateway billed, instead of an estimate by list prices."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.tracers import LangChainTracer
from langchain_core.tracers.schemas import Run


class AurikoLangChainTracer(LangChainTracer):
    """LangChain's tracer, with the billed cost as `total_cost` of the run's usage.

    agent.invoke(..., config={"callbacks": [AurikoLangChainTracer()]})

    LangChain itself adds its own tracer only where none is among the callbacks.
    """

    @staticmethod
    def _update_run_single(run: Run) -> None:
        # Overridden on the class, because langchain-core copies tracers.
        add_billed_cost(run)
        LangChainTracer._update_run_single(run)  # noqa: SLF001 - of the parent class


def add_billed_cost(run: Run) -> None:
    """Puts the cost that the gateway reported into the usage that LangSmith reads."""
    extra = cast("dict[str, Any]", run.extra)  # pyright: ignore[reportUnknownMemberType]
    metadata: dict[str, Any] = extra.get("metadata") or {}
    gateway: dict[str, Any] = metadata.get("ls_gateway_info") or {}
    cost = gateway.get("cost_usd")
    if cost is not None:
        # A dictionary of its own: the message's usage must stay whole numbers.
        usage: dict[str, Any] = metadata.get("usage_metadata") or {}
        metadata["usage_metadata"] = {**usage, "total_cost": cost}
