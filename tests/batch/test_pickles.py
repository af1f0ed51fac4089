"""Clients and models travel to workers by pickle: the key stays behind, and the worker's own takes its place."""

import asyncio
import pickle
from typing import Any

import pytest
from pydantic import SecretStr

from auriko import AsyncClient, Client
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko
from tests.support import acts
from tests.support.batch_ways import ask
from tests.support.fault_server import serve

KEY = "ak_of_the_driver"


def with_model(kind: Any, **settings: Any) -> Any:
    return kind(model="m", api_key=SecretStr(settings.pop("api_key")), **settings)


async def ask_on_a_loop(client: AsyncClient) -> None:
    async with client:
        await client.chat.completions.create(**ask(0))


TRAVELLERS: dict[str, Any] = {
    "Client": (Client, lambda client: client.chat.completions.create(**ask(0))),
    "AsyncClient": (AsyncClient, lambda client: asyncio.run(ask_on_a_loop(client))),
    "ChatAuriko": (lambda **settings: with_model(ChatAuriko, **settings), lambda model: model.invoke("Hi")),
    "LlamaIndex Auriko": (lambda **settings: with_model(Auriko, **settings), lambda llm: llm.complete("Hi")),
}


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
@pytest.mark.parametrize("name", TRAVELLERS)
def test_the_key_stays_behind(name, used, monkeypatch):
    make, call = TRAVELLERS[name]
    with serve(acts.ok) as server:
        sent = make(api_key=KEY, base_url=server.url)
        if used:
            call(sent)
        data = pickle.dumps(sent)
        assert KEY.encode() not in data
        monkeypatch.setenv("AURIKO_API_KEY", "ak_of_the_worker")
        call(pickle.loads(data))  # noqa: S301 - it was made right here
        assert server.requests[-1].header("authorization") == "Bearer ak_of_the_worker"
