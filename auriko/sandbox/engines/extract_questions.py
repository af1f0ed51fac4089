"""What a question asks for: its terms, what the answer must name, and what kind of thing the answer must hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from auriko.sandbox.engines.extract_synonyms import synonyms
from auriko.sandbox.engines.extract_text import stem, stem_set, token_terms, tokens
from auriko.sandbox.engines.extract_words import MONTHS, NUMBER_WORDS, STOPWORDS

_MONTHS = "|".join(MONTHS)
_NUMBER = re.compile(
    rf"(?<![\w.-])\d[\d,.]*(?![\w-])|\b(?:{'|'.join(NUMBER_WORDS)}|thousand|million|once|half|double)\b", re.IGNORECASE
)
_YEAR = r"\b\d{4}-\d{2}|\b(?:1[5-9]|20)\d{2}\b"
_DATE = re.compile(rf"{_YEAR}|\b(?:{_MONTHS}|yesterday|today|ago)\b", re.IGNORECASE)
_TIME = re.compile(
    rf"{_YEAR}|\b\d{{1,2}}:\d{{2}}\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\b(?:{_MONTHS}|noon|midnight|morning"
    r"|evening|today|tomorrow|yesterday|daily|weekly|monthly)\b"
    rf"|\bat (?:{'|'.join(NUMBER_WORDS)})\b|\b\d+(?:\.\d+)? (?:second|minute|hour|day|week|month|year)",
    re.IGNORECASE,
)
_AMOUNT = rf"(?:\d[\d,.]*|{'|'.join(NUMBER_WORDS)}|half an?|an?) ?"
_DURATION = re.compile(
    rf"\b{_AMOUNT}(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|ms|s|min|h)\b", re.IGNORECASE
)
_LENGTH = re.compile(
    rf"\b{_AMOUNT}(?:mm|cm|m|km|(?:kilo|centi)?met(?:re|er)s?|miles?|feet|foot|inch(?:es)?)\b", re.IGNORECASE
)
_WEIGHT = re.compile(
    rf"\b{_AMOUNT}(?:kg|g|(?:kilo)?gram(?:me)?s?|kilos?|tons?|tonnes?|pounds?|ounces?)\b", re.IGNORECASE
)
_FREQUENCY = re.compile(
    r"\b(?:once|twice|times|every|each|daily|weekly|monthly|yearly|hourly|per|never|always|often)\b", re.IGNORECASE
)
_NAME = re.compile(r"(?<![.!?`]\s)(?<!^)(?<!`)\b[A-Z][a-z]+\b(?![`(])")
_CODE = re.compile(r"`[^`]+`|\b\w+_\w+\b|\b[a-z]+[A-Z]\w+")
_ERROR = re.compile(r"\b\w+(?:Error|Exception|Warning)\b")
_HEADER = re.compile(r"\b[A-Z]\w*(?:-[A-Z]\w*)+")
_STATUS = re.compile(r"\b[1-5]\d\d\b")
_REASON = re.compile(r"\b(?:because|since|so that|therefore|due to|otherwise|to avoid)\b", re.IGNORECASE)
_PLACE = re.compile(r"`|\b(?:in|at|on|under|inside|near|from|to)\b", re.IGNORECASE)
_ADVICE = re.compile(
    r"`|\b(?:set|use|pass|call|read|add|take|list|send|make|run|install|open|close|with|by)\b", re.IGNORECASE
)

_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str], bool], ...] = (
    # what the question looks like, what its answer holds, whether an answer must hold it
    (re.compile(r"^how (?:can|do|should|could|must|to)\b"), _ADVICE, False),
    (re.compile(r"\bhow often\b"), _FREQUENCY, True),
    (re.compile(r"\bhow long\b"), re.compile(f"{_DURATION.pattern}|{_LENGTH.pattern}", re.IGNORECASE), True),
    (re.compile(r"\bhow (?:far|tall|high|deep|wide)\b"), _LENGTH, True),
    (re.compile(r"\bhow heavy\b"), _WEIGHT, True),
    (re.compile(r"\bhow (?:many|much|old|big|large|fast)\b"), _NUMBER, True),
    (re.compile(r"\b(?:what|which) (?:time|date|day|year|month)\b"), _TIME, True),
    (re.compile(r"\bwhen (?:was|were|did)\b"), _DATE, True),
    (re.compile(r"\bwhen (?:is|were|are|does|did|do|will|has|can)\b|^when\b"), _TIME, True),
    (re.compile(r"\bwho\b"), _NAME, True),
    (re.compile(r"\bwhat is the (?:\w+est|maximum|minimum|number|amount|price|limit|length|size)\b"), _NUMBER, False),
    (re.compile(r"\bwhy\b"), _REASON, False),
    (re.compile(r"\b(?:which|what)\b.*\b(?:exception|error class)\b"), _ERROR, False),
    (re.compile(r"\b(?:which|what)\b.*\bheader\b"), _HEADER, False),
    (re.compile(r"\b(?:which|what)\b.*\bstatus\b"), _STATUS, False),
    (
        re.compile(
            r"\b(?:which|what)\b.*\b(?:code|option|field|class|error|parameter|setting|key|variable|strategy|function|method"
            r"|command|type|name|called)\b"
        ),
        _CODE,
        False,
    ),
    (re.compile(r"\bwhere\b"), _PLACE, False),
)
_ASKED_NOUN = re.compile(
    r"\b(?:which|what) (?:\w+ )?(code|option|error|exception|class|field|header|setting|parameter|strategy|function"
    r"|method|command|key|type|name|number|value|status|variable|kind|sort)s?\b"
)
_ASKED_THING = re.compile(r"\b(?:which|what) (\w+)")
_COUNTED_NOUN = re.compile(r"\bhow many (?:(?:more|extra|other|further|different) )?(\w+)")

_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), words)
    for pattern, words in (
        (r"(?:if|when) (?:i|you|we) do(?:n't| not) (?:say|set|choose|specify|give)", "default"),
        (r"(?:if|when) (?:nothing|none|it) is (?:not )?(?:said|set|chosen|specified|given)", "default"),
        (r"without (?:my |me |your |any )?(?:asking|request|doing)", "automatic"),
        (r"tr(?:y|ies) (?:it )?again|another try", "retry"),
        (r"at most|not more than|up to", "maximum"),
        (r"at least|not less than", "minimum"),
        (r"(?:is|are)(?:n't| not) (?:available|reachable|there)", "unavailable"),
        (r"(?:does|do|is|are)(?:n't| not) (?:support|supported|know)", "unsupported"),
        (r"cannot|can't|may not|must not", "refuse"),
        (r"at the same time|both", "together"),
    )
)
"""Turns of phrase and the word that texts use for them."""

_VAGUE = stem_set(
    """value use used using happen set say tell know find want need make sure take try look keep put come offer thing
    something anything everything someone way case mean work possible please see show name called call kind type
    sort many often long explain describe care different ask question answer example exist cannot raise get"""
)
"""Words that say little about what a question is about: an answer need not have them."""
_VAGUE_WEIGHT = 0.35
_THING_WEIGHT = 1.6
_IDENTIFIER = re.compile(r"\d|_|[a-z][A-Z]|[a-z]\.[a-z]")


@dataclass(frozen=True, slots=True)
class Concept:
    """A term of the question with the terms that mean about the same."""

    term: str
    others: frozenset[str]
    weight: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart.

    Attributes:
        concepts: What it is about, in order.
        names: Terms of proper names and identifiers; a text that lacks one of them does not answer.
        sign: A pattern that an answer is likely to match, or None.
        is_strict: Whether an answer must match `sign`.
        counted: The stem of the thing that "how many" asks to count, or "".
        column: What names the column of a table that has the things that "which" asks for, or None.
    """

    concepts: tuple[Concept, ...]
    names: frozenset[str]
    sign: re.Pattern[str] | None
    is_strict: bool
    counted: str
    column: re.Pattern[str] | None


