"""The Python of docs/migration.md and docs/client.md runs as it stands, against the sandbox."""

import gc
import re
from pathlib import Path
from typing import Any

import pytest

from auriko.sandbox import Sandbox
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
CLIENT = PAGE.with_name("client.md")


@pytest.mark.parametrize("block", python_blocks(PAGE), ids=lambda block: f"line {block.line}")
def test_the_new_side_of_the_page_runs(
    block: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    namespace: dict[str, Any] = {}
    run_block(block, PAGE, namespace)
    said = capsys.readouterr().out
    assert "provider" in said
    namespace.clear()
    gc.collect()


def test_the_page_of_the_client_runs_from_top_to_bottom(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    namespace: dict[str, Any] = {}
    for block in python_blocks(CLIENT):
        run_block(block, CLIENT, namespace)
    said = capsys.readouterr().out
    assert said.startswith("Paris is the capital of France.")
    # What the page shows is what is printed, as far as it shows it.
    for shown in re.findall(r"```text\n(.*?)```", CLIENT.read_text(encoding="utf-8"), re.DOTALL):
        for line in shown.splitlines():
            assert line == "..." or line in said, line
    namespace.pop("client").close()
