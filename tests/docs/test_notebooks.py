"""The committed notebooks are whole and scrubbed, and refreshing them changes only what has changed."""

import ast
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = ["01_quickstart", "02_routing", "03_langchain", "04_llamaindex", "05_spend", "06_errors"]


def cells(notebook, kind):
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def texts(output):
    """All that an output says: text, HTML, tracebacks."""
    return [output.get("text", ""), *output.get("traceback", []), *map(str, output.get("data", {}).values())]


def test_there_are_six_notebooks():
    assert [notebook.stem for notebook in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_been_run_from_top_to_bottom(notebook):
    code = cells(notebook, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]
    assert sum(bool(cell.outputs) for cell in code) > len(code) / 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_cell_switches_to_the_real_gateway(notebook):
    switches = [cell.source for cell in cells(notebook, "code") if "make it `gateway = {}`" in cell.source]
    assert len(switches) == 1
    assert re.search(r"^gateway = \{.*\}$", switches[0], re.MULTILINE)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_between_notebooks_lead_somewhere(notebook):
    prose = "\n".join(cell.source for cell in cells(notebook, "markdown"))
    assert all((FOLDER / target).exists() for target in re.findall(r"\]\(([\w./]+)\)", prose))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_hold_nothing_of_the_machine_that_made_them(notebook):
    for cell in cells(notebook, "code"):
        for text in (text for output in cell.outputs for text in texts(output)):
            assert not re.search(r"(?<![\w.])/(?:home|root|tmp|usr|var|work|Users|opt|private)/", text)
            assert not re.search(r"(?:127\.0\.0\.1|localhost):(?!4010\b)\d", text)
            assert not re.search(r"\bak_\w+|\breq_\w|\b(?:req|call)_[0-9a-f]{6}| at 0x", text)


def test_the_first_notebook_needs_no_more_than_the_demo_has():
    code = "\n".join(cell.source for cell in cells(NOTEBOOKS[0], "code") if not cell.source.startswith("%"))
    tree = compile(code, "01", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    needed = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    needed |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    ours = {"auriko", "auriko_langchain", "auriko_llamaindex"}
    demo = {"langchain_core", "llama_index.core", "llama_index.retrievers.bm25", "pathlib"}
    assert not [module for module in needed if not any(f"{module}.".startswith(f"{name}.") for name in ours | demo)]
    extra = re.search(r"^demo = (.*)$", (FOLDER.parent / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert all(name in extra[1] for name in ("langchain", "llamaindex", "sandbox", "retrievers-bm25", "ipykernel"))


@pytest.fixture
def refresh():
    spec = importlib.util.spec_from_file_location("refresh", FOLDER / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.refresh


def test_refreshing_changes_only_what_has_changed(tmp_path, refresh):
    book = nbformat.v4.new_notebook()
    sources = [
        "import tempfile\nfrom time import time_ns as now\nprint(f'{now()} ms, http://127.0.0.1:{now() % 60000}/v1')",
        "now()",
        "tempfile.mkdtemp() + '/file', object()",
        "'stays'",
    ]
    book.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    book.cells[1].metadata["tags"] = ["timings"]
    path = tmp_path / "some.ipynb"
    nbformat.write(book, path)
    assert refresh(path)
    first = path.read_text("utf-8")
    assert "http://127.0.0.1:4010/v1" in first
    assert str(tmp_path.parent.parent) not in first
    assert not refresh(path)
    assert path.read_text("utf-8") == first

    path.write_text(first.replace("'stays'\"\n   ]", "'changes'\"\n   ]"), "utf-8")
    assert path.read_text("utf-8") != first
    assert refresh(path)
    before, after = (nbformat.reads(text, as_version=4).cells for text in (first, path.read_text("utf-8")))
    assert [cell.outputs for cell in before[:3]] == [cell.outputs for cell in after[:3]]
    assert after[3].outputs[0].data["text/plain"] == "'changes'"
