"""No block of code of a page is left out: Python is run somewhere, commands can be typed, data can be read.

What the commands print is looked at elsewhere: tests/newcomer types the README.
"""

import json
import re
import shlex
from pathlib import Path

import pytest
import tomli

from auriko.cli._parser import make_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<!`)`(auriko [^`]+)`(?!`)")
COMMAND = re.compile(r"(?<![\w.\"'-])auriko (?=[a-z])[^\n|>#&)]*")
# What a test does with each. `py` is the old side of docs/migration.md, and `ipython` a notebook's magics.
LANGUAGES = {"python", "py", "ipython", "text", "sh", "bash", "json", "toml"}


def blocks(*languages):
    return [
        pytest.param(page, text, id=f"{page.name}:{page.read_text('utf-8').count(chr(10), 0, match.start()) + 1}")
        for page in PAGES
        for match in BLOCK.finditer(page.read_text("utf-8"))
        for language, text in [match.groups()]
        if language in languages
    ]


def test_every_language_is_known():
    found = {match[1] for page in PAGES for match in BLOCK.finditer(page.read_text("utf-8"))}
    assert found <= LANGUAGES


def test_the_python_of_every_page_is_run_by_a_test():
    tests = [file.read_text("utf-8") for file in (ROOT / "tests").rglob("*.py") if file != Path(__file__)]
    running = "\n".join(text for text in tests if re.search(r"\b(?:python_blocks|exec)\(", text))
    with_python = {page.name for page in PAGES if re.search(r"^```python", page.read_text("utf-8"), re.MULTILINE)}
    assert [name for name in sorted(with_python) if f'"{name}"' not in running] == []


def check_command(command):
    """Nothing if the command can be typed."""
    try:
        make_parser().parse_args(shlex.split(command)[1:])
    except SystemExit:
        pytest.fail(f"this cannot be typed: {command}")


@pytest.mark.parametrize(("page", "text"), blocks("sh", "bash"))
def test_commands_can_be_typed(page, text):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    extras = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for command in COMMAND.findall(text):
        check_command(command)
    for target in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"
    for names in re.findall(r"pip install .*?(?:auriko|\.)\[([\w,]+)\]", text):
        assert set(names.split(",")) <= extras.keys(), names
    for program in re.findall(r"python (\S+\.py)", text):
        assert (ROOT / program).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_text_can_be_typed(page):
    spans = [" ".join(span.split()) for span in SPAN.findall(page.read_text("utf-8"))]
    for span in spans:
        for command in COMMAND.findall(span):
            if "..." not in command and len(command.split()) > 2:  # two words may be no more than its name
                check_command(command)


@pytest.mark.parametrize(("page", "text"), blocks("json"))
def test_json_is_json(page, text):
    json.loads(text)


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_toml_is_toml(page, text):
    tomli.loads(text)
