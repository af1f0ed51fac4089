"""Values that a text labels with the words of a property: "colour: red", "a city called 'Oslo'"."""

from __future__ import annotations

import re

from auriko.sandbox.engines.extract_facts import Facts, Span
from auriko.sandbox.engines.extract_slots import Slot, words_of_name
from auriko.sandbox.engines.extract_words import STOPWORDS, word_set

_LINK = re.compile(r"\s*(?:(?:(?:is|are|was|of|to|as|named|called|titled|should be)\b|=|:)\s*)*")
_EQUALS = re.compile(r"\s*(?:is\s*)?[:=]\s*")
_NEXT_LABEL = re.compile(r"[\n;]|,?\s+(?:and\s+)?[^\W\d]\w*(?: \w+)?\s*[:=](?=\s)")
_MARKS = "\"'`“”„‘’«»‹›「」『』"  # noqa: RUF001 (people write them)
_NAMING = word_set("named called titled")
"""Words that say of anything what it is called: on their own they do not say that it is this property's value."""
_LABELLED = 80


def quoted(slot: Slot, facts: Facts) -> Span | None:
    """The quotation right behind one of the property's own words, as in "a city called 'Oslo'"."""
    starts = {span.start: span for span in facts.free(facts.quotations)}
    for start, end, found in facts.words:
        is_own = found in slot.own and (len(slot.own) == 1 or facts.lowered[start:end] not in _NAMING)
        if is_own and (link := _LINK.match(facts.text, end)):
            position = link.end()
            while position < len(facts.text) and facts.text[position] in _MARKS:
                position += 1
            if position > link.end() and position in starts:
                return starts[position]
    return None


def clause(slot: Slot, facts: Facts) -> str | None:
    """All that stands behind the property's whole name and a colon, up to the next label or the end of the line."""
    name = "[ _-]?".join(map(re.escape, words_of_name(slot.name)))
    for label in re.finditer(rf"(?<!\w){name}(?!\w)", facts.text, re.IGNORECASE) if name else ():
        if link := _EQUALS.match(facts.text, label.end()):
            text = _NEXT_LABEL.split(facts.text[link.end() :], maxsplit=1)[0].strip().strip(_MARKS + ",.").strip()
            if text:
                return text
    return None


def labelled(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    """The words after one of the slot's own, as in "colour: red"; optional ones need a link, such as a colon."""
    for _, end, found in facts.words:
        link = _LINK.match(facts.text, end) if found in slot.own else None
        if link is None or (not is_required and not link.group().strip()):
            continue
        words: list[str] = []
        for token in facts.text[link.end() : link.end() + _LABELLED].split()[:4]:
            bare = token.strip("\"'“”,;:.!?()")
            if not bare or bare.lower() in STOPWORDS:
                break
            words.append(bare)
            if token[-1] in ",;:.!?)":
                break
        if words:
            return " ".join(words)
    return None
