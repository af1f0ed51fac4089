"""docs/architecture.md is true: imports run down its drawing, and what it names exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
OUTSIDE = {"sandbox", "cli", "pytest_plugin", "__main__"}


def drawing() -> dict[str, int]:
    """The line of every module of the drawing, from 0 for the lowest."""
    (text,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    rows = [line.split() for line in reversed(text.strip().splitlines())]
    return {module: row for row, modules in enumerate(rows) for module in modules}


def imports_of(source: Path) -> Iterator[str]:
    """Modules of ours that a file imports when it runs, also inside functions; packages stand for what is in them."""
    waiting: list[ast.AST] = [ast.parse(source.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{source} imports relatively"
            names = [f"{node.module}.{name.name}" for name in node.names] if node.module == "auriko" else [node.module]
            yield from (name for name in names if name and name.startswith(("auriko.", "auriko_")))
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("auriko"))
        waiting.extend(ast.iter_child_nodes(node))


def core_files() -> list[Path]:
    """The files of the client itself."""
    files = sorted((ROOT / "auriko").rglob("*.py"))
    return [file for file in files if file.relative_to(ROOT / "auriko").parts[0].removesuffix(".py") not in OUTSIDE]


def top_module(file: Path) -> str:
    """The name that the drawing has for a file."""
    name = file.relative_to(ROOT / "auriko").parts[0].removesuffix(".py")
    return "auriko" if name == "__init__" else name


@pytest.mark.parametrize("file", core_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_down_the_drawing(file: Path) -> None:
    rows = drawing()
    own = top_module(file)
    for name in imports_of(file):
        module = name.split(".")[1] if "." in name else "auriko"
        assert name.startswith("auriko."), f"the client imports {name}"
        assert module == own or rows[module] < rows[own], f"{own} imports {module}, which is not below it"


def test_every_module_is_drawn_once_and_described() -> None:
    (text,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    modules = {top_module(file) for file in core_files()}
    assert sorted(text.split()) == sorted(modules)
    for module in modules - {"auriko", "_base_model", "_version"}:
        assert f"`{module}`" in PAGE, module


def test_imports_within_a_package_have_no_cycle() -> None:
    """The drawing leaves packages out; inside them imports have an order, too."""
    for package in ("errors", "models", "resources", "spend", "types"):
        folder = ROOT / "auriko" / package
        needs = {
            file.stem: {name.split(".")[2] for name in imports_of(file) if name.startswith(f"auriko.{package}.")}
            for file in folder.glob("*.py")
        }
        while free := [name for name, wanted in needs.items() if not wanted & needs.keys()]:
            for name in free:
                del needs[name]
        assert not needs, f"a cycle in {package}: {needs}"


@pytest.mark.parametrize("package", ["auriko_langchain", "auriko_llamaindex", "auriko/sandbox", "auriko/cli"])
def test_the_other_packages_use_public_names_alone(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        for name in imports_of(file):
            private = [part for part in name.split(".") if part.startswith("_") and part != "__version__"]
            inside = name.startswith(package.replace("/", "."))
            assert inside or not private or name == "auriko._version", f"{file.name} imports {name}"


def test_the_functions_that_the_walk_names_exist() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in core_files())
    names = re.findall(r"`(_?[a-z]+(?:_[a-z]+)+|[A-Z][A-Za-z]+)`", PAGE.partition("## The walk of a call")[2])
    assert len(names) > 20
    for name in names:
        assert re.search(rf"\b{name}\b", sources), name


def test_the_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"`([a-z_/]+\.py)`", PAGE):
        assert (ROOT / "auriko" / name).exists(), name
