"""Which tools a message asks for, and with which arguments."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auriko.sandbox.engines.extract_facts import Facts
from auriko.sandbox.engines.extract_lists import pick_list
from auriko.sandbox.engines.extract_questions import analyse
from auriko.sandbox.engines.extract_rules import flatten, kind_of
from auriko.sandbox.engines.extract_schema import Filler
from auriko.sandbox.engines.extract_slots import Slot, slot
from auriko.sandbox.engines.extract_synonyms import synonyms
from auriko.sandbox.engines.extract_text import stem, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ENOUGH = 1.4
"""The score from which a tool is called when none has to be."""

_NAMED, _IN_NAME, _IN_DESCRIPTION, _IN_CHOICES, _IN_PARAMETERS = 10.0, 2.0, 1.0, 1.0, 0.5
_SYNONYM = 0.7
_PLAIN = frozenset(
    stem(word)
    for word in """get set create find search lookup show list make add update delete fetch return tool function user given use current value
    number two another one call provide name string text""".split()
)
_JOINT = re.compile(r",? (?:and then|then|and also|and) |[;?!]\s+|\.\s+(?=[A-Z])")
_SYMBOLS = (
    (re.compile(r"(?<=\d)\s*\+\s*(?=\d)"), " plus "),
    (re.compile(r"(?<=\d)\s*[*×]\s*(?=\d)"), " times "),
    (re.compile(r"(?<=\d)\s*[/÷]\s*(?=\d)"), " divided by "),
    (re.compile(r"(?<=\d)\s+[-−]\s+(?=\d)"), " minus "),
)  # noqa: RUF001
_ASKS = re.compile(
    r"\?\s*$|^(?:who|what|when|where|why|which|how|is|are|does|do|can|tell me|explain|describe)\b", re.IGNORECASE
)
_RETRIEVES = frozenset(
    stem(word)
    for word in "search query answer question retrieve document docs information knowledge lookup find".split()
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool."""

    name: str
    arguments: Mapping[str, Any]

    def to_json(self) -> str:
        """The arguments as a JSON object."""
        return json.dumps(self.arguments, ensure_ascii=False)


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


def fitting_calls(tools: Sequence[Tool], text: str) -> list[Call]:
    """The calls that `text` asks for: none if no tool fits it, several if it asks for several things."""
    calls: list[Call] = []
    for part, tool in _parts(tools, text):
        calls += _calls(tool, part)
    if not calls and _ASKS.search(text) and analyse(text).concepts:
        calls = [
            Call(tool.name, filled) for tool in tools if tool.retrieves() and (filled := _arguments(tool, text)[0])
        ][:1]
    return [call for number, call in enumerate(calls) if call not in calls[:number]]


def demanded_call(tools: Sequence[Tool], text: str, made: Sequence[Call]) -> Call:
    """The call that fits best when there has to be one; a tool that has been called already comes last."""
    names = {call.name for call in made}
    best = max(tools, key=lambda tool: (tool.name not in names, tool.score(text)))
    return _expanded(best, text)[0]


def _parts(tools: Sequence[Tool], text: str) -> list[tuple[str, Tool]]:
    """(a part of the text, the tool for it). A part that names no tool, or too little for it, belongs to the one before."""
    borders = [match.span() for match in _JOINT.finditer(_masked(text))]
    pieces: list[tuple[int, int]] = []
    start = 0
    for begin, end in [*borders, (len(text), len(text))]:
        pieces.append((start, begin))
        start = end
    parts: list[tuple[int, int, Tool | None]] = []
    for begin, end in pieces:
        tool = _best(tools, text[begin:end])
        if parts and (tool is None or (parts[-1][2] is not None and not _has_required(tool, text[begin:end]))):
            parts[-1] = (parts[-1][0], end, parts[-1][2])
        elif parts and parts[-1][2] is None:
            parts[-1] = (parts[-1][0], end, tool)
        else:
            parts.append((begin, end, tool))
    if len(parts) == 1:  # all of it together may name a tool that no part names
        parts = [(0, len(text), _best(tools, text) or parts[0][2])]
    return [(text[begin:end], tool) for begin, end, tool in parts if tool]


def _masked(text: str) -> str:
    """`text` with its quotations blotted out."""
    for span in Facts(text).quotations:
        text = text[: span.start] + "_" * (span.end - span.start) + text[span.end :]
    return text


def _best(tools: Sequence[Tool], text: str) -> Tool | None:
    best = max(tools, key=lambda tool: tool.score(text), default=None)
    return best if best and best.score(text) >= _ENOUGH else None


def _arguments(tool: Tool, text: str) -> tuple[dict[str, Any], int]:
    """(arguments, how many of them the text has)."""
    filler = Filler(tool.parameters, text)
    filled: Any = filler.fill()
    return (filled if isinstance(filled, dict) else {}), filler.found


def _has_required(tool: Tool, text: str) -> bool:
    required = tool.parameters.get("required") or ()
    return _arguments(tool, text)[1] >= len(required)


def _calls(tool: Tool, text: str) -> list[Call]:
    """The calls of one tool that `text` asks for; none if it has nothing of what the tool needs."""
    if tool.parameters.get("required") and not _arguments(tool, text)[1]:
        return []
    return _expanded(tool, text)


def _expanded(tool: Tool, text: str) -> list[Call]:
    """One call, or one for each thing that the text lists for the tool's one name, place or code."""
    filled, _ = _arguments(tool, text)
    listed = _listed(tool)
    if listed:
        name, described = listed
        values = pick_list(described, Facts(text))
        if len(values) > 1 and filled.get(name) in values:
            return [Call(tool.name, {**filled, name: value}) for value in values]
    return [Call(tool.name, filled)]


def _listed(tool: Tool) -> tuple[str, Slot] | None:
    """The required property, if there is just one, that takes a name, a place or a code."""
    found: list[tuple[str, Slot]] = []
    for name in tool.parameters.get("required") or ():
        rules = flatten((tool.parameters.get("properties") or {}).get(name), tool.parameters)
        described = slot(name, str(rules.get("description") or ""), str(rules.get("format") or ""))
        if kind_of(rules) == "string" and described.kind in {"place", "person", "code", "email", "url"}:
            found.append((name, described))
    return found[0] if len(found) == 1 else None
