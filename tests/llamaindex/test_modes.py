"""The eight methods of the LLM: what they send, what they answer, and that cost is on every answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, ChatResponse, CompletionResponse

MESSAGES = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hi")]
WIRE_MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


async def _every_mode(gateway: Any, llm: Any) -> dict[str, Any]:
    """The last answer of each of the eight methods."""
    answers: dict[str, Any] = {}
    for name in ("chat", "complete"):
        argument = MESSAGES if name == "chat" else "Hi"
        gateway.says("Hello there")
        answers[name] = getattr(llm, name)(argument)
        gateway.says("Hello there")
        answers[f"a{name}"] = await getattr(llm, f"a{name}")(argument)
        gateway.streams("Hello", " there")
        answers[f"stream_{name}"] = list(getattr(llm, f"stream_{name}")(argument))[-1]
        gateway.streams("Hello", " there")
        stream = await getattr(llm, f"astream_{name}")(argument)
        answers[f"astream_{name}"] = [item async for item in stream][-1]
    return answers


@pytest.mark.anyio
async def test_every_method_answers_with_text_usage_and_cost(gateway):
    answers = await _every_mode(gateway, gateway.llm())
    assert len(answers) == 8
    for name, answer in answers.items():
        text = answer.text if name.endswith("complete") else answer.message.content
        assert text == "Hello there", name
        told = answer.additional_kwargs
        assert told["routing_metadata"]["cost"]["usd"] == 0.0021, name
        assert told["routing_metadata"]["provider"] == "example_host", name
        assert (told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]) == (7, 3, 10), name
        assert type(answer.raw) is dict, name
        assert answer.raw["usage"]["total_tokens"] == 10, name
        assert answer.raw["routing_metadata"] == told["routing_metadata"], name
        assert answer.raw["choices"][0]["finish_reason"] == "stop", name
        assert answer.raw["model"] == "m-1", name
        json.dumps(answer.model_dump())  # nothing in it but plain values


@pytest.mark.anyio
async def test_every_method_sends_the_same_request(gateway):
    await _every_mode(gateway, gateway.llm(temperature=0.5, max_tokens=20))
    chats, completions = gateway.bodies[:4], gateway.bodies[4:]
    for body in chats:
        assert body["messages"] == WIRE_MESSAGES
    for body in completions:
        assert body["messages"] == [{"role": "user", "content": "Hi"}]
    for body in gateway.bodies:
        assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("m-1", 0.5, 20)
        assert "gateway" not in body
        assert body.get("stream", False) == ("stream_options" in body)


def test_nothing_is_sent_that_was_not_set(gateway):
    gateway.says("Hello")
    gateway.llm().chat(MESSAGES)
    assert gateway.bodies == [{"model": "m-1", "messages": WIRE_MESSAGES}]


def test_every_item_of_a_stream_holds_the_whole_message_so_far(gateway):
    gateway.streams("Hello", " there")
    items = list(gateway.llm().stream_chat(MESSAGES))
    assert [(item.delta, item.message.content) for item in items] == [
        ("Hello", "Hello"),
        (" there", "Hello there"),
        ("", "Hello there"),
        ("", "Hello there"),
    ]
    assert all(isinstance(item, ChatResponse) and type(item.raw) is dict for item in items)
    assert [bool(item.additional_kwargs) for item in items] == [False, False, False, True]


def test_a_stream_that_says_nothing_still_has_an_item(gateway):
    gateway.streams_chunks({"choices": [], "usage": {"prompt_tokens": 1}})
    (item,) = gateway.llm().stream_complete("Hi")
    assert isinstance(item, CompletionResponse)
    assert (item.text, item.delta, item.raw["choices"]) == ("", "", [])


def test_metadata_that_comes_before_the_last_text_is_kept_for_the_last_item(gateway):
    first = {"choices": [{"index": 0, "delta": {"content": "a"}}], "routing_metadata": {"cost": {"usd": 1.5}}}
    last = {"choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": "stop"}]}
    gateway.streams_chunks(first, last)
    items = list(gateway.llm().stream_chat(MESSAGES))
    assert items[-1].additional_kwargs["routing_metadata"] == {"cost": {"usd": 1.5}}
    assert items[-1].message.content == "ab"


def test_a_piece_after_the_end_of_the_answer_does_not_take_its_reason_away(gateway):
    gateway.streams_chunks(
        {"choices": [{"index": 0, "delta": {"content": "4"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {"content": "2"}}]},
    )
    last = list(gateway.llm().stream_chat(MESSAGES))[-1]
    assert last.message.content == "42"
    assert last.raw["choices"][0]["finish_reason"] == "stop"


def test_a_reply_without_usage_and_metadata_is_an_answer_all_the_same(gateway):
    gateway.says("Hello", usage=None, routing_metadata=None)
    response = gateway.llm().chat(MESSAGES)
    assert response.message.content == "Hello"
    assert response.additional_kwargs == {}


def test_a_reply_without_a_choice_is_an_empty_answer_with_its_cost(gateway):
    gateway.replies({"choices": []})
    response = gateway.llm().complete("Hi")
    assert response.text == ""
    assert response.additional_kwargs["routing_metadata"]["cost"]["usd"] == 0.0021


def test_log_probabilities_hold_the_chosen_token_first(gateway):
    top = [{"token": "b", "logprob": -1.0, "bytes": [98]}, {"token": "a", "logprob": -0.5, "bytes": [97]}]
    content = [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": top}]
    choice = {"index": 0, "message": {"content": "a"}, "logprobs": {"content": content}}
    gateway.replies({"choices": [choice]})
    ((tokens),) = gateway.llm().complete("Hi", logprobs=True, top_logprobs=2).logprobs
    assert [(t.token, t.logprob, t.bytes) for t in tokens] == [("a", -0.5, []), ("b", -1.0, [98])]
    assert gateway.bodies[0]["top_logprobs"] == 2


def test_only_the_first_of_several_choices_is_the_answer(gateway):
    gateway.streams_chunks(
        {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {"content": "mine"}, "finish_reason": "stop"}]},
    )
    items = list(gateway.llm().stream_chat(MESSAGES, n=2))
    assert items[-1].message.content == "mine"
    assert [choice["index"] for choice in items[-1].raw["choices"]] == [0]


def test_a_stream_is_asked_for_by_its_method(gateway):
    with pytest.raises(TypeError, match="stream_chat"):
        gateway.llm().chat(MESSAGES, stream=True)


def test_an_unknown_argument_is_refused_with_the_nearest_that_is_known(gateway):
    with pytest.raises(TypeError, match="temperature"):
        gateway.llm().chat(MESSAGES, temprature=1)
    assert gateway.bodies == []
