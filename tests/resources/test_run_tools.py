"""Functions that a model calls, run for it: to the end or step by step, with bounds, errors and a typed answer."""

import functools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel, Field

from auriko import AsyncClient, BudgetExceededError, Client, RateLimitError, track_spend
from auriko.errors import AnswerInvalidError
from auriko.sandbox import Sandbox, ScriptedError, tool_call
from auriko.sandbox.engines.base import ToolCall
from auriko.tools import Tool, ToolError, mcp_tools
from tests.support.acts import ok, reply
from tests.support.both import both_clients, items, settled
from tests.support.clients import serving
from tests.support.replies import completion

pytestmark = pytest.mark.anyio
QUESTION = [{"role": "user", "content": "How warm is it in Oslo?"}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Place(BaseModel):
    name: str


def temperature(city: str, unit: Literal["C", "F"] = "C") -> str:
    """The temperature in a city."""
    return f"{city}: 3 {unit}"


async def awaited_temperature(city: str, unit: Literal["C", "F"] = "C") -> str:
    """The temperature in a city."""
    await anyio.lowlevel.checkpoint()
    return f"{city}: 3 {unit}"


def asked_of(sandbox: Sandbox, number: int) -> list[dict[str, Any]]:
    """The messages of a request."""
    messages: list[dict[str, Any]] = sandbox.requests[number].json["messages"]
    return messages


class Gateway:
    """A sandbox with chosen answers, and a client of it."""

    def __init__(self, kind: Any, answers: Any) -> None:
        self.sandbox = Sandbox(engines=["quote"], answers=answers)
        self._kind = kind

    async def __aenter__(self) -> tuple[Sandbox, Any]:
        self.sandbox.start()
        self._client = self._kind(api_key=self.sandbox.api_key, base_url=self.sandbox.base_url, max_retries=0)
        return self.sandbox, self._client.chat.completions

    async def __aexit__(self, *_: object) -> None:
        await settled(self._client.close())
        self.sandbox.stop()


@both_clients
@pytest.mark.parametrize("function", [temperature, awaited_temperature])
async def test_what_the_model_calls_is_run_until_it_answers(kind: Any, function: Any) -> None:
    told: list[Any] = []
    answers = [tool_call(function.__name__, city="Oslo"), "It is 3 degrees."]
    async with Gateway(kind, answers) as (sandbox, completions):
        with track_spend() as spend:
            result = await settled(
                completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[function], on_step=told.append)
            )
    assert result.text == result.final.choices[0].message.content == "It is 3 degrees."
    assert result.stopped is None
    assert [message["role"] for message in result.messages] == ["user", "assistant", "tool", "assistant"]
    first, last = result.steps
    assert told == result.steps
    assert (first.number, last.number) == (1, 2)
    (call,) = first.calls
    assert (call.name, call.arguments, call.result, call.error) == (
        function.__name__,
        {"city": "Oslo"},
        "Oslo: 3 C",
        None,
    )
    assert first.messages == result.messages[1:3]
    assert first.provider
    assert first.usd + last.usd == pytest.approx(result.usd) == pytest.approx(spend.usd)
    assert result.unknown_cost_calls == 0
    assert repr(result).startswith("ToolResult(2 steps, $0.0")
    schema = sandbox.requests[0].json["tools"][0]["function"]
    assert schema["description"] == "The temperature in a city."
    assert schema["parameters"]["required"] == ["city"]
    assert schema["parameters"]["properties"]["unit"]["enum"] == ["C", "F"]
    assert asked_of(sandbox, 1) == result.messages[:3]
    assert QUESTION == [{"role": "user", "content": "How warm is it in Oslo?"}]


@both_clients
async def test_step_by_step(kind: Any) -> None:
    async with Gateway(kind, [tool_call("temperature", city="Oslo"), "Cold."]) as (sandbox, completions):
        run = completions.iter_tools(model="gpt-4o", messages=QUESTION, tools=[temperature])
        first = await anext(run) if kind is AsyncClient else next(run)
        assert first.calls[0].result == "Oslo: 3 C"
        assert len(sandbox.requests) == 1
        with pytest.raises(ValueError, match="not at its end"):
            _ = run.result.final
        (last,) = await items(run)
        assert last.reply is run.result.final
        assert await items(run) == []


