"""The main job end to end: real documents, real HTTP, real costs added up."""

import re
import sys

import pytest

from auriko.cli import main
from auriko.sandbox import Sandbox
from auriko.sandbox.engines import SmolLM2Engine


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, llamaindex):
    for name in ("AURIKO_API_KEY", "AURIKO_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")


def dollars(line):
    return float(re.search(r"\$(\d+\.\d+)", line)[1])


def test_demo_answers_from_the_documents_and_adds_up_what_each_call_cost(capsys):
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "A sandbox gateway runs at http://127.0.0.1:" in out
    assert "A failed call is retried twice by default" in out
    assert "the model calls price_of_call(model='gpt-4o', input_tokens=2000, output_tokens=500)" in out
    assert "Ticket(customer='Dana Reyes', company='Northwind', urgent=True, affected_customers=340)" in out
    assert "stream.routing_metadata: RoutingMetadata(provider=" in out
    table = out[out.index("4. What it cost") :]
    calls, by_provider, by_model = re.split(r"\n *by \w+ .*\n", table)
    spent = [dollars(line) for line in calls.splitlines() if "$" in line]
    assert len(spent) == 6
    assert all(spent)
    for totals in (by_provider, by_model):
        total = sum(dollars(line) for line in totals.splitlines() if "$" in line)
        assert total == pytest.approx(sum(spent), abs=1e-5)


@pytest.fixture
def demo_of_a_pump(tmp_path):
    """The arguments of a demo that asks one document two questions; the second is answered by a quotation."""
    (tmp_path / "pump.txt").write_text(
        "The pump in hall three was installed in 2019. It moves 40 litres per second. The warranty ends in May 2027."
    )
    questions = ["What is this about?", "When does the warranty of the pump end?"]
    return ["demo", str(tmp_path), *(word for question in questions for word in ("--question", question))]


def test_demo_asks_a_folder_of_yours_and_leaves_a_key_alone(capsys, demo_of_a_pump, monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", "ak_live_not_to_be_used")
    assert main(demo_of_a_pump) == 0
    out = capsys.readouterr().out
    assert "May 2027" in out
    assert "AURIKO_API_KEY is set but not used" in out
    assert "ak_live_not_to_be_used" not in out


def test_a_live_demo_asks_the_gateway_of_the_environment(capsys, demo_of_a_pump, monkeypatch):
    with Sandbox(engines=["quote", "quote-slow"]) as gateway:
        monkeypatch.setenv("AURIKO_BASE_URL", gateway.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", gateway.api_key)
        assert main([*demo_of_a_pump, "--live"]) == 0
        calls = [request for request in gateway.requests if request.path == "/v1/chat/completions"]
        assert len(calls) == 6
    out = capsys.readouterr().out
    assert out.startswith(f"Using {gateway.base_url}. This spends real money.\n")
    assert "May 2027" in out


def test_demo_says_how_to_get_a_language_model(capsys, demo_of_a_pump, monkeypatch):
    monkeypatch.setattr(SmolLM2Engine, "why_missing", staticmethod(lambda: "It is not installed."))
    assert main(demo_of_a_pump) == 0
    assert "`auriko sandbox install` adds a small language model." in capsys.readouterr().out


def test_demo_names_the_packages_that_it_lacks(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main(["demo"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == 'auriko: the demo needs more packages (rich, bm25s): pip install "auriko[demo]"\n'
