"""`auriko models`: the catalogue with every provider's prices."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence

from auriko import Client
from auriko.cli._errors import CommandError
from auriko.models import DirectoryResponse, TierEntry
from auriko.spend import decimal_text

_COLUMNS_KEPT = 3  # a narrow terminal shows fewer, and these always


def run(arguments: argparse.Namespace) -> int:
    """Prints the catalogue, or the models whose name holds a word; the exit code is 0."""
    with Client() as client:
        directory = client.models.list_directory()
    wanted = (arguments.filter or "").lower()
    models = {
        name: model
        for name, model in directory.models.items()
        if any(wanted in alias.lower() for alias in (name, *(model.aliases or ())))
    }
    if not models:
        raise CommandError(f"no model's name has {arguments.filter!r} in it")
    chosen = directory.model_copy(update={"models": models})
    if arguments.json:
        print(chosen.model_dump_json(exclude_none=True, indent=2))
    else:
        _print_table(chosen)
    return 0


def _print_table(directory: DirectoryResponse) -> None:
    head = ("model", "provider", "USD in / out per 1M", "data policy", "context", "tier")
    rows: list[tuple[str, ...]] = [head]
    for name, model in directory.models.items():
        for offer in model.providers:
            for tier in offer.tiers or [TierEntry()]:
                prices = f"{_price(tier.input_price)} / {_price(tier.output_price)}"
                context = f"{offer.context_window:,}" if offer.context_window else ""
                rows.append((name, offer.provider, prices, offer.data_policy or "", context, tier.name or ""))
    columns = list(zip(*rows, strict=True))
    while len(columns) > _COLUMNS_KEPT and _width(columns) > _room():
        columns.pop()
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(columns) < len(head):
        print(f"(no room here for {', '.join(head[len(columns) :])}: a wider terminal or --json shows all)")


def _room() -> int:
    """The columns of the terminal; what goes elsewhere is whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + len("  ") for column in columns) - len("  ")


def _price(price: float | None) -> str:
    return "unknown" if price is None else decimal_text(price)
