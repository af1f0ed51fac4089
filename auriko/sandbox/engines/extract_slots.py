"""What a property of a JSON schema asks for, judged by its name, description and format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from auriko.sandbox.engines.extract_synonyms import synonyms
from auriko.sandbox.engines.extract_text import stem, terms
from auriko.sandbox.engines.extract_words import STOPWORDS, word_set

Kind = Literal[
    "email", "url", "date", "moment", "time", "place", "person", "organization", "title", "language", "code",
    "expression", "query", "text", "",
]  # fmt: skip

_FORMATS: dict[str, Kind] = {
    "email": "email", "idn-email": "email", "uri": "url", "url": "url", "iri": "url", "date": "date",
    "date-time": "moment", "time": "time",
}  # fmt: skip
_NAMES: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("email", word_set("email mail")),
    ("url", word_set("url uri link website page href")),
    ("language", word_set("language lang locale")),
    ("code", word_set("id code model number no key reference ref sku isbn currency symbol ticker iban zip postcode")),
    ("date", word_set("date day deadline birthday due")),
    ("time", word_set("time hour clock")),
    ("expression", word_set("expression formula equation calculation")),
    (
        "place",
        word_set(
            """city location place town country region state origin destination departure arrival address capital venue
            street room"""
        ),
    ),
    ("title", word_set("title subject heading headline")),
    ("query", word_set("query question q input search prompt request term keyword keywords topic instruction task")),
    (
        "text",
        word_set("text message content body note comment description summary reason sentence setup punchline joke"),
    ),
    (
        "organization",
        word_set("company organisation organization firm employer business vendor supplier manufacturer brand"),
    ),
    (
        "person",
        word_set(
            """author person recipient customer user artist contact friend owner manager attendee attendees employee
            passenger guest guests people sender singer band who with name names"""
        ),
    ),
)
_FROM = word_set("from origin source departure start begin sender")
_TO = word_set("to destination target arrival recipient into end receiver")


@dataclass(frozen=True, slots=True)
class Slot:
    """A property that waits for a value.

    Attributes:
        name: The property's name.
        kind: What sort of text it takes, or "" where its name does not say.
        own: Stems of the name's words.
        cues: Stems of the name's words and of words that mean the same.
        hints: Stems of the description's words.
        direction: Whether it is where something comes from or goes to.
        shows_clock: Whether the description asks for digits, as in HH:MM or YYYY-MM-DD.
    """

    name: str
    kind: Kind
    own: frozenset[str]
    cues: frozenset[str]
    hints: frozenset[str]
    direction: Literal["from", "to", ""]
    shows_clock: bool


@lru_cache(maxsize=2_000)
def slot(name: str, description: str = "", form: str = "") -> Slot:
    """The slot of a property with this name, description and format."""
    words = words_of_name(name)
    own = frozenset(stem(word) for word in words if len(word) > 1)
    cues = own.union(*(synonyms(found) for found in own)) if own else own
    hints = frozenset(terms(description)) - cues
    said = {*words, *re.findall(r"\w+", description.lower())} - STOPWORDS | set(words)
    direction: Literal["from", "to", ""] = "from" if _FROM & said else "to" if _TO & said else ""
    return Slot(
        name, _kind(words, description, form), own, cues, hints, direction, bool(re.search(r"HH|YYYY|ISO", description))
    )


def words_of_name(name: str) -> list[str]:
    """The words, in lower case, that a property's name is made of: customer_name, customerName."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+", name)]


def _kind(words: list[str], description: str, form: str) -> Kind:
    if form in _FORMATS:
        return _FORMATS[form]
    for source in (words, re.findall(r"[a-z]+", description.lower())):
        for kind, names in _NAMES:
            if names.intersection(source):
                return kind
    return ""
