"""Tools: what is offered, and the calls that come back, whole and in pieces."""

from __future__ import annotations

import copy
import json

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def now() -> str:
    """The time."""
    return "noon"


ADD, NOW = FunctionTool.from_defaults(add), FunctionTool.from_defaults(now)


def _call(call_id: str | None, name: str, arguments: str, **more) -> dict:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def _piece(index: int, arguments: str | None = None, **head) -> dict:
    function = {"name": head.pop("name", None), "arguments": arguments}
    return {"index": index, **head, "function": {k: v for k, v in function.items() if v is not None}}


def test_tools_are_offered_and_left_to_the_model(gateway):
    gateway.says("no need")
    gateway.llm().chat_with_tools([ADD], user_msg="Hi", allow_parallel_tool_calls=True)
    (body,) = gateway.bodies
    (tool,) = body["tools"]
    assert tool["function"]["name"] == "add"
    assert tool["function"]["parameters"]["required"] == ["a", "b"]
    assert "strict" not in tool["function"]
    assert not body.keys() & {"tool_choice", "parallel_tool_calls"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"tool_required": True}, "required"),
        ({"tool_choice": "any"}, "required"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": "auto", "tool_required": True}, "auto"),
        ({"tool_choice": "add"}, {"type": "function", "function": {"name": "add"}}),
        ({"tool_choice": {"type": "function", "function": {"name": "add"}}},) * 2,
    ],
)
def test_a_tool_choice_is_a_word_or_a_name(gateway, given, sent):
    sent = given["tool_choice"] if sent is given else sent
    gateway.says("ok")
    gateway.llm().chat_with_tools([ADD], user_msg="Hi", **given)
    assert gateway.bodies[0]["tool_choice"] == sent
    assert gateway.bodies[0]["parallel_tool_calls"] is False


def test_without_tools_nothing_about_tools_is_sent(gateway):
    gateway.says("ok")
    gateway.llm().chat_with_tools([], user_msg="Hi", tool_required=True)
    assert gateway.bodies[0].keys() == {"model", "messages"}


def test_the_history_of_the_caller_is_not_changed(gateway):
    history = [ChatMessage(role="user", content="a")]
    before = copy.deepcopy(history)
    gateway.says("ok")
    gateway.llm().chat_with_tools([ADD], user_msg=ChatMessage(content="b"), chat_history=history)
    assert history == before
    assert [m["content"] for m in gateway.bodies[0]["messages"]] == ["a", "b"]


def test_strict_tools_have_closed_schemas_and_the_tool_keeps_its_own(gateway):
    before = copy.deepcopy(ADD.metadata.get_parameters_dict())
    gateway.says("ok")
    gateway.llm(strict=True).chat_with_tools([ADD], user_msg="Hi")
    function = gateway.bodies[0]["tools"][0]["function"]
    assert function["strict"] is True
    assert function["parameters"]["additionalProperties"] is False
    assert ADD.metadata.get_parameters_dict() == before
    gateway.says("ok")
    gateway.llm(strict=True).chat_with_tools([ADD], user_msg="Hi", strict=False)
    assert gateway.bodies[1]["tools"][0]["function"]["strict"] is False
    assert "additionalProperties" not in gateway.bodies[1]["tools"][0]["function"]["parameters"]


def test_calls_of_a_whole_reply_are_blocks_plain_dictionaries_and_selections(gateway):
    calls = [_call("c1", "add", '{"a": 1, "b": 2}', provider_signature="s"), _call("c2", "now", "")]
    gateway.says(None, message={"tool_calls": calls}, finish_reason="tool_calls")
    llm = gateway.llm()
    response = llm.chat_with_tools([ADD, NOW], user_msg="Hi", allow_parallel_tool_calls=True)
    # A call without arguments has an empty object of them.
    assert response.message.additional_kwargs["tool_calls"] == [calls[0], _call("c2", "now", "{}")]
    json.dumps(response.message.model_dump())
    assert [type(block) for block in response.message.blocks] == [ToolCallBlock, ToolCallBlock]
    selections = llm.get_tool_calls_from_response(response)
    assert [(s.tool_id, s.tool_name, s.tool_kwargs) for s in selections] == [
        ("c1", "add", {"a": 1, "b": 2}),
        ("c2", "now", {}),
    ]
    # And back: the signature goes with its call.
    gateway.says("3")
    llm.chat([response.message])
    assert gateway.bodies[1]["messages"][0]["tool_calls"][0] == calls[0]


STREAMS = {
    "one call, piece by piece": [
        [_piece(0, id="c1", name="add", arguments="")],
        [_piece(0, '{"a": 1,')],
        [_piece(0, ' "b": 2}')],
    ],
    "several entries in one chunk": [
        [_piece(0, '{"a": 1, "b": 2}', id="c1", name="add"), _piece(1, "{}", id="c2", name="now")],
    ],
    "interleaved": [
        [_piece(0, '{"a"', id="c1", name="add")],
        [_piece(1, "{", id="c2", name="now")],
        [_piece(0, ': 1, "b": 2}'), _piece(1, "}")],
    ],
    "the name with every piece": [
        [_piece(0, '{"a": 1,', id="c1", name="add"), _piece(1, "{", id="c2", name="now")],
        [_piece(0, ' "b": 2}', id="c1", name="add"), _piece(1, "}", id="c2", name="now")],
    ],
    "without the first index": [
        [_piece(1, '{"a": 1, "b": 2}', id="c1", name="add")],
        [_piece(3, "{}", id="c2", name="now")],
    ],
}
EXPECTED = {"c1": ("add", '{"a": 1, "b": 2}'), "c2": ("now", "{}")}


