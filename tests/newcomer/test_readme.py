"""The README as a newcomer types it: a copy of the project, an empty home, an environment of its own, block by block.

It installs some hundred packages, and is therefore a target of its own: make newcomer
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SKIPPED = re.compile(r"<!-- demo -->.*?<!-- /demo -->", re.DOTALL)
OWN = {"AURIKO_API_KEY", "AURIKO_BASE_URL", "AURIKO_LEDGER", "PYTHONPATH", "VIRTUAL_ENV"}
SECONDS = 900


def blocks(page):
    """(language, text) of each block; what `make demo` prints is looked at by other tests."""
    return BLOCK.findall(SKIPPED.sub("", page.read_text("utf-8")))


def with_shown(page, kind):
    """(text, what the page shows that it prints, or None) of each block in one language."""
    found = blocks(page)
    following = zip(found, [*found[1:], ("", "")], strict=True)
    return [(text, shown if other == "text" else None) for (each, text), (other, shown) in following if each == kind]


def without_figures(text):
    """The same text in every run: who is chosen, and at which price, depends on who was quickest."""
    text = re.sub(r"\b(?:gpt|claude|deepseek)-[\w.-]+", "MODEL", text)
    text = re.sub(r"\b(?:azure_openai|openai|anthropic|aws_bedrock)\b", "PROVIDER", text)
    return re.sub(r"\d[\d.e-]*(?<![.-])", "N", text).replace("`", "")


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A shell in a copy of the project; what it printed for a command comes back, and it must not have failed."""
    home = tmp_path_factory.mktemp("newcomer")
    checkout = home / "auriko"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().splitlines()):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    environment = {name: value for name, value in os.environ.items() if name not in OWN}
    environment["HOME"] = str(home)
    kept = home / "variables"

    def run(command, given=None):
        after = f"{command}\nstatus=$?\nexport -p > {shlex.quote(str(kept))}\nexit $status"
        before = f". {shlex.quote(str(kept))}\n" if kept.exists() else ""
        done = subprocess.run(
            ["bash", "-c", before + after],
            cwd=checkout, env=environment, input=given, capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    try:
        # What every other test needs as well: the environment, the sandbox and its variables.
        run.printed = [(run(text).stdout, shown) for text, shown in with_shown(ROOT / "README.md", "sh")]
        yield run
    finally:
        run("if command -v auriko; then auriko sandbox stop; fi")


def test_every_command_prints_what_the_page_shows(shell):
    shown = [(printed, expected) for printed, expected in shell.printed if expected]
    assert shown
    for printed, expected in shown:
        assert without_figures(printed) == without_figures(expected)


def test_all_python_prints_what_the_page_shows(shell):
    """Typed into one interpreter, line by line."""
    typed = with_shown(ROOT / "README.md", "python")
    # As on a terminal: a line that is no part of a block any more must not follow one without an empty line.
    lines = "\n".join([*(text for text, _ in typed), ""])
    done = shell("python -q -i -c 'import sys; sys.ps1 = sys.ps2 = str()'", given=lines)
    assert "Traceback" not in done.stderr
    assert "SyntaxError" not in done.stderr
    expected = [shown for _, shown in typed if shown]
    assert len(expected) >= 7
    assert without_figures(done.stdout).strip() == without_figures("".join(expected)).strip()


def test_a_missing_extra_is_installed_by_what_its_message_says(shell):
    """Into the same environment, with this version, and not with the published one."""
    failed = shell("auriko demo 2>&1 || true").stdout
    command = re.search(r'pip install "auriko\[demo\]"', failed)[0]
    shell(f"python -m {command} --quiet")
    assert "Not in the documents." in shell("auriko demo").stdout


@pytest.mark.parametrize("name", ["01_quickstart", "04_llamaindex"])
def test_a_notebook_works_where_it_is_copied_to(shell, name):
    shell("python -m pip install --quiet 'auriko[demo,notebook]' nbformat wordllama")
    copied = f"mkdir -p ~/elsewhere && cp notebooks/{name}.ipynb ~/elsewhere && cd ~/elsewhere"
    done = shell(f"({copied} && MPLBACKEND=agg python -m IPython --no-banner {name}.ipynb)")
    assert "Traceback" not in done.stdout + done.stderr


def test_what_the_page_about_installing_shows_installs(shell):
    for kind, text in blocks(ROOT / "docs" / "installing.md"):
        assert kind == "sh"
        shell(f"set -e\n{text}")
    shell("python -c 'from langchain_auriko import ChatAuriko; from llama_index.llms.auriko import Auriko'")
