"""Programs of version 1.2 find their names, or docs/migration.md says where they are."""

import copy
import importlib
import inspect
from pathlib import Path
from typing import Any

import httpx
import pydantic
import pytest

import auriko
from auriko import Client
from auriko.models import Extensions
from auriko.route_types import GatewayOptions, RoutingOptions, StructuredWarningType, merge_gateway_extra_body
from tests.support.acts import ok
from tests.support.cases import failures
from tests.support.clients import serving
from tests.support.published_names import ATTRIBUTES, GONE, PUBLISHED

MIGRATION = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
NAMES = [(module, name) for module, names in PUBLISHED.items() for name in names.split()]


def test_published_names_are_where_they_were() -> None:
    def check(module: str, name: str) -> None:
        found = importlib.import_module(module)
        assert getattr(found, name) is not None
        assert name in getattr(found, "__all__", [name])

    assert not failures(check, [pair for pair in NAMES if pair[1] not in GONE])


def test_names_that_are_gone_are_explained() -> None:
    def check(module: str, name: str) -> None:
        with pytest.raises((ImportError, AttributeError)):
            getattr(importlib.import_module(module), name)
        assert f"`{name}`" in MIGRATION
        assert f"`{module}`" in MIGRATION

    assert not failures(check, [pair for pair in NAMES if pair[1] in GONE])


@pytest.mark.parametrize("module", ["auriko", "auriko.errors", "auriko.route_types"])
def test_the_migration_page_names_every_name_of_the_modules_that_changed(module: str) -> None:
    errors = PUBLISHED["auriko.errors"].split() if module == "auriko" else []
    for name in PUBLISHED[module].split():
        assert f"`{name}`" in MIGRATION or name in errors, name


def test_the_migration_page_names_every_module() -> None:
    for module in PUBLISHED:
        assert f"`{module}`" in MIGRATION, module


@pytest.mark.parametrize("owner", ATTRIBUTES)
def test_objects_have_the_attributes_that_they_had(owner: str) -> None:
    module, _, name = owner.rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    made = Client(api_key="ak_x") if kind is Client else kind
    fields = getattr(kind, "model_fields", {})
    for attribute in ATTRIBUTES[owner].split():
        assert attribute in fields or hasattr(made, attribute), attribute


@pytest.mark.parametrize(
    "module",
    ["auriko", "auriko.errors", "auriko.models", "auriko.route_types", "auriko.routing", "auriko.types"],
)
def test_what_a_module_exports_is_there_and_complete(module: str) -> None:
    found = importlib.import_module(module)
    assert len(set(found.__all__)) == len(found.__all__)
    for name in found.__all__:
        assert getattr(found, name) is not None
    imported = {name for name, value in vars(found).items() if inspect.isclass(value) and not name.startswith("_")}
    own = {name for name in imported if getattr(found, name).__module__.startswith("auriko")}
    assert own <= set(found.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = found.nothing


def test_the_names_of_auriko_are_sorted() -> None:
    assert auriko.__all__ == sorted(auriko.__all__)


def test_the_errors_name_their_public_place() -> None:
    from auriko import errors

    for name in errors.__all__:
        value = getattr(errors, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            assert value.__module__ == "auriko.errors"


def test_bodies_for_the_openai_package_are_merged_to_their_depth() -> None:
    base: dict[str, Any] = {"user": "u", "gateway": {"routing": {"optimize": "cost"}, "models": ["a"]}}
    overlay: dict[str, Any] = {"gateway": {"routing": {"max_ttft_ms": 5}, "metadata": {"tags": ["t"]}}, "seed": 1}
    before = copy.deepcopy((base, overlay))
    assert merge_gateway_extra_body(base, overlay) == {
        "user": "u",
        "seed": 1,
        "gateway": {
            "routing": {"optimize": "cost", "max_ttft_ms": 5},
            "models": ["a"],
            "metadata": {"tags": ["t"]},
        },
    }
    assert (base, overlay) == before
    assert merge_gateway_extra_body({}, overlay) == overlay
    assert merge_gateway_extra_body(base, {"gateway": "odd"})["gateway"] == "odd"
    typed = {"gateway": GatewayOptions(routing=RoutingOptions(optimize="cost"))}
    assert merge_gateway_extra_body(typed, {"gateway": {"models": ["a"]}})["gateway"] == {
        "routing": {"optimize": "cost"},
        "models": ["a"],
    }


def test_extensions_can_be_an_object() -> None:
    with serving(ok) as (server, client):
        client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "x"}],
            extensions=Extensions(openai={"a": 1}, mistral={"b": 2}),  # type: ignore[call-arg]
        )
    assert server.requests[0].json["extensions"] == {"openai": {"a": 1}, "mistral": {"b": 2}}
    with pytest.raises(pydantic.ValidationError, match="reasoning_effort"):
        Extensions(thinking={"enabled": True})  # type: ignore[call-arg]


def test_kinds_of_warning_compare_with_what_the_gateway_says() -> None:
    assert StructuredWarningType.UNSUPPORTED_PARAMETER == "unsupported_parameter"


def test_a_client_tells_its_settings_but_not_its_key() -> None:
    client = Client(api_key="ak_x", base_url="http://127.0.0.1:1/v1/", timeout=3, max_retries=5)
    assert (client.base_url, client.timeout, client.max_retries) == ("http://127.0.0.1:1/v1", httpx.Timeout(3), 5)
    assert not hasattr(client, "api_key")
