"""The public face: names, imports, signatures."""

import inspect
import subprocess
import sys
from typing import Any, get_type_hints

import pytest

import auriko
import auriko.errors
import auriko.models
import auriko.route_types
import auriko.types
from auriko import AsyncClient, Client
from auriko._settings import ClientSettings
from auriko.types import ChatParams


@pytest.mark.parametrize("module", [auriko, auriko.errors, auriko.models, auriko.route_types, auriko.types])
def test_names_are_sorted_and_there(module: Any) -> None:
    names = list(module.__all__)
    by_kind = sorted(names, key=lambda name: (not name.isupper(), name.startswith("_") or name[0].islower(), name))
    assert names == by_kind, "in the order that ruff keeps"
    for name in names:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("module", [auriko.models, auriko.types])
def test_names_that_are_imported_at_first_use_are_shown_before(module: Any) -> None:
    assert dir(module) == sorted(module.__all__)


def test_every_public_name_is_listed() -> None:
    listed = set(auriko.__all__)
    modules = {name for name, value in vars(auriko).items() if inspect.ismodule(value)}
    seen = (
        {name for name in vars(auriko) if not name.startswith("_")}
        - modules
        - {"TYPE_CHECKING", "Any", "Final", "import_module"}
    )
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
heavy |= {"asyncio", "anyio", "csv", "difflib", "h11", "httpcore", "sqlite3", "subprocess"}  # for clients and calls
later = {"_network", "_pool", "_stream", "_transport", "accumulate", "candidates", "estimate", "models.providers"}
later |= {"models.responses", "resources.chat", "routing", "spend._display", "spend._export", "spend._ledger", "types"}
heavy |= {f"auriko.{name}" for name in later}
if sys.version_info < (3, 11):
    heavy -= {"subprocess"}  # Python's platform imports it, for which zstandard asks
print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if m.startswith(("auriko.sandbox", "auriko.cli"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert (done.stdout, done.stderr) == ("[] []\n", "")


@pytest.mark.parametrize("module", ["accumulate", "resources", "routing", "types"])
def test_a_module_is_there_before_anything_has_imported_it(module: str) -> None:
    program = f"import auriko; print(auriko.{module}.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == f"auriko.{module}\n"
    assert auriko.__getattr__(module).__name__ == f"auriko.{module}"


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
