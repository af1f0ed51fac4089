"""Reasoning as it goes back: readable text, and blocks where a provider signed or hid some of it (API section 8.2)."""

# Messages and schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from auriko.history.fields import below, given

# The types that blocks of reasoning have in the usual APIs and classes.
KINDS: Final = frozenset({"thinking", "redacted", "redacted_thinking", "reasoning", "reasoning_content"})


def reasoning_fields(blocks: Sequence[Mapping[str, Any]], text: str | None = None) -> dict[str, Any]:
    """The fields of a message that say its reasoning.

    Args:
        blocks: Its blocks, as on the wire.
        text: Its readable text, where that was kept apart.
    """
    readable = text or "".join(block.get("thinking") or "" for block in blocks)
    fields: dict[str, Any] = {"reasoning_content": readable} if readable else {}
    if any(block.get("type") != "thinking" or block.get("signature") for block in blocks):
        fields["reasoning"] = list(blocks)
    return fields


def reasoning_block(block: Mapping[str, Any]) -> dict[str, Any] | None:
    """A block of reasoning as the wire has it, from the form that any of the usual APIs and classes keeps it in.

    None where it says nothing that could go back, as what only the API of another provider can read. A kind that
    nobody knows is one that the gateway has invented since, and goes back as it is.

    Raises:
        MessageError: A field is of the wrong type.
    """
    kind = given(block, "type", str) or "thinking"
    if data := given(block, "data", str):
        return {"type": "redacted", "data": data}
    if kind == "reasoning_content":  # Bedrock's
        inner = given(block, kind, dict) or {}
        return reasoning_block({"thinking": inner.get("text"), "signature": inner.get("signature")})
    if kind not in KINDS:
        return dict(block)
    text = _text(block, "thinking") or _text(block, "reasoning") or _text(block, "summary")
    signature = given(block, "signature", str)
    if not text and not signature:
        return None
    return {"type": "thinking", "thinking": text, **({"signature": signature} if signature else {})}


def _text(block: Mapping[str, Any], name: str) -> str:
    """The text of a field, which is one text or, as Mistral and OpenAI have it, a list of parts."""
    value = given(block, name, (str, list))
    if value is None or isinstance(value, str):
        return value or ""
    texts: list[str] = []
    for number, part in enumerate(value):
        with below(f"{name}[{number}]"):
            texts.append(given(part, "text", str) or "")
    return "".join(texts)
