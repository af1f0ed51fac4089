"""Runs notebooks from top to bottom and keeps their outputs, without what differs from run to run for no reason.

Ports, paths, ids and addresses in memory are replaced. A cell keeps the output that it has where the new one differs
in times alone; in cells tagged `timings`, where it differs in numbers alone. A picture is kept until something before
it has changed. So a second run leaves the files as they are.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import nbformat
from nbclient import NotebookClient

_SCRUBBED = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:4010"),
    (re.compile(r"(?:/[\w.-]+)+/site-packages/"), ".../"),
    (re.compile(re.escape(gettempdir()) + r"(?:/[\w.-]+)*/"), ".../"),
    (re.compile(r"\b(req|call)_[0-9a-f]+"), r"\1_..."),
    (re.compile(r" at 0x[0-9a-f]+"), ""),
)
_TIME = re.compile(r"\d[\d,.]* ?(?:ms|s|seconds|tokens/s)\b")
_NUMBER = re.compile(r"\d[\d,.]*(?:e-?\d+)?")


def refresh(path: Path) -> bool:
    """Runs a notebook in its folder and writes it back with its outputs; whether that has changed it."""
    text = path.read_text("utf-8")
    before, notebook = nbformat.reads(text, as_version=4), nbformat.reads(text, as_version=4)
    here = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, coalesce_streams=True, resources=here).execute()
    same_so_far = len(before.cells) == len(notebook.cells)
    for old, new in zip(before.cells, notebook.cells, strict=True):
        new.metadata = {"tags": new.metadata["tags"]} if new.metadata.get("tags") else {}
        for output in new.get("outputs", []):
            _scrub(output)
        same_so_far = same_so_far and _says(old) == _says(new)
        if same_so_far and "outputs" in new:
            new.outputs, new.execution_count = old.outputs, old.execution_count
    notebook.metadata.language_info = {"name": "python"}
    written = nbformat.writes(notebook) + "\n"
    path.write_text(written, "utf-8")
    return written != text


def _scrub(output: Any) -> None:
    if "text" in output:
        output.text = _clean(output.text)
    for kind, value in output.get("data", {}).items():
        if isinstance(value, str) and kind.startswith("text/"):
            output.data[kind] = _clean(value)


def _clean(text: str) -> str:
    for pattern, replacement in _SCRUBBED:
        text = pattern.sub(replacement, text)
    return text


def _says(cell: Any) -> list[str]:
    """The cell and its outputs without what may differ: times or, where it is tagged so, all numbers; pictures."""
    changing = _NUMBER if "timings" in cell.metadata.get("tags", []) else _TIME
    said = [cell.source, str(cell.get("execution_count"))]
    for output in cell.get("outputs", []):
        texts = [output.get("text", ""), *(v for k, v in sorted(output.get("data", {}).items()) if k[:5] == "text/")]
        said += [output.output_type, *(changing.sub("#", text) for text in texts)]
    return said


if __name__ == "__main__":
    folder = Path(__file__).parent
    for notebook_path in [Path(name) for name in sys.argv[1:]] or sorted(folder.glob("*.ipynb")):
        print(f"ran {notebook_path.name}" + (", which has changed" if refresh(notebook_path) else ""))
