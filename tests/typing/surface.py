"""Every kind of call as a type checker sees it; this file is checked by mypy and pyright and never run."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict, assert_type

from auriko import (
    AsyncClient,
    AsyncResponseStream,
    AsyncStream,
    ChatCompletion,
    ChatCompletionChunk,
    Client,
    RawResponse,
    ResponseStream,
    RoutingOptions,
    Stream,
    Usage,
)
from auriko.candidates import Candidate, Candidates
from auriko.estimate import CostEstimate
from auriko.models import (
    ModelList,
    Response,
    ResponseFunctionCallOutputItem,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseUsage,
)
from auriko.models.parsed import ParsedChatCompletion, ParsedResponse
from auriko.tools import Tool, ToolResult, ToolStep
from auriko.types import ChatCompletionMessageParam, ChatParams, ResponseInputItemParam


class Ticket(BaseModel):
    """A form of answers."""

    title: str


@dataclass
class Point:
    """A form of answers."""

    x: int


class Shape(TypedDict):
    """A form of answers."""

    name: str


class Colour(Enum):
    """A form of answers."""

    RED = "red"


MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
ITEMS: list[ResponseInputItemParam] = [{"role": "user", "content": "hi"}]


def chat(client: Client, *, either: bool) -> None:
    """Chat completions."""
    create = client.chat.completions.create
    assert_type(create(model="m", messages=MESSAGES), ChatCompletion)
    assert_type(create(model="m", messages=MESSAGES, stream=False, temperature=0.5, timeout=3), ChatCompletion)
    assert_type(create(model="m", messages=MESSAGES, stream=True), Stream[ChatCompletionChunk])
    assert_type(create(model="m", messages=MESSAGES, stream=either), ChatCompletion | Stream[ChatCompletionChunk])
    create(messages=MESSAGES, gateway={"models": ["a"], "routing": RoutingOptions.cheapest(max_ttft_ms=8)})
    create(model="m", mesages=MESSAGES)  # type: ignore[call-overload]
    create(model="m")  # type: ignore[call-overload]
    create(model="m", messages=MESSAGES, max_tokens="9")  # type: ignore[call-overload]


def parsed(client: Client, form: TypeAdapter[Literal["a", "b"]], requests: list[ChatParams]) -> None:
    """Answers that are objects."""
    parse = client.chat.completions.parse
    assert_type(parse(model="m", messages=MESSAGES, response_format=Ticket), ParsedChatCompletion[Ticket])
    assert_type(parse(model="m", messages=MESSAGES, response_format=Ticket).parsed, Ticket)
    assert_type(parse(model="m", messages=MESSAGES, response_format=Ticket).choices[0].message.parsed, Ticket)
    assert_type(parse(model="m", messages=MESSAGES, response_format=Point).parsed, Point)
    assert_type(parse(model="m", messages=MESSAGES, response_format=Shape).parsed, Shape)
    assert_type(parse(model="m", messages=MESSAGES, response_format=Colour).parsed, Colour)
    assert_type(parse(model="m", messages=MESSAGES, response_format=list[int]).parsed, list[int])
    assert_type(parse(model="m", messages=MESSAGES, response_format=int).parsed, int)
    assert_type(parse(model="m", messages=MESSAGES, response_format=form).parsed, Literal["a", "b"])
    with parse(model="m", messages=MESSAGES, response_format=Ticket, stream=True) as opened:
        for event in opened:
            assert_type(event.item, ChatCompletionChunk)
            assert_type(event.delta, str)
        assert_type(opened.parsed, Ticket)
        assert_type(opened.collect(), ParsedChatCompletion[Ticket])
    respond = client.responses.parse
    assert_type(respond(model="m", input="hi", text_format=Ticket).parsed, Ticket)
    streamed = respond(model="m", input="hi", text_format=list[int], stream=True)
    assert_type(streamed.parsed, list[int])
    assert_type(streamed.collect(), ParsedResponse[list[int]])
    batch = client.chat.completions.batch
    assert_type(batch(requests, response_format=Ticket), list[ParsedChatCompletion[Ticket] | Exception])
    assert_type(batch(requests, response_format=Ticket, on_error="raise"), list[ParsedChatCompletion[Ticket]])
    parse(model="m", messages=MESSAGES)  # type: ignore[call-overload]
    parse(model="m", messages=MESSAGES, response_format=Ticket, mesages=[])  # type: ignore[call-overload]
    client.chat.completions.create(model="m", messages=MESSAGES, response_format=Ticket)


def tools(client: Client) -> None:
    """Tools that run."""

    def look(city: str) -> str:
        return city

    run = client.chat.completions.run_tools
    assert_type(run(model="m", messages=MESSAGES, tools=[look]), ToolResult[ChatCompletion])
    assert_type(run(model="m", messages=MESSAGES, tools=[look], max_steps=3).final, ChatCompletion)
    assert_type(run(model="m", messages=MESSAGES, tools=[look], response_format=Ticket).final.parsed, Ticket)
    steps = client.chat.completions.iter_tools(model="m", messages=MESSAGES, tools=[look, Tool.of(look, name="see")])
    for step in steps:
        assert_type(step, ToolStep)
        assert_type(step.usd, float | None)
    assert_type(steps.result.final, ChatCompletion)
    run(model="m", messages=MESSAGES, tools=[look], max_step=3)  # type: ignore[call-overload]


def stream(opened: Stream[ChatCompletionChunk]) -> None:
    """Streams of a chat completion."""
    assert_type(opened.text_deltas(), Iterator[str])
    assert_type(opened.collect(), ChatCompletion)
    assert_type(opened.usage, Usage | None)
    for chunk in opened:
        assert_type(chunk, ChatCompletionChunk)


def responses(client: Client, *, either: bool) -> None:
    """The Responses API."""
    create = client.responses.create
    assert_type(create(model="m", input="hi"), Response)
    assert_type(create(model="m", input=ITEMS, max_output_tokens=9), Response)
    assert_type(create(model="m", input="hi", stream=True), ResponseStream)
    assert_type(create(model="m", input="hi", stream=either), Response | ResponseStream)
    create(model="m")  # type: ignore[call-overload]
    create(model="m", input="hi", max_tokens=9)  # type: ignore[call-overload]
    create(model="m", input="hi", tools=[{"type": "function", "name": "f"}, {"type": "web_search"}])


def response_stream(opened: ResponseStream) -> None:
    """Streams of a response."""
    assert_type(opened.collect(), Response)
    assert_type(opened.usage, ResponseUsage | None)
    assert_type(opened.completed_response, Response | None)
    for event in opened:
        assert_type(event, ResponseStreamEvent)
        if event.type == "response.output_text.delta" and isinstance(event, ResponseTextDeltaEvent):
            assert_type(event.delta, str)


def response_items(response: Response) -> None:
    """Items of a response."""
    for item in response.output:
        if isinstance(item, ResponseFunctionCallOutputItem):
            assert_type(item.arguments, str)


def models(client: Client) -> None:
    """Models, candidates and estimates."""
    assert_type(client.models.list(endpoint="responses"), ModelList)
    found = client.models.candidates(models=["m"], routing={"optimize": "cost"}, params=["seed"])
    assert_type(found, Candidates)
    assert_type(found.excluded, list[Candidate])
    assert_type(client.models.estimate_cost(models="m", messages="hi", output_tokens=(1, 9)), CostEstimate)
    client.models.candidates()  # type: ignore[call-arg]
    client.models.candidates(models="m", param=["seed"])  # type: ignore[call-arg]


def raw(client: Client) -> None:
    """HTTP replies and clients with other options."""
    create = client.with_raw_response(client.chat.completions.create)
    assert_type(create(model="m", messages=MESSAGES), RawResponse[ChatCompletion])
    assert_type(client.with_raw_response(client.models.list)(endpoint="responses").parse(), ModelList)
    create(model="m", messages=MESSAGES, stream=True)  # type: ignore[call-overload]
    assert_type(client.with_options(max_retries=0, timeout=3), Client)
    client.with_options(base_url="http://x")  # type: ignore[call-arg]


def batches(client: Client, requests: list[ChatParams]) -> None:
    """Many requests at once."""
    batch = client.chat.completions.batch
    assert_type(batch(requests), list[ChatCompletion | Exception])
    assert_type(batch(iter(requests), max_concurrency=3, limit_usd=0.5), list[ChatCompletion | Exception])
    assert_type(batch([{"model": "m", "messages": MESSAGES}], on_error="raise"), list[ChatCompletion])
    with client.chat.completions.batch_as_completed(requests) as completed:
        for index, reply in completed:
            assert_type(index, int)
            assert_type(reply, ChatCompletion | Exception)
    batch(requests, max_concurency=3)  # type: ignore[call-overload]
    batch(requests, on_error="ignore")  # type: ignore[call-overload]


async def awaited_batches(client: AsyncClient, requests: AsyncIterator[ChatParams]) -> None:
    """The same, awaited."""
    assert_type(await client.chat.completions.batch(requests), list[ChatCompletion | Exception])
    assert_type(await client.chat.completions.batch([], on_error="raise"), list[ChatCompletion])
    async with client.chat.completions.batch_as_completed(requests, progress=True) as completed:
        async for _, reply in completed:
            assert_type(reply, ChatCompletion | Exception)


async def awaited_parsed(client: AsyncClient) -> None:
    """The same, awaited."""
    parse = client.chat.completions.parse
    assert_type((await parse(model="m", messages=MESSAGES, response_format=Ticket)).parsed, Ticket)
    async with await parse(model="m", messages=MESSAGES, response_format=list[int], stream=True) as opened:
        async for event in opened:
            assert_type(event.item, ChatCompletionChunk)
        assert_type(opened.parsed, list[int])
        assert_type(await opened.collect(), ParsedChatCompletion[list[int]])
    assert_type((await client.responses.parse(model="m", input="hi", text_format=Ticket)).parsed, Ticket)
    run = await client.chat.completions.run_tools(model="m", messages=MESSAGES, tools=[len], response_format=Ticket)
    assert_type(run.final.parsed, Ticket)
    async for step in client.chat.completions.iter_tools(model="m", messages=MESSAGES, tools=[len]):
        assert_type(step.provider, str | None)
    replies = await client.chat.completions.batch([], response_format=Ticket)
    assert_type(replies, list[ParsedChatCompletion[Ticket] | Exception])


async def awaited(client: AsyncClient, *, either: bool) -> None:
    """The same, awaited."""
    create = client.chat.completions.create
    assert_type(await create(model="m", messages=MESSAGES), ChatCompletion)
    opened = await create(model="m", messages=MESSAGES, stream=True)
    assert_type(opened, AsyncStream[ChatCompletionChunk])
    assert_type(opened.text_deltas(), AsyncIterator[str])
    assert_type(await opened.collect(), ChatCompletion)
    both = await create(model="m", messages=MESSAGES, stream=either)
    assert_type(both, ChatCompletion | AsyncStream[ChatCompletionChunk])
    assert_type(await client.responses.create(model="m", input="hi"), Response)
    streamed = await client.responses.create(model="m", input="hi", stream=True)
    assert_type(streamed, AsyncResponseStream)
    assert_type(await streamed.collect(), Response)
    assert_type(await client.models.candidates(models="m"), Candidates)
    assert_type(await client.models.estimate_cost(models="m", messages=MESSAGES), CostEstimate)
    get: Callable[[], Awaitable[RawResponse[ModelList]]] = client.with_raw_response(client.models.list)
    assert_type((await get()).parse(), ModelList)
    assert_type(client.with_options(max_retries=0), AsyncClient)
