"""Word lists of English that several files use."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as text."""
    return frozenset(text.split())


STOPWORDS = word_set(
    """a about after again ah all also am an and any are aren't as at be because been before being but by can can't
    could did didn't do does doesn't doing don't down during each else ever few for from further get gets give
    go had hadn't has hasn't have haven't having he her here hers him his how i i'm i'd i've if in into is isn't
    it its it's itself just let like may me might mine more most much must my myself no nor not of off on once
    one only or other ought our ours out over own please same shall she should shouldn't so some such take than
    that that's the their theirs them then there these they this those though through to too under until up upon
    us very was wasn't we were weren't what what's when where which while who whom whose why will with won't
    would wouldn't you your yours yes ok okay"""
)

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip

NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12, "twice": 2,
}  # fmt: skip

PARTICLES = word_set("de da del di la le van von der den al el bin of the und & y")
"""Words in small letters within names."""

TITLES = word_set("dr mr mrs ms prof st")
"""Abbreviations before names."""

NO_NAMES = (
    STOPWORDS
    | word_set(
        """add analyse analyze answer arrange book buy calculate call check classify compare compute convert create
        dear delete describe draw extract explain fetch fill find first generate give good hallo hello help hey hi
        list locate look make multiply need next nothing open order parse pick place plan play please put rain read
        remind rent reserve return run schedule search second send set share ship show sorry start stop subtract sum
        summarise summarize switch tag tell thank thanks then today tomorrow tonight translate turn update use wake
        weather what where write yes yesterday monday tuesday wednesday thursday friday saturday sunday"""
    )
    | frozenset(MONTHS)
)
"""Words that are no names although they are capitalised, mostly because they begin sentences."""
