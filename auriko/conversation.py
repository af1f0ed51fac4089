"""A conversation that keeps its messages, its cost and its cache: `auriko.Conversation(client, models=[...])`."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel
from typing_extensions import Self

from auriko._client import AsyncClient, Client
from auriko._display.money import add_usd, usd_text
from auriko._tokens import prompt_token_range
from auriko.accumulate import ChatAccumulator
from auriko.models.chat import ChatCompletion
from auriko.models.routing import RoutingMetadata

__all__ = ["AsyncConversation", "Conversation"]

ClientT = TypeVar("ClientT", Client, AsyncClient)
# How far a conversation is cut that has grown too long: its beginning has to stay the same for some turns, or no
# provider's cache would ever hold it.
_CUT_TO: Final = 0.75
_INSTRUCTIONS: Final = frozenset({"system", "developer"})


class _ConversationBase(Generic[ClientT]):
    """The base of both kinds: everything but the awaiting."""

    _kind: type[Client | AsyncClient]

    def __init__(
        self,
        client: ClientT,
        *,
        messages: list[dict[str, Any]] | None = None,
        max_prompt_tokens: int | None = None,
        id: str | None = None,  # noqa: A002 - what it is
        **params: Any,
    ) -> None:
        if not isinstance(client, self._kind):
            raise TypeError(f"{type(self).__name__} takes {self._kind.__name__}, not {type(client).__name__}")
        self._client: ClientT = client
        self.id = id or uuid.uuid4().hex
        self.messages = list(messages or ())
        self.max_prompt_tokens = max_prompt_tokens
        self.params = params
        self.usd = 0.0
        self.cache_savings_usd = 0.0
        self.unknown_cost_calls = 0

    def _request(self, text: str | Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the next turn, whose message is not kept before it has been answered."""
        said = {"role": "user", "content": text} if isinstance(text, str) else dict(text)
        messages = _trimmed([*self.messages, said], self.max_prompt_tokens)
        return {**self.params, **params, "messages": messages, "conversation": self.id}

    def _keep(self, request: Mapping[str, Any], reply: ChatCompletion) -> ChatCompletion:
        self._count(reply.routing_metadata)
        if reply.choices:
            said = request["messages"][-1]
            if self.max_prompt_tokens is not None:
                self.messages[:] = _trimmed([*self.messages, said], self.max_prompt_tokens)[:-1]
            # Turns that were asked at once all stay, in the order of their answers.
            self.messages += [said, reply.choices[0].message.model_dump(exclude_none=True)]
        return reply

    def _count(self, metadata: RoutingMetadata | None) -> None:
        cost = metadata.cost if metadata is not None else None
        if cost is None or cost.usd is None:
            self.unknown_cost_calls += 1
        else:
            self.usd = add_usd(self.usd, cost.usd)
            self.cache_savings_usd = add_usd(self.cache_savings_usd, cost.cache_savings_usd)

    def to_json(self) -> str:
        """The conversation as JSON: its messages, arguments and cost, without the client."""
        kept = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return json.dumps(kept, ensure_ascii=False, default=_plain)

    @classmethod
    def from_json(cls, text: str, client: ClientT) -> Self:
        """A conversation that goes on where `to_json` was called."""
        kept: dict[str, Any] = json.loads(text)
        names = ("messages", "max_prompt_tokens", "id")
        made = cls(client, **{name: kept.pop(name) for name in names}, **kept.pop("params"))
        vars(made).update(kept)
        return made

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.messages)} messages, {usd_text(self.usd)})"


class Conversation(_ConversationBase[Client]):
    """A conversation whose turns stay with the provider whose cache has them.

        talk = Conversation(client, models=["gpt-4o", "claude-sonnet-4-6"])
        print(talk.send("Hello!").choices[0].message.content, talk.usd)

    A turn that fails leaves the conversation as it was.

    Args:
        client: The client to ask with.
        messages: What has been said so far, such as instructions.
        max_prompt_tokens: About how many tokens may be sent; of a longer conversation the oldest turns are dropped.
        id: What the client knows it by; made up if left out.
        **params: Arguments of every turn, as for `client.chat.completions.create`.

    Attributes:
        messages: What has been said.
        usd: What it has cost, in USD, as far as that is known.
        cache_savings_usd: What providers' caches have saved of it.
        unknown_cost_calls: How many answers cost what nobody told.
    """

    _kind = Client

    def send(self, text: str | Mapping[str, Any], **params: Any) -> ChatCompletion:
        """The answer to a text, or to a message of the user; further arguments are for this turn alone."""
        request = self._request(text, params)
        return self._keep(request, self._client.chat.completions.create(stream=False, **request))

    def stream(self, text: str | Mapping[str, Any], **params: Any) -> Iterator[str]:
        """The pieces of the answer's text; the turn belongs to the conversation once they have been read to the end."""
        request = self._request(text, params)
        whole = ChatAccumulator()
        with self._client.chat.completions.create(stream=True, **request) as chunks:
            for chunk in chunks:
                whole.add(chunk)
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content
        self._keep(request, whole.completion())


class AsyncConversation(_ConversationBase[AsyncClient]):
    """A conversation as `Conversation`, awaited."""

    _kind = AsyncClient

    async def send(self, text: str | Mapping[str, Any], **params: Any) -> ChatCompletion:
        """The answer to a text, or to a message of the user; further arguments are for this turn alone."""
        request = self._request(text, params)
        return self._keep(request, await self._client.chat.completions.create(stream=False, **request))

    async def stream(self, text: str | Mapping[str, Any], **params: Any) -> AsyncIterator[str]:
        """The pieces of the answer's text; the turn belongs to the conversation once they have been read to the end."""
        request = self._request(text, params)
        whole = ChatAccumulator()
        async with await self._client.chat.completions.create(stream=True, **request) as chunks:
            async for chunk in chunks:
                whole.add(chunk)
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content
        self._keep(request, whole.completion())


def _trimmed(messages: list[dict[str, Any]], most_tokens: int | None) -> list[dict[str, Any]]:
    """The messages without their oldest turns, if they have grown too long; instructions and the last one stay."""
    if most_tokens is None or _tokens(messages) <= most_tokens:
        return messages
    while _tokens(messages) > most_tokens * _CUT_TO:
        turns = [n for n, each in enumerate(messages[:-1]) if each["role"] not in _INSTRUCTIONS]
        if not turns:
            break
        begins = [n for n in turns[1:] if messages[n]["role"] == "user"]
        del messages[turns[0] : begins[0] if begins else -1]
    return messages


def _tokens(messages: list[dict[str, Any]]) -> int:
    return prompt_token_range(messages, None, None)[1]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    raise TypeError(f"an argument of the conversation is {value!r}, which JSON has no form for")