@lru_cache(maxsize=2_000)
def analyse(text: str) -> Question:
    """The question in `text`."""
    lowered = text.lower()
    for phrase, words in _PHRASES:
        text = phrase.sub(words, text)
    sign, is_strict = _kind(lowered)
    nouns: list[str] = _ASKED_NOUN.findall(lowered)
    asked = {stem(noun) for noun in nouns}
    things = {stem(noun) for noun in _ASKED_THING.findall(lowered)} - asked - _VAGUE
    concepts: dict[str, Concept] = {}
    names: set[str] = set()
    for position, token in enumerate(tokens(text)):
        found = token_terms(token)
        if len(found) > 1:  # a compound: an identifier counts as a whole, hyphenated words one by one
            found = found[:1] if _IDENTIFIER.search(token) else found[1:]
        if found and _is_name(token, position):
            names.add(found[0])
        for term in found:
            weight = _VAGUE_WEIGHT if term in _VAGUE or term in asked else _THING_WEIGHT if term in things else 1.0
            concepts.setdefault(term, Concept(term, synonyms(term), weight))
    counted = _COUNTED_NOUN.search(lowered)
    number_of = stem(counted.group(1)) if counted else ""
    column = re.compile(rf"\b{nouns[0]}\b[^;:]*: ", re.IGNORECASE) if nouns else None
    return Question(tuple(concepts.values()), frozenset(names), sign, is_strict, number_of, column)


def _kind(lowered: str) -> tuple[re.Pattern[str] | None, bool]:
    for asked, answered, is_strict in _KINDS:
        if asked.search(lowered):
            return answered, is_strict
    return None, False


def _is_name(token: str, position: int) -> bool:
    if _IDENTIFIER.search(token):
        return True
    return position > 0 and token[0].isupper() and len(token) > 4 and token.lower() not in STOPWORDS
