"""Query and chat engines over documents, answered by the sandbox, each with what it cost."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core import Document, Settings, SummaryIndex
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.extractors import SummaryExtractor
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import CustomQueryEngine, RetrieverQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen.types import BaseQuestionGenerator, SubQuestion
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.tools import QueryEngineTool
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step
from llama_index.retrievers.bm25 import BM25Retriever
from pydantic import BaseModel

from auriko import track_spend
from auriko.errors import BudgetExceededError, StreamInterruptedError
from auriko_llamaindex import AurikoCostHandler

FERRY = "How long does the ferry from Lindness to Skarvik take?"
LIGHTHOUSE = "How high is the lighthouse of Skarvik?"


@pytest.fixture
def bm25(documents, llm):
    """What builds a query engine that retrieves without embeddings."""
    retriever = BM25Retriever.from_defaults(nodes=documents, similarity_top_k=2)

    def engine(**settings):
        return RetrieverQueryEngine.from_args(retriever, llm=llm, **settings)

    return engine


@pytest.fixture
def costs():
    """A cost handler that is attached while the test runs."""
    with AurikoCostHandler() as handler:
        yield handler


def _spent(answer, spend) -> dict:
    """What the answer says it cost, which is what was spent."""
    told = answer.metadata["auriko"]
    assert told["usd"] == pytest.approx(spend.usd)
    assert told["usd"] > 0
    assert told["calls"] == spend.calls
    assert told["unknown_cost_calls"] == 0
    assert sum(told["by_provider"].values()) == pytest.approx(told["usd"])
    return told


@pytest.mark.usefixtures("costs")
def test_a_bm25_engine_answers_and_says_what_it_cost(bm25):
    with track_spend() as spend:
        answer = bm25().query(FERRY)
    assert "45 minutes" in str(answer)
    assert _spent(answer, spend)["calls"] == 1


@pytest.mark.usefixtures("costs")
def test_a_streamed_answer_says_what_it_cost_once_it_is_read(bm25):
    with track_spend() as spend:
        answer = bm25(streaming=True).query(FERRY)
        assert isinstance(answer, StreamingResponse)
        assert "auriko" not in answer.metadata
        tokens = list(answer.response_gen)
    assert len(tokens) > 3
    assert "45 minutes" in "".join(tokens)
    assert _spent(answer, spend)["calls"] == 1


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_asynchronous_answers_say_what_they_cost(bm25):
    with track_spend() as spend:
        answer = await bm25().aquery(FERRY)
    _spent(answer, spend)
    with track_spend() as spend:
        answer = await bm25(streaming=True).aquery(FERRY)
        assert isinstance(answer, AsyncStreamingResponse)
        text = "".join([token async for token in answer.async_response_gen()])
    assert "45 minutes" in text
    _spent(answer, spend)


def test_the_cost_of_a_streamed_answer_is_whole_without_a_handler(bm25):
    with track_spend() as spend:
        assert "45 minutes" in str(bm25(streaming=True).query(FERRY))
    assert spend.calls == 1
    assert spend.usd > 0
    assert spend.unknown_cost_calls == 0


@pytest.mark.usefixtures("costs")
@pytest.mark.parametrize("arrived", [False, True])
def test_a_streamed_answer_that_is_left_early_counts_its_call(endless, gateway, documents, arrived):
    """Its cost is known only if it had arrived with what was read."""
    gateway.streams("It takes", " 45 minutes.")
    llm = gateway.llm() if arrived else endless[0]
    retriever = BM25Retriever.from_defaults(nodes=documents, similarity_top_k=1)
    answer = RetrieverQueryEngine.from_args(retriever, llm=llm, streaming=True).query(FERRY)
    next(answer.response_gen)
    answer.response_gen.close()
    told = answer.metadata["auriko"]
    assert (told["calls"], told["unknown_cost_calls"]) == (1, int(not arrived))
    assert (told["usd"] > 0) is arrived


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_a_streamed_answer_that_is_cut_counts_its_call(gateway, documents):
    retriever = BM25Retriever.from_defaults(nodes=documents, similarity_top_k=1)
    engine = RetrieverQueryEngine.from_args(retriever, llm=gateway.llm(), streaming=True)
    for _ in range(2):
        gateway.streams_chunks({"choices": [{"index": 0, "delta": {"content": "It takes"}}]}, done=False)
    sync, asynchronous = engine.query(FERRY), await engine.aquery(FERRY)
    with pytest.raises(StreamInterruptedError):
        list(sync.response_gen)
    with pytest.raises(StreamInterruptedError):
        _ = [token async for token in asynchronous.async_response_gen()]
    for answer in (sync, asynchronous):
        assert (answer.metadata["auriko"]["calls"], answer.metadata["auriko"]["unknown_cost_calls"]) == (1, 1)


@pytest.mark.usefixtures("costs")
class Reading(CustomQueryEngine):
    """An engine of a program's own, which streams what it has read somewhere."""

    def custom_query(self, query_str):
        return StreamingResponse(iter(["45 ", "minutes"]), metadata={"source": query_str})


