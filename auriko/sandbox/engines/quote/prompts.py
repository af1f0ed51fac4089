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
    r"\b(?:you are an?|opportunity to refine|prior knowledge|(?:pieces|parts) of (?:\w+ )?context|context information"
    r" is|don't know the|(?:answer|respond to|use|based on|given|from) (?:\w+ ){0,3}(?:query|question|context"
    r"|information))\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^(?:[-*+•]|\d{1,3}[.)])\s+")
_TABLE_HEAD = re.compile(r"^[ \t]*\|.*\n[ \t]*\|[-: |\t]+$", re.MULTILINE)
_METADATA = re.compile(r"(?:file|file_path|file_name|page_label|source|url):\s")


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, an item of a list or a row of a table, and the heading that says what it is about."""

    text: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """The question of a prompt, and what it says.

    Attributes:
        passages: What the answer may be taken from; an earlier answer that is to be refined comes first.
        has_facts: Whether there is text to answer from, and not a mere greeting or a request.
        stands_alone: Whether it is to come back as it is, as one that needs nothing of what was said before.
    """

    question: str
    passages: list[Passage]
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
    inside, outside = _marked(asked)
    parts = _labelled(outside)
    question = parts.get("question") or _unlabelled(outside if inside else parts.get("context") or outside)
    system_inside, system_outside = _marked(system)
    of_system = _labelled(system_outside)
    announced = inside or parts.get("context") or system_inside or of_system.get("context", "")
    existing = parts.get("existing") or of_system.get("existing", "")
    own = list(passages((announced or outside).replace(question, "\n"))) if question else []
    told = [] if announced else [text_of(message) for message in messages if message["role"] != "assistant"]
    told = [text for text in told if text.strip() != asked]
    known = [*passages(existing), *own, *passages("\n\n".join(told))]
    has_facts = bool(announced or existing or len(own) > ("question" not in parts))
    return Task(question, known, has_facts, bool(_REWRITE.search(asked)))


def passages(text: str) -> Iterator[Passage]:
    """The passages of a text, plain or Markdown, in order, without code blocks and instructions."""
    heading, paragraph, is_code = "", "", False
    for line in [*(line.strip() for line in _TABLE_HEAD.sub("", text).splitlines()), ""]:
        if paragraph and (not line or _ITEM.match(line) or line.startswith(("#", "|", "```"))):
            yield from (Passage(each, heading) for each in sentences(paragraph) if _is_fact(each))
            paragraph = ""
        if line.startswith("```"):
            is_code = not is_code
        elif line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            yield Passage("; ".join(filter(None, cells)), heading)
        elif not is_code and not _METADATA.match(line):
            paragraph = f"{paragraph} {_ITEM.sub('', line, count=1)}".strip()


def _is_fact(sentence: str) -> bool:
    return not sentence.endswith(("?", ":")) and not _INSTRUCTION.search(sentence)


def _marked(text: str) -> tuple[str, str]:
    """(what stands between rules of dashes or in tags, the rest)."""
    inside = [match[1] for match in _FENCED.finditer(text)] + [match[2] for match in _TAGGED.finditer(text)]
    return "\n\n".join(inside).strip(), _TAGGED.sub("\n", _FENCED.sub("\n", text)) if inside else text


def _labelled(text: str) -> dict[str, str]:
    """The text after each kind of label; of several questions the last."""
    labels = list(_LABEL.finditer(text))
    found: dict[str, str] = {}
    for label, following in itertools.zip_longest(labels, labels[1:]):
        part = text[label.end() : following.start() if following else len(text)].strip()
        if part and label.lastgroup:
            found[label.lastgroup] = part
    return found


def _unlabelled(text: str) -> str:
    """The question of a text without labels: its last one, else its request, which stands at its end or beginning."""
    asking = [sentence for sentence in sentences(text) if sentence.rstrip("\"') ").endswith("?")]
    if asking:
        return asking[-1]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n|:\s*(?:\n|\Z)", text) if part.strip()]
    if len(paragraphs) < 2:
        return text.strip()
    return paragraphs[0] if _INSTRUCTION.search(paragraphs[0]) else paragraphs[-1]
