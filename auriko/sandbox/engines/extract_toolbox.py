"""How well a tool of a request fits what a message says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auriko.sandbox.engines.extract_rules import flatten
from auriko.sandbox.engines.extract_slots import slot
from auriko.sandbox.engines.extract_synonyms import synonyms
from auriko.sandbox.engines.extract_text import stem_set, terms

_NAMED, _IN_NAME, _IN_DESCRIPTION, _IN_CHOICES, _IN_PARAMETERS = 10.0, 2.0, 1.0, 1.0, 0.5
_SYNONYM = 0.7
_PLAIN = stem_set(
    """get set create find search lookup show list make add update delete fetch return tool function user given use
    current value number two another one call provide name string text"""
)
"""Words that many tools have in their names and descriptions."""
_SYMBOLS = (
    (re.compile(r"(?<=\d)\s*\+\s*(?=\d)"), " plus "),
    (re.compile(r"(?<=\d)\s*[*\u00d7]\s*(?=\d)"), " multiply "),
    (re.compile(r"(?<=\d)\s*[/÷]\s*(?=\d)"), " divide "),
    (re.compile(r"(?<=\d)\s+[-\u2212]\s+(?=\d)"), " minus "),
)
_RETRIEVES = stem_set("search query answer question retrieve document docs information knowledge lookup find")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function tool of a request, with the terms that it is recognised by."""

    name: str
    parameters: Mapping[str, Any]
    in_name: frozenset[str]
    in_description: frozenset[str]
    in_choices: frozenset[str]
    in_parameters: frozenset[str]

    @classmethod
    def of(cls, wire: Mapping[str, Any]) -> Tool:
        """The tool in a `{"type": "function", "function": {...}}`."""
        function: Mapping[str, Any] = wire["function"]
        parameters: Mapping[str, Any] = function.get("parameters") or {}
        rules = flatten(parameters, parameters)
        properties: Mapping[str, Any] = rules.get("properties") or {}
        in_name = frozenset(terms(function["name"])) - {function["name"].lower()}
        choices = [
            str(choice) for inner in properties.values() for choice in flatten(inner, parameters).get("enum", ())
        ]
        described = " ".join(str(flatten(inner, parameters).get("description") or "") for inner in properties.values())
        return cls(
            function["name"],
            rules,
            (in_name - _PLAIN) or in_name or frozenset({function["name"].lower()}),
            frozenset(terms(str(function.get("description") or ""))) - _PLAIN,
            frozenset(term for choice in choices for term in terms(choice)),
            frozenset(terms(" ".join([*properties, described]))) - _PLAIN,
        )

    def score(self, text: str) -> float:
        """How well the tool fits `text`."""
        for symbol, word in _SYMBOLS:
            text = symbol.sub(word, text)
        said = frozenset(terms(text))
        total = _NAMED if re.search(rf"(?<!\w){re.escape(self.name)}(?!\w)", text) and len(self.name) > 3 else 0.0
        seen: set[str] = set()
        for found, weight in (
            (self.in_name, _IN_NAME),
            (self.in_choices, _IN_CHOICES),
            (self.in_description, _IN_DESCRIPTION),
            (self.in_parameters, _IN_PARAMETERS),
        ):
            for term in found - seen:
                total += weight * (1 if term in said else _SYNONYM if synonyms(term) & said else 0)
            seen |= found
        return total

    def retrieves(self) -> bool:
        """Whether the tool answers questions that are put to it as text."""
        required = self.parameters.get("required") or list(self.parameters.get("properties") or {})
        is_about_text = bool(_RETRIEVES & {*self.in_name, *self.in_description, *terms(self.name)})
        return is_about_text and len(required) == 1 and slot(required[0]).kind in {"query", "text"}


def tools_of(wire: Iterable[Mapping[str, Any]]) -> list[Tool]:
    """The function tools of a request."""
    return [Tool.of(tool) for tool in wire if tool.get("type", "function") == "function"]