@pytest.mark.usefixtures("costs")
def test_tokens_of_an_engine_of_ones_own_may_come_from_any_iterator():
    answer = Reading().query(FERRY)
    assert "".join(answer.response_gen) == "45 minutes"
    assert answer.metadata["source"] == FERRY
    assert (answer.metadata["auriko"]["usd"], answer.metadata["auriko"]["calls"]) == (0, 0)


class Counting(Workflow):
    """A workflow of a program's own, whose result is a number."""

    @step
    async def count(self, event: StartEvent) -> StopEvent:
        return StopEvent(result=len(event.text))


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_the_result_of_a_workflow_of_ones_own_is_left_as_it_is():
    assert await Counting().run(text="four") == 4


@pytest.mark.usefixtures("costs")
def test_a_handler_that_is_detached_writes_nothing(bm25, costs):
    costs.detach()
    assert "auriko" not in bm25().query(FERRY).metadata


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_queries_at_once_are_counted_apart(bm25):
    engine = bm25(streaming=True)

    async def ask(question: str):
        answer = await engine.aquery(question)
        text = "".join([token async for token in answer.async_response_gen()])
        return text, answer.metadata["auriko"]

    with track_spend() as spend:
        (ferry, one), (lighthouse, two), (_again, three) = await asyncio.gather(*map(ask, [FERRY, LIGHTHOUSE, FERRY]))
    assert "45 minutes" in ferry
    assert "38 metres" in lighthouse
    assert [one["calls"], two["calls"], three["calls"]] == [1, 1, 1]
    assert one["usd"] + two["usd"] + three["usd"] == pytest.approx(spend.usd)


@pytest.mark.usefixtures("costs")
def test_a_query_that_fails_does_not_count_the_next(bm25, costs):
    engine = bm25()
    with track_spend(limit_usd=0), pytest.raises(BudgetExceededError):
        engine.query(FERRY)
    assert costs.open_spans == {}
    assert engine.query(FERRY).metadata["auriko"]["calls"] == 1


@pytest.mark.usefixtures("costs")
def test_a_vector_index_answers(index, llm):
    answer = index.as_query_engine(llm=llm, similarity_top_k=1).query(LIGHTHOUSE)
    assert "38 metres" in str(answer)
    assert answer.source_nodes[0].node.ref_doc_id == "fact-2"
    assert answer.metadata["auriko"]["calls"] == 1


@pytest.mark.usefixtures("costs")
def test_refining_makes_a_call_for_each_document(bm25):
    with track_spend() as spend:
        answer = bm25(response_mode=ResponseMode.REFINE).query(FERRY)
    assert _spent(answer, spend)["calls"] == 2
    assert "45 minutes" in str(answer)


@pytest.mark.usefixtures("costs")
def test_refining_streams_its_last_call(bm25):
    with track_spend() as spend:
        answer = bm25(response_mode=ResponseMode.REFINE, streaming=True).query(FERRY)
        text = "".join(answer.response_gen)
    assert "45 minutes" in text
    assert _spent(answer, spend)["calls"] == 2


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_a_tree_is_summarised_asynchronously(documents, llm):
    engine = SummaryIndex(documents).as_query_engine(llm=llm, response_mode="tree_summarize", use_async=True)
    with track_spend() as spend:
        answer = await engine.aquery(FERRY)
    assert "45 minutes" in str(answer)
    _spent(answer, spend)


@pytest.mark.usefixtures("costs")
def test_accumulating_counts_the_calls_of_its_threads_and_tasks(bm25):
    with track_spend() as spend:
        answer = bm25(response_mode=ResponseMode.ACCUMULATE, use_async=True).query(FERRY)
    assert _spent(answer, spend)["calls"] == 2


class HalfAndHalf(BaseQuestionGenerator):
    """Makes every sentence of the question a question of its own."""

    def generate(self, tools, query):
        questions = [f"{part}?" for part in query.query_str.split("?") if part.strip()]
        return [SubQuestion(sub_question=question, tool_name=tools[0].name) for question in questions]

    async def agenerate(self, tools, query):
        return self.generate(tools, query)

    def _get_prompts(self):
        return {}

    def _update_prompts(self, prompts):
        pass


