"""Each program of docs/recipes.md runs as it stands, against the sandbox, and prints what the page shows."""

import builtins
import gc
import re
import sys
from pathlib import Path

import pytest

from auriko.sandbox import Sandbox
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
SECTIONS = dict(zip(*[iter(re.split(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:])] * 2, strict=True))
PROGRAMS = dict(zip(SECTIONS, python_blocks(PAGE), strict=True))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture
def typed(monkeypatch):
    """Types the lines that the page shows behind `>`, as a person would."""
    lines = re.findall(r"^> ?(.*)$", PAGE.read_text("utf-8"), re.MULTILINE)

    def ask(prompt=""):
        line = lines.pop(0)
        sys.stdout.write((prompt + line).rstrip() + "\n")
        return line

    monkeypatch.setattr(builtins, "input", ask)


@pytest.fixture
def folder_of_notes(tmp_path):
    """The folder that the page asks about."""
    notes = {
        "ferry": "The ferry from Lindness to Skarvik takes 45 minutes. A ticket costs 12 euros.",
        "lighthouse": "The lighthouse of Skarvik is 38 metres high. Its keeper is called Jonas Berg.",
        "museum": "The museum of Skarvik opens at ten, and is closed on Mondays.",
    }
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in notes.items():
        (folder / f"{name}.md").write_text(text)
    return folder


@pytest.mark.parametrize("title", list(PROGRAMS))
def test_program_prints_what_the_page_shows(title, sandbox, typed, folder_of_notes, monkeypatch, capsys):
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    arguments = re.findall(r"^Run with `(\w+) \"(.+)\"`", SECTIONS[title], re.MULTILINE)
    monkeypatch.setattr(sys, "argv", ["program.py", *(arguments[0] if arguments else ())])
    monkeypatch.chdir(folder_of_notes.parent)
    namespace = {"__name__": "__main__"}
    run_block(PROGRAMS[title], PAGE, namespace)
    namespace.clear()
    gc.collect()
    (shown,) = re.findall(r"^```text\n(.*?)^```", SECTIONS[title], re.MULTILINE | re.DOTALL)
    said = capsys.readouterr().out
    assert _without_times(said) == _without_times(shown)


def _without_times(text):
    return re.sub(r"\d[\d,.]* ms", "N ms", text)


def test_every_section_is_one_program():
    assert len(PROGRAMS) == 5
