"""The catalogue of one sandbox: the one that comes along, what the user adds to it, and what upstreams list.

A file is TOML in the shape of `catalog_file`. What it says of a provider or a model goes before what comes along; a
provider that becomes an upstream loses the offers that came along. `builtin = false` leaves out all that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from auriko.sandbox.catalog.file import default_catalog, default_data, read_catalog, read_providers
from auriko.sandbox.catalog.model import CHAT, RESPONSES, Catalog, Provider
from auriko.sandbox.catalog.upstreams import listed_models
from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.toml_file import read_toml

_ENDPOINTS = (CHAT, RESPONSES)  # of models that do not come along: any model can answer both, in the gateway's forms

Source = Catalog | Mapping[str, Any] | str | os.PathLike[str]


def make_catalog(source: Source | None, upstreams: Mapping[str, str]) -> Catalog:
    """The catalogue of a sandbox. Upstreams without a model in the catalogue are asked for theirs.

    Args:
        source: A whole catalogue; or additions to the one that comes along, as data or as a TOML file's path.
        upstreams: Addresses by the provider's id.

    Raises:
        UpstreamError: An upstream that has to be asked does not answer.
        ValueError: The additions are wrong, or the file cannot be read.
    """
    if isinstance(source, Catalog):
        if upstreams:
            raise ValueError("Name upstreams in the catalogue itself, or give it as data or as a TOML file.")
        return source
    if source is None and not upstreams:
        return default_catalog()
    given = dict(source) if isinstance(source, Mapping) else {} if source is None else read_toml(Path(source))
    where = "the catalogue" if source is None or isinstance(source, Mapping) else str(source)
    try:
        return _merged(given, upstreams)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"In {where}, {path}: {first['msg'].removeprefix('Value error, ')}.") from None
    except ValueError as error:
        raise ValueError(f"In {where}: {error}.") from None


def _merged(given: Mapping[str, Any], upstreams: Mapping[str, str]) -> Catalog:
    data: dict[str, Any] = default_data() if given.get("builtin", True) else {"providers": {}, "models": {}}
    additions = {name: value for name, value in given.items() if name != "builtin"}
    if unknown := additions.keys() - data.keys():
        raise ValueError(f"{min(unknown)!r} is not known; there are builtin, providers and models")
    providers, models = _tables(additions, "providers"), _tables(additions, "models")
    for name, address in upstreams.items():
        providers[name] = {**providers.get(name, {}), "base_url": address}
    for name, entry in providers.items():
        if "base_url" in entry:
            _forget_offers(data, name)
            data["providers"][name] = entry
        else:
            data["providers"][name] = {**data["providers"].get(name, {}), **entry}
    for model_id, entry in models.items():
        known = data["models"].get(model_id, {"endpoints": _ENDPOINTS})
        data["models"][model_id] = {**known, **entry, "offers": {**known.get("offers", {}), **_tables(entry, "offers")}}
    named = {provider for entry in models.values() for provider in _tables(entry, "offers")}
    for name, provider in read_providers(data["providers"]).items():
        if name not in named:
            _add_listed(data["models"], provider)
    return read_catalog(data)


def _tables(table: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The tables in a table of this name."""
    found = table.get(name, {})
    if not is_object(found) or not all(is_object(each) for each in found.values()):
        raise ValueError(f"{name} holds a table for each name")
    return {key: dict(value) for key, value in found.items()}


def _forget_offers(data: dict[str, Any], provider: str) -> None:
    for model_id, entry in list(data["models"].items()):
        entry["offers"].pop(provider, None)
        if not entry["offers"]:
            del data["models"][model_id]


def _add_listed(models: dict[str, Any], provider: Provider) -> None:
    for model_id, facts in listed_models(provider).items():
        models.setdefault(model_id, {"endpoints": _ENDPOINTS, "offers": {}})["offers"][provider.id] = facts