@pytest.mark.anyio
@pytest.mark.parametrize("case", STREAMS)
async def test_pieces_of_calls_are_merged_by_their_index(gateway, case):
    llm = gateway.llm()
    deltas = [{"tool_calls": pieces} for pieces in STREAMS[case]]
    expected = list(EXPECTED.items())[: 1 if case.startswith("one") else 2]

    def check(item) -> None:
        calls = item.message.additional_kwargs["tool_calls"]
        assert [(c["id"], (c["function"]["name"], c["function"]["arguments"])) for c in calls] == expected
        blocks = [block for block in item.message.blocks if isinstance(block, ToolCallBlock)]
        assert [(b.tool_call_id, (b.tool_name, b.tool_kwargs)) for b in blocks] == expected

    gateway.streams(*deltas, finish_reason="tool_calls")
    items = list(llm.stream_chat_with_tools([ADD, NOW], user_msg="Hi", allow_parallel_tool_calls=True))
    check(items[-1])
    gateway.streams(*deltas, finish_reason="tool_calls")
    stream = await llm.astream_chat_with_tools([ADD, NOW], user_msg="Hi", allow_parallel_tool_calls=True)
    check([item async for item in stream][-1])


def test_items_of_a_stream_are_not_changed_by_later_ones(gateway):
    gateway.streams(*({"tool_calls": pieces} for pieces in STREAMS["one call, piece by piece"]))
    items = list(gateway.llm().stream_chat_with_tools([ADD], user_msg="Hi"))
    arguments = [item.message.additional_kwargs["tool_calls"][0]["function"]["arguments"] for item in items]
    assert arguments[:3] == ["", '{"a": 1,', '{"a": 1, "b": 2}']


def test_incomplete_arguments_are_read_as_far_as_they_go(gateway):
    llm = gateway.llm()
    gateway.streams(*({"tool_calls": pieces} for pieces in STREAMS["one call, piece by piece"]))
    items = list(llm.stream_chat_with_tools([ADD], user_msg="Hi"))
    read = [llm.get_tool_calls_from_response(item)[0].tool_kwargs for item in items[:3]]
    assert read == [{}, {"a": 1}, {"a": 1, "b": 2}]


@pytest.mark.parametrize("arguments", ["}{", "[1]", '"text"'])
def test_a_call_that_cannot_be_read_is_not_run_and_says_why(gateway, arguments):
    gateway.says(None, message={"tool_calls": [_call("c1", "add", arguments)]})
    llm = gateway.llm()
    response = llm.chat_with_tools([ADD], user_msg="Hi")
    (selection,) = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    assert selection.tool_name.startswith("add (not run: ")
    assert selection.tool_kwargs == {}
    with pytest.raises(ValueError, match=r"cannot be run: add .*arguments"):
        llm.get_tool_calls_from_response(response)


@pytest.mark.anyio
async def test_only_one_call_counts_where_several_are_not_allowed(gateway):
    calls = [_call("c1", "add", '{"a": 1, "b": 2}'), _call("c2", "now", "{}")]
    llm = gateway.llm()
    gateway.says("thus", message={"tool_calls": calls})
    gateway.says("thus", message={"tool_calls": calls})
    gateway.streams("thus", {"tool_calls": STREAMS["several entries in one chunk"][0]})
    gateway.streams("thus", {"tool_calls": STREAMS["several entries in one chunk"][0]})
    asked = {"tools": [ADD, NOW], "user_msg": "Hi"}
    responses = [
        llm.chat_with_tools(**asked),
        await llm.achat_with_tools(**asked),
        list(llm.stream_chat_with_tools(**asked))[-1],
        [item async for item in await llm.astream_chat_with_tools(**asked)][-1],
    ]
    for response in responses:
        assert [call["id"] for call in response.message.additional_kwargs["tool_calls"]] == ["c1"]
        text, call = response.message.blocks
        assert isinstance(text, TextBlock)
        assert call.tool_call_id == "c1"
        assert [s.tool_name for s in llm.get_tool_calls_from_response(response)] == ["add"]


@pytest.mark.anyio
async def test_predict_and_call_runs_the_tool(gateway):
    llm = gateway.llm()
    for _ in range(2):
        gateway.says(None, message={"tool_calls": [_call("c1", "add", '{"a": 1, "b": 2}'), _call("c2", "now", "{}")]})
    assert llm.predict_and_call([ADD, NOW], user_msg="1 + 2?").response == "3"
    assert (await llm.apredict_and_call([ADD, NOW], user_msg="1 + 2?")).response == "3"


def test_a_call_without_an_id_gets_one_that_stays(gateway):
    gateway.streams(
        {"tool_calls": [_piece(0, "{}", name="now"), _piece(1, "{}", name="now")]}, {"tool_calls": [_piece(0, "")]}
    )
    llm = gateway.llm()
    items = list(llm.stream_chat_with_tools([NOW], user_msg="Hi", allow_parallel_tool_calls=True))
    ids = [[s.tool_id for s in llm.get_tool_calls_from_response(item)] for item in items]
    assert len(set(ids[0])) == 2
    assert all(each == ids[0] for each in ids)
    assert [c["id"] for c in items[-1].message.additional_kwargs["tool_calls"]] == ids[0]


def test_an_answer_without_a_call_says_so(gateway):
    llm = gateway.llm()
    gateway.says("I would rather not")
    response = llm.chat_with_tools([ADD], user_msg="Hi")
    assert llm.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="I would rather not"):
        llm.get_tool_calls_from_response(response)
