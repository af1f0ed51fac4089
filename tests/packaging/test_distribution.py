"""What is built, what an install of it brings, and how a missing extra is named."""

import json
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("auriko", "auriko_langchain", "auriko_llamaindex")
CORE = {
    "annotated-types", "anyio", "auriko", "certifi", "exceptiongroup", "h11", "httpcore", "httpx", "idna", "pydantic",
    "pydantic-core", "sniffio", "typing-extensions", "typing-inspection",
}  # fmt: skip


def run(*command, cwd, **options):
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The interpreter of an environment that holds the wheel and what it asks for, nothing else."""
    home = tmp_path_factory.mktemp("bare")
    python = home / "venv" / "bin" / "python"
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, home / "venv", cwd=home)
    run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, wheel, cwd=home)
    return python


def resolve(wheel, extra, tmp_path):
    """Names that an install of the extra on Python 3.10 brings."""
    asked = tmp_path / "asked.in"
    asked.write_text(f"auriko[{extra}] @ {wheel.as_uri()}\n")
    listed = run(
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", "3.10", "--no-header",
        "--no-annotate", "--no-python-downloads", asked, cwd=tmp_path,
    )  # fmt: skip
    return {line.split("==")[0].split(" ")[0] for line in listed.splitlines() if line}


def test_wheel_holds_the_three_typed_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {*PACKAGES, "auriko-2.0.0a1.dist-info"}
    assert all(f"{package}/py.typed" in names for package in PACKAGES)
    assert any(name.startswith("auriko/_docs/") and name.endswith(".md") for name in names)
    assert "auriko/sandbox/catalog/catalog.json" in names
    assert "auriko/notebook/plain.mplstyle" in names


def test_metadata_says_version_python_and_extras(wheel):
    archive = zipfile.ZipFile(wheel)
    metadata = message_from_string(archive.read("auriko-2.0.0a1.dist-info/METADATA").decode())
    assert metadata["Version"] == "2.0.0a1"
    assert metadata["Requires-Python"] == ">=3.10"
    assert {"langchain", "llamaindex", "sandbox", "cli", "notebook", "fast", "otel", "all"} <= set(
        metadata.get_all("Provides-Extra")
    )
    assert "auriko = auriko.cli:main" in archive.read("auriko-2.0.0a1.dist-info/entry_points.txt").decode()


def test_sdist_holds_what_the_wheel_is_built_from(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    roots = {name.split("/")[1] for name in names if "/" in name}
    assert {*PACKAGES, "tests", "docs", "notebooks", "README.md", "LICENSE", "pyproject.toml"} <= roots


def test_bare_install_brings_only_the_core(bare):
    listed = run(sys.executable, "-m", "uv", "pip", "list", "--format", "json", "--python", bare, cwd=bare.parent)
    assert {entry["name"] for entry in json.loads(listed)} <= CORE


def test_bare_install_works_from_elsewhere(bare):
    code = (
        "import auriko, sys; auriko.Client(api_key='ak_x'); print(auriko.__version__, 'langchain_core' in sys.modules)"
    )
    assert run(bare, "-c", code, cwd=bare.parent).split() == ["2.0.0a1", "False"]
    assert run(bare.parent / "auriko", "--version", cwd=bare.parent).strip() == "auriko 2.0.0a1"


@pytest.mark.parametrize(("package", "extra"), [("auriko_langchain", "langchain"), ("auriko_llamaindex", "llamaindex")])
def test_adapter_without_its_extra_names_it(bare, package, extra):
    code = f"try:\n import {package}\nexcept ImportError as error:\n print(error)"
    assert f'pip install "auriko[{extra}]"' in run(bare, "-c", code, cwd=bare.parent)


@pytest.mark.parametrize(("command", "extra"), [(["demo"], "demo"), (["sandbox"], "sandbox")])
def test_command_without_its_extra_names_it_in_one_line(bare, command, extra):
    done = subprocess.run(
        [bare.parent / "auriko", *command], cwd=bare.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f'pip install "auriko[{extra}]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_adapters_extras_do_not_bring_each_other(wheel, tmp_path):
    langchain, llamaindex = resolve(wheel, "langchain", tmp_path), resolve(wheel, "llamaindex", tmp_path)
    assert "langchain-core" in langchain
    assert not any(name.startswith("llama-index") for name in langchain)
    assert "llama-index-core" in llamaindex
    assert not any(name.startswith("langchain") for name in llamaindex)
    assert "openai" not in langchain | llamaindex


def test_everything_resolves_together_on_python_3_10(wheel, tmp_path):
    assert {"langchain-core", "llama-index-core", "xllamacpp", "rich", "pandas"} <= resolve(wheel, "all,demo", tmp_path)