def slow(number: int) -> int:
    """A number, after a while."""
    time.sleep(0.3)
    return number


@both_clients
async def test_calls_of_one_answer_run_at_once(kind: Any) -> None:
    together = threading.Barrier(3)

    def meet(number: int) -> int:
        """Comes back once three are there."""
        together.wait(timeout=10)
        return number

    calls = [tool_call("meet", number=number) for number in range(3)]
    async with Gateway(kind, [calls, "Done."]) as (_, completions):
        result = await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[meet]))
    assert [call.result for call in result.steps[0].calls] == ["0", "1", "2"]


class Weather:
    """The weather in a city."""

    def __call__(self, city: str) -> Place:
        """Where it is."""
        return Place(name=city)

    def method(self, city: str) -> dict[str, str]:
        """Where it is."""
        return {"city": city}


@dataclass
class Box:
    """A box."""

    side: int


def volume(box: Box, place: Place, names: list[str] | None = None) -> int:
    """The volume of a box."""
    assert isinstance(box, Box)
    assert isinstance(place, Place)
    return int(box.side**3)


@both_clients
async def test_arguments_and_results_are_what_the_hints_say(kind: Any) -> None:
    weather = Weather()
    answers = [
        tool_call("volume", box={"side": 2}, place={"name": "Oslo"}),
        tool_call("Weather", city="Oslo"),
        tool_call("where", city="Oslo"),
        tool_call("half", city="Oslo"),
        "Done.",
    ]
    tools = [
        volume,
        weather,
        Tool.of(weather.method, name="where", description="Where?"),
        Tool.of(functools.partial(temperature, unit="F"), name="half"),
    ]
    async with Gateway(kind, answers) as (sandbox, completions):
        result = await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=tools))
    said = [call.result for step in result.steps for call in step.calls]
    assert said == ["8", '{"name":"Oslo"}', '{"city":"Oslo"}', "Oslo: 3 F"]
    described = {
        tool["function"]["name"]: tool["function"]["description"] for tool in sandbox.requests[0].json["tools"]
    }
    assert (described["where"], described["volume"]) == ("Where?", "The volume of a box.")


def test_a_partial_is_the_function_that_it_is_of() -> None:
    tool = Tool.of(functools.partial(volume, names=["a"]))
    assert (tool.name, tool.description) == ("volume", "The volume of a box.")
    assert dict(tool.parameters) == dict(Tool.of(volume).parameters)


def broken(city: str) -> str:
    """Fails."""
    raise RuntimeError(f"no line to {city}")


def told(city: str) -> str:
    """Fails in its own words."""
    raise ToolError(f"{city} is closed on Sundays")


@both_clients
@pytest.mark.parametrize(
    ("call", "text"),
    [
        (tool_call("temperature", town="Oslo"), "Error: the arguments are wrong: city: Field required; town: Extra"),
        (tool_call("temperature", city=1), "Error: the arguments are wrong: city: Input should be a valid string"),
        (tool_call("broken", city="Oslo"), "Error: RuntimeError: no line to Oslo"),
        (tool_call("told", city="Oslo"), "Error: Oslo is closed on Sundays"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(kind: Any, call: Any, text: str) -> None:
    async with Gateway(kind, [call, [call, call], "I see."]) as (sandbox, completions):
        tools = [temperature, broken, told]
        result = await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=tools))
        assert asked_of(sandbox, 1)[-1]["content"].startswith(text)
    assert result.text == "I see."
    assert all(each.error is not None and each.result.startswith(text) for step in result.steps for each in step.calls)


@both_clients
@pytest.mark.parametrize(
    ("function", "finish", "text"),
    [
        ({"name": "nothing", "arguments": "{}"}, "tool_calls", "Error: there is no tool 'nothing'; the tools are temp"),
        ({"name": "temperature", "arguments": '{"city": "Os'}, "length", "Error: the answer was cut at its limit"),
        ({"name": "temperature", "arguments": '{"city": Os}'}, "tool_calls", "Error: the arguments cannot be read"),
    ],
)
async def test_calls_that_cannot_be_run_are_told_to_the_model(
    kind: Any, function: dict[str, str], finish: str, text: str
) -> None:
    message = {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    calls = completion(choices=[{"index": 0, "message": message, "finish_reason": finish}])
    with serving(reply(200, calls), ok) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url)
        result = await settled(client.chat.completions.run_tools(model="m", messages=QUESTION, tools=[temperature]))
        await settled(client.close())
    assert result.text == "Paris."
    sent = server.requests[1].json["messages"]
    assert sent[2]["content"].startswith(text)
    json.loads(sent[1]["tool_calls"][0]["function"]["arguments"])  # what cannot be read is never sent back


@both_clients
async def test_an_answer_without_choices_ends_the_run(kind: Any) -> None:
    with serving(reply(200, completion(choices=[]))) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url)
        result = await settled(client.chat.completions.run_tools(model="m", messages=QUESTION, tools=[temperature]))
        await settled(client.close())
    assert result.text == ""


