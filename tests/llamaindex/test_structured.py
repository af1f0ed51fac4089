"""Structured prediction: which way it is asked for, and what comes back, in all four modes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode

from auriko.errors import (
    AnswerFilteredError,
    AnswerInvalidError,
    AnswerRefusedError,
    AnswerTruncatedError,
    BadRequestError,
)
from auriko_llamaindex import Auriko


class City(BaseModel):
    """A city."""

    name: str
    people: int | None = None
    twins: list[str] = Field(default_factory=list)


PROMPT = PromptTemplate("Describe {place}.")
JSON = '{"name": "Oslo", "people": 709037, "twins": ["Kiel"]}'
OSLO = City(name="Oslo", people=709037, twins=["Kiel"])
CALL = {"id": "c1", "type": "function", "function": {"name": "City", "arguments": JSON}}
PIECES = [
    {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "City", "arguments": '{"name": "Os'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": 'lo", "people": 709037, "twins": ["Kiel"]}'}}]},
]
MODES = ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"]


def _scripts(gateway: Any, mode: str, *, tool: bool) -> None:
    if "stream" in mode:
        gateway.streams(*(PIECES if tool else [JSON[:14], JSON[14:]]))
    else:
        gateway.says(None if tool else JSON, message={"tool_calls": [CALL]} if tool else {})


async def _predict(llm: Any, mode: str, **kwargs: Any) -> list[Any]:
    """All objects that the method gives; for the plain ones that is one."""
    result = getattr(llm, mode)(City, PROMPT, place="Oslo", **kwargs)
    if mode == "stream_structured_predict":
        return list(result)
    if mode == "structured_predict":
        return [result]
    result = await result
    return [item async for item in result] if "stream" in mode else [result]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_that_must_be_called(gateway, mode):
    _scripts(gateway, mode, tool=True)
    objects = await _predict(gateway.llm(system_prompt="Be exact."), mode)
    assert objects[-1] == OSLO
    assert type(objects[-1]) is City
    (body,) = gateway.bodies
    assert body["tool_choice"] == "required"
    assert body["parallel_tool_calls"] is False
    assert body["tools"][0]["function"]["name"] == "City"
    assert body["messages"] == [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": "Describe Oslo."},
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_response_format(gateway, mode):
    _scripts(gateway, mode, tool=False)
    llm = gateway.llm(should_use_structured_outputs=True, system_prompt="Be exact.")
    assert (await _predict(llm, mode))[-1] == OSLO
    (body,) = gateway.bodies
    described = body["response_format"]["json_schema"]
    assert (described["name"], described["strict"], described["description"]) == ("City", True, "A city.")
    assert described["schema"]["required"] == ["name", "people", "twins"]
    assert described["schema"]["additionalProperties"] is False
    assert not body.keys() & {"tools", "tool_choice"}
    assert body["messages"][0] == {"role": "system", "content": "Be exact."}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "settings", [{"pydantic_program_mode": PydanticProgramMode.LLM}, {"is_function_calling_model": False}]
)
async def test_the_schema_in_the_prompt(gateway, mode, settings):
    _scripts(gateway, mode, tool=False)
    assert (await _predict(gateway.llm(**settings), mode))[-1] == OSLO
    (body,) = gateway.bodies
    assert not body.keys() & {"tools", "tool_choice", "response_format"}
    assert '"people"' in body["messages"][-1]["content"]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, "tool_choice_required_not_supported"),
        ({}, "tools_not_supported"),
        ({"should_use_structured_outputs": True}, "structured_output_not_supported"),
    ],
)
async def test_what_the_gateway_cannot_do_is_asked_for_in_the_prompt(gateway, mode, settings, code):
    gateway.refuses(400, code)
    _scripts(gateway, mode, tool=False)
    assert (await _predict(gateway.llm(**settings), mode))[-1] == OSLO
    assert len(gateway.bodies) == 2
    assert not gateway.bodies[1].keys() & {"tools", "tool_choice", "response_format"}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, "invalid_request"),
        ({"pydantic_program_mode": PydanticProgramMode.FUNCTION}, "tools_not_supported"),
        ({"pydantic_program_mode": PydanticProgramMode.LLM}, "json_mode_not_supported"),
    ],
)
async def test_any_other_refusal_is_raised(gateway, mode, settings, code):
    gateway.refuses(400, code)
    with pytest.raises(BadRequestError) as raised:
        await _predict(gateway.llm(**settings), mode)
    assert raised.value.code == code
    assert len(gateway.bodies) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_the_arguments_of_the_caller_are_sent_and_left_as_they_were(gateway, mode):
    kwargs = {"routing": {"optimize": "ttft"}, "temperature": 1.5, "tool_choice": "auto", "tool_required": False}
    before = copy.deepcopy(kwargs)
    _scripts(gateway, mode, tool=True)
    await _predict(gateway.llm(routing={"prefer": "example_host"}), mode, llm_kwargs=kwargs)
    assert kwargs == before
    (body,) = gateway.bodies
    assert body["gateway"] == {"routing": {"prefer": "example_host", "optimize": "ttft"}}
    assert (body["temperature"], body["tool_choice"]) == (1.5, "auto")


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES[2:])
@pytest.mark.parametrize("tool", [True, False])
async def test_a_stream_gives_the_object_as_it_grows(gateway, mode, tool):
    _scripts(gateway, mode, tool=tool)
    objects = await _predict(gateway.llm(should_use_structured_outputs=not tool), mode)
    names = [getattr(each, "name", None) for each in objects]
    assert "Os" in names[0]
    assert names[-1] == "Oslo"
    assert objects[0].people is None


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_without_the_object_is_an_error_that_shows_it(gateway, mode):
    if "stream" in mode:
        gateway.streams("I do not know Oslo")
    else:
        gateway.says("I do not know Oslo")
    with pytest.raises(ValueError, match=r"City.*I do not know Oslo"):
        await _predict(gateway.llm(), mode)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"content": '{"name": "Os', "finish_reason": "length"}, AnswerTruncatedError),
        ({"content": '{"name": "Os', "finish_reason": "content_filter"}, AnswerFilteredError),
        ({"content": None, "message": {"refusal": "not Oslo"}}, AnswerRefusedError),
        ({"content": '{"people": "many"}'}, AnswerInvalidError),
    ],
)
def test_the_error_says_why_there_is_no_object(gateway, reply, reason):
    gateway.says(**reply)
    with pytest.raises(reason) as raised:
        gateway.llm().structured_predict(City, PROMPT, place="Oslo")
    assert isinstance(raised.value, ValueError)
    assert raised.value.finish_reason == reply.get("finish_reason", "stop")


def test_an_object_in_the_text_counts_where_the_model_did_not_call_the_tool(gateway):
    gateway.says(f"Here you are:\n```json\n{JSON}\n```")
    assert gateway.llm().structured_predict(City, PROMPT, place="Oslo") == OSLO


def test_the_schema_follows_a_prompt_that_does_not_end_with_the_user(gateway):
    prompt = ChatPromptTemplate([ChatMessage(role="user", content="Hi"), ChatMessage(role="assistant", content="Yes?")])
    gateway.says(JSON)
    llm = gateway.llm(pydantic_program_mode=PydanticProgramMode.LLM)
    assert llm.structured_predict(City, prompt) == OSLO
    assert [message["role"] for message in gateway.bodies[0]["messages"]] == ["user", "assistant", "user"]


def test_a_program_mode_of_another_llm_is_refused(gateway):
    llm = gateway.llm(pydantic_program_mode=PydanticProgramMode.OPENAI)
    with pytest.raises(ValueError, match="openai"):
        llm.structured_predict(City, PROMPT, place="Oslo")


def test_the_prompt_of_the_caller_is_left_as_it_was(gateway):
    prompt = ChatPromptTemplate([ChatMessage(role="user", content="Describe {place}.")])
    gateway.refuses(400, "tools_not_supported")
    gateway.says(JSON)
    gateway.llm().structured_predict(City, prompt, place="Oslo")
    assert prompt.output_parser is None
    assert prompt.format_messages(place="Bergen")[0].content == "Describe Bergen."


# LlamaIndex writes the growing object with a method that pydantic has deprecated.
@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")
@pytest.mark.anyio
async def test_a_structured_llm_answers_with_the_object(gateway):
    structured = gateway.llm().as_structured_llm(City)
    for mode in MODES:
        _scripts(gateway, mode, tool=True)
    messages = [ChatMessage(role="user", content="Describe {Oslo}")]
    answers = [
        structured.chat(messages),
        await structured.achat(messages),
        list(structured.stream_chat(messages))[-1],
        [item async for item in await structured.astream_chat(messages)][-1],
    ]
    assert [answer.raw for answer in answers] == [OSLO] * 4
    assert {body["messages"][0]["content"] for body in gateway.bodies} == {"Describe {Oslo}"}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"should_use_structured_outputs": True}, {"pydantic_program_mode": PydanticProgramMode.LLM}],
)
async def test_real_engines_fill_the_object_in_every_way(sandbox, mode, settings):
    class Ferry(BaseModel):
        """A ferry."""

        minutes: int
        price: int

    llm = Auriko(model="claude-sonnet-4-6", base_url=sandbox.base_url, api_key=sandbox.api_key, **settings)
    prompt = PromptTemplate(
        "The ferry takes {minutes} minutes and the price is 12 euros.\nGive the minutes and the price."
    )
    result = getattr(llm, mode)(Ferry, prompt, minutes=45)
    if mode == "stream_structured_predict":
        result = list(result)[-1]
    elif mode.startswith("a"):
        result = await result
        if "stream" in mode:
            result = [item async for item in result][-1]
    assert result == Ferry(minutes=45, price=12)
