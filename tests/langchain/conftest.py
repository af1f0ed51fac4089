"""The scripted gateway, the sandbox, and an environment of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from auriko_langchain import ChatAuriko
from tests.support.scripted_gateway import ScriptedGateway

if TYPE_CHECKING:
    from auriko.sandbox import Sandbox


class LangChainGateway(ScriptedGateway):
    """A scripted gateway that makes models which ask it."""

    def model(self, **settings: Any) -> ChatAuriko:
        return ChatAuriko(**self.settings(settings, "http_client", "http_async_client"))


@pytest.fixture
def gateway() -> LangChainGateway:
    return LangChainGateway()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    from auriko.sandbox import Sandbox

    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture
def sandbox_env(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The environment in which `ChatAuriko(model=...)` talks to the sandbox."""
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    return sandbox


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests name their key and address; nobody else's are used."""
    for name in ("AURIKO_API_KEY", "AURIKO_BASE_URL", "OPENAI_API_KEY", "OPENAI_API_BASE", "LC_OUTPUT_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def anyio_backend() -> str:
    """LangChain runs on asyncio alone."""
    return "asyncio"
