"""The two variables that point a program at a gateway, as a shell or an .env file takes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

SHELLS: Final = {"sh": "export {}={}", "powershell": '$env:{} = "{}"'}


def assignments(shell: str, base_url: str, api_key: str | None) -> list[str]:
    """The lines that a shell evaluates; a key of the user's own is not written."""
    return [SHELLS[shell].format(name, value) for name, value in _values(base_url, api_key).items()]


def write_env_file(file: Path, base_url: str, api_key: str | None) -> None:
    """Writes both into an .env file, whose other lines stay, whatever their encoding and their ends are."""
    values = _values(base_url, api_key)
    own = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:export\s+)?(?:%s)\s*=" % "|".join(values).encode())
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    kept = b"".join(line for line in lines if not own.match(line))
    end = b"\n" if kept and not kept.endswith((b"\n", b"\r")) else b""
    file.write_bytes(kept + end + "".join(f"{name}={value}\n" for name, value in values.items()).encode())


def _values(base_url: str, api_key: str | None) -> dict[str, str]:
    return {"AURIKO_BASE_URL": base_url, **({"AURIKO_API_KEY": api_key} if api_key is not None else {})}
