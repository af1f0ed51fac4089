"""The main job end to end: real documents, real HTTP, real costs added up."""

import re

import pytest

from auriko.cli import main


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
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


def test_demo_asks_a_folder_of_yours_and_leaves_a_key_alone(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", "ak_live_not_to_be_used")
    (tmp_path / "pump.txt").write_text(
        "The pump in hall three was installed in 2019. It moves 40 litres per second. The warranty ends in May 2027."
    )
    assert main(["demo", str(tmp_path), "--question", "When does the warranty of the pump end?"]) == 0
    out = capsys.readouterr().out
    assert "May 2027" in out
    assert "AURIKO_API_KEY is set but not used" in out
    assert "ak_live_not_to_be_used" not in out
