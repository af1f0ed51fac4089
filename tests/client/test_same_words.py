"""The same words everywhere: routing in `create`, names of other libraries, models and endpoints that are not there."""

import re
from typing import Any

import pytest

from auriko import APIStatusError, Client, GatewayMetadata, GatewayOptions, NotFoundError, RoutingOptions
from auriko.sandbox import Sandbox
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko
from tests.support.acts import ok
from tests.support.both import both_clients, settled
from tests.support.clients import serving

pytestmark = pytest.mark.anyio
MESSAGES = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@both_clients
@pytest.mark.parametrize(
    ("words", "gateway"),
    [
        ({"models": ["a", "b"]}, {"models": ["a", "b"]}),
        ({"model": "a", "routing": {"optimize": "cost"}}, {"routing": {"optimize": "cost"}}),
        ({"model": "a", "routing": RoutingOptions(prefer="x")}, {"routing": {"prefer": "x"}}),
        ({"model": "a", "gateway_metadata": GatewayMetadata(tags=["t"])}, {"metadata": {"tags": ["t"]}}),
        (
            {"models": ["a"], "gateway": {"routing": {"optimize": "ttft"}}},
            {"models": ["a"], "routing": {"optimize": "ttft"}},
        ),
        (
            {"routing": {"optimize": "ttft"}, "gateway": GatewayOptions(models=["a"])},
            {"models": ["a"], "routing": {"optimize": "ttft"}},
        ),
        ({"models": ["a"], "routing": None, "gateway": None}, {"models": ["a"]}),
        (
            {"models": ["a"], "extra_body": {"gateway": {"routing": {"new": 1}}}},
            {"models": ["a"], "routing": {"new": 1}},
        ),
    ],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_routing_can_be_said_without_the_gateway_object(
    kind: Any, api: str, words: dict[str, Any], gateway: dict[str, Any]
) -> None:
    with Sandbox(engines=["quote"]) as sandbox:
        sandbox.answer_with("Hi!")
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, max_retries=0)
        made = client.chat.completions.create if api == "chat" else client.responses.create
        asked: dict[str, Any] = {"messages": MESSAGES} if api == "chat" else {"input": "Hello!"}
        with pytest.raises(APIStatusError):
            await settled(made(**asked, **words))
        await settled(client.close())
    assert sandbox.requests[-1].json["gateway"] == gateway


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"models": ["a"], "gateway": {"models": ["b"]}}, "models and gateway['models'] say the same thing"),
        (
            {"model": "a", "routing": {"optimize": "cost"}, "gateway": {"routing": {"prefer": "x"}}},
            "routing and gateway['routing'] say the same thing",
        ),
        (
            {"model": "a", "gateway_metadata": {"tags": ["a"]}, "gateway": {"metadata": {"tags": ["b"]}}},
            "gateway_metadata and gateway['metadata'] say the same thing",
        ),
        ({"model": "a", "models": ["b"]}, "give either model or models"),
        ({}, "give a model, or candidates in models=[...]"),
        ({"model": "a", "routing": {"optimise": "cost"}}, "did you mean 'optimize'?"),
    ],
)
def test_what_is_said_twice_or_wrongly_is_refused(words: dict[str, Any], message: str) -> None:
    with serving(ok) as (server, client), pytest.raises(ValueError, match=re.escape(message)):
        client.chat.completions.create(messages=MESSAGES, **words)
    assert not server.requests


@pytest.mark.parametrize(
    ("make", "name", "meant"),
    [
        (ChatAuriko, "openai_api_key", "'api_key'"),
        (ChatAuriko, "openai_api_base", "'base_url'"),
        (ChatAuriko, "gateway", "'routing' or 'models' or 'gateway_metadata'"),
        (ChatAuriko, "temprature", "'temperature'"),
        (Auriko, "api_base", "'base_url'"),
        (Auriko, "gateway", "'routing' or 'models' or 'gateway_metadata'"),
        (Client, "openai_api_key", "'api_key'"),
    ],
)
def test_names_of_other_libraries_are_known(make: Any, name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"{name!r}; did you mean {meant}"):
        make(**{name: "sk-secret"})


def test_the_model_needs_no_name() -> None:
    assert ChatAuriko("gpt-4o", api_key="ak_x").model == "gpt-4o"
    assert Auriko("gpt-4o", api_key="ak_x").model == "gpt-4o"
    with pytest.raises(TypeError, match="one argument without a name"):
        ChatAuriko("gpt-4o", "ak_x", api_key="ak_x")  # type: ignore[misc]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="given twice"):
        ChatAuriko("gpt-4o", model="gpt-4o", api_key="ak_x")  # type: ignore[misc]  # pyright: ignore[reportCallIssue]


@both_clients
async def test_a_model_that_is_not_there_names_the_nearest(kind: Any, sandbox: Sandbox) -> None:
    client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
    for ask in (
        lambda: client.chat.completions.create(model="gpt4o", messages=MESSAGES),
        lambda: client.models.retrieve("gpt4o"),
    ):
        with pytest.raises(NotFoundError, match="Did you mean gpt-4o"):
            await settled(ask())
    with pytest.raises(NotFoundError, match="GET /v1/models lists every model"):
        await settled(client.models.retrieve("nothing-of-the-kind"))
    found = await settled(client.models.candidates(models=["gpt4o", "nothing-of-the-kind"]))
    assert "did you mean gpt-4o or" in found.excluded[0].reasons[0].text
    assert found.excluded[1].reasons[0].text == "the directory does not have this model"
    await settled(client.close())


@both_clients
def test_endpoints_that_the_gateway_has_not_are_said_to_be_missing(kind: Any) -> None:
    client = kind(api_key="ak_x")
    for name in ("embeddings", "images", "files"):
        with pytest.raises(AttributeError, match=f"{name!r}: the gateway has no such endpoint; it has chat.completion"):
            getattr(client, name)
        assert not hasattr(client, name)
    with pytest.raises(AttributeError, match=r"has no attribute 'chta'$"):
        _ = client.chta


def test_names_of_resources_are_where_they_were() -> None:
    import auriko.resources

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = auriko.resources.Nothing
