"""Amounts in USD: exact sums of them, and their text.

A sum is kept as the float that is nearest to a whole number of billionths of a dollar, so that it is the same in
whichever order it was added up, and no rest of binary fractions is ever seen.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

NANO: Final = 1_000_000_000
_MOST: Final = 1e27  # a billion billions of dollars, as no bill but a broken one says
_DIGITS: Final = 8
_LEAST: Final = 10**-_DIGITS
_MARK: Final = "\0usd:"
_MARKED: Final = re.compile(r'"\\u0000usd:([^"]*)"')


def nano_of(usd: float) -> int:
    """The amount in billionths of a dollar; more than there is money counts as that."""
    nano = usd * NANO
    return round(nano if -_MOST < nano < _MOST else math.copysign(_MOST, nano))


def usd_of(nano: float) -> float:
    """The amount in USD of so many billionths."""
    return nano / NANO


def add_usd(one: float, other: float | None) -> float:
    """The exact sum of two amounts; one that is unknown adds nothing."""
    return (nano_of(one) + nano_of(other)) / NANO if other else one


def decimal_text(amount: float, digits: int = _DIGITS + 1) -> str:
    """The number in decimals, without an exponent and without zeros at its end."""
    if not math.isfinite(amount):
        return str(amount)
    text = f"{amount:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def usd_text(usd: float) -> str:
    """The amount for people: with two decimals at least and eight at most, as in "$0.00193"."""
    if 0 < usd < _LEAST:
        return f"under ${_LEAST:.{_DIGITS}f}"
    sign, text = ("-" if usd < 0 else ""), decimal_text(abs(usd), _DIGITS)
    whole, _, decimals = text.partition(".")
    return f"{sign}${whole}.{decimals:0<2}" if math.isfinite(usd) else f"{sign}${text}"


def json_text(value: Any, *, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """The JSON of a value in which no amount has an exponent: floats under a name that ends with `usd` are decimals."""
    text = json.dumps(_marked(value), indent=indent, separators=separators, ensure_ascii=False)
    return _MARKED.sub(r"\1", text)


def _marked(value: Any) -> Any:
    if isinstance(value, Mapping):
        items: Any = value.items()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return {name: _amount(part) if str(name).endswith("usd") else _marked(part) for name, part in items}
    if isinstance(value, (list, tuple)):
        return [_marked(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _amount(value: Any) -> Any:
    return f"{_MARK}{decimal_text(value)}" if isinstance(value, float) and math.isfinite(value) else _marked(value)
