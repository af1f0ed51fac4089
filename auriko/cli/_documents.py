"""The documents that a command is given, or the project's own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from auriko.cli._errors import CommandError
from auriko.notebook import documentation

_SUFFIXES = {".md", ".txt"}


class Document(NamedTuple):
    """A document's name below its folder, and its text."""

    name: str
    text: str


def read_documents(folder: str | None) -> list[Document]:
    """The .md and .txt files below a folder; without one, the project's own documentation.

    Raises:
        CommandError: There is no such folder, or no document in it.
    """
    root = Path(folder) if folder is not None else documentation()
    if not root.is_dir():
        raise CommandError(f"{root} is not a folder")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    found = [Document(str(path.relative_to(root)), path.read_text("utf-8", "replace")) for path in files]
    documents = [document for document in found if document.text.strip()]
    if not documents:
        raise CommandError(f"{root} has no .md or .txt documents")
    return documents
