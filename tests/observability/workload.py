"""Calls of each kind against the sandbox, traced to one tool; prints what each was billed, as JSON.

python tests/observability/workload.py phoenix http://127.0.0.1:6006
python tests/observability/workload.py mlflow http://127.0.0.1:5000
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from langchain_core.prompts import ChatPromptTemplate
from llama_index.core import Document, SummaryIndex
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from auriko import Client
from auriko.sandbox import Sandbox
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko

PROJECT = "auriko"
MODELS = ["gpt-4o", "claude-sonnet-4-6"]
TEXT = "The harbour of Lindness was built in 1874. The ferry to Skarvik takes 45 minutes. A ticket costs 12 euros."
QUESTION = "How long does the ferry to Skarvik take?"


def trace_to_phoenix(address: str) -> None:
    """OpenInference's instrumentors, and the client's own spans, all by OTLP."""
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    provider = _provider(OTLPSpanExporter(f"{address}/v1/traces"))
    LangChainInstrumentor().instrument(tracer_provider=provider)
    LlamaIndexInstrumentor().instrument(tracer_provider=provider)


def trace_to_mlflow(address: str) -> None:
    """MLflow's autologging for the frameworks, and the client's own spans by OTLP."""
    import mlflow

    mlflow.set_tracking_uri(address)
    experiment = mlflow.set_experiment(PROJECT)
    headers = {"x-mlflow-experiment-id": experiment.experiment_id}
    _provider(OTLPSpanExporter(f"{address}/v1/traces", headers=headers))
    mlflow.langchain.autolog()
    mlflow.llama_index.autolog()


def _provider(exporter: OTLPSpanExporter) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"openinference.project.name": PROJECT, "service.name": PROJECT}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def jobs(settings: dict[str, str]) -> dict[str, Callable[[], Any]]:
    """What is run, by name."""
    client = Client(**settings)
    chain = ChatPromptTemplate.from_template(f"{TEXT}\n{{question}}") | ChatAuriko(models=MODELS, **settings)
    index = SummaryIndex.from_documents([Document(text=TEXT)])
    llm = Auriko(models=MODELS, **settings)
    messages = [{"role": "user", "content": f"{TEXT}\n{QUESTION}"}]
    routed = {"messages": messages, "gateway": {"models": MODELS}}
    return {
        "client": lambda: client.chat.completions.create(**routed),
        "client, streamed": lambda: list(client.chat.completions.create(**routed, stream=True)),
        "LangChain chain": lambda: chain.invoke({"question": QUESTION}),
        "LangChain chain, streamed": lambda: list(chain.stream({"question": QUESTION})),
        "LlamaIndex query": lambda: index.as_query_engine(llm=llm).query(QUESTION),
        "LlamaIndex query, streamed": lambda: list(
            index.as_query_engine(llm=llm, streaming=True).query(QUESTION).response_gen
        ),
    }


def main(tool: str, address: str) -> None:
    """Runs the jobs and prints which was billed what, and which model answered."""
    {"phoenix": trace_to_phoenix, "mlflow": trace_to_mlflow}[tool](address)
    billed: list[dict[str, Any]] = []
    with Sandbox(engines=["quote", "quote-slow"]) as sandbox:
        for name, job in jobs({"base_url": sandbox.base_url, "api_key": sandbox.api_key}).items():
            before = len(sandbox.decisions)
            job()
            for decision in sandbox.decisions[before:]:
                last = decision["attempts"][-1]
                billed.append({"job": name, "usd": last.get("usd"), "model": last["model"]})
    if tool == "mlflow":
        import mlflow

        mlflow.flush_trace_async_logging()
    sys.stdout.write(json.dumps(billed) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
