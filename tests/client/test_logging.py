"""AURIKO_LOG, and what the logger says and does not say."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from auriko import Client
from auriko.errors import RateLimitError
from tests.support.acts import error, ok
from tests.support.clients import serving

pytestmark = pytest.mark.usefixtures("quick_retries")
SECRET = "ak_live_do_not_show"
REQUEST: Any = {"model": "m", "messages": [{"role": "user", "content": "a private question"}]}


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    logger = logging.getLogger("auriko")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def call(**settings: Any) -> None:
    """One call that fails once, one that fails for good, one stream."""
    busy = error(429, "rate_limit_error", "rate_limit_exceeded", retry_after="0.001")
    with serving(busy, ok, ok, busy, api_key=SECRET, max_retries=1, **settings) as (_, client):
        client.chat.completions.create(**REQUEST, extra_headers={"X-Secret": "header-secret"})
        client.chat.completions.create(**REQUEST, stream=True).collect()
        with pytest.raises(RateLimitError):
            client.chat.completions.create(**REQUEST)


def test_info_tells_of_every_call_and_what_it_cost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURIKO_LOG", "info")
    call()
    lines = [line for line in capsys.readouterr().err.splitlines() if " auriko " in line]
    assert len(lines) == 3
    for line in lines[:2]:
        assert "INFO ok: claude-sonnet-4-6 by anthropic, $0.00193" in line
        assert "request id req_1" in line
    assert "INFO error: RateLimitError, not billed" in lines[2]


def test_debug_tells_of_every_attempt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AURIKO_LOG", " DEBUG ")
    call()
    said = capsys.readouterr().err
    assert "status 429" in said
    assert "attempt 1 failed (RateLimitError), the next in" in said
    assert "attempt 2" in said


@pytest.mark.parametrize("level", ["debug", "info"])
def test_nothing_secret_is_said(
    level: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AURIKO_LOG", level)
    call(default_headers={"X-Default": "default-secret"}, default_query={"token": "query-secret"})
    said = capsys.readouterr().err + caplog.text
    assert "auriko" in said
    for secret in (SECRET, "header-secret", "default-secret", "query-secret", "private", "Paris"):
        assert secret not in said


def test_many_clients_have_one_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(logging.getLogger("auriko").handlers)
    monkeypatch.setenv("AURIKO_LOG", "info")
    for _ in range(3):
        Client(api_key="ak_x")
    assert len(logging.getLogger("auriko").handlers) == before + 1


def test_without_the_variable_nothing_is_set_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AURIKO_LOG", raising=False)
    before = list(logging.getLogger("auriko").handlers)
    call()
    assert logging.getLogger("auriko").handlers == before
    assert capsys.readouterr().err == ""


def test_another_value_is_warned_of_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIKO_LOG", "loud")
    before = list(logging.getLogger("auriko").handlers)
    with pytest.warns(UserWarning, match="'debug' or 'info'") as caught:
        Client(api_key="ak_x")
    assert caught[0].filename == __file__
    assert logging.getLogger("auriko").handlers == before


def test_a_closed_stderr_does_not_stop_a_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AURIKO_LOG", "info")
    monkeypatch.setattr(logging, "raiseExceptions", False)
    closed = (tmp_path / "stderr").open("w")
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    call()