@pytest.mark.usefixtures("costs")
def test_sub_questions_are_asked_and_added_up(bm25, llm):
    tool = QueryEngineTool.from_defaults(bm25(), name="towns", description="Facts about Lindness and Skarvik.")
    engine = SubQuestionQueryEngine.from_defaults(
        [tool], llm=llm, question_gen=HalfAndHalf(), use_async=True, verbose=False
    )
    with track_spend() as spend:
        answer = engine.query(f"{FERRY} {LIGHTHOUSE}")
    # One for each question, and one that puts their answers together.
    assert _spent(answer, spend)["calls"] == 3
    assert "45 minutes" in answer.source_nodes[0].text
    assert "38 metres" in answer.source_nodes[1].text


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_a_chat_engine_remembers_and_says_what_it_cost(index, llm):
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    engine = index.as_chat_engine(chat_mode="context", llm=llm, memory=memory, similarity_top_k=1)
    with track_spend() as spend:
        first = engine.chat(LIGHTHOUSE)
    assert "38 metres" in str(first)
    _spent(first, spend)
    second = await engine.achat("What is its keeper called?")
    assert "Jonas Berg" in str(second)
    streamed = engine.stream_chat(FERRY)
    assert "45 minutes" in "".join(streamed.response_gen)
    asynchronous = await engine.astream_chat(LIGHTHOUSE)
    assert "38 metres" in "".join([token async for token in asynchronous.async_response_gen()])
    history = memory.get_all()
    assert [message.role.value for message in history] == ["user", "assistant"] * 4
    assert [ChatMessage.model_validate_json(message.model_dump_json()) for message in history] == history


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_streamed_chats_say_what_they_cost_once_they_are_read(index, llm):
    # LlamaIndex's other memory leaves its database open.
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    engine = index.as_chat_engine(chat_mode="condense_plus_context", llm=llm, memory=memory, similarity_top_k=1)
    with track_spend() as spend:
        first = engine.stream_chat(LIGHTHOUSE)
        assert "38 metres" in "".join(first.response_gen)
    assert _spent(first, spend)["calls"] == 1
    with track_spend() as spend:
        second = await engine.astream_chat(FERRY)
        assert "45 minutes" in "".join([token async for token in second.async_response_gen()])
    # The second question is first put into words that stand alone.
    assert _spent(second, spend)["calls"] == 2


@pytest.mark.anyio
async def test_an_extractor_is_paid_for_in_a_pipeline(documents, llm):
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=64, chunk_overlap=0),
            SummaryExtractor(llm=llm, summaries=["self"], show_progress=False),
        ]
    )
    with track_spend() as spend:
        nodes = pipeline.run(documents=documents)
        again = await pipeline.arun(documents=documents)
    assert all(node.metadata["section_summary"] for node in [*nodes, *again])
    assert len(nodes) == 4
    assert spend.usd > 0
    assert spend.calls >= 4


def test_callbacks_of_the_settings_count_where_those_of_the_llm_are_replaced(documents, llm):
    """`as_query_engine(llm=...)` puts the index's callback manager on the LLM."""
    own, settings = TokenCountingHandler(tokenizer=_no_tokenizer), TokenCountingHandler(tokenizer=_no_tokenizer)
    llm.callback_manager = CallbackManager([own])
    Settings.callback_manager = CallbackManager([settings])
    SummaryIndex(documents).as_query_engine(llm=llm).query(FERRY)
    assert own.total_llm_token_count == 0
    assert settings.total_llm_token_count > 0


def _no_tokenizer(_text: str) -> list[int]:
    return []


class Ferry(BaseModel):
    """A ferry."""

    minutes: int
    price: int


@pytest.mark.anyio
@pytest.mark.usefixtures("costs")
async def test_an_engine_with_a_structured_llm_answers_with_the_object(documents, llm):
    engine = SummaryIndex(documents[1:2]).as_query_engine(llm=llm.as_structured_llm(Ferry))
    question = "How many minutes does the ferry take, and what is the price?"
    for answer in (engine.query(question), await engine.aquery(question)):
        assert isinstance(answer.response, Ferry)
        assert answer.metadata["auriko"]["calls"] == 1


def test_the_context_of_the_engine_fits_the_window(documents, llm):
    """A prompt that is cut to the window still answers; the gateway is asked with what fits."""
    llm.context_window = 2000
    many = [Document(text=document.text) for document in documents * 20]
    with track_spend() as spend:
        answer = SummaryIndex(many).as_query_engine(llm=llm, response_mode="compact").query(FERRY)
    assert "45 minutes" in str(answer)
    assert spend.calls > 1
    assert all(record.prompt_tokens <= 2000 for record in spend.records)
