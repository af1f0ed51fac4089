"""`auriko demo`: the main job, visibly. A query engine, a chain, the plain client, and what each call cost."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from auriko import Client, RoutingOptions, SpendTracker, track_spend
from auriko.cli._console import Console, open_console, usd
from auriko.cli._demo_gateway import Gateway, gateway_of
from auriko.cli._errors import CommandError
from auriko.notebook import documentation

_NEEDED = ("rich", "langchain_core", "llama_index", "bm25s", "starlette", "uvicorn")
_SUFFIXES = {".md", ".txt"}
_MODELS = ["gpt-4o-mini", "deepseek-chat", "llama-3.1-8b-instruct"]
_CHAIN_MODELS = ["gpt-4o", "claude-sonnet-4-6", "gpt-4o-mini"]


class _Question(NamedTuple):
    """A question, how it is routed, and the number of passages it is answered from: a small model is slow with many."""

    text: str
    way: str = "quickest"
    routing: RoutingOptions = RoutingOptions(optimize="ttft-focus")
    passages: int = 3


# The sandbox's language model is the provider `local_lm`. A preferred provider that is not there never fails a
# request, so the same holds for the real gateway. It is too small to notice what a text does not say, so it is asked
# the one question that is known to have an answer.
_QUESTIONS = [
    _Question("How many seconds is the default timeout of a request?", "local", RoutingOptions(prefer="local_lm"), 1),
    _Question("How many retries are there by default?"),
    _Question("Who leads the support team?"),
]
_SUMMARY = "Summarize what this is about."
_PROMPT = (
    "Context:\n{context_str}\n\n"
    "Answer the question from the context, in one sentence. "
    'If the context does not hold the answer, say "Not in the documents."\n\n'
    "Question: {query_str}\nAnswer: "
)
_LETTER = (
    "Hello, this is Dana Reyes from Northwind. Since the update this morning the export button does nothing, and we "
    "cannot send our invoices to 340 customers. Please treat this as urgent."
)


def run(arguments: argparse.Namespace) -> int:
    """Runs the demo; the exit code is 0."""
    documents = _read_documents(arguments.folder)
    _require_extras()
    console = open_console()
    asked: list[str] = arguments.question or []
    questions = [_Question(text) for text in asked]
    if not questions:
        questions = _QUESTIONS if arguments.folder is None else [_Question(_SUMMARY)]
    calls = [_MODELS] * (len(questions) + 1) + [_CHAIN_MODELS] * 3
    with gateway_of(arguments, console, calls) as gateway:
        with track_spend(arguments.limit_usd if arguments.live else None) as spend:
            _query_documents(console, gateway, documents, questions)
            _run_chain(console, gateway)
            _stream_plainly(console, gateway)
        _show_costs(console, spend)
    return 0


def _read_documents(folder: str | None) -> dict[str, str]:
    """The text of the .md and .txt files below a folder, by name; without one, the project's own documentation."""
    root = Path(folder) if folder is not None else documentation()
    if not root.is_dir():
        raise CommandError(f"{root} is not a folder")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    found = {str(path.relative_to(root)): path.read_text("utf-8", "replace") for path in files}
    documents = {name: text for name, text in found.items() if text.strip()}
    if not documents:
        raise CommandError(f"{root} has no .md or .txt documents")
    return documents


def _require_extras() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise CommandError(f'the demo needs more packages ({", ".join(missing)}): pip install "auriko[demo]"')


def _query_documents(console: Console, gateway: Gateway, documents: dict[str, str], questions: list[_Question]) -> None:
    from llama_index.core import Document, PromptTemplate
    from llama_index.core.base.response.schema import StreamingResponse
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.query_engine import RetrieverQueryEngine
    from llama_index.retrievers.bm25 import BM25Retriever  # pyright: ignore[reportMissingTypeStubs]

    from auriko_llamaindex import Auriko

    console.heading("1. LlamaIndex: a query engine over documents")
    splitter = SentenceSplitter(chunk_size=256, chunk_overlap=32)
    nodes = splitter.get_nodes_from_documents(
        [Document(text=text, metadata={"file": name}) for name, text in documents.items()]
    )
    console.note(f"{len(documents)} documents, {len(nodes)} passages, retrieved by BM25")
    for question in questions:
        llm = Auriko(
            models=_MODELS,
            routing=question.routing,
            base_url=gateway.base_url,
            api_key=gateway.api_key,
            max_tokens=120,
            temperature=0,
        )
        retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=min(question.passages, len(nodes)))  # pyright: ignore[reportUnknownMemberType]
        template = PromptTemplate(_PROMPT)
        engine = RetrieverQueryEngine.from_args(retriever, llm=llm, text_qa_template=template, streaming=True)
        console.question(question.text)
        with track_spend(tags=[f"query, {question.way}"]) as spend:
            response = engine.query(question.text)
            console.stream(response.response_gen if isinstance(response, StreamingResponse) else [str(response)])
        files = sorted({str(node.metadata.get("file")) for node in response.source_nodes})
        console.routed(spend, f"from {', '.join(files)}")


