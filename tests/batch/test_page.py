"""The programs of docs/batches.md run as they stand; those of the section beyond one machine are run by `make ray`."""

import gc
import re
import shlex
from pathlib import Path

from auriko.cli import main
from auriko.sandbox import Sandbox
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).parents[2] / "docs" / "batches.md"


def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text("utf-8")
    last_line = text.count("\n", 0, text.index("## Beyond one machine"))
    (command,) = re.findall(r"^auriko (batch .*)$", text, re.MULTILINE)
    with Sandbox(engines=["quote"]) as sandbox:
        monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
        names: dict[str, object] = {}
        for block in python_blocks(PAGE):
            if block.line < last_line:
                run_block(block, PAGE, names)
        assert "failed" not in capsys.readouterr().out
        assert len(sandbox.requests) == 9
        assert main(shlex.split(command)) == 0
        assert len(sandbox.requests) == 11
    assert "2 of 2 requests answered" in capsys.readouterr().out
    names.clear()
    gc.collect()
