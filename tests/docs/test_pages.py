"""The Python of the README and of the pages about routing, cost and errors runs as it stands, against the sandbox."""

import gc
from pathlib import Path

import pytest

import auriko
from auriko.sandbox import Sandbox
from tests.support.doc_blocks import python_blocks, run_block

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs" / name for name in ("routing.md", "cost.md", "errors.md", "spend.md"))]


@pytest.fixture
def sandbox(monkeypatch):
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        monkeypatch.setenv("AURIKO_BASE_URL", running.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", running.api_key)
        yield running


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_the_page_runs(page, sandbox):
    namespace = {"client": auriko.Client(), "auriko_client": auriko.Client()}
    for block in python_blocks(page):
        run_block(block, page, namespace)
    assert sandbox.requests or not python_blocks(page)
    namespace.clear()
    gc.collect()


def test_links_between_pages_lead_somewhere():
    import re

    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
