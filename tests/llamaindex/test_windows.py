"""The context window of what the LLM may answer with."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from auriko.errors import AuthenticationError
from auriko_llamaindex import Auriko

CATALOGUE = {"large": 1_000_000, "small": 8192, "unsaid": None}


@pytest.fixture
def asked() -> list[str]:
    return []


def _llm(asked: list[str], **settings: Any) -> Auriko:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        name = request.url.path.removeprefix("/v1/models/")
        if name not in CATALOGUE:
            error = {"message": "unknown", "type": "not_found_error", "code": "model_not_found"}
            return httpx.Response(404, json={"error": error})
        return httpx.Response(200, json={"id": name, "context_window": CATALOGUE[name]})

    mock = httpx.MockTransport(answer)
    transports = {"http_client": httpx.Client(transport=mock), "async_http_client": httpx.AsyncClient(transport=mock)}
    return Auriko(api_key="ak_test", base_url="http://127.0.0.1:1", **transports, **settings)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "window"),
    [
        ({"model": "large"}, 1_000_000),
        ({"model": "large:ttft-focus"}, 1_000_000),
        ({"models": ["large", "small", "unsaid", "unheard-of"]}, 8192),
        ({"model": "unheard-of"}, None),
        ({"model": "unsaid"}, None),
    ],
)
async def test_the_smallest_known_window_is_fetched_and_remembered(asked, settings, window):
    sync, asynchronous = _llm(asked, **settings), _llm(asked, **settings)
    assert sync.fetch_context_window() == window
    assert await asynchronous.afetch_context_window() == window
    for llm in (sync, asynchronous):
        assert llm.metadata.context_window == (window or 128_000)
        assert Auriko.from_dict(llm.to_dict(), api_key="ak_test").metadata == llm.metadata


def test_what_the_user_set_stays_where_the_catalogue_knows_nothing(asked):
    llm = _llm(asked, model="unheard-of", context_window=4096)
    assert llm.fetch_context_window() is None
    assert llm.metadata.context_window == 4096


def test_nothing_is_asked_unless_told_to(asked):
    assert _llm(asked, model="large").metadata.context_window == 128_000
    assert asked == []


def test_an_error_is_raised_as_it_is():
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": {"message": "no", "type": "authentication_error"}})

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    with pytest.raises(AuthenticationError):
        Auriko(model="large", api_key="ak_test", http_client=transport).fetch_context_window()
