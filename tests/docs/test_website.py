"""What lays the documentation site out and checks its links; make docs builds it."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def website(monkeypatch):
    """A module of website/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "website"))

    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "website" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_links_that_lead_nowhere_are_found(website, tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">.</a><a href="b.html">.</a><a href="b.html#%20there">.</a>'
        '<a href="https://nowhere.invalid#x">.</a><a href="#gone">.</a><a href="c.html">.</a><img src="b.html#gone">'
    )
    (tmp_path / "b.html").write_text('<meta name="gone"><a name=" there">.</a>')
    assert website("check").check_links(tmp_path) == [
        "a.html: #gone leads to no place on its page",
        "a.html: b.html#gone leads to no place on its page",
        "a.html: c.html leads to no page",
    ]


@pytest.fixture
def source(website, tmp_path, monkeypatch):
    """The source of the site."""
    build = website("build")
    monkeypatch.setattr(build, "SOURCE", tmp_path / "site")
    monkeypatch.setattr(build, "FOR_MACHINES", tmp_path / "site" / "extra")
    build.write_for_machines(build.lay_out())
    return tmp_path / "site"


def test_every_page_program_and_notebook_is_in_the_navigation_and_for_machines(source):
    written = {page.stem for page in (ROOT / "docs").glob("*.md")}
    listed = set(re.findall(r"^(?:.+ <)?([\w/]+)>?$", (source / "index.md").read_text("utf-8"), re.MULTILINE))
    notebooks = {f"notebooks/{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {*written, *notebooks, "examples", "changelog", "reference"} <= listed
    links = re.findall(r"^- \[.+\]\((.+)\.html\)$", (source / "extra" / "llms.txt").read_text("utf-8"), re.MULTILINE)
    assert set(links) == {*written, *notebooks, "examples", "index"}
    whole = (source / "extra" / "llms-full.txt").read_text("utf-8")
    assert all(program.read_text("utf-8") in whole for program in (ROOT / "examples").glob("*.py"))
    assert "plt.style.use" in whole


def test_no_link_leads_out_of_the_site(source):
    for page in source.glob("*.md"):
        assert not re.search(r"\]\((?:\.\./|docs/|examples/)", page.read_text("utf-8")), page.name
