"""The two thin distributions: they hand on the adapters' names, and what the pages of their registries show works."""

import gc
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.doc_blocks import python_blocks, run_block

FOLDER = Path(__file__).resolve().parents[2] / "packaging"
TWINS = [
    ("langchain-auriko", "langchain_auriko", "auriko_langchain"),
    ("llama-index-llms-auriko", "llama_index.llms.auriko", "auriko_llamaindex"),
]
PAGES = sorted(FOLDER.glob("*/*.md"))


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch, llamaindex):
    for distribution, _module, _twin in TWINS:
        monkeypatch.syspath_prepend(str(FOLDER / distribution))


@pytest.mark.parametrize(("distribution", "module", "twin"), TWINS)
def test_every_name_is_handed_on(distribution, module, twin):
    there, wanted = import_module(module), import_module(twin)
    assert there.__all__ == wanted.__all__
    assert all(getattr(there, name) is getattr(wanted, name) for name in wanted.__all__)
    assert (FOLDER / distribution / (module.replace(".", "/")) / "py.typed").exists()
    assert (FOLDER / distribution / "LICENSE").read_text("utf-8") == (FOLDER.parent / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_the_registrys_page_shows_what_works(page, sandbox, monkeypatch, capsys):
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    namespace = {}
    for block in python_blocks(page):
        run_block(block, page, namespace)
    answer, cost = capsys.readouterr().out.splitlines()
    assert answer == "The ferry takes 45 minutes."
    assert "0.00" in cost
    namespace.clear()
    gc.collect()


def test_there_is_a_page_for_each_registry():
    assert [page.name for page in PAGES] == ["README.md", "provider.md", "README.md"]
