"""The public face: names, imports, signatures; and that imports run one way."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import auriko
import auriko.errors
import auriko.models
import auriko.route_types
import auriko.routing
import auriko.types
from auriko import AsyncClient, Client
from auriko._config import ClientSettings
from auriko.types import ChatParams

CORE = Path(auriko.__file__).parent
# From below to above; a file imports only from rows above its own, or within its row what the row lists before it.
LAYERS: list[list[str]] = [
    ["_version", "_codes", "response_headers", "_sse", "_json", "_signature", "_log", "_table"],
    ["_base_model", "errors"],
    ["models", "routing", "_config", "_tokens", "types"],
    ["route_types", "_call", "_retry", "accumulate", "spend", "_candidate_checks"],
    ["candidates", "estimate", "_reader", "_responses_reader"],
    ["_exchange", "_raw", "_network"],
    ["_transport"],
    ["_stream", "_response_stream"],
    ["resources"],
    ["_client"],
    ["batch", "notebook", "_otel"],
    [""],
]
OUTSIDE = {"sandbox", "cli", "pytest_plugin", "__main__"}
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def part_of(path: Path) -> str:
    """The name of the file or folder directly below the package; nothing for the package's own file."""
    name = path.relative_to(CORE).parts[0].removesuffix(".py")
    return "" if name == "__init__" else name


CORE_FILES = sorted(path for path in CORE.rglob("*.py") if part_of(path) not in OUTSIDE)


def imported_parts(path: Path) -> set[str]:
    parts: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, *rest = name.split(".")
            if package == "auriko":
                parts.add(rest[0] if (rest and (CORE / rest[0]).exists()) or (CORE / f"{rest[0]}.py").exists() else "")
            else:
                assert package not in {"auriko_langchain", "auriko_llamaindex"}, name
    return parts


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    for imported in imported_parts(path) - {part}:
        assert imported not in OUTSIDE, f"{part} must not import {imported}"
        assert LEVEL[imported] <= LEVEL[part], f"{part} must not import {imported}, which is above it"


def test_rows_do_not_run_in_circles() -> None:
    imports = {part: set() for part in map(part_of, CORE_FILES)}
    for path in CORE_FILES:
        imports[part_of(path)] |= imported_parts(path) - {part_of(path)}
    done: set[str] = set()

    def visit(part: str, on_the_way: tuple[str, ...]) -> None:
        assert part not in on_the_way, " -> ".join([*on_the_way, part])
        if part not in done:
            for imported in imports.get(part, set()):
                visit(imported, (*on_the_way, part))
            done.add(part)

    for part in imports:
        visit(part, ())


@pytest.mark.parametrize("module", [auriko, auriko.errors, auriko.models, auriko.route_types, auriko.types])
def test_names_are_sorted_and_there(module: Any) -> None:
    names = list(module.__all__)
    by_kind = sorted(names, key=lambda name: (not name.isupper(), name.startswith("_") or name[0].islower(), name))
    assert names == by_kind, "in the order that ruff keeps"
    for name in names:
        assert getattr(module, name) is not None


def test_every_public_name_is_listed() -> None:
    listed = set(auriko.__all__)
    modules = {name for name, value in vars(auriko).items() if inspect.ismodule(value)}
    seen = {name for name in vars(auriko) if not name.startswith("_")} - modules - {"TYPE_CHECKING", "Any"}
    assert seen <= listed
    assert set(auriko.errors.__all__) - {"CODES", "CodeInfo", "is_retryable", "map_error_from_code"} <= listed


def test_unknown_name_of_the_package() -> None:
    with pytest.raises(AttributeError, match="module 'auriko' has no attribute 'Cleint'"):
        auriko.Cleint  # noqa: B018


def test_importing_auriko_is_frugal() -> None:
    program = """
import sys, warnings
warnings.simplefilter("error")
import auriko
heavy = {"openai", "langchain", "langchain_core", "llama_index", "starlette", "uvicorn", "opentelemetry", "pandas"}
heavy |= {"auriko_langchain", "auriko_llamaindex", "numpy", "tqdm", "matplotlib"}
print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if m.startswith(("auriko.sandbox", "auriko.cli"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert (done.stdout, done.stderr) == ("[] []\n", "")


def test_version_is_a_version() -> None:
    assert auriko.__version__[0].isdigit()


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_clients_show_their_parameters(client: Any) -> None:
    parameters = inspect.signature(client).parameters
    assert set(parameters) == {"http_client", *ClientSettings.__annotations__}
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters.values())
    assert all(name in (Client.__doc__ or "") for name in parameters)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_create_shows_its_parameters(client: Any) -> None:
    create = client(api_key="k").chat.completions.create
    parameters = inspect.signature(create).parameters
    assert set(parameters) == {"stream", *ChatParams.__annotations__}
    assert parameters["messages"].default is inspect.Parameter.empty
    assert parameters["temperature"].default is None
    assert parameters["temperature"].annotation == "float | None"
    assert "Required" not in str(inspect.signature(create))


def test_parameters_are_typed() -> None:
    hints = get_type_hints(ChatParams)
    assert hints["temperature"] == float | None
    for options in (
        "timeout",
        "deadline",
        "max_retries",
        "idempotency_key",
        "extra_headers",
        "extra_query",
        "extra_body",
    ):
        assert options in hints