@both_clients
@pytest.mark.parametrize("calls", [1, 2])
async def test_a_tool_that_takes_too_long(kind: Any, calls: int) -> None:
    answers = [[tool_call("slow", number=number) for number in range(calls)], "Never mind."]
    async with Gateway(kind, answers) as (_, completions):
        result = await settled(
            completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[slow], tool_timeout=0.05)
        )
    assert [call.result for call in result.steps[0].calls] == ["Error: the tool took longer than 0.05 s"] * calls
    assert result.text == "Never mind."


@both_clients
async def test_bounded_steps_can_be_gone_on_from(kind: Any) -> None:
    call = tool_call("temperature", city="Oslo")
    async with Gateway(kind, [call, call, "Cold."]) as (sandbox, completions):
        result = await settled(
            completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[temperature], max_steps=2)
        )
        assert result.stopped == "max_steps"
        assert "stopped='max_steps'" in repr(result)
        with pytest.raises(ValueError, match="stopped by max_steps"):
            _ = result.text
        assert len(sandbox.requests) == 2
        more = await settled(completions.run_tools(model="gpt-4o", messages=result.messages, tools=[temperature]))
    assert more.text == "Cold."
    assert len(more.messages) == 6


@both_clients
async def test_calls_that_were_left_are_run_first(kind: Any) -> None:
    left = {
        "role": "assistant",
        "tool_calls": [
            {"id": name, "type": "function", "function": {"name": "temperature", "arguments": f'{{"city":"{name}"}}'}}
            for name in ("Oslo", "Rome")
        ],
    }
    done = {"role": "tool", "tool_call_id": "Oslo", "content": "3"}
    async with Gateway(kind, ["Cold."]) as (sandbox, completions):
        result = await settled(
            completions.run_tools(model="gpt-4o", messages=[*QUESTION, left, done], tools=[temperature])
        )
        assert asked_of(sandbox, 0)[-1] == {"role": "tool", "tool_call_id": "Rome", "content": "Rome: 3 C"}
    zeroth = result.steps[0]
    assert (zeroth.number, zeroth.reply, zeroth.usd, zeroth.provider) == (0, None, None, None)
    assert result.text == "Cold."


@both_clients
async def test_bounded_cost(kind: Any) -> None:
    call = tool_call("temperature", city="Oslo")
    async with Gateway(kind, [call, call, "Cold."]) as (sandbox, completions):
        result = await settled(
            completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[temperature], limit_usd=0.000001)
        )
        assert result.stopped == "limit_usd"
        asked = len(sandbox.requests)
        assert asked <= 1
        with track_spend(limit_usd=0.0), pytest.raises(BudgetExceededError):
            await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[temperature]))
        assert len(sandbox.requests) == asked


@both_clients
async def test_an_error_of_a_request_is_raised_and_nothing_is_lost(kind: Any) -> None:
    answers = [tool_call("temperature", city="Oslo"), ScriptedError("rate_limit_exceeded"), "Cold."]
    async with Gateway(kind, answers) as (_, completions):
        run = completions.iter_tools(model="gpt-4o", messages=QUESTION, tools=[temperature])
        with pytest.raises(RateLimitError):
            await items(run)
        assert len(run.result.messages) == 3
        again = completions.run_tools(model="gpt-4o", messages=run.result.messages, tools=[temperature])
        assert (await settled(again)).text == "Cold."


