"""The page for users: its code runs as it stands, from top to bottom, and its table names every setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from auriko_llamaindex._settings import AurikoSettings
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).parents[2] / "docs" / "llamaindex.md"


# As in the tests of agents and chats: LlamaIndex's own use of what is deprecated.
@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")
@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211")
def test_the_code_of_the_page_runs(sandbox, monkeypatch, capsys):
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    namespace: dict[str, Any] = {}
    for block in python_blocks(PAGE):
        run_block(block, PAGE, namespace)
    printed = capsys.readouterr().out
    for expected in (
        "45 minutes",
        "38 metres",
        "12 euros",
        "1874",
        "7 degrees",
        "2 calls,",
        "minutes=45 price=12",
        "128000 128000",
        "model_not_found",
        "The spend limit",
    ):
        assert expected in printed


def test_the_table_of_settings_is_whole():
    rows = re.findall(r"^\| (`.*?`) \|", PAGE.read_text(), re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    own = set(AurikoSettings.model_fields) - set(AurikoSettings.__mro__[1].model_fields)
    assert named == own
