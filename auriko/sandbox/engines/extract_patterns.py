"""A string that matches a regular expression, for the constructs that JSON schemas use."""

from __future__ import annotations

import re

_CLASSES = {
    "d": "0",
    "w": "a",
    "s": " ",
    "D": "a",
    "W": "-",
    "S": "a",
    "n": "\n",
    "t": "\t",
    "b": "",
    "B": "",
    "A": "",
    "Z": "",
    "z": "",
}
_QUANTIFIER = re.compile(r"\*|\+|\?|\{(\d*)(,?)(\d*)\}")
_CANDIDATES = "a0-_ A.z9Z/:@#x"


def example(pattern: str) -> str | None:
    """The shortest text this can make that `pattern` matches, or None if it can make none."""
    try:
        text = _Maker(pattern).alternatives()
        return text if re.search(pattern, text) else None
    except (re.error, ValueError, IndexError):
        return None


class _Maker:
    """Reads a pattern from left to right and writes the least that it demands."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups: list[str] = []

    def alternatives(self) -> str:
        """The text of the first alternative, up to the closing bracket or the end; the others are read and left."""
        first = self.sequence()
        while self.at < len(self.pattern) and self.pattern[self.at] == "|":
            self.at += 1
            self.sequence()
        return first

    def sequence(self) -> str:
        made: list[str] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            made.append(self.repeated(self.atom()))
        return "".join(made)

    def atom(self) -> str:
        character = self.pattern[self.at]
        self.at += 1
        if character == "(":
            return self.group()
        if character == "[":
            return self.one_of()
        if character == "\\":
            return self.escape()
        if character in "^$":
            return ""
        return "a" if character == "." else character

    def repeated(self, text: str) -> str:
        match = _QUANTIFIER.match(self.pattern, self.at)
        if not match:
            return text
        self.at = match.end()
        if self.at < len(self.pattern) and self.pattern[self.at] in "?+":
            self.at += 1
        if match.group() in "*?":
            return ""
        return text * (1 if match.group() == "+" else int(match.group(1) or 0))

    def group(self) -> str:
        is_kept = True
        if self.pattern.startswith("?", self.at):
            kind = re.compile(r"\?(?:P?<\w+>|[:=!]|<[=!])").match(self.pattern, self.at)
            if not kind:
                raise ValueError(self.pattern)
            is_kept = kind.group() not in {"?=", "?!", "?<=", "?<!"}
            self.at = kind.end()
        text = self.alternatives()
        self.at += 1
        self.groups.append(text)
        return text if is_kept else ""

    def escape(self) -> str:
        character = self.pattern[self.at]
        self.at += 1
        if character.isdigit():
            return self.groups[int(character) - 1]
        return _CLASSES.get(character, character)

    def one_of(self) -> str:
        closing = self.pattern.index("]", self.at + (2 if self.pattern.startswith("^", self.at) else 1))
        while self.pattern[closing - 1] == "\\" and self.pattern[closing - 2] != "\\":
            closing = self.pattern.index("]", closing + 1)
        body = self.pattern[self.at : closing]
        self.at = closing + 1
        one = re.compile(f"[{body}]")
        readable = (character for character in _CANDIDATES if one.match(character))
        return next(readable, None) or next(chr(code) for code in range(32, 0x3000) if one.match(chr(code)))
