"""Which tools a message asks for, and with which arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auriko.sandbox.engines.extract_facts import Facts
from auriko.sandbox.engines.extract_lists import pick_list
from auriko.sandbox.engines.extract_questions import analyse
from auriko.sandbox.engines.extract_rules import flatten, kind_of
from auriko.sandbox.engines.extract_schema import Filler
from auriko.sandbox.engines.extract_slots import Slot, slot
from auriko.sandbox.engines.extract_toolbox import Tool
from auriko.sandbox.engines.json_types import is_object

_ENOUGH = 1.4
"""The score from which a tool is called when none has to be."""

_JOINT = re.compile(r",? (?:and then|then|and also|and) |[;?!]\s+|\.\s+(?=[A-Z])")
_FOLLOWS = re.compile(r"\s*(?:and|what about|how about|also|now)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\?\s*$|^(?:who|what|when|where|why|which|how|is|are|does|do|can|tell me|explain|describe)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool."""

    name: str
    arguments: Mapping[str, Any]

    def to_json(self) -> str:
        """The arguments as a JSON object."""
        return json.dumps(self.arguments, ensure_ascii=False)


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


def follow_up_calls(tools: Sequence[Tool], text: str, called: str) -> list[Call]:
    """The calls of the tool that was called last, for a text such as "And in Paris?"; none if it is no such text."""
    tool = next((tool for tool in tools if tool.name == called), None)
    return _expanded(tool, text) if tool and _FOLLOWS.match(text) and _has_required(tool, text) else []


def demanded_call(tools: Sequence[Tool], text: str, made: Sequence[Call]) -> Call:
    """The call that fits best when there has to be one; a tool that has been called already comes last."""
    names = {call.name for call in made}
    best = max(tools, key=lambda tool: (tool.name not in names, _has_required(tool, text), tool.score(text)))
    return _expanded(best, text)[0]


def _parts(tools: Sequence[Tool], text: str) -> list[tuple[str, Tool]]:
    """(a part of the text, its tool). A part that names no tool, or too little for one, belongs to the part before."""
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
    """The tool that fits best, of those for which the text has what they need if there are such; None if none fits."""
    fitting = sorted((tool for tool in tools if tool.score(text) >= _ENOUGH), key=lambda tool: -tool.score(text))
    return next((tool for tool in fitting if _has_required(tool, text)), fitting[0] if fitting else None)


def _arguments(tool: Tool, text: str) -> tuple[dict[str, Any], int]:
    """(arguments, how many of them the text has)."""
    filler = Filler(tool.parameters, text)
    filled: Any = filler.fill()
    return (filled if is_object(filled) else {}), filler.found


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
    properties: Mapping[str, Any] = tool.parameters.get("properties") or {}
    for name in tool.parameters.get("required") or ():
        rules = flatten(properties.get(name), tool.parameters)
        described = slot(name, str(rules.get("description") or ""), str(rules.get("format") or ""))
        if kind_of(rules) == "string" and described.kind in {"place", "person", "organization", "code", "email", "url"}:
            found.append((name, described))
    return found[0] if len(found) == 1 else None
