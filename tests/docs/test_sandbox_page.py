"""docs/sandbox.md is true: its Python and its tests run, its catalogue is read, its tables are complete."""

import json
import re
from pathlib import Path

import httpx
import pytest

from auriko import Client
from auriko.cli import main
from auriko.errors import CODES
from auriko.sandbox import Limits, ReceivedRequest, Sandbox
from auriko.sandbox.engines.scripted import read_answers
from auriko.sandbox.faults import KINDS
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sandbox.md"
TEXT = PAGE.read_text("utf-8")


@pytest.fixture(scope="module")
def namespace():
    names = {}
    for block in python_blocks(PAGE):
        run_block(block, PAGE, names)
    return names


def test_its_python_runs(namespace):
    assert "9:40" in namespace["reply"].choices[0].message.content
    assert namespace["decision"]["reason"].startswith("the best of ")
    assert "local/house:latest" in namespace["own_sandbox"].engines
    assert namespace["nasty"].report["statuses"] == {"200": 1, "429": 1, "503": 1}


def test_its_tests_pass(namespace):
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        marks = {mark.name: mark for mark in getattr(test, "pytestmark", ())}
        faults = marks.get("auriko_faults", pytest.mark.auriko_faults.mark)
        limits = Limits(**marks.get("auriko_limits", pytest.mark.auriko_limits.mark).kwargs)
        with (
            Sandbox(engines=["quote", "quote-slow"], faults=faults.args, limits=limits, **faults.kwargs) as sandbox,
            Client(base_url=sandbox.base_url, api_key=sandbox.api_key) as client,
        ):
            test(sandbox, client)


def test_its_catalogue_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("GROQ_KEY", "gsk-s3cr3t")
    _answers, catalog = re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    (tmp_path / "catalog.toml").write_text(catalog)
    sandbox = Sandbox(engines=["quote", "quote-slow"], catalog=tmp_path / "catalog.toml")
    model = sandbox.catalog.find("llama-3.1-8b-instruct")
    assert {offer.provider.id for offer in model.offers} == {"local", "groq", "together_ai", "fireworks_ai"}
    prices = {offer.provider.id: offer.tiers[0].input for offer in model.offers}
    assert (prices["local"], prices["groq"]) == (0, 0.05)
    assert sandbox.catalog.find("house-model").offers[0].context_window == 8192


def test_its_answers_are_read(tmp_path):
    (tmp_path / "answers.toml").write_text(re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[0])
    call, text, error = read_answers(tmp_path / "answers.toml")
    assert (call.name, text, error.retry_after) == ("get_weather", "It rains.", 2)


def test_every_fault_is_in_its_table():
    assert [kind for kind in KINDS - CODES.keys() if f"`{kind}`" not in TEXT] == []


def test_every_attribute_of_a_request_is_named():
    assert all(f"`{name}`" in TEXT for name in [*ReceivedRequest.__dataclass_fields__, "retry"])


def test_its_report_has_the_reports_keys(auriko_sandbox):
    (shown,) = re.findall(r"^```json\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert json.loads(shown).keys() == auriko_sandbox.report.keys()


def test_its_options_are_those_of_the_command(capsys):
    with pytest.raises(SystemExit):
        main(["sandbox", "--help"])
    told = capsys.readouterr().out
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= set(re.findall(r"--[a-z][a-z-]+", told))


def test_every_endpoint_of_the_sandbox_itself_is_named(auriko_sandbox):
    document = httpx.get(f"{auriko_sandbox.base_url.removesuffix('/v1')}/openapi.json").json()
    own = {path for path in document["paths"] if not path.startswith("/v1")}
    parts_of_the_page = {
        "/",
        *(path for path in own if path.startswith(("/sandbox/page", "/sandbox/icon"))),
        "/sandbox/live",
    }
    assert [path for path in own - parts_of_the_page if f"`GET {path}`" not in TEXT] == []
    assert document["openapi"].startswith("3.2") == ("OpenAPI 3.2" in TEXT)
