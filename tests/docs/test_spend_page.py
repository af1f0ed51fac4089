"""docs/spend.md: its Python up to the traces prints what the page says that it prints."""

import re
from pathlib import Path

import pytest

from auriko.sandbox import Sandbox
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).resolve().parents[2] / "docs" / "spend.md"
SHOWN = re.compile(r"```python\n((?:(?!```).)*)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_page_prints_what_it_shows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    own = PAGE.read_text("utf-8").partition("\n## Traces\n")[0]
    shown = dict(SHOWN.findall(own))
    seen: dict[str, str] = {}
    with Sandbox(engines=["quote", "quote-slow"]) as sandbox:
        monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
        monkeypatch.delenv("AURIKO_LEDGER", raising=False)
        namespace: dict[str, object] = {}
        for block in python_blocks(PAGE):
            if block.code not in own:
                break
            run_block(block, PAGE, namespace)
            seen[block.code] = capsys.readouterr().out
    assert len(shown) > 5
    for code, text in shown.items():
        assert seen[code] == text, code
