"""A conversation that keeps its messages, its cost and its cache."""

import json
from typing import Any

import anyio
import pytest
from langchain_core.messages import HumanMessage

from auriko import AsyncClient, AsyncConversation, Client, Conversation, RateLimitError, RoutingOptions, SpendTracker
from auriko.sandbox import Finish, Sandbox, ScriptedError
from auriko.sandbox.engines.base import Thought
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko
from tests.support.acts import reply
from tests.support.both import both_clients, items, settled
from tests.support.clients import serving
from tests.support.replies import completion

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def talking(kind: Any, client: Any, **arguments: Any) -> Any:
    """A conversation of the client's kind."""
    return (Conversation if kind is Client else AsyncConversation)(client, **{"model": "gpt-4o", **arguments})


@both_clients
async def test_turns_follow_each_other(kind: Any) -> None:
    with Sandbox(engines=["quote", "quote-slow"], answers=["One.", "Two and three.", "Four."]) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        talk = talking(kind, client, messages=[{"role": "system", "content": "Count."}], temperature=0.5)
        first = await settled(talk.send("Begin."))
        assert first.choices[0].message.content == "One."
        assert "".join(await items(talk.stream("Go on.", max_completion_tokens=50))) == "Two and three."
        assert talk.usd > first.routing_metadata.cost.usd > 0
        saved = talk.to_json()
        again = type(talk).from_json(saved, client)
        assert repr(again) == repr(talk)
        assert repr(talk).startswith(f"{type(talk).__name__}(5 messages, $0.0")
        await settled(again.send({"role": "user", "content": "And on."}))
        assert (len(talk.messages), len(again.messages)) == (5, 7)
        assert again.unknown_cost_calls == 0
        await settled(client.close())
    sent = [request.json for request in sandbox.requests]
    assert [message["content"] for message in sent[2]["messages"]] == [
        *("Count.", "Begin.", "One.", "Go on.", "Two and three.", "And on.")
    ]
    assert [each["temperature"] for each in sent] == [0.5] * 3
    assert [each.get("max_completion_tokens") for each in sent] == [None, 50, None]
    assert ["prefer" in each.get("gateway", {}).get("routing", {}) for each in sent] == [False, True, True]


@both_clients
async def test_a_turn_that_fails_leaves_the_conversation_as_it_was(kind: Any) -> None:
    answers = [ScriptedError("rate_limit_exceeded"), ScriptedError("rate_limit_exceeded"), "One."]
    with Sandbox(engines=["quote"], answers=answers) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, max_retries=0)
        talk = talking(kind, client)
        with pytest.raises(RateLimitError):
            await settled(talk.send("Begin."))
        with pytest.raises(RateLimitError):
            await items(talk.stream("Begin."))
        assert (talk.messages, talk.usd) == ([], 0.0)
        await settled(talk.send("Begin."))
        assert len(talk.messages) == 2
        await settled(client.close())


@both_clients
async def test_what_costs_nobody_knows_is_counted_apart(kind: Any) -> None:
    with serving(reply(200, completion(routing_metadata=None, choices=[]))) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url)
        talk = talking(kind, client)
        await settled(talk.send("Begin."))
        assert (talk.messages, talk.usd, talk.cache_savings_usd, talk.unknown_cost_calls) == ([], 0.0, 0.0, 1)
        await settled(client.close())


@both_clients
async def test_an_answer_that_says_nothing_is_no_end(kind: Any) -> None:
    """As where all tokens have gone into thinking."""
    with Sandbox(
        engines=["quote"], answers=[[Finish("length")], [Thought("Hm."), Finish("length")], "Yes."]
    ) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        talk = talking(kind, client)
        for text in ("One?", "Two?", "Three?"):
            answer = await settled(talk.send(text))
        assert answer.choices[0].message.content == "Yes."
        await settled(client.close())
    assert [message["content"] for message in sandbox.requests[-1].json["messages"]] == ["One?", "Two?", "Three?"]


async def test_turns_that_are_asked_at_once_all_stay() -> None:
    answers = [f"answer {number}" for number in range(5)]
    with Sandbox(engines=["quote"], answers=answers) as sandbox:
        async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as client:
            talk = talking(AsyncClient, client, messages=[{"role": "system", "content": "Count."}])
            async with anyio.create_task_group() as group:
                for number in range(5):
                    group.start_soon(talk.send, f"question {number}")
    said = [message["content"] for message in talk.messages]
    assert len(said) == 11
    assert sorted(said[1::2]) == [f"question {number}" for number in range(5)]
    assert sorted(said[2::2]) == answers


def test_a_long_conversation_loses_its_oldest_turns() -> None:
    with Sandbox(engines=["quote"], answers="Yes. " * 40) as sandbox:
        client = Client(api_key=sandbox.api_key, base_url=sandbox.base_url)
        instructions = {"role": "system", "content": "Answer."}
        talk = Conversation(client, model="gpt-4o", messages=[instructions], max_prompt_tokens=600)
        for number in range(9):
            talk.send(f"Question {number}")
            assert talk.messages[0] == instructions
            assert talk.messages[1]["role"] == "user"
        assert talk.messages[1]["content"] != "Question 0"
        beginnings = [request.json["messages"][1]["content"] for request in sandbox.requests]
        assert len(set(beginnings)) < 4, "the beginning stays for several turns, so that caches hold it"
        short = Conversation(client, model="gpt-4o", messages=[instructions], max_prompt_tokens=5)
        short.send("A question that is longer than that, and is asked all the same.")
        client.close()


