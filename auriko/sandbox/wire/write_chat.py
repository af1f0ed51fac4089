"""Answers in the form of chat completions: one object, or chunks (API sections 11.1 and 11.2)."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from auriko.sandbox.answer import (
    AnswerText,
    CallArguments,
    CallStart,
    ChoiceEnd,
    Finished,
    Picture,
    Piece,
    ReasoningEnd,
    ReasoningText,
    RedactedReasoning,
    RefusalText,
)
from auriko.sandbox.catalog.billing import TokenCounts
from auriko.sandbox.replies import GatewayError
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.serving.dispatcher import Route

_NATIVE_REASONS = {
    "anthropic": {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"},
    "google": {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"},
}


_REASONING = (ReasoningText, ReasoningEnd, RedactedReasoning)


def completion(request: InferenceRequest, route: Route, pieces: Iterable[Piece]) -> dict[str, Any]:
    """The answer as one `chat.completion` object."""
    choices: dict[int, dict[str, Any]] = {}
    tail: dict[str, Any] = {}
    for piece in pieces:
        if isinstance(piece, Finished):
            tail = _tail(route, piece)
            continue
        choice = choices.setdefault(
            piece.choice,
            {"index": piece.choice, "message": {"role": "assistant", "content": None}, "logprobs": None},
        )
        if isinstance(piece, ChoiceEnd):
            choice.update(_end(route, piece.reason))
        elif request.show_reasoning or not isinstance(piece, _REASONING):
            _add_to_message(choice["message"], piece)
            if isinstance(piece, AnswerText) and piece.logprobs:
                choice["logprobs"] = choice["logprobs"] or _logprobs(())
                choice["logprobs"]["content"].extend(piece.logprobs)
    return {**_head(route, "chat.completion"), "choices": list(choices.values()), **tail}


async def chunks(
    request: InferenceRequest, route: Route, pieces: AsyncGenerator[Piece, None]
) -> AsyncGenerator[bytes, None]:
    """The answer as server-sent events, ending with `[DONE]` or with an error event."""
    head = {**_head(route, "chat.completion.chunk"), "system_fingerprint": route.fingerprint}
    begun: set[int] = set()
    try:
        async for piece in pieces:  # closed by whoever closes this one
            if isinstance(piece, Finished):
                yield event({**head, "choices": [], **_tail(route, piece)})
                continue
            if not request.show_reasoning and isinstance(piece, _REASONING):
                continue
            choice: dict[str, Any] = {"index": piece.choice, "delta": _delta(piece), "finish_reason": None}
            if piece.choice not in begun:
                begun.add(piece.choice)
                choice["delta"] = {"role": "assistant", **choice["delta"]}
            if isinstance(piece, ChoiceEnd):
                choice.update(_end(route, piece.reason))
            elif isinstance(piece, AnswerText) and piece.logprobs:
                choice["logprobs"] = _logprobs(piece.logprobs)
            yield event({**head, "choices": [choice]})
    except GatewayError as error:
        yield error_block(error)
        return
    yield b"data: [DONE]\n\n"


def error_block(error: GatewayError, _: int = 0) -> bytes:
    """An error event: the envelope of an error reply, wherever it comes."""
    return event(error.envelope())


def event(data: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + to_json(data) + b"\n\n"


def _head(route: Route, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": route.candidate.model.id,
    }


def _tail(route: Route, finished: Finished) -> dict[str, Any]:
    return {
        "usage": usage(finished.counts),
        "system_fingerprint": route.fingerprint,
        "service_tier": route.service_tier,
        "routing_metadata": route.metadata(finished),
    }


def usage(counts: TokenCounts) -> dict[str, Any]:
    """Tokens, as chat completions count them."""
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.completion,
        "total_tokens": counts.prompt + counts.completion,
        "prompt_tokens_details": {
            "cached_tokens": counts.cached,
            "cache_write_tokens": counts.written,
            "audio_tokens": counts.audio,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "image_tokens": counts.image,
            "audio_tokens": 0,  # no model of the gateway speaks
        },
    }


def _end(route: Route, reason: str) -> dict[str, str]:
    dialect = route.candidate.offer.provider.dialect
    return {"finish_reason": reason, "native_finish_reason": _NATIVE_REASONS.get(dialect, {}).get(reason, reason)}


def _add_to_message(message: dict[str, Any], piece: Piece) -> None:
    match piece:
        case AnswerText(text=text):
            message["content"] = (message["content"] or "") + text
        case Picture():
            message.setdefault("images", []).append(_image(piece))
        case RefusalText(text=text):
            message["refusal"] = message.get("refusal", "") + text
        case ReasoningText(text=text):
            message["reasoning_content"] = message.get("reasoning_content", "") + text
        case ReasoningEnd(signature=signature):
            block = {"type": "thinking", "thinking": message["reasoning_content"], "signature": signature}
            message["reasoning"] = [block]
        case RedactedReasoning(sealed=sealed):
            message["reasoning"].append({"type": "redacted", "data": sealed})
        case CallStart():
            call = {"id": piece.id, "type": "function", "function": {"name": piece.name, "arguments": ""}}
            message.setdefault("tool_calls", []).append({**call, **_signature(piece)})
        case CallArguments(index=index, text=text):
            message["tool_calls"][index]["function"]["arguments"] += text
        case _:
            pass


def _delta(piece: Piece) -> dict[str, Any]:
    match piece:
        case AnswerText(text=text):
            return {"content": text}
        case Picture():
            return {"images": [_image(piece)]}
        case RefusalText(text=text):
            return {"refusal": text}
        case ReasoningText(text=text):
            return {"reasoning_content": text}
        case ReasoningEnd(signature=signature):
            return {"reasoning_signature": signature}
        case RedactedReasoning(sealed=sealed):
            return {"reasoning_redacted_data": sealed}
        case CallStart():
            call = {"index": piece.index, "id": piece.id, "type": "function"}
            return {"tool_calls": [{**call, "function": {"name": piece.name, "arguments": ""}, **_signature(piece)}]}
        case CallArguments():
            call = {"index": piece.index, "type": "function"}
            return {"tool_calls": [{**call, "function": {"arguments": piece.text}}]}
        case _:
            return {}


def _logprobs(tokens: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"content": list(tokens), "refusal": None}


def _image(piece: Picture) -> dict[str, str]:
    return {"type": "image", "mime_type": "image/png", "data": piece.data}


def _signature(piece: CallStart) -> dict[str, str]:
    return {"provider_signature": piece.signature} if piece.signature else {}
