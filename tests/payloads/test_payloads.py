"""Replies as servers write them: every way to ask says that they mean the same. A case is a file of this folder.

A file has `why` it is there, the reply `whole` and in `chunks`, and what it `means`. There `calls` may be run, with or
without the id that they have to have, and `not_run` are the names of those that must not. `object` is what the answer
holds where a schema was asked for, in its text or (`by_tool`) in its call, and `object_error` the class of the error.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auriko import errors
from tests.support.meanings import Payload, ask, ask_for_object

CASES = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(Path(__file__).parent.glob("*.json"))
}
WAYS = [
    *(f"core {method}" for method in ("create", "collect", "async create", "async collect")),
    *(f"langchain {method}" for method in ("invoke", "ainvoke", "stream", "astream")),
    *(f"llamaindex {method}" for method in ("chat", "achat", "stream_chat", "astream_chat")),
]
LANGCHAIN = [f"{way}{raw}" for way in ("invoke", "ainvoke", "stream", "astream") for raw in ("", "+raw")]
OBJECT_WAYS = {
    form: [
        *(f"core {method}" for method in ("create", "collect")),
        *(f"langchain {kind}/{form} {way}" for kind in ("class", "schema") for way in LANGCHAIN),
        *(f"llamaindex {method}" for method in ("predict", "apredict", "stream", "astream")),
    ]
    for form in ("json_schema", "json_mode", "function_calling")
}

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("llamaindex")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def is_streamed(way: str) -> bool:
    return "stream" in way or "collect" in way


@pytest.mark.parametrize("name", CASES)
async def test_all_ways_say_that_a_reply_means_the_same(name: str) -> None:
    case = CASES[name]
    expected = case["means"]
    gateway = Payload()
    for way in WAYS:
        gateway.answer(case, streamed=is_streamed(way))
        said = await ask(way, gateway)
        for call, wanted in zip(said["calls"], expected["calls"], strict=False):
            if "id" not in wanted:
                del call["id"]
        assert said == {key: expected[key] for key in said}, way


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if name.startswith("object")])
async def test_all_ways_find_the_object_or_say_why_there_is_none(name: str) -> None:
    case = CASES[name]
    expected = case["means"]
    by_tool = expected.get("by_tool", False)
    gateway = Payload()
    for form in ["function_calling"] if by_tool else ["json_schema", "json_mode"]:
        for way in OBJECT_WAYS[form]:
            gateway.answer(case, streamed=is_streamed(way))
            if "object" in expected:
                assert await ask_for_object(way, gateway, by_tool=by_tool) == expected["object"], way
                continue
            with pytest.raises(getattr(errors, expected["object_error"])) as raised:
                pytest.fail(f"{way}: {await ask_for_object(way, gateway, by_tool=by_tool)}")
            assert raised.value.finish_reason == expected["finish_reason"], way
            if errors.AnswerRefusedError not in type(raised.value).__mro__:
                assert (expected["finish_reason"] in str(raised.value)) == (
                    expected["finish_reason"] in {"length", "content_filter"}
                ), way
