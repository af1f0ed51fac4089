"""Where a prompt keeps its question and its context: LlamaIndex's and LangChain's usual forms, and plain chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from auriko.sandbox.engines.extract_text import sentences

_FENCE = re.compile(r"^[ \t]*-{8,}[ \t]*$", re.MULTILINE)
_TAGGED = re.compile(r"<(context|documents?|passages?|sources?|text|article)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(
    r"^[ \t<#*]*(?:"
    r"(?P<question>(?:user )?(?:query|question)|the original query is as follows"
    r"|follow[ -]up (?:input|question|message))"
    r"|(?P<context>(?:new |retrieved )?context|documents?|passages?|sources?|text)"
    r"|(?P<answer>(?:helpful |refined |new |final )?answer|standalone question|queries|search query|summary|response"
    r"|instruction)"
    r")[ \t*]*(?:[:>]|:\*\*)[ \t]*|^(?P<note>we have the opportunity|given the (?:new )?(?:context|information))",
    re.MULTILINE | re.IGNORECASE,
)
_EXISTING = re.compile(
    r"^[ \t]*(?:(?:existing|original) answer|we have provided an existing answer)[ \t]*:[ \t]*\n?(.*?)"
    r"(?=^[ \t]*(?:-{8,}|(?:new|refined) answer|instruction:|we have the opportunity|given the )|\Z)",
    re.MULTILINE | re.IGNORECASE | re.DOTALL,
)
_REWRITE = re.compile(r"(?:standalone question|queries|search query)[\s:>*\"]*$", re.IGNORECASE)
_TAIL = 100
_SUMMARISE = re.compile(r"\b(?:summari[sz]e|summary of|tl;?dr)\b", re.IGNORECASE)
_ANNOUNCES = re.compile(
    r"\b(?:context|documents?|passages?|following|below|information|excerpts?|sources?)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Task:
    """What a prompt wants.

    Attributes:
        kind: Answer the question; refine `existing`; summarise the context; or give the question back as it is.
        question: The question, without the prompt around it.
        context: The text to answer from.
        has_context: Whether the prompt announces this text as context, so that an answer must come from it.
        existing: The answer to refine, or "".
    """

    kind: Literal["answer", "refine", "summarise", "rewrite"]
    question: str
    context: str
    has_context: bool
    existing: str = ""


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message; of a list of parts, the text parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts: Iterable[Any] = content or ()
    return "\n".join(
        part if isinstance(part, str) else str(part["text"])
        for part in parts
        if isinstance(part, str) or isinstance(part.get("text"), str)
    )


def system_text(messages: Iterable[Mapping[str, Any]]) -> str:
    """The texts of the system messages."""
    return "\n\n".join(text_of(message) for message in messages if message["role"] in {"system", "developer"})


def read_task(messages: Sequence[Mapping[str, Any]]) -> Task:
    """The task in the last user message, with the context that the whole conversation brings."""
    last = max((number for number, message in enumerate(messages) if message["role"] == "user"), default=-1)
    asked = text_of(messages[last]) if last >= 0 else ""
    task = _read_user(asked)
    if task.has_context or task.kind != "answer":
        return task
    existing, system = _cut_existing(system_text(messages))
    announced = announced_context(system)
    if announced:
        return Task("refine" if existing else "answer", asked.strip(), announced, has_context=True, existing=existing)
    told = [text_of(message) for message in messages[: max(last, 0)] if message["role"] in {"user", "tool", "function"}]
    return Task(
        "answer", task.question, "\n\n".join([system, *told, task.context]).strip(), has_context=bool(task.context)
    )


def announced_context(text: str) -> str:
    """The part of an instruction that rules, tags, a label or an announcing sentence mark as context; or ""."""
    inside, outside = _marked(text)
    if inside:
        return inside
    labels = list(_LABEL.finditer(outside))
    for number, label in enumerate(labels):
        if label.lastgroup == "context":
            end = labels[number + 1].start() if number + 1 < len(labels) else len(outside)
            return outside[label.end() : end].strip()
    body = _before_answer(outside)
    head, _, rest = body.partition("\n\n")
    if not rest:
        head, _, rest = body.partition(":\n")
    while rest and not _ANNOUNCES.search(head):
        head, _, rest = rest.partition("\n\n")
    return rest.strip() if len(sentences(rest)) > 0 and _ANNOUNCES.search(head) else ""


def _read_user(text: str) -> Task:
    existing, text = _cut_existing(text)
    inside, outside = _marked(text)
    parts = _labelled(outside)
    question = parts.get("question", "")
    if question and _REWRITE.search(text[-_TAIL:]):
        return Task("rewrite", question, "", has_context=False)
    context = inside or parts.get("context", "")
    if existing:
        return Task("refine", question, context, has_context=True, existing=existing)
    if not question and _SUMMARISE.search(outside):
        body = context or _after_head(_before_answer(outside))
        return Task("summarise", "", body, has_context=bool(body))
    if question:
        context = context or _after_head(parts["before"])
        return Task("answer", question, context, has_context=bool(context))
    question, rest = _split_question(outside)
    return Task("answer", question, context or rest, has_context=bool(context))


def _marked(text: str) -> tuple[str, str]:
    """(what stands between rules of dashes or in tags, the rest)."""
    fences = list(_FENCE.finditer(text))
    if fences:
        end = fences[-1].start() if len(fences) > 1 else len(text)
        after = text[fences[-1].end() :] if len(fences) > 1 else ""
        return _FENCE.sub("", text[fences[0].end() : end]).strip(), f"{text[: fences[0].start()]}\n{after}"
    tagged = [match.group(2).strip() for match in _TAGGED.finditer(text)]
    return "\n\n".join(tagged), _TAGGED.sub("\n", text) if tagged else text


def _cut_existing(text: str) -> tuple[str, str]:
    """(the earlier answer that is to be refined, or "", the text without it)."""
    match = _EXISTING.search(text)
    return (match.group(1).strip(), text[: match.start()] + text[match.end() :]) if match else ("", text)


def _before_answer(text: str) -> str:
    """`text` up to the label at its end that waits for the answer."""
    labels = list(_LABEL.finditer(text))
    return text[: labels[-1].start()] if labels and labels[-1].lastgroup == "answer" else text


def _labelled(text: str) -> dict[str, str]:
    """The text after each kind of label (the last question, all the context) and what is "before" the question."""
    text = _before_answer(text)
    labels = [label for label in _LABEL.finditer(text) if label.lastgroup != "answer"]
    question = next((label for label in reversed(labels) if label.lastgroup == "question"), None)
    kept = [label for label in labels if label.lastgroup != "question" or label is question]
    found: dict[str, str] = {}
    for number, label in enumerate(kept):
        end = kept[number + 1].start() if number + 1 < len(kept) else len(text)
        found.setdefault(label.lastgroup or "", text[label.end() : end].strip())
    if question:
        found["before"] = text[: question.start()].strip()
    return found


def _after_head(text: str) -> str:
    """`text` without the instruction that it begins with."""
    for border in ("\n\n", ":\n", ": "):
        head, found, rest = text.partition(border)
        if found and len(head) < 600:
            return rest.strip()
    return ""


def _split_question(text: str) -> tuple[str, str]:
    """(the question of a message without labels, the other sentences of it)."""
    pieces = [piece for line in text.splitlines() for piece in sentences(line)]
    asking = [piece for piece in pieces if piece.rstrip("\"') ").endswith("?")]
    question = asking[-1] if asking else ""
    if not question or len(pieces) == 1:
        return text.strip(), ""
    rest = text.replace(question, "\n")
    return question, rest.strip()
