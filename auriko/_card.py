"""How replies and errors look in a notebook, and in a terminal of IPython.

Nothing has a colour of its own, so that light and dark themes both can show it. A reply's text is shown as it is
and never read as Markdown or HTML: an address in it would be fetched by being looked at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from auriko._table import html_table, text_table

if TYPE_CHECKING:
    from auriko.models.chat import ChatCompletion, ChoiceMessage, GeneratedImage
    from auriko.models.common import Usage
    from auriko.models.responses import Response, ResponseFunctionCallOutputItem
    from auriko.models.routing import CostInfo, RoutingMetadata

Bundle = dict[str, str]
_FAINT: Final = "opacity:0.7;font-size:0.9em;margin-top:0.4em"
_PRE: Final = "white-space:pre-wrap;overflow-wrap:anywhere"
_IMAGE: Final = re.compile(r"image/(?:png|jpeg|gif|webp)")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]+=*\s*")
_NOT_WORTH_SAYING: Final = frozenset({None, "stop", "tool_calls", "completed"})


class Card:
    """Paragraphs above a fainter line of facts, as plain text and as HTML."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._html: list[str] = []

    def title(self, text: str) -> None:
        """Adds a heading."""
        self._text.append(text)
        self._html.append(f"<div><strong>{escape(text)}</strong></div>")

    def paragraph(self, text: str) -> None:
        """Adds text with its line breaks."""
        self._text.append(text)
        self._html.append(f'<div style="{_PRE}">{escape(text)}</div>')

    def folded(self, summary: str, text: str) -> None:
        """Adds text that is folded away where that is possible."""
        self._text.append(f"({summary}: {text})")
        self._html.append(
            f'<details><summary>{escape(summary)}</summary><div style="{_PRE}">{escape(text)}</div></details>'
        )

    def picture(self, image: GeneratedImage) -> None:
        """Adds an image that the reply itself holds."""
        self._text.append(f"({image.mime_type}, {len(image.data) * 3 // 4:,} bytes)")
        if _IMAGE.fullmatch(image.mime_type) and _BASE64.fullmatch(image.data):
            self._html.append(f'<img style="max-width:100%" src="data:{image.mime_type};base64,{image.data}">')
        else:
            self._html.append(f"<div>{escape(self._text[-1])}</div>")

    def facts(self, facts: Iterable[str]) -> None:
        """Adds a fainter line."""
        line = " · ".join(facts)
        if line:
            self._text.append(line)
            self._html.append(f'<div style="{_FAINT}">{escape(line)}</div>')

    def bundle(self) -> Bundle:
        """The card by MIME type."""
        return {"text/plain": "\n".join(self._text), "text/html": f"<div>{''.join(self._html)}</div>"}


def completion_bundle(completion: ChatCompletion) -> Bundle:
    """What a chat completion said, who served it and what it cost, by MIME type."""
    card = Card()
    for choice in completion.choices:
        if len(completion.choices) > 1:
            card.title(f"Answer {choice.index + 1}")
        _add_message(card, choice.message)
    endings = [choice.finish_reason for choice in completion.choices]
    card.facts(_facts(completion.routing_metadata, completion.usage, endings))
    _add_warnings(card, completion.routing_metadata)
    return card.bundle()


def response_bundle(response: Response, calls: Iterable[ResponseFunctionCallOutputItem]) -> Bundle:
    """What a response of the Responses API said, the functions it calls, who served it and the cost, by MIME type."""
    card = Card()
    for call in calls:
        card.paragraph(f"calls {call.name}({call.arguments})")
    hosted = [item.type for item in response.output if item.type not in {"message", "reasoning", "function_call"}]
    if hosted:
        card.paragraph(f"({', '.join(hosted)})")
    if response.output_text:
        card.paragraph(response.output_text)
    if response.error is not None:
        card.paragraph(f"{response.error.code or 'error'}: {response.error.message or ''}")
    usage = response.usage.as_chat_usage() if response.usage is not None else None
    card.facts(_facts(response.routing_metadata, usage, [response.status]))
    _add_warnings(card, response.routing_metadata)
    return card.bundle()


def routing_bundle(metadata: RoutingMetadata) -> Bundle:
    """Who served a call, how fast, and what it cost, as a table by MIME type."""
    cost = metadata.cost
    rows = [
        ("provider", metadata.provider),
        ("model", metadata.model_canonical),
        ("the provider's name of it", metadata.provider_model_id),
        ("strategy", metadata.routing_strategy),
        ("first token", _milliseconds(metadata.ttft_ms)),
        ("throughput", f"{metadata.throughput_tps:,.1f} tokens/s" if metadata.throughput_tps is not None else None),
        ("cost", usd_text(cost)),
        ("saved by the cache", f"${cost.cache_savings_usd:.6f}" if cost and cost.cache_savings_usd else None),
        ("hosted tools", f"${cost.hosted_tool_usd:.6f}" if cost and cost.hosted_tool_usd else None),
        *(("warning", f"{warning.code}: {warning.message}") for warning in metadata.warnings or ()),
    ]
    return table_bundle(("routing", ""), [(name, value) for name, value in rows if value])


def error_bundle(name: str, message: str, advice: str | None, facts: Iterable[str]) -> Bundle:
    """What went wrong, what to do, and the facts that support asks for, by MIME type."""
    card = Card()
    card.title(name)
    card.paragraph(message)
    if advice:
        card.paragraph(advice)
    card.facts(facts)
    return card.bundle()


def table_bundle(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Bundle:
    """A table by MIME type."""
    return {"text/plain": text_table(head, rows), "text/html": html_table(head, rows)}


def usd_text(cost: CostInfo | None) -> str:
    """What a call cost, for people; what is not known is not 0."""
    return f"${cost.usd:.6f}" if cost is not None and cost.usd is not None else "unknown cost"


def _add_message(card: Card, message: ChoiceMessage) -> None:
    if message.reasoning_content:
        card.folded("reasoning", message.reasoning_content)
    if message.content:
        card.paragraph(message.content)
    if message.refusal:
        card.paragraph(f"refused: {message.refusal}")
    for call in message.tool_calls or ():
        card.paragraph(f"calls {call.function.name}({call.function.arguments})")
    for image in message.images or ():
        card.picture(image)


def _add_warnings(card: Card, metadata: RoutingMetadata | None) -> None:
    for warning in (metadata.warnings if metadata is not None else None) or ():
        card.facts([f"warning: {warning.message or warning.code or warning.type}"])


def _facts(metadata: RoutingMetadata | None, usage: Usage | None, endings: Iterable[str | None]) -> Iterator[str]:
    if metadata is not None:
        yield f"{metadata.model_canonical or 'an unknown model'} by {metadata.provider or 'an unknown provider'}"
        yield usd_text(metadata.cost)
    if usage is not None:
        yield f"{usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out"
    if metadata is not None and metadata.ttft_ms is not None:
        yield f"first token after {_milliseconds(metadata.ttft_ms)}"
    for ending in endings:
        if ending not in _NOT_WORTH_SAYING:
            yield f"ended by {ending}"


def _milliseconds(value: float | None) -> str | None:
    return f"{value:,.0f} ms" if value is not None else None


def in_a_notebook() -> bool:
    """Whether this runs in a cell of a notebook; to have its packages imported is not enough."""
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
