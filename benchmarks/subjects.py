"""What is measured: each subject makes a call and reads a stream, in a thread and on an event loop.

Imports are inside, so that a process loads nothing but its own subject.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, NamedTuple

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
KEY = "ak_benchmark"


class Subject(NamedTuple):
    """How one library does the four things that are measured."""

    call: Callable[[], Any]
    stream: Callable[[], Iterator[Any]]
    acall: Callable[[], Awaitable[Any]]
    astream: Callable[[], AsyncIterator[Any]]


def raw_httpx(url: str) -> Subject:
    """Plain httpx and json.loads: what a program without any SDK would do."""
    import httpx

    client, aclient = httpx.Client(timeout=60), httpx.AsyncClient(timeout=60)
    target, headers = f"{url}/chat/completions", {"Authorization": f"Bearer {KEY}"}
    # The server looks for this very text.
    body, streamed = {"model": "gpt-5.4", "messages": MESSAGES}, b'{"model":"gpt-5.4","stream":true}'

    def stream() -> Iterator[Any]:
        with client.stream("POST", target, content=streamed, headers=headers) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line[6:])

    async def acall() -> Any:
        return json.loads((await aclient.post(target, json=body, headers=headers)).content)

    async def astream() -> AsyncIterator[Any]:
        async with aclient.stream("POST", target, content=streamed, headers=headers) as reply:
            async for line in reply.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line[6:])

    return Subject(lambda: json.loads(client.post(target, json=body, headers=headers).content), stream, acall, astream)


def auriko(url: str) -> Subject:
    """The core client."""
    from auriko import AsyncClient, Client

    client, aclient = Client(api_key=KEY, base_url=url), AsyncClient(api_key=KEY, base_url=url)
    request: dict[str, Any] = {"model": "gpt-5.4", "messages": MESSAGES}

    async def astream() -> AsyncIterator[Any]:
        async for chunk in await aclient.chat.completions.create(**request, stream=True):
            yield chunk

    return Subject(
        lambda: client.chat.completions.create(**request),
        lambda: client.chat.completions.create(**request, stream=True),
        lambda: aclient.chat.completions.create(**request),
        astream,
    )


def langchain(url: str) -> Subject:
    """ChatAuriko."""
    from pydantic import SecretStr

    from auriko_langchain import ChatAuriko

    model = ChatAuriko(model="gpt-5.4", api_key=SecretStr(KEY), base_url=url)
    asked = MESSAGES[0]["content"]
    return Subject(
        lambda: model.invoke(asked),
        lambda: model.stream(asked),
        lambda: model.ainvoke(asked),
        lambda: model.astream(asked),
    )


def llamaindex(url: str) -> Subject:
    """Auriko, the LlamaIndex LLM."""
    from llama_index.core.llms import ChatMessage
    from pydantic import SecretStr

    from auriko_llamaindex import Auriko

    llm = Auriko(model="gpt-5.4", api_key=SecretStr(KEY), base_url=url)
    asked = [ChatMessage(content=MESSAGES[0]["content"])]

    async def astream() -> AsyncIterator[Any]:
        async for response in await llm.astream_chat(asked):
            yield response

    return Subject(lambda: llm.chat(asked), lambda: llm.stream_chat(asked), lambda: llm.achat(asked), astream)


SUBJECTS: dict[str, Callable[[str], Subject]] = {
    "raw httpx": raw_httpx,
    "auriko": auriko,
    "ChatAuriko": langchain,
    "LlamaIndex Auriko": llamaindex,
}
