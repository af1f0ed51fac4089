"""Sentences of a text, and the words of a sentence as they are compared."""

from __future__ import annotations

import re
from functools import lru_cache

_COMMON = """
a about above after again all also am an and any are as at be because been before being below between both but by can
could did do does doing for from further had has have having he her here him his how i if in into is it its just me
more most my no nor not now of off on once only or other our out over own please same shall she should so some such
than that the their them then there these they this those through to too under until up us very was we were what when
where which while who whom whose why will with would you your called get got happen happens many mean means much often
want whatever"""
STOP_WORDS = frozenset(_COMMON.split())
"""Words that say nothing of what a sentence is about, and those that only make a question of it."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
"""A word, or one of those that a name such as `orderId` or `order_id` is made of."""
_END = re.compile(r"(?<=[.!?…])[\"'”)\]]*\s+(?=[^\s a-z])|\n")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|vs|etc|e\.g|i\.e|approx|cf)|\b[A-Z])\.$")
_ENDING = re.compile(r"(?<=\w{4})(?:ations?|ments?|ings?|ie[sd]|ers)$|(?<=\w{3})(?:er|ed|es|ly|(?<!s)s|e|y)$")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """`word` in lower case, without its ending if enough stays."""
    word = _ENDING.sub("", word.lower(), count=1)
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz" else word


@lru_cache(maxsize=10_000)
def terms(text: str) -> tuple[str, ...]:
    """The stems of the words of `text` in order, without those that every sentence has."""
    return tuple(stem(word) for word in WORD.findall(text) if word.lower() not in STOP_WORDS)


def sentences(text: str) -> list[str]:
    """The sentences of a text, which end with a line at the latest; abbreviations do not end one."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(f"{text}\n"):
        sentence = text[start : match.end()].strip()
        if match.group() == "\n" or not _ABBREVIATION.search(sentence):
            found += [sentence] if sentence else []
            start = match.end()
    return found
