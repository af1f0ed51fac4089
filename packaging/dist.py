"""Builds the three distributions into dist/, checks them, and installs each alone on the lowest and newest Python.

Run by `make dist`. A Python counts if it is on this machine: nothing is downloaded but packages.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
# Where each is made, and what a user of it types first.
PROJECTS = {
    ROOT: "from auriko import Client; Client(api_key='k')",
    ROOT / "packaging" / "langchain-auriko": (
        "from langchain_auriko import ChatAuriko, __all__; import auriko_langchain; "
        "assert __all__ == auriko_langchain.__all__; ChatAuriko(model='gpt-4o', api_key='k')"
    ),
    ROOT / "packaging" / "llama-index-llms-auriko": (
        "from llama_index.llms.auriko import Auriko, __all__; import auriko_llamaindex; "
        "assert __all__ == auriko_llamaindex.__all__; Auriko(model='gpt-4o', api_key='k')"
    ),
}
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def run(*command: object) -> None:
    """Runs a tool of this environment, and ends with it if it fails."""
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def tool(name: str, *arguments: object) -> None:
    """Runs a module of this environment."""
    run(sys.executable, "-m", name, *arguments)


def check_versions() -> None:
    """Nothing if all have one version, and the thin ones ask for it."""
    (main, *thin) = [tomli.loads((folder / "pyproject.toml").read_text("utf-8"))["project"] for folder in PROJECTS]
    for project in thin:
        (asked,) = project["dependencies"]
        if project["version"] != main["version"] or not asked.endswith(f"=={main['version']}"):
            sys.exit(f"{project['name']} {project['version']} asks for {asked}; auriko is {main['version']}")


def interpreters() -> list[str]:
    """The lowest and the newest Python that is there."""
    command = [sys.executable, "-m", "uv", "python", "find", "--system", "--no-python-downloads"]
    tried = [subprocess.run([*command, wanted], capture_output=True, text=True, check=False) for wanted in PYTHONS]
    there = [done.stdout.strip() for done in tried if not done.returncode]
    return sorted({there[0], there[-1]}) if there else [sys.executable]


def install_alone(wheel: Path, python: str, code: str) -> None:
    """Installs one in an environment of its own, from these files and the index, and runs what a user would."""
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "bin" / "python"
        tool("uv", "venv", "--quiet", "--python", python, folder)
        tool("uv", "pip", "install", "--quiet", "--link-mode=copy", "--python", inside, "--find-links", DIST, wheel)
        run(inside, "-I", "-c", code)


def main() -> None:
    """Builds, checks, installs."""
    check_versions()
    shutil.rmtree(DIST, ignore_errors=True)
    for folder in PROJECTS:
        tool("build", "--no-isolation", "--outdir", DIST, folder)
    files = sorted(DIST.iterdir())
    tool("twine", "check", "--strict", *files)
    wheels = [file for file in files if file.suffix == ".whl"]
    tool("check_wheel_contents", *wheels)
    for python in interpreters():
        for wheel, code in zip(wheels, PROJECTS.values(), strict=True):
            install_alone(wheel, python, code)
            print(f"{wheel.name}: works alone on {python}")


if __name__ == "__main__":
    main()