@both_clients
async def test_the_last_answer_can_be_an_object(kind: Any) -> None:
    answers = [tool_call("temperature", city="Oslo"), '{"name":"Oslo"}', "No."]
    async with Gateway(kind, answers) as (_, completions):
        run = functools.partial(
            completions.run_tools, model="gpt-4o", messages=QUESTION, tools=[temperature], response_format=Place
        )
        assert (await settled(run())).final.parsed == Place(name="Oslo")
        with pytest.raises(AnswerInvalidError):
            await settled(run())


@both_clients
@pytest.mark.parametrize(("choice", "later"), [("required", None), ("auto", "auto")])
async def test_a_tool_that_must_be_called_is_called_once(kind: Any, choice: str, later: str | None) -> None:
    async with Gateway(kind, [tool_call("temperature", city="Oslo"), "Cold."]) as (sandbox, completions):
        await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[temperature], tool_choice=choice))
    first, second = (request.json.get("tool_choice") for request in sandbox.requests)
    assert (first, second) == (choice, later)


async def test_async_tools_run_at_once_and_a_step_can_be_awaited() -> None:
    there = 0
    all_there = anyio.Event()
    steps: list[int] = []

    async def meet(number: int) -> int:
        """Comes back once two are there."""
        nonlocal there
        there += 1
        if there == 2:
            all_there.set()
        await all_there.wait()
        return number

    async def on_step(step: Any) -> None:
        await anyio.lowlevel.checkpoint()
        steps.append(step.number)

    async def hang(number: int) -> int:
        """Never comes back."""
        await anyio.sleep_forever()
        return number

    answers = [[tool_call("meet", number=1), tool_call("meet", number=2)], tool_call("hang", number=1), "Done."]
    async with Gateway(AsyncClient, answers) as (_, completions):
        result = await completions.run_tools(
            model="gpt-4o", messages=QUESTION, tools=[meet, hang], on_step=on_step, tool_timeout=1
        )
    assert [call.result for step in result.steps for call in step.calls][:2] == ["1", "2"]
    assert steps == [1, 2, 3]


async def test_a_run_is_cancelled_with_its_tools() -> None:
    cancelled = anyio.Event()

    async def hang() -> None:
        """Never comes back."""
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    async with Gateway(AsyncClient, [tool_call("hang")]) as (_, completions):
        with anyio.move_on_after(0.3) as scope:
            await completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[hang])
    assert scope.cancelled_caught
    assert cancelled.is_set()


async def test_an_awaitable_of_a_plain_function_is_awaited() -> None:
    answers = [tool_call("later", city="Oslo"), "Cold.", tool_call("later", city="Oslo"), "Cold."]
    tools = [Tool("later", "", {"type": "object"}, lambda arguments: awaited_temperature(**arguments))]
    for kind in (Client, AsyncClient):
        async with Gateway(kind, answers) as (_, completions):
            result = await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=tools))
            assert result.steps[0].calls[0].result == "Oslo: 3 C"


def many(*cities: str) -> str:
    """Takes arguments without names."""
    return ", ".join(cities)


def odd(client: Client) -> str:
    """Takes what no JSON is."""
    return repr(client)


def calls_back(city: str, then: Callable[[str], None]) -> None:
    """Takes what a model has not."""
    then(city)


def unknown(city: str, place: "Nowhere") -> str:  # type: ignore[name-defined]  # noqa: F821 - there is none
    """Takes what is nowhere defined."""
    return f"{city} {place}"


def unknown_result(city: str) -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821 - there is none
    """Gives what is nowhere defined."""
    return city


