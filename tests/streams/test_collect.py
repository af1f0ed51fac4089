"""Streams put together: text_deltas, collect, and the accumulator behind them (API sections 8.2 and 11.2)."""

from typing import Any

import anyio
import pytest

from auriko import ChatAccumulator, ChatCompletion, Client
from auriko.errors import StreamInterruptedError
from auriko.models import ChatCompletionChunk
from tests.support.acts import reply, stream
from tests.support.clients import serving, serving_async
from tests.support.replies import DONE, METADATA, USAGE, chunk, completion, event, events, last_chunk, whole_stream

REQUEST: Any = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "hi"}]}


def deltas(*given: dict[str, Any], finish: str = "stop") -> list[dict[str, Any]]:
    """Chunks of one choice with these deltas."""
    made = [{**chunk(), "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in given]
    return [*made, {**chunk(), "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}]


def collected(*chunks: dict[str, Any]) -> ChatCompletion:
    """What the accumulator makes of chunks."""
    accumulator = ChatAccumulator()
    for each in chunks:
        accumulator.add(ChatCompletionChunk.model_validate(each))
    return accumulator.completion()


def call(index: int, arguments: str | None = None, **fields: Any) -> dict[str, Any]:
    """A piece of a tool call."""
    function = {"arguments": arguments} if arguments is not None else {}
    name = fields.pop("name", None)
    return {"index": index, **fields, "function": {**function, **({"name": name} if name else {})}}


def test_text_deltas_are_strings_and_nothing_else() -> None:
    body = events(chunk(None), chunk("Pa"), chunk(""), chunk("ris.", finish_reason="stop"), last_chunk()) + DONE
    with serving(stream(body)) as (_, client):
        opened = client.chat.completions.create(**REQUEST, stream=True)
        assert list(opened.text_deltas()) == ["Pa", "ris."]
    assert opened.usage is not None
    assert opened.routing_metadata is not None


def test_text_deltas_are_those_of_the_first_answer() -> None:
    body = events(chunk("a", index=0), chunk("B", index=1), chunk("b", finish_reason="stop"))
    with serving(stream(body + event(chunk("C", index=1, finish_reason="stop")) + DONE)) as (_, client):
        assert list(client.chat.completions.create(**REQUEST, stream=True).text_deltas()) == ["a", "b"]


def test_text_deltas_raise_what_the_stream_raises() -> None:
    with serving(stream(events(chunk("Pa")), end="close")) as (_, client):
        texts = client.chat.completions.create(**REQUEST, stream=True).text_deltas()
        assert next(texts) == "Pa"
        with pytest.raises(StreamInterruptedError):
            next(texts)


def test_collect_is_what_the_plain_call_answers() -> None:
    acts = [reply(200, completion(), x_request_id="req_1"), stream(whole_stream())]
    with serving(*acts) as (_, client):
        plain = client.chat.completions.create(**REQUEST)
        with client.chat.completions.create(**REQUEST, stream=True) as opened:
            whole = opened.collect()
    assert whole.model_dump() == plain.model_dump()
    assert whole.request_id == plain.request_id == "req_1"


@pytest.mark.anyio
async def test_the_async_stream_does_the_same() -> None:
    async with serving_async(stream(whole_stream())) as (_, client):
        opened = await client.chat.completions.create(**REQUEST, stream=True)
        whole = await opened.collect()
        assert whole.choices[0].message.content == "Paris."
        assert whole.usage is not None
        assert whole.request_id == "req_1"
        opened = await client.chat.completions.create(**REQUEST, stream=True)
        assert [text async for text in opened.text_deltas()] == ["Pa", "ris", "."]
        opened = await client.chat.completions.create(**REQUEST, stream=True)
        async for _ in opened:
            break
        with pytest.raises(ValueError, match="ChatAccumulator"):
            await opened.collect()
        await opened.close()


def test_leaving_an_async_text_loop_early_leaves_nothing_behind() -> None:
    """No async generator is left that only the event loop could close."""

    async def main() -> None:
        async with (
            serving_async(stream(whole_stream())) as (_, client),
            await client.chat.completions.create(**REQUEST, stream=True) as opened,
        ):
            async for _text in opened.text_deltas():
                break

    anyio.run(main, backend="trio")


def test_collect_refuses_a_stream_that_was_read_in_part() -> None:
    """Half an answer must not pass for a whole one."""
    with serving(stream(whole_stream())) as (_, client):
        with client.chat.completions.create(**REQUEST, stream=True) as opened:
            next(opened)
            with pytest.raises(ValueError, match="from its beginning"):
                opened.collect()
        with pytest.raises(ValueError, match="from its beginning"):
            opened.collect()


def test_a_cut_stream_is_no_completion() -> None:
    with serving(stream(events(chunk("Pa"), chunk("ris")), end="close")) as (_, client):
        opened = client.chat.completions.create(**REQUEST, stream=True)
        with pytest.raises(StreamInterruptedError):
            opened.collect()


def test_tool_calls_are_merged_by_index_however_they_are_interleaved() -> None:
    whole = collected(
        *deltas(
            {"role": "assistant", "tool_calls": [call(0, "", id="call_a", name="add"), call(1, "", name="mul")]},
            {"tool_calls": [call(1, '{"x"')]},
            {"tool_calls": [call(0, '{"a": 1,'), call(1, ": 2}")]},
            {"tool_calls": [call(0, ' "b": 2}', provider_signature="sig-a")]},
            {"tool_calls": [call(1, id="call_m", type="function")]},
            finish="tool_calls",
        )
    )
    message = whole.choices[0].message
    assert whole.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    assert message.tool_calls is not None
    first, second = message.tool_calls
    assert (first.id, first.function.name, first.function.arguments) == ("call_a", "add", '{"a": 1, "b": 2}')
    assert first.provider_signature == "sig-a"
    assert (second.id, second.function.name, second.function.arguments) == ("call_m", "mul", '{"x": 2}')
    assert second.provider_signature is None


def test_whole_calls_that_all_say_index_0_stay_apart() -> None:
    whole = collected(*deltas({"tool_calls": [call(0, "{}", id="a", name="f"), call(0, "{}", id="b", name="g")]}))
    calls = whole.choices[0].message.tool_calls
    assert calls is not None
    assert [(c.id, c.function.name, c.function.arguments) for c in calls] == [("a", "f", "{}"), ("b", "g", "{}")]


def test_a_name_that_is_repeated_with_every_piece_counts_once_and_a_split_one_is_joined() -> None:
    repeated = collected(*deltas(*({"tool_calls": [call(0, "x", id="a", name="look_up")]} for _ in range(3))))
    split = collected(*deltas({"tool_calls": [call(0, name="look")]}, {"tool_calls": [call(0, name="_up")]}))
    for whole, arguments in ((repeated, "xxx"), (split, "")):
        calls = whole.choices[0].message.tool_calls
        assert calls is not None
        assert (calls[0].function.name, calls[0].function.arguments) == ("look_up", arguments or "{}")


def test_reasoning_is_rebuilt_in_blocks_with_their_signatures() -> None:
    whole = collected(
        *deltas(
            {"reasoning_content": "First "},
            {"reasoning_content": "thought."},
            {"reasoning_signature": "sig-1"},
            {"reasoning_redacted_data": "opaque"},
            {"reasoning_content": "Second."},
            {"reasoning_redacted_data": "more"},
            {"reasoning_content": "Third.", "reasoning_signature": "sig-3"},
            {"reasoning_signature": "sig-of-hidden-text"},
            {"content": "Paris."},
        )
    )
    message = whole.choices[0].message
    assert message.reasoning_content == "First thought.Second.Third."
    assert message.reasoning is not None
    assert [block.model_dump(exclude_none=True) for block in message.reasoning] == [  # type: ignore[union-attr]
        {"type": "thinking", "thinking": "First thought.", "signature": "sig-1"},
        {"type": "redacted", "data": "opaque"},
        {"type": "thinking", "thinking": "Second."},
        {"type": "redacted", "data": "more"},
        {"type": "thinking", "thinking": "Third.", "signature": "sig-3"},
        {"type": "thinking", "thinking": "", "signature": "sig-of-hidden-text"},
    ]


def test_reasoning_without_a_signature_is_a_block_too() -> None:
    message = collected(*deltas({"reasoning_content": "Hm."}, {"content": "x"})).choices[0].message
    assert message.reasoning is not None
    assert message.model_dump(exclude_none=True)["reasoning"] == [{"type": "thinking", "thinking": "Hm."}]


def test_images_refusals_annotations_and_logprobs_are_kept() -> None:
    image = {"type": "image", "mime_type": "image/png", "data": "AAAA", "thought_signature": "s"}
    given = deltas(
        {"refusal": "I "},
        {"refusal": "cannot."},
        {"images": [image]},
        {"images": [{**image, "data": "BBBB"}]},
        {"annotations": [{"url": "https://a"}]},
        {"annotations": [{"url": "https://b"}], "brand_new": 1},
    )
    given[0]["choices"][0]["logprobs"] = {"content": [{"token": "a"}]}
    given[1]["choices"][0]["logprobs"] = {"content": [{"token": "b"}]}
    choice = collected(*given).choices[0]
    assert choice.message.refusal == "I cannot."
    assert choice.message.images is not None
    assert [made.data for made in choice.message.images] == ["AAAA", "BBBB"]
    assert choice.message.images[0].thought_signature == "s"
    assert choice.message.annotations == [{"url": "https://a"}, {"url": "https://b"}]
    assert choice.message.model_extra == {"brand_new": 1}
    assert choice.logprobs == {"content": [{"token": "a"}, {"token": "b"}]}


def test_several_answers_come_in_the_order_of_their_index() -> None:
    whole = collected(chunk("B", index=1), chunk("a"), chunk("b", index=1, finish_reason="length"), chunk("c"))
    assert [(c.index, c.message.content, c.finish_reason) for c in whole.choices] == [
        (0, "ac", None),
        (1, "Bb", "length"),
    ]


def test_what_concerns_the_whole_answer_is_the_last_that_was_said() -> None:
    whole = collected(
        chunk("a", service_tier="standard", usage={**USAGE, "completion_tokens": 1}, brand_new="x"),
        {**chunk("b"), "id": "", "model": "", "system_fingerprint": "fp", "usage": None},
        last_chunk(),
    )
    assert (whole.id, whole.model, whole.created, whole.object) == (
        "chatcmpl-1",
        "claude-sonnet-4-6",
        1790000000,
        "chat.completion",
    )
    assert (whole.service_tier, whole.system_fingerprint) == ("standard", "fp")
    assert whole.usage is not None
    assert whole.usage.completion_tokens == USAGE["completion_tokens"]
    assert whole.routing_metadata is not None
    assert whole.routing_metadata.provider == METADATA["provider"]
    assert whole.model_extra == {"brand_new": "x"}


def test_chunks_that_say_almost_nothing_are_taken() -> None:
    bare = {"id": "", "model": "", "created": 0}
    whole = collected({**chunk("a"), **bare}, {**chunk(), **bare, "choices": [{"delta": {"tool_calls": [{}]}}]})
    assert (whole.id, whole.model, whole.created) == ("", "", 0)
    assert whole.choices[0].message.tool_calls is None


def test_the_accumulator_can_be_asked_while_chunks_pass() -> None:
    accumulator = ChatAccumulator()
    assert accumulator.completion().choices == []
    seen: list[str | None] = []
    with serving(stream(whole_stream())) as (_, client):
        for each in client.chat.completions.create(**REQUEST, stream=True):
            accumulator.add(each)
            seen.append(accumulator.completion().choices[0].message.content)
    assert seen == ["Pa", "Paris", "Paris.", "Paris."]


def test_a_collected_message_can_be_sent_back() -> None:
    """The next turn sends tool calls, reasoning and signatures as they were, and no nulls."""
    whole = collected(
        *deltas(
            {"role": "assistant", "reasoning_content": "Hm.", "reasoning_signature": "s"},
            {"tool_calls": [call(0, "{}", id="a", type="function", name="f", provider_signature="p")]},
        )
    )
    with serving(reply(200, completion())) as (server, client):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}, whole.choices[0].message])
    assert server.requests[0].json["messages"][1] == {
        "role": "assistant",
        "reasoning_content": "Hm.",
        "reasoning": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "provider_signature": "p"}
        ],
    }


@pytest.mark.parametrize("effort", [None, "high"])
def test_the_sandbox_says_the_same_streamed_and_plain(client: Client, effort: Any) -> None:
    request: Any = {
        "model": "claude-sonnet-4-6",
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"properties": {"city": {}}}}}],
        "tool_choice": "auto",
        "reasoning_effort": effort,
    }
    plain = client.chat.completions.create(**request).choices[0]
    whole = client.chat.completions.create(**request, stream=True).collect().choices[0]

    def said(choice: Any) -> Any:
        message = choice.message.model_dump(exclude_none=True)
        for made in message.get("tool_calls", ()):
            made.pop("id")
            made.pop("provider_signature", None)
        for block in message.get("reasoning", ()):
            block.pop("signature", None)
        return message, choice.finish_reason

    assert said(whole) == said(plain)