@both_clients
async def test_a_turn_that_fails_drops_nothing(kind: Any) -> None:
    answers = ["Yes. " * 40, ScriptedError("rate_limit_exceeded"), ScriptedError("rate_limit_exceeded"), "One."]
    with Sandbox(engines=["quote"], answers=answers) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, max_retries=0)
        talk = talking(kind, client, max_prompt_tokens=40)
        await settled(talk.send("Begin."))
        messages = list(talk.messages)
        with pytest.raises(RateLimitError):
            await settled(talk.send("Go on."))
        with pytest.raises(RateLimitError):
            await items(talk.stream("Go on."))
        assert talk.messages == messages
        await settled(talk.send("Go on."))
        assert [each["content"] for each in talk.messages] == ["Go on.", "One."]
        await settled(client.close())


@both_clients
def test_each_kind_has_clients_of_its_own(kind: Any) -> None:
    other = AsyncClient if kind is Client else Client
    with pytest.raises(TypeError, match=rf"Conversation takes {kind.__name__}, not {other.__name__}$"):
        talking(kind, other(api_key="ak_x"))


def test_what_is_no_json_is_not_saved() -> None:
    client = Client(api_key="ak_x")
    saved = Conversation(client, models=["a"], routing=RoutingOptions(optimize="ttft")).to_json()
    assert json.loads(saved)["params"]["routing"] == {"optimize": "ttft"}
    with pytest.raises(TypeError, match="which JSON has no form for"):
        Conversation(client, model="a", stop=object()).to_json()


def preferences(sandbox: Sandbox) -> list[bool]:
    """Whether each request prefers a provider."""
    return ["prefer" in request.json.get("gateway", {}).get("routing", {}) for request in sandbox.requests]


@pytest.fixture
def answering() -> Any:
    with Sandbox(engines=["quote", "quote-slow"], answers="Yes.") as sandbox:
        yield sandbox


async def test_threads_of_langgraph_are_conversations(answering: Sandbox) -> None:
    model = ChatAuriko("gpt-4o", api_key=answering.api_key, base_url=answering.base_url, conversation=True)
    told = SpendTracker()
    for config in ({"configurable": {"thread_id": "a"}}, {"metadata": {"thread_id": "a"}}, {}):
        with told.active():
            model.invoke("Hello!", config)
        await model.ainvoke("Hello!", config)
        list(model.stream("Hello!", config))
        [chunk async for chunk in model.astream("Hello!", config)]
    assert [record.conversation for record in told.records] == ["a", "a", None]
    # The clients for threads and for event loops remember apart.
    assert preferences(answering) == [False, False, *[True] * 6, *[False] * 4]
    model.generate([[HumanMessage("Hello!")]], metadata={"thread_id": "b"})
    model.invoke("Hello!", {"configurable": {"thread_id": "b"}}, conversation="c")
    assert preferences(answering)[-2:] == [False, False]
    await model.aclose()


async def test_a_thread_of_a_graph_is_a_conversation(answering: Sandbox) -> None:
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, MessagesState, StateGraph

    model = ChatAuriko(
        "gpt-4o", api_key=answering.api_key, base_url=answering.base_url, conversation=True, label_from_config=True
    )

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    agent = graph.compile(checkpointer=InMemorySaver())
    for thread in ("a", "b", "a"):
        agent.invoke({"messages": "Hello!"}, {"configurable": {"thread_id": thread}})
    list(agent.stream({"messages": "Hello!"}, {"configurable": {"thread_id": "b"}}, stream_mode="messages"))
    assert preferences(answering) == [False, False, True, True]
    model.close()


def test_a_model_can_be_for_one_conversation(answering: Sandbox) -> None:
    told = SpendTracker()
    settings: dict[str, Any] = {"api_key": answering.api_key, "base_url": answering.base_url, "spend": told}
    with ChatAuriko("gpt-4o", conversation="c", **settings) as model, ChatAuriko("gpt-4o", **settings) as other:
        model.invoke("Hello!")
        model.invoke("Hello!")
        other.invoke("Hello!", {"configurable": {"thread_id": "c"}})
    with Auriko("gpt-4o", conversation="d", **settings) as llm:
        llm.complete("Hello!")
        llm.complete("Hello!")
        llm.complete("Hello!", conversation=None)
    assert preferences(answering) == [False, True, False, False, True, False]
    assert [record.conversation for record in told.records] == ["c", "c", None, "d", "d", None]


def test_a_conversation_of_llamaindex_is_known_by_its_beginning(answering: Sandbox) -> None:
    from llama_index.core.llms import ChatMessage

    with Auriko("gpt-4o", conversation=True, api_key=answering.api_key, base_url=answering.base_url) as llm:
        for question in ("Hello!", "Good morning!"):
            messages = [ChatMessage("Answer.", role="system"), ChatMessage(question)]
            reply = llm.chat(messages)
            llm.chat([*messages, reply.message, ChatMessage("Again?")])
    assert preferences(answering) == [False, True, False, True]
