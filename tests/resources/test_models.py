"""Which models and providers there are, and whose key it is (API section 11.6)."""

from typing import Any

import pytest

from auriko import AsyncClient, Client
from auriko.errors import NotFoundError
from auriko.models import ApiKeyIdentity, DirectoryResponse, Model, ModelList, ModelsListResponse, ProviderList
from auriko.sandbox import Sandbox
from tests.support.acts import reply
from tests.support.clients import serving, serving_async

IDENTITY: dict[str, Any] = {
    "credential_type": "api_key",
    "status": "active",
    "profile": "inference",
    "workspace": {"id": "7c9e", "name": "Acme"},
    "rate_limits": {"inference_rpm": 60},
    "expires_at": None,
}
# The call, the target, whether the key is sent, the reply, and its model.
CALLS: list[tuple[str, dict[str, Any], str, bool, dict[str, Any], type[Any]]] = [
    ("models.list", {}, "/v1/models", True, {"data": [{"id": "m"}]}, ModelList),
    ("models.list", {"endpoint": "responses"}, "/v1/models?endpoint=responses", True, {"data": []}, ModelList),
    ("models.retrieve", {"model_id": "ft:a/b c?d"}, "/v1/models/ft%3Aa%2Fb%20c%3Fd", True, {"id": "m"}, Model),
    ("models.retrieve", {"model_id": ".."}, "/v1/models/%2E%2E", True, {"id": "m"}, Model),
    ("models.list_directory", {}, "/v1/directory/models", False, {"models": {}}, DirectoryResponse),
    ("models.list_registry", {}, "/v1/registry/models", False, {"models": []}, ModelsListResponse),
    ("models.list_providers", {}, "/v1/registry/providers", False, {"providers": []}, ProviderList),
    ("me.get", {}, "/v1/me", True, IDENTITY, ApiKeyIdentity),
]


def method(client: Any, path: str) -> Any:
    """The method of this name."""
    resource, _, name = path.partition(".")
    return getattr(getattr(client, resource), name)


@pytest.mark.parametrize(("path", "arguments", "target", "keyed", "body", "kind"), CALLS)
def test_a_call_goes_where_the_contract_says(
    path: str, arguments: Any, target: str, keyed: bool, body: Any, kind: type[Any]
) -> None:
    with serving(reply(200, body, x_request_id="req_1")) as (server, client):
        answer = method(client, path)(**arguments)
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", target)
    assert (request.header("Authorization") is not None) is keyed
    assert type(answer) is kind
    assert answer.request_id == "req_1"
    assert answer.response_headers["content-type"].startswith("application/json")


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "arguments", "target", "keyed", "body", "kind"), CALLS)
async def test_the_async_call_goes_there_too(
    path: str, arguments: Any, target: str, keyed: bool, body: Any, kind: type[Any]
) -> None:
    async with serving_async(reply(200, body)) as (server, client):
        answer = await method(client, path)(**arguments)
    (request,) = server.requests
    assert (request.target, request.header("Authorization") is not None) == (target, keyed)
    assert type(answer) is kind


def test_the_identity_is_typed_and_the_older_shape_is_kept() -> None:
    with serving(reply(200, IDENTITY), reply(200, {"object": "api_key_identity", "tier": "builder"})) as (_, client):
        new, old = client.me.get(), client.me.get()
    assert new.workspace is not None
    assert new.rate_limits is not None
    assert (new.workspace.name, new.rate_limits.inference_rpm) == ("Acme", 60)
    assert old.model_extra == {"object": "api_key_identity", "tier": "builder"}


def test_an_empty_id_is_refused_before_any_request() -> None:
    with serving(reply(200, {"id": "m"})) as (server, client):
        with pytest.raises(ValueError, match="model_id is empty"):
            client.models.retrieve("")
        assert server.requests == []


def test_the_sandbox_lists_what_it_has(client: Client) -> None:
    listed = {model.id for model in client.models.list().data}
    directory = client.models.list_directory()
    assert "gpt-4o" in listed
    assert listed <= set(directory.models)
    assert client.models.retrieve("gpt-4o-2024-08-06").id == "gpt-4o"
    assert {model.id for model in client.models.list_registry().models} == set(directory.models)
    providers = {provider.id for provider in client.models.list_providers().providers}
    assert {entry.provider for model in directory.models.values() for entry in model.providers} <= providers
    with pytest.raises(NotFoundError):
        client.models.retrieve("no/such model")


@pytest.mark.anyio
async def test_the_sandbox_knows_the_key(sandbox: Sandbox) -> None:
    async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as client:
        assert (await client.me.get()).status == "active"
