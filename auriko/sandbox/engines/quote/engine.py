"""The engine without a model: the same prompt always gets the same answer."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator

from auriko.sandbox.engines.base import Event, Prompt, ToolCall
from auriko.sandbox.engines.content import attachments_of
from auriko.sandbox.engines.quote.call import calls_for, results_since_user
from auriko.sandbox.engines.quote.fill import fill
from auriko.sandbox.engines.quote.prompts import UNKNOWN, passages, read_task, without_form
from auriko.sandbox.engines.quote.words import terms
from auriko.sandbox.engines.speech import say

_SHORT_RESULT = 400
"""Characters up to which a tool's result is passed on as it is."""
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
NO_FACTS = (
    "This is the sandbox's quoting engine: it answers from text in the prompt, and this prompt brings none. "
    "`auriko sandbox install` adds a small language model that answers such prompts; `answers=` lets you choose."
)
ATTACHED = "This is the sandbox's quoting engine, which does not look into attachments. It got {}."
_ENOUGH = 0.5
"""The share of the question, weighted by how few passages have each word, that a sentence must have."""


class QuoteEngine:
    """An engine that quotes the sentence that fits best, calls the tool that is named, and fills JSON schemas."""

    name = "quote"

    def run(self, prompt: Prompt) -> Iterator[Event]:
        """Events of one run: tool calls, or the words of the answer, then `Finish`."""
        reply = _reply(prompt)
        yield from say([reply] if isinstance(reply, str) else reply, prompt)

    def passes_on(self, prompt: Prompt) -> bool:
        """True if the prompt asks for something and brings no text to answer from, so that a model should answer."""
        return _reply(prompt) == NO_FACTS


def _reply(prompt: Prompt) -> str | list[ToolCall]:
    """The text of the answer, or the tools to call."""
    task, results = read_task(prompt.messages), results_since_user(prompt.messages)
    if prompt.tools and (calls := calls_for(prompt, task.asked, results)):
        return calls
    form = prompt.response_format or {}
    content = "\n".join([task.asked, *results])
    if form.get("type") == "json_schema":
        return fill(form["json_schema"].get("schema") or {}, content)
    if task.form or form.get("type") == "json_object":
        return fill(task.form or _ANY_OBJECT, without_form(content))
    if results:
        return "\n".join(_told(result, task.question) for result in results)
    if task.stands_alone:
        return task.question
    if attached := attachments_of(prompt.messages[-1]) if prompt.messages else []:
        return ATTACHED.format("; ".join(attached))
    found = _best_passage(task.question, task.passages)
    return found or (task.refusal if task.has_facts else NO_FACTS)


def _told(result: str, question: str) -> str:
    """The result of a tool; of a long one, the passage that fits the question."""
    if len(result) <= _SHORT_RESULT:
        return result or "The tool returned nothing."
    return _best_passage(question, passages(result)) or UNKNOWN


def _best_passage(question: str, passages: Iterable[str]) -> str | None:
    """The passage that has most of the question, the shortest of several, as it stands in the text."""
    said = {passage: frozenset(terms(passage)) for passage in passages}
    counts = Counter(itertools.chain.from_iterable(said.values()))
    weights = {term: math.log(1 + len(said) / max(1, counts[term])) for term in terms(question)}

    def weight(passage: str) -> float:
        return sum(weight for term, weight in weights.items() if term in said[passage])

    best = max(said, key=lambda passage: (weight(passage), -len(said[passage])), default="") if weights else ""
    return best if best and weight(best) >= _ENOUGH * sum(weights.values()) else None
