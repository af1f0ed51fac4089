"""`auriko models`: the catalogue with every provider's prices."""

from __future__ import annotations

import argparse

from auriko import Client
from auriko.cli._errors import CommandError
from auriko.models import DirectoryResponse, TierEntry
from auriko.spend import decimal_text


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
    rows = [("model", "provider", "tier", "USD in / out per 1M", "context", "data policy")]
    for name, model in directory.models.items():
        for offer in model.providers:
            for tier in offer.tiers or [TierEntry()]:
                prices = f"{_price(tier.input_price)} / {_price(tier.output_price)}"
                context = f"{offer.context_window:,}" if offer.context_window else ""
                rows.append((name, offer.provider, tier.name or "", prices, context, offer.data_policy or ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _price(price: float | None) -> str:
    return "unknown" if price is None else decimal_text(price)
