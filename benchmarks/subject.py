"""How a library is measured: what it is asked, and the four things that each does its own way.

Imports are inside, so that a process loads nothing but the library that it measures.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

KEY = "ak_benchmark"
MODEL = "gpt-4o"
MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]

# The arguments of a chat completion: model and messages, and perhaps tools.
Ask = dict[str, Any]
SMALL: Ask = {"model": MODEL, "messages": MESSAGES}


def large(name: str) -> Ask:
    """A request of about 1 MB in one message, 1 MB in 1,000 messages, 200 KB in 200 tools, or 10 MB in an image."""
    if name == "1 MB message":
        return {**SMALL, "messages": [{"role": "user", "content": "All the world's a stage. " * 40_000}]}
    if name == "1000 messages":
        turns = ("user", "assistant")
        return {
            **SMALL,
            "messages": [{"role": turns[n % 2], "content": "All the world's a stage. " * 40} for n in range(1000)],
        }
    if name == "200 tools":
        return {**SMALL, "tools": [_tool(number) for number in range(200)]}
    picture = {"url": "data:image/png;base64," + "iVBORw0KGgoAAAANSUhE" * 500_000}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": picture}]
    return {**SMALL, "messages": [{"role": "user", "content": content}]}


def _tool(number: int) -> dict[str, Any]:
    fields = {
        f"field_{field}": {"type": "string", "description": "What the customer has written in this field. " * 2}
        for field in range(6)
    }
    parameters = {"type": "object", "properties": fields, "required": list(fields)}
    description = "Looks up an order, and says where it is."
    return {
        "type": "function",
        "function": {"name": f"tool_{number}", "description": description, "parameters": parameters},
    }


class Subject:
    """One library with a client for threads and one for event loops, which ask the same thing again and again."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        raise NotImplementedError

    @staticmethod
    def construct(url: str) -> Any:
        """A new client for threads."""
        raise NotImplementedError

    def call(self) -> Any:
        """A whole reply."""
        raise NotImplementedError

    def stream(self) -> Iterator[Any]:
        """The items of a stream."""
        raise NotImplementedError

    def acall(self) -> Awaitable[Any]:
        """A whole reply, on an event loop."""
        raise NotImplementedError

    def astream(self) -> AsyncIterator[Any]:
        """The items of a stream, on an event loop."""
        raise NotImplementedError

    def batch(self, count: int) -> Any:
        """So many replies at once."""
        raise NotImplementedError

    def abatch(self, count: int) -> Awaitable[Any]:
        """So many replies at once, on an event loop."""
        raise NotImplementedError


class ChatCompletions(Subject):
    """Clients with the method `chat.completions.create`."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        self._create = self.construct(url).chat.completions.create
        self._acreate = self.aconstruct(url).chat.completions.create
        self._ask = ask

    @staticmethod
    def aconstruct(url: str) -> Any:
        """A new client for event loops."""
        raise NotImplementedError

    def call(self) -> Any:
        return self._create(**self._ask)

    def stream(self) -> Iterator[Any]:
        return iter(self._create(**self._ask, stream=True))

    def acall(self) -> Awaitable[Any]:
        result: Awaitable[Any] = self._acreate(**self._ask)
        return result

    async def astream(self) -> AsyncIterator[Any]:
        async for item in await self._acreate(**self._ask, stream=True):
            yield item


class LangChainModel(Subject):
    """Chat models of LangChain."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        from langchain_core.messages import convert_to_messages

        self._model = self.construct(url)
        self._messages = convert_to_messages(ask["messages"])

    def call(self) -> Any:
        return self._model.invoke(self._messages)

    def stream(self) -> Iterator[Any]:
        return iter(self._model.stream(self._messages))

    def acall(self) -> Awaitable[Any]:
        result: Awaitable[Any] = self._model.ainvoke(self._messages)
        return result

    def astream(self) -> AsyncIterator[Any]:
        result: AsyncIterator[Any] = self._model.astream(self._messages)
        return result

    def batch(self, count: int) -> Any:
        return self._model.batch([self._messages] * count)

    def abatch(self, count: int) -> Awaitable[Any]:
        result: Awaitable[Any] = self._model.abatch([self._messages] * count)
        return result


class LlamaIndexLLM(Subject):
    """LLMs of LlamaIndex."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        from llama_index.core.llms import ChatMessage

        self._llm = self.construct(url)
        self._messages = [ChatMessage(role=message["role"], content=message["content"]) for message in ask["messages"]]

    def call(self) -> Any:
        return self._llm.chat(self._messages)

    def stream(self) -> Iterator[Any]:
        return iter(self._llm.stream_chat(self._messages))

    def acall(self) -> Awaitable[Any]:
        result: Awaitable[Any] = self._llm.achat(self._messages)
        return result

    async def astream(self) -> AsyncIterator[Any]:
        async for response in await self._llm.astream_chat(self._messages):
            yield response