def test_what_a_tool_gives_needs_no_type() -> None:
    assert Tool.of(unknown_result).run({"city": "Oslo"}) == "Oslo"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"tools": []}, ValueError, "tools is empty"),
        ({"tools": [temperature, temperature]}, ValueError, "two tools are called 'temperature'"),
        ({"tools": [{"type": "function"}]}, TypeError, "a tool is a function"),
        ({"tools": [many]}, TypeError, "a model gives arguments by their names"),
        ({"tools": [odd]}, TypeError, r"the tool odd has what a model cannot give \(client: .*Client\): "),
        ({"tools": [calls_back]}, TypeError, r"the tool calls_back has what a model cannot give \(then: "),
        ({"tools": [unknown]}, TypeError, "the tool unknown has the parameter place whose type is unknown: name 'Nowh"),
        ({"tools": [max]}, TypeError, "the tool max: no signature"),
        ({"tools": [temperature], "messages": []}, ValueError, "messages is empty"),
        ({"tools": [temperature], "max_steps": 0}, ValueError, "max_steps must be 1 or more"),
        ({"tools": [temperature], "n": 2}, ValueError, "n > 1 cannot be run"),
        ({"tools": [temperature], "tool_timeout": -1}, ValueError, "tool_timeout"),
        ({"tools": [temperature], "limit_usd": -1}, ValueError, "limit_usd"),
        ({"tools": [temperature], "max_step": 1}, TypeError, "did you mean 'max_steps'"),
        ({"tools": [temperature], "stream": True}, TypeError, r"does not stream; iter_tools\(\)"),
        ({"tools": [temperature], "stream_options": {}}, TypeError, "unknown argument 'stream_options'"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: dict[str, Any], error: Any, message: str) -> None:
    with serving(ok) as (server, client), pytest.raises(error, match=message):
        client.chat.completions.run_tools(**{"model": "m", "messages": QUESTION, **arguments})
    assert not server.requests


NOT_UTF8 = b"caf\xe9.txt".decode("utf-8", "surrogateescape")  # as os.listdir gives it


@both_clients
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (NOT_UTF8, "caf?.txt"),
        ([NOT_UTF8, 1], '["caf?.txt", 1]'),
        ({NOT_UTF8: Place.model_construct(name=NOT_UTF8)}, '{"caf?.txt": {"name": "caf?.txt"}}'),
        (Place.model_construct(name=NOT_UTF8), '{"name": "caf?.txt"}'),
        (ToolError(f"no {NOT_UTF8}"), "Error: no caf?.txt"),
    ],
)
async def test_names_of_files_that_are_no_text_do_not_end_a_run(kind: Any, given: Any, told: str) -> None:
    def first_file() -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    async with Gateway(kind, [tool_call("first_file"), "Done."]) as (sandbox, completions):
        result = await settled(completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[first_file]))
    assert result.text == "Done."
    assert asked_of(sandbox, 1)[-1]["content"] == told


class Session:
    """What the session of an MCP server gives, in two pages."""

    def __init__(self) -> None:
        self.called: list[Any] = []

    async def list_tools(self, cursor: str | None = None) -> Any:
        tool = Part(name=f"tool.{cursor or 'a'}", description=None, inputSchema={"type": "object", "properties": {}})
        return Part(tools=[tool], nextCursor=None if cursor else "b")

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        self.called.append((name, arguments))
        content = [Part(type="text", text="read"), Part(type="image", data="AAAA")]
        return Part(content=content, isError=name == "tool.b")


class Part(BaseModel, extra="allow"):
    """A part of what a server says."""


async def test_tools_of_a_server_of_the_model_context_protocol() -> None:
    session = Session()
    tools = await mcp_tools(session)
    assert [tool.name for tool in tools] == ["tool.a", "tool.b"]
    answers = [[ToolCall("tool_a", '{"x": 1}'), ToolCall("tool_b", "{}")], "Done."]
    async with Gateway(AsyncClient, answers) as (_, completions):
        result = await completions.run_tools(model="gpt-4o", messages=QUESTION, tools=tools)
    first, second = result.steps[0].calls
    assert first.result == 'read\n{"type":"image","data":"AAAA"}'
    assert second.result.startswith("Error: read")
    assert sorted(session.called) == [("tool.a", {"x": 1}), ("tool.b", {})]


def described(city: Annotated[str, Field(description="the city's name")], untyped=None) -> str:  # type: ignore[no-untyped-def]
    """A described parameter, and one without a type."""
    return f"{city} {untyped}"


def test_parameters_are_described_by_their_hints() -> None:
    tool = Tool.of(described)
    assert tool.parameters["properties"]["city"]["description"] == "the city's name"
    assert tool.run({"city": "Oslo", "untyped": [1]}) == "Oslo [1]"
    assert "description" not in Tool.of(lambda: 1, name="silent").to_wire()["function"]
