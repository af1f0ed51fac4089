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
    """Writes both into an .env file, whose other lines stay."""
    values = _values(base_url, api_key)
    names = "|".join(values)
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if not re.match(rf"\s*(?:export\s+)?(?:{names})\s*=", line)]
    file.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n", "utf-8")


def _values(base_url: str, api_key: str | None) -> dict[str, str]:
    return {"AURIKO_BASE_URL": base_url, **({"AURIKO_API_KEY": api_key} if api_key is not None else {})}
