"""Servers of the user's own as providers: what they offer, and the engines that ask them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from auriko.sandbox.catalog.model import Catalog, Provider
from auriko.sandbox.engines.json_types import is_array, is_object
from auriko.sandbox.engines.upstream.engine import UpstreamEngine, UpstreamServer, json_or_none

_LIST_SECONDS = 15.0
# What servers call the tokens that a model holds, in their lists of models.
_WINDOWS = ("context_window", "context_length", "max_model_len", "n_ctx")
_KEY = re.compile(r"[\x21-\x7e]+")


class UpstreamError(Exception):
    """An upstream does not say which models it has."""


def server_of(provider: Provider) -> UpstreamServer | None:
    """The server behind this provider, with its key from the environment; None if an engine answers for it.

    Raises:
        ValueError: The variable that was named for its key is not set, or holds what cannot be a key.
    """
    if provider.base_url is None:
        return None
    variable = provider.api_key_env or re.sub(r"\W", "_", provider.id).upper() + "_API_KEY"
    key = SecretStr(os.environ.get(variable, ""))
    if not key:
        if provider.api_key_env is not None:
            raise ValueError(f"{provider.base_url} needs an API key: set {variable}")
        return UpstreamServer(provider.base_url, None, provider.max_tokens_field)
    if not _KEY.fullmatch(key.get_secret_value()):
        raise ValueError(f"{variable} holds characters that no API key has")
    return UpstreamServer(provider.base_url, key, provider.max_tokens_field)


def upstream_engines(catalog: Catalog) -> Iterator[UpstreamEngine]:
    """An engine for each model of each upstream; those of one upstream share its connections.

    Raises:
        ValueError: An upstream's key is missing.
    """
    servers = {provider.id: server_of(provider) for provider in catalog.providers()}
    made: set[str] = set()
    for model in catalog:
        for offer in model.offers:
            name, server = offer.engine(offer.tiers[0]), servers[offer.provider.id]
            if server is not None and offer.upstream_model is not None and name not in made:
                made.add(name)
                yield UpstreamEngine(name, offer.upstream_model, server)


def listed_models(provider: Provider) -> dict[str, dict[str, Any]]:
    """The models that the provider lists, if it is an upstream: facts of each, by its name there.

    Raises:
        UpstreamError: It does not answer with a list.
        ValueError: Its key is missing.
    """
    server = server_of(provider)
    if server is None:
        return {}
    try:
        with httpx.Client(**server.settings(), timeout=_LIST_SECONDS) as client:
            reply = client.get("models")
    except httpx.HTTPError as error:
        raise _unlisted(provider, type(error).__name__) from None
    if reply.status_code != 200:
        raise _unlisted(provider, f"status {reply.status_code}")
    body = json_or_none(reply.content)
    entries = body.get("data") if is_object(body) else None
    if not is_array(entries):
        raise _unlisted(provider, "the reply is not a list of models")
    return {entry["id"]: _facts(entry) for entry in entries if is_object(entry) and isinstance(entry.get("id"), str)}


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The number of tokens that a model holds, if the list says it."""
    meta = entry.get("meta")
    told = {**meta, **entry} if is_object(meta) else entry
    windows = (told.get(name) for name in _WINDOWS)
    window = next((window for window in windows if isinstance(window, int) and window > 0), None)
    return {} if window is None else {"context_window": window, "max_output_tokens": window}


def _unlisted(provider: Provider, why: str) -> UpstreamError:
    return UpstreamError(
        f"The upstream {provider.id} does not list its models at {provider.base_url}/models ({why}): start it, check "
        "its address and key, or name its models in a catalogue."
    )
