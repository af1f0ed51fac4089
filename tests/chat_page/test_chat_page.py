"""The page of examples/chat_page.py, as Streamlit's own test harness shows it: make chat-page."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from auriko.sandbox import Sandbox, ScriptedError

PAGE = Path(__file__).resolve().parents[2] / "examples" / "chat_page.py"


@pytest.fixture
def sandbox(monkeypatch):
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        monkeypatch.setenv("AURIKO_BASE_URL", running.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", running.api_key)
        yield running


def said(page):
    return [message.markdown[0].value for message in page.chat_message]


def test_it_shows_what_each_answer_cost_and_goes_on_after_an_error(sandbox):
    page = AppTest.from_file(str(PAGE), default_timeout=60).run()
    first, second = "The ferry takes 45 minutes. How long does it take?", "A ticket costs 12 euros. What does it cost?"
    page.chat_input[0].set_value(first).run()
    assert said(page) == [first, "The ferry takes 45 minutes."]

    sandbox.answer_with(ScriptedError("invalid_request"))
    page.chat_input[0].set_value("Hello!").run()
    assert "invalid_request" in page.error[0].value
    assert not page.exception

    sandbox.answer_with(None)
    page.chat_input[0].set_value(second).run()
    assert said(page) == [first, "The ferry takes 45 minutes.", second, "A ticket costs 12 euros."]
    assert all(re.fullmatch(r"\S+ by \w+, \$0\.0\d+", caption.value) for caption in page.caption)
    assert float(page.sidebar.metric[0].value) > 0
