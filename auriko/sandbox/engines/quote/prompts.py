"""The question of a prompt and the text to answer it from, whoever wrote it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.quote.words import sentences

_FENCED = re.compile(r"^[ \t]*-{8,}[ \t]*\n(.*?)(?:^[ \t]*-{8,}[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_TAGGED = re.compile(r"<(context|documents?|sources?|text)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(
    r"(?:^|(?<=[.!?]))[ \t<*]*(?:(?P<question>(?:user )?(?:query|question)|the original query is as follows"
    r"|follow[ -]up (?:input|question|message))|(?P<context>(?:new |retrieved )?context|documents?|sources?|text)"
    r"|(?P<existing>existing answer|original answer|we have provided an existing answer)"
    r"|(?P<answer>(?:helpful |refined |new |final )?answer|standalone question|search query))[ \t*]*[:>]",
    re.MULTILINE | re.IGNORECASE,
)
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


@dataclass(frozen=True, slots=True)
class Task:
    """The question of a prompt, and what it says.

    Attributes:
        passages: What the answer may be taken from; an earlier answer that is to be refined comes first.
        has_facts: Whether there is text to answer from, and not a mere greeting or a request.
        stands_alone: Whether it is to come back as it is, as one that needs nothing of what was said before.
    """

    question: str
    passages: list[str]
    has_facts: bool
    stands_alone: bool = False


def last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last user message."""
    return next((text_of(message) for message in reversed(messages) if message["role"] == "user"), "")


def system_text(messages: Iterable[Mapping[str, Any]]) -> str:
    """The texts of the system messages."""
    return "\n\n".join(text_of(message) for message in messages if message["role"] in {"system", "developer"})


def read_task(messages: Sequence[Mapping[str, Any]]) -> Task:
    """The task in the last user message, with what the whole conversation says."""
    asked, system = last_user_text(messages).strip(), system_text(messages)
    parts, of_system = _parts(asked), _parts(system)
    question = parts.get("question") or _unlabelled(parts["rest"])
    announced = parts.get("context") or of_system.get("context", "")
    existing = parts.get("existing") or of_system.get("existing", "")
    own = list(passages((announced or asked).replace(question, "\n"))) if question else []
    told = [] if announced else [text_of(message) for message in messages if message["role"] != "assistant"]
    told = [text for text in told if text.strip() != asked]
    known = [*passages(existing), *own, *passages("\n\n".join(told))]
    has_facts = bool(announced or existing or len(own) > ("question" not in parts))
    return Task(question, known, has_facts, bool(_REWRITE.search(asked)))


def passages(text: str) -> Iterator[str]:
    """The sentences, items of lists and rows of tables of a text, plain or Markdown, without code and instructions."""
    for part in _BREAK.split(_SKIPPED.sub("\n\n", text)):
        if part.strip().startswith("|"):
            yield "; ".join(cell.strip() for cell in part.split("|") if cell.strip())
        else:
            yield from filter(_is_fact, sentences(" ".join(part.split())))


def _is_fact(sentence: str) -> bool:
    return not sentence.endswith(("?", ":")) and not _INSTRUCTION.search(sentence)


def _parts(text: str) -> dict[str, str]:
    """The text after each kind of label, of several of a kind the last; context may be between rules or tags instead.

    The "rest" is where a question without a label stands: outside of rules and tags, else after the context.
    """
    inside = [match[1] for match in _FENCED.finditer(text)] + [match[2] for match in _TAGGED.finditer(text)]
    outside = _TAGGED.sub("\n", _FENCED.sub("\n", text)) if inside else text
    labels = list(_LABEL.finditer(outside))
    found: dict[str, str] = {}
    for label, following in itertools.zip_longest(labels, labels[1:]):
        part = outside[label.end() : following.start() if following else len(outside)].strip()
        if part and label.lastgroup:
            found[label.lastgroup] = part
    if inside:
        return {**found, "context": "\n\n".join(inside).strip(), "rest": outside}
    return {**found, "rest": found.get("context", outside)}


def _unlabelled(text: str) -> str:
    """The question of a text without labels: its last one, else its last paragraph, which is the request."""
    asking = [sentence for sentence in sentences(text) if sentence.rstrip("\"') ").endswith("?")]
    if asking:
        return asking[-1]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n|:\s*(?:\n|\Z)", text) if part.strip()]
    return paragraphs[-1] if paragraphs else ""
