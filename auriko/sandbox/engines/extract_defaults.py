"""Valid values for properties that a text says nothing about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.extract_formats import EXAMPLES
from auriko.sandbox.engines.extract_patterns import example
from auriko.sandbox.engines.extract_slots import Slot
from auriko.sandbox.engines.extract_validate import fits, fits_number
from auriko.sandbox.engines.json_types import is_array

_UNNAMED = frozenset(
    {"person", "organization", "place", "language", "code", "email", "url", "date", "time", "moment", "expression"}
)
_LONG = 200


def default_number(rules: Mapping[str, Any], *, is_integer: bool) -> float | int:
    """The default of a schema, or the number nearest to zero that it permits."""
    step = rules.get("multipleOf") or (1 if is_integer else 0)
    low = max(float(rules.get("minimum", -math.inf)), float(rules.get("exclusiveMinimum", -math.inf)))
    high = min(float(rules.get("maximum", math.inf)), float(rules.get("exclusiveMaximum", math.inf)))
    candidates: list[float] = [float(rules["default"])] if isinstance(rules.get("default"), (int, float)) else []
    candidates.append(0.0)
    for bound, sign in ((low, 1), (high, -1)):
        if math.isfinite(bound):
            first = (
                math.ceil(bound / step) * step
                if step and sign > 0
                else math.floor(bound / step) * step
                if step
                else bound
            )
            candidates += [first, first + sign * (step or 1)]
    if math.isfinite(low) and math.isfinite(high):
        candidates.append((low + high) / 2)
    best = next((number for number in candidates if fits_number(number, rules)), 0.0)
    return int(best) if is_integer or float(best).is_integer() else best


def default_string(rules: Mapping[str, Any], described: Slot, text: str) -> str:
    """The default or an example of a schema, or else something of the right form; for free text, the text itself."""
    examples = rules.get("examples")
    given: Any
    for given in (rules.get("default"), *(examples if is_array(examples) else ())):
        if isinstance(given, str) and fits(given, rules, {}):
            return given
    if rules.get("pattern"):
        return example(str(rules["pattern"])) or ""
    if rules.get("format") in EXAMPLES:
        return EXAMPLES[str(rules["format"])]
    return fit_length("unknown" if described.kind in _UNNAMED else text.strip(), rules, text)


def fit_length(text: str, rules: Mapping[str, Any], filling: str) -> str:
    """`text`, cut between words to the greatest length, or lengthened by `filling` to the least."""
    least, most = (
        int(rules.get("minLength", 0)),
        int(rules.get("maxLength", max(_LONG, int(rules.get("minLength", 0))))),
    )
    while len(text) < least:
        text = f"{text} {filling or '-'}".strip()
    if len(text) > most:
        cut = text[: most + 1].rsplit(" ", 1)[0].rstrip(" ,;:")
        text = cut if least <= len(cut) <= most else text[:most]
    return text
