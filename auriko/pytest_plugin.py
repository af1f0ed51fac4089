"""Fixtures for tests of programs that use auriko: a gateway of their own, without a key, a network or a bill.

    def test_my_app(auriko_sandbox):
        assert my_app.answer("...")            # finds the sandbox by AURIKO_BASE_URL and AURIKO_API_KEY
        assert auriko_sandbox.requests[-1].json["model"] == "gpt-4o"

`auriko_sandbox.answer_with(["first answer", "second answer"])` chooses what is answered.

Pytest loads this file in every run, so it imports nothing of auriko until a fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auriko import Client
    from auriko.sandbox import Sandbox

_QUICK_ENGINES = ("quote", "quote-slow")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers", "auriko_faults(*faults, seed=0): what goes wrong in auriko_sandbox, such as '429;times=1'"
    )
    config.addinivalue_line(
        "markers", "auriko_limits(**limits): what a key may do there, such as requests_per_minute=1"
    )


@pytest.fixture
def auriko_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A fresh local gateway on a free port, with the engines that answer at once and always alike.

    While it is there, AURIKO_BASE_URL and AURIKO_API_KEY lead to it, and its invented costs are no part of the ledger
    and the limit of AURIKO_LEDGER and AURIKO_LIMIT_USD, which are taken away.
    """
    from auriko.sandbox import Limits, Sandbox

    marker = request.node.get_closest_marker("auriko_faults") or pytest.mark.auriko_faults.mark
    if unknown := marker.kwargs.keys() - {"seed"}:
        raise TypeError(f"auriko_faults takes faults and a seed, not {min(unknown)}")
    bounds = request.node.get_closest_marker("auriko_limits") or pytest.mark.auriko_limits.mark
    limits = Limits(**bounds.kwargs)
    with Sandbox(engines=_QUICK_ENGINES, limits=limits, faults=marker.args, **marker.kwargs) as sandbox:
        monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
        for name in ("AURIKO_LEDGER", "AURIKO_LIMIT_USD"):
            monkeypatch.delenv(name, raising=False)
        yield sandbox


@pytest.fixture
def auriko_client(auriko_sandbox: Sandbox) -> Iterator[Client]:
    """A client of that gateway."""
    from auriko import Client

    with Client(api_key=auriko_sandbox.api_key, base_url=auriko_sandbox.base_url) as client:
        yield client
