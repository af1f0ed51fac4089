"""The house is as docs/architecture.md draws it: imports run one way, and a folder tells what may happen in it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = ("auriko", "auriko_langchain", "auriko_llamaindex")
OUTSIDE = {"sandbox", "cli", "pytest_plugin", "__main__"}
# Nothing of these is anywhere in `_rules`, and nowhere in the client but in `_http`.
INPUT_AND_OUTPUT = {
    "socket",
    "ssl",
    "select",
    "anyio",
    "httpcore",
    "h11",
    "aiohttp",
    "requests",
    "urllib3",
    "httptools",
}
# Values that arguments and requests are made of.
HTTPX_VALUES = {"AsyncClient", "Client", "Headers", "InvalidURL", "QueryParams", "Timeout", "URL"}
ALLOWED = {
    ("auriko/batch/_tasks.py", "anyio"): "task groups and pauses, which send and read nothing",
    ("auriko/tools/_run.py", "anyio"): "task groups, threads and timeouts of the user's functions",
}
MOST_PRIVATE_ACCESSES = 15


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {module_of(file): file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """What a file imports, also inside functions and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in line {node.lineno}"
            for name in node.names:
                full = f"{node.module}.{name.name}"
                yield full if full in SOURCES else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@cache
def needs(module: str) -> set[str]:
    return {name for name in imported(tree_of(module)) if name != module}


def top(module: str) -> str:
    """The name that the drawing has for a module of the client."""
    return module.split(".")[1] if "." in module else module


CORE = [module for module in SOURCES if module.split(".")[0] == "auriko" and top(module) not in OUTSIDE]


def drawing() -> dict[str, int]:
    """The line of every module of the drawing, from 0 for the lowest."""
    (text,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    rows = [line.split() for line in reversed(text.strip().splitlines())]
    return {module: row for row, modules in enumerate(rows) for module in modules}


def test_imports_run_down_the_drawing() -> None:
    rows = drawing()
    assert sorted(rows) == sorted({top(module) for module in CORE})
    ours = [(module, name) for module in CORE for name in needs(module) if name.split(".")[0] in PACKAGES]
    wrong = [
        (module, name)
        for module, name in ours
        if not name.startswith("auriko.")
        or top(name) not in rows
        or (top(name) != top(module) and rows[top(name)] >= rows[top(module)])
    ]
    assert not wrong


def test_no_imports_run_in_a_circle() -> None:
    left = {module: {name for name in needs(module) if name in SOURCES} for module in SOURCES}
    while free := [module for module, names in left.items() if not names & left.keys()]:
        for module in free:
            del left[module]
    assert not left


def test_rules_have_no_input_and_no_output() -> None:
    for module in (module for module in CORE if top(module) in {"_rules", "meaning"}):
        assert not {name.split(".")[0] for name in needs(module)} & {*INPUT_AND_OUTPUT, "asyncio", "threading"}, module
        assert not any(name.startswith(("auriko._http", "auriko._observing")) for name in needs(module)), module
        sleeps = [
            node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Attribute) and node.attr == "sleep"
        ]
        assert not sleeps, module


def test_the_sandboxes_router_is_pure() -> None:
    """It decides from its arguments, and so does everything of the sandbox that it is made of."""
    impure = {*INPUT_AND_OUTPUT, "asyncio", "httpx", "random", "secrets", "starlette", "threading", "time", "uvicorn"}
    rooms = tuple(
        f"auriko.sandbox.{room}" for room in ("http", "serving", "journal", "accounts", "live", "app", "server")
    )
    left = [module for module in SOURCES if module.startswith("auriko.sandbox.router.")]
    reached: set[str] = set()
    while left:
        module = left.pop()
        reached.add(module)
        assert not module.startswith(rooms)
        assert not {name.split(".")[0] for name in needs(module)} & impure, module
        left += [name for name in needs(module) if name.startswith("auriko.sandbox.") and name not in reached]


def test_http_libraries_are_used_in_one_folder() -> None:
    adapters = [module for module in SOURCES if module.split(".")[0] != "auriko"]
    for module in [module for module in CORE if top(module) != "_http"] + adapters:
        file = str(SOURCES[module].relative_to(ROOT))
        libraries = {name.split(".")[0] for name in needs(module)} & INPUT_AND_OUTPUT
        assert libraries <= {library for where, library in ALLOWED if where == file}, module
        used = {
            node.attr
            for node in ast.walk(tree_of(module))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx"
        }
        assert used <= HTTPX_VALUES, module


def test_the_other_packages_use_public_names_alone() -> None:
    for module in SOURCES:
        package = module.split(".")[0] if not module.startswith("auriko.") else ".".join(module.split(".")[:2])
        if package == "auriko" or module in CORE:
            continue
        for name in (name for name in needs(module) if name.split(".")[0] in PACKAGES):
            private = [part for part in name.split(".") if part.startswith("_")]
            assert name.startswith(package) or not private or name == "auriko._version", f"{module} imports {name}"


def test_private_names_of_others_are_few_and_each_has_its_reason() -> None:
    lines = [
        (module, line)
        for module, file in SOURCES.items()
        for line in file.read_text(encoding="utf-8").splitlines()
        if "noqa: SLF001" in line
    ]
    assert len(lines) <= MOST_PRIVATE_ACCESSES, lines
    assert not [line for line in lines if " - " not in line[1].partition("noqa: SLF001")[2]]


def test_what_the_page_names_exists() -> None:
    sources = "\n".join(SOURCES[module].read_text(encoding="utf-8") for module in CORE)
    names = re.findall(r"`(_?[a-z]+(?:_[a-z]+)+|[A-Z][A-Za-z]+)`", PAGE.partition("## The walk of a call")[2])
    assert len(names) > 20
    assert not [name for name in names if not re.search(rf"\b{name}\b", sources)]
    paths = re.findall(r"`([a-z_/]+\.py)`", PAGE)
    assert not [path for path in paths if not (ROOT / "auriko" / path).exists() and not (ROOT / path).exists()]
    missing = {top(module) for module in CORE} - {"auriko", "_version"}
    assert not [module for module in missing if f"`{module}`" not in PAGE]
