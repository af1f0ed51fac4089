"""What each tool shows of the calls, read through its own API."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

_SHOWN_WITHIN = 90.0


class Shown(NamedTuple):
    """An LLM call as a tool shows it.

    Attributes:
        model: The model's name.
        usd: The cost that the client put on the span.
        own_usd: The cost that the tool itself adds up or works out, or None.
    """

    model: str | None
    usd: float | None
    own_usd: float | None


def of_phoenix(address: str, project: str, calls: int) -> list[Shown]:
    """The LLM calls of a project, in the order of their starts: attributes by REST, prices by GraphQL."""
    query = """query { projects { edges { node { name spans(first: 500) { edges { node {
        spanId costSummary { total { cost } } } } } } } } }"""

    def read() -> list[Shown]:
        rows = httpx.get(f"{address}/v1/projects/{project}/spans", params={"limit": 500}).raise_for_status().json()
        found = [row for row in rows["data"] if "llm.cost.total" in row["attributes"]]
        reply = httpx.post(f"{address}/graphql", json={"query": query}).raise_for_status().json()
        nodes = [edge["node"] for edge in reply["data"]["projects"]["edges"]]
        spans = [edge["node"] for node in nodes if node["name"] == project for edge in node["spans"]["edges"]]
        priced = {span["spanId"]: (span["costSummary"] or {}).get("total", {}).get("cost") for span in spans}
        found.sort(key=lambda row: row["start_time"])
        return [
            Shown(
                row["attributes"].get("llm.model_name"),
                row["attributes"]["llm.cost.total"],
                priced.get(row["context"]["span_id"]),
            )
            for row in found
        ]

    return _settled(read, calls, lambda call: call.own_usd is not None)


def of_mlflow(address: str, experiment: str, calls: int) -> list[Shown]:
    """The LLM calls of an experiment, in the order in which they started, with the cost of their whole traces."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow

    mlflow.set_tracking_uri(address)
    location = mlflow.get_experiment_by_name(experiment)

    def read() -> list[Shown]:
        traces: Any = mlflow.search_traces(locations=[location.experiment_id], return_type="list")
        found: list[tuple[int, Shown]] = []
        for trace in traces:
            total = json.loads(trace.info.trace_metadata.get("mlflow.trace.cost", "{}")).get("total_cost")
            for span in trace.data.spans:
                cost = span.get_attribute("mlflow.llm.cost")
                if cost is not None:
                    shown = Shown(span.get_attribute("mlflow.llm.model"), cost["total_cost"], total)
                    found.append((span.start_time_ns, shown))
        return [shown for _, shown in sorted(found, key=lambda one: one[0])]

    return _settled(read, calls, lambda call: call.own_usd is not None)


def _settled(read: Callable[[], list[Shown]], calls: int, is_whole: Callable[[Shown], bool]) -> list[Shown]:
    """What is shown once it is complete; servers take spans in and price them in the background."""
    give_up = time.monotonic() + _SHOWN_WITHIN
    while True:
        shown = read()
        if (len(shown) >= calls and all(map(is_whole, shown))) or time.monotonic() > give_up:
            return shown
        time.sleep(1)
