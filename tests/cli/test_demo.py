"""The main job end to end: real documents, real HTTP, real costs added up."""

import re
import sys
from types import SimpleNamespace

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
    assert "> Who leads the support team?\nNot in the documents.\n" in out
    assert re.search(r"3\. The plain client.*\n.+ by \w+, \$0\.0\d+, first token after \d+ ms\n", out, re.DOTALL)
    table = out[out.index("4. What it cost") :]
    calls, by_provider, by_model = re.split(r"\n *by \w+ .*\n", table)
    spent = [dollars(line) for line in calls.splitlines() if "$" in line]
    assert len(spent) == 7
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


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_of_a_table_is_wider_than_the_terminal_and_no_cost_is_cut(capsys, demo_of_a_pump, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(demo_of_a_pump) == 0
    table = capsys.readouterr().out.partition("4. What it cost")[2]
    assert max(map(len, table.splitlines())) <= columns
    assert len(re.findall(r"\$\d\.\d{2,8}$", table, re.MULTILINE)) >= 6 + 1 + 1
    assert "…" not in table


@pytest.fixture
def live(monkeypatch):
    """A gateway that the environment names."""
    with Sandbox(engines=["quote", "quote-slow"]) as gateway:
        monkeypatch.setenv("AURIKO_BASE_URL", gateway.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", gateway.api_key)
        yield gateway


@pytest.fixture
def elsewhere(live, monkeypatch):
    """The same, as if it were on another machine."""
    monkeypatch.setattr("auriko.sandbox.addresses.is_loopback", lambda _host: False)
    return live


def calls_of(gateway):
    return [request for request in gateway.requests if request.path == "/v1/chat/completions"]


def test_a_live_demo_on_this_machine_asks_nothing_and_says_that_nothing_is_spent(capsys, demo_of_a_pump, live):
    assert main([*demo_of_a_pump, "--live"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Using {live.base_url}, which is on this machine: nothing is spent.\n")
    assert "May 2027" in out
    assert len(calls_of(live)) == 6


@pytest.fixture
def typed(monkeypatch):
    """Types an answer on a terminal."""

    def answer(text):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
        monkeypatch.setattr("builtins.input", lambda _prompt: text)

    return answer


def test_a_live_demo_says_what_it_will_cost_and_asks(capsys, demo_of_a_pump, elsewhere, typed):
    typed("n")
    assert main([*demo_of_a_pump, "--live"]) == 2
    out, err = capsys.readouterr()
    said = re.match(r"Using \S+\. This spends real money: \$(0\.\d+) to \$(0\.\d+) for 6 calls\.\n", out)
    assert 0 < float(said[1]) < float(said[2]) < 0.05
    assert "No call starts once $0.05 are spent (--limit-usd)." in out
    assert err == "auriko: nothing was spent\n"
    assert not calls_of(elsewhere)
    typed("Yes")
    assert main([*demo_of_a_pump, "--live"]) == 0
    assert len(calls_of(elsewhere)) == 6


def test_a_live_demo_where_nobody_can_be_asked_wants_to_be_told(capsys, demo_of_a_pump, elsewhere):
    assert main([*demo_of_a_pump, "--live"]) == 2
    assert "--yes agrees" in capsys.readouterr().err
    assert not calls_of(elsewhere)


def test_a_live_demo_stops_at_its_limit(capsys, demo_of_a_pump, elsewhere):
    assert main([*demo_of_a_pump, "--live", "--yes", "--limit-usd", "0.000001"]) == 1
    assert "limit" in capsys.readouterr().err
    assert len(calls_of(elsewhere)) == 1


def test_a_price_that_is_not_known_is_said_to_be_unknown(capsys, demo_of_a_pump, elsewhere, monkeypatch):
    unknown = SimpleNamespace(low_usd=None, high_usd=None)
    monkeypatch.setattr("auriko.resources.models.Models.estimate_cost", lambda *_, **__: unknown)
    assert main([*demo_of_a_pump, "--live"]) == 2
    assert "6 calls, some of them of unknown cost" in capsys.readouterr().out


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