def _run_chain(console: Console, gateway: Gateway) -> None:
    from langchain_core.messages import HumanMessage
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.tools import tool
    from pydantic import BaseModel, Field

    from auriko_langchain import ChatAuriko

    console.heading("2. LangChain: a chain with a tool and a structured answer")

    @tool
    def price_of_call(model: str, input_tokens: int, output_tokens: int) -> str:
        """The price in USD of a call of a model with so many input tokens and output tokens."""
        with Client(base_url=gateway.base_url, api_key=gateway.api_key) as client:
            offers = client.models.list_directory().models[model].providers
        tiers = [tier for offer in offers for tier in offer.tiers or [] if tier.input_price and tier.output_price]
        prices = [(t.input_price or 0) * input_tokens + (t.output_price or 0) * output_tokens for t in tiers]
        return f"A call of {model} costs between {usd(min(prices) / 1e6)} and {usd(max(prices) / 1e6)}."

    class Ticket(BaseModel):
        """A support ticket."""

        customer: str = Field(description="name of the person who writes")
        company: str = Field(description="name of the company")
        urgent: bool = Field(description="whether it is urgent")
        affected_customers: int = Field(description="number of customers affected")

    model = ChatAuriko(
        models=_CHAIN_MODELS,
        routing={"optimize": "cost"},
        base_url=gateway.base_url,
        api_key=gateway.api_key,
        temperature=0,
    )
    prompt = ChatPromptTemplate.from_messages([("system", "Use the tools you have."), ("placeholder", "{messages}")])
    question = HumanMessage(
        "What is the price of a call of the model gpt-4o with 2000 input tokens and 500 output tokens?"
    )
    console.question(question.text)
    with track_spend(tags=["chain, tool call"]) as spend:
        asked = (prompt | model.bind_tools([price_of_call])).invoke({"messages": [question]})
        results = [price_of_call.invoke(call) for call in asked.tool_calls]
        for call in asked.tool_calls:
            arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
            console.note(f"the model calls {call['name']}({arguments})")
        chain = prompt | model.bind_tools([price_of_call]) | StrOutputParser()
        console.stream(chain.stream({"messages": [question, asked, *results]}))
    console.routed(spend)
    console.question(_LETTER)
    with track_spend(tags=["chain, structured"]) as spend:
        ticket = (prompt | model.with_structured_output(Ticket)).invoke({"messages": [HumanMessage(_LETTER)]})
        console.answer(repr(ticket))
    console.routed(spend)


def _stream_plainly(console: Console, gateway: Gateway) -> None:
    console.heading("3. The plain client: a stream")
    question = "Write one friendly sentence about the sea."
    console.question(question)
    with Client(base_url=gateway.base_url, api_key=gateway.api_key) as client:
        with track_spend(tags=["plain client"]) as spend:
            stream = client.chat.completions.create(
                messages=[{"role": "user", "content": question}],
                gateway={"models": _MODELS, "routing": {"optimize": "cost", "prefer": "local_lm"}},
                max_completion_tokens=60,
                temperature=0,
                stream=True,
            )
            console.stream(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        ttft = stream.routing_metadata.ttft_ms if stream.routing_metadata else None
        console.routed(spend, f"first token after {ttft:.0f} ms" if ttft is not None else "")


def _show_costs(console: Console, spend: SpendTracker) -> None:
    console.heading("4. What it cost")
    console.calls(spend)
    console.totals("by provider", spend.by_provider())
    console.totals("by model", spend.by_model())
