"""The question of a prompt, the text to answer it from, and the form it asks for, whoever wrote it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.engines.quote.words import sentences

_TAGGED = re.compile(r"<(context|documents?|sources?|text)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(
    r"(?:^|(?<=[.!?]))[ \t<*/]*(?:(?P<rule>-{8,}[ \t]*$)"
    r"|(?:(?P<question>(?:user )?(?:query|question)|the original query is as follows"
    r"|follow[ -]up (?:input|question|message))|(?P<context>(?:new |retrieved )?context|documents?|sources?|text)"
    r"|existing answer|original answer|we have provided an existing answer"
    r"|(?:helpful |refined |new |final )?answer|standalone question|search query)[ \t*]*[:>])",
    re.MULTILINE | re.IGNORECASE,
)
"""What stands before a part of a prompt, or between two."""
_REWRITE = re.compile(r"(?:standalone question|search query)[\s:>*\"]*\Z", re.IGNORECASE)
_INSTRUCTION = re.compile(
    r"\b(?:you are an?|prior knowledge|don't know the"
    r"|(?:answer|respond to|use|based on|given|from) (?:\w+ ){0,3}(?:query|question|context|information))\b",
    re.IGNORECASE,
)
_SKIPPED = re.compile(  # code, headings, metadata of documents, heads of tables
    r"^[ \t]*(?:```.*?(?:^[ \t]*```|\Z)|#.*?$|(?:file|file_path|file_name|page_label|source|url):[ \t].*?$"
    r"|\|[^\n]*\n[ \t]*\|[-: |\t]+$)",
    re.MULTILINE | re.DOTALL,
)
_BREAK = re.compile(r"\n\s*\n|\n[ \t]*(?=\|)|(?<=\|)[ \t]*\n|^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
"""What stands between paragraphs, rows of tables and items of lists."""
_FORM = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""What a sentence has that speaks of the form of the answer, not of its content."""


UNKNOWN = "I don't know: the text does not say."
"""The answer where no passage has enough of the question, unless the prompt demands another."""
_REFUSAL = re.compile(
    r"""\bif\b[^.?!]*?\b(?:not|no|don't|doesn't|cannot|can't)\b[^.?!]*?["“]([^"”]{1,200})["”]""", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Task:
    """The question of a prompt, and what it says.

    Attributes:
        asked: What the user said last.
        passages: What the answer may be taken from.
        has_facts: Whether there is text to answer from, and not a mere greeting or a request.
        stands_alone: Whether it is to come back as it is, as one that needs nothing of what was said before.
        refusal: The answer where the text says nothing, as in `If you don't know, say "No idea."`.
        form: The schema of the answer that the prompt tells in its words, if it does.
    """

    asked: str
    question: str
    passages: list[str]
    has_facts: bool
    stands_alone: bool
    refusal: str
    form: Mapping[str, Any] | None


def read_task(messages: Sequence[Mapping[str, Any]]) -> Task:
    """The task in the last user message, with what the whole conversation says."""
    asked = next((text_of(message) for message in reversed(messages) if message["role"] == "user"), "").strip()
    system = "\n\n".join(text_of(message) for message in messages if message["role"] in {"system", "developer"})
    instructed = f"{system}\n{asked}"
    question = _question(asked)
    labels = {label.lastgroup for label in _LABEL.finditer(instructed)}
    own = list(_told(asked, question))
    said = "\n\n".join(text_of(message) for message in messages if message["role"] != "assistant")
    has_facts = not labels.isdisjoint({"rule", "context"}) or len(own) > ("question" not in labels)
    refusal = _REFUSAL.search(instructed)
    return Task(
        asked,
        question,
        list(_told(said, question)),
        has_facts,
        bool(_REWRITE.search(asked)),
        refusal[1] if refusal else UNKNOWN,
        _form(asked if has_facts else instructed),
    )


def _question(text: str) -> str:
    """The question after the last label of one; else the last one; else the last paragraph, which is the request."""
    labels = list(_LABEL.finditer(text))
    for label, following in reversed(list(itertools.zip_longest(labels, labels[1:]))):
        part = text[label.end() : following.start() if following else len(text)].strip()
        if part and label["question"]:
            return part
    rest = _LABEL.sub("\n", _TAGGED.sub("\n", text))
    asking = [sentence for sentence in sentences(rest) if sentence.rstrip("\"') ").endswith("?")]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n|:\s*(?:\n|\Z)", rest) if part.strip()]
    return [*paragraphs, *asking][-1] if paragraphs else ""


def _told(text: str, question: str) -> Iterator[str]:
    """The passages of a text beside the question."""
    return passages(_LABEL.sub("\n\n", text.replace(question, "\n") if question else text))


def passages(text: str) -> Iterator[str]:
    """The sentences, items of lists and rows of tables of a text, plain or Markdown, without code and instructions."""
    for part in _BREAK.split(_SKIPPED.sub("\n\n", text)):
        if part.strip().startswith("|"):
            yield "; ".join(cell.strip() for cell in part.split("|") if cell.strip())
        else:
            for sentence in sentences(" ".join(part.split())):
                if not sentence.endswith(("?", ":")) and not _INSTRUCTION.search(sentence):
                    yield sentence


def _form(text: str) -> Mapping[str, Any] | None:
    """The last schema of an object in `text`, or one of strings for the keys that a sentence about JSON quotes."""
    for match in list(re.finditer(r"schema[^{]{0,300}(?=\{)", text, re.IGNORECASE))[-1:]:
        with suppress(ValueError, RecursionError):
            value, _ = json.JSONDecoder().raw_decode(text, match.end())
            if is_object(value) and "properties" in value:
                return value
    for sentence in sentences(text):
        if re.search(r"json.*\b(?:keys?|fields?)\b", sentence, re.IGNORECASE):
            names = re.findall(r"[\"'`](\w+)[\"'`]", sentence)
            return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return None


def without_form(text: str) -> str:
    """`text` without what it says of the form of the answer."""
    return "\n".join(sentence for sentence in sentences(text) if not _FORM.search(sentence))
