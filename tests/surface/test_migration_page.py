"""The Python of docs/migration.md runs as it stands, against the sandbox."""

import gc
from pathlib import Path
from typing import Any

import pytest

from auriko.sandbox import Sandbox
from doc_blocks import python_blocks, run_block

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"


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
