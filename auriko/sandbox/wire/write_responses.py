"""Answers in the form of the Responses API: one object, or events (API sections 11.4 and 11.5)."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import count
from typing import Any

from pydantic_core import to_json

from auriko.sandbox.answer import (
    AnswerText,
    CallArguments,
    CallStart,
    ChoiceEnd,
    Delta,
    Finished,
    Picture,
    ReasoningEnd,
    ReasoningText,
    RedactedReasoning,
    RefusalText,
)
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.serving.dispatcher import Route
from auriko.sandbox.wire.read_responses import ResponsesCall

Event = dict[str, Any]

# What the finish reason of an answer that is not whole is called here.
_CUT_BY = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response(call: ResponsesCall, route: Route, deltas: Iterable[Delta]) -> dict[str, Any]:
    """The answer as one `response` object."""
    builder = ResponseBuilder(call, route)
    for delta in deltas:
        for _ in builder.add(delta):
            pass
    return builder.response


async def events(call: ResponsesCall, route: Route, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[bytes, None]:
    """The answer as server-sent events, ending with a terminal event."""
    builder = ResponseBuilder(call, route)
    numbers = count()
    for event in builder.begin():
        yield block(event, next(numbers))
    try:
        async for delta in deltas:
            for event in builder.add(delta):
                yield block(event, next(numbers))
    except GatewayError as error:
        yield block(builder.fail(error), next(numbers))


def block(event: Event, number: int) -> bytes:
    """One server-sent event with its place in the stream."""
    kind: str = event["type"]
    return b"event: " + kind.encode() + b"\ndata: " + to_json({**event, "sequence_number": number}) + b"\n\n"


def error_block(error: GatewayError, number: int) -> bytes:
    """An error event, which is flat, with its place in the stream."""
    fields = {key: value for key, value in error.fields.items() if key != "type"}
    return block({"type": "error", **fields}, number)


class ResponseBuilder:
    """Grows a `response` object delta by delta, and says what changed."""

    def __init__(self, call: ResponsesCall, route: Route) -> None:
        self._call = call
        self._route = route
        self._output: list[dict[str, Any]] = []
        self._cut_by: str | None = None
        self.response: dict[str, Any] = {
            "id": f"resp_{secrets.token_hex(12)}",
            "object": "response",
            "created_at": int(time.time()),
            "completed_at": None,
            "model": route.candidate.model.id,
            "status": "in_progress",
            "output": self._output,
            "output_text": "",
            "error": None,
            "incomplete_details": None,
            "usage": None,
            "previous_response_id": None,
            "background": False,
            "service_tier": route.service_tier,
            **call.echo,
        }

    def begin(self) -> Iterator[Event]:
        """The events before the first delta."""
        for kind in ("created", "in_progress"):
            yield {"type": f"response.{kind}", "response": {**self.response, "output": []}}

    def fail(self, error: GatewayError) -> Event:
        """The event with which a response ends that has failed."""
        self.response.update(status="failed", error=error.fields)
        return {"type": "response.failed", "response": self.response}

    def add(self, delta: Delta) -> Iterator[Event]:
        """The events that this delta causes."""
        match delta:
            case ReasoningText(text=text):
                yield from self._reasoning(text)
            case ReasoningEnd(sealed=sealed) | RedactedReasoning(sealed=sealed):
                yield from self._end_reasoning(sealed)
            case AnswerText(text=text, logprobs=logprobs):
                yield from self._text(text, "output_text", logprobs)
            case RefusalText(text=text):
                yield from self._text(text, "refusal")
            case CallStart(id=call_id, name=name):
                yield from self._end_item("commentary")
                fields = {"call_id": call_id, "name": name, "arguments": ""}
                yield from self._start_item("function_call", "fc", **fields)
            case CallArguments(text=text):
                self._item["arguments"] += text
                yield {"type": "response.function_call_arguments.delta", **self._place(), "delta": text}
            case ChoiceEnd(reason=reason):
                self._cut_by = _CUT_BY.get(reason)
                yield from self._end_item()
            case Finished():
                yield self._finish(delta)
            case Picture():
                pass  # models that make pictures answer chat completions only

    @property
    def _item(self) -> dict[str, Any]:
        return self._output[-1]

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._item["id"], "output_index": len(self._output) - 1}

    def _start_item(self, kind: str, prefix: str, **fields: Any) -> Iterator[Event]:
        item = {"type": kind, "id": f"{prefix}_{secrets.token_hex(12)}", "status": "in_progress", **fields}
        self._output.append(item)
        yield {"type": "response.output_item.added", "output_index": len(self._output) - 1, "item": deepcopy(item)}

    def _is_open(self, kind: str) -> bool:
        return bool(self._output) and self._item["type"] == kind and self._item["status"] == "in_progress"

    def _reasoning(self, text: str) -> Iterator[Event]:
        if not self._is_open("reasoning"):
            yield from self._start_item("reasoning", "rs", summary=[])
            if self._call.shows_summary:
                self._item["summary"].append({"type": "summary_text", "text": ""})
                place, part = {**self._place(), "summary_index": 0}, {"type": "summary_text", "text": ""}
                yield {"type": "response.reasoning_summary_part.added", **place, "part": part}
        if self._call.shows_summary:
            self._item["summary"][0]["text"] += text
            place = {**self._place(), "summary_index": 0}
            yield {"type": "response.reasoning_summary_text.delta", **place, "delta": text}

    def _end_reasoning(self, sealed: str) -> Iterator[Event]:
        if not self._is_open("reasoning"):
            yield from self._start_item("reasoning", "rs", summary=[])
        if self._call.shows_encrypted:
            self._item["encrypted_content"] = sealed
        if self._item["summary"]:
            place, part = {**self._place(), "summary_index": 0}, dict(self._item["summary"][0])
            yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
            yield {"type": "response.reasoning_summary_part.done", **place, "part": part}
        yield from self._end_item()

    def _text(self, text: str, kind: str, logprobs: tuple[Mapping[str, Any], ...] = ()) -> Iterator[Event]:
        key = "text" if kind == "output_text" else "refusal"
        if not self._is_open("message"):
            yield from self._start_item("message", "msg", role="assistant", content=[])
            part: dict[str, Any] = {"type": kind, key: ""}
            if kind == "output_text":
                part["annotations"] = []
            self._item["content"].append(part)
            yield {"type": "response.content_part.added", **self._place(), "content_index": 0, "part": dict(part)}
        self._item["content"][0][key] += text
        if logprobs:
            self._item["content"][0].setdefault("logprobs", []).extend(logprobs)
        event: Event = {"type": f"response.{kind}.delta", **self._place(), "content_index": 0, "delta": text}
        yield {**event, "logprobs": list(logprobs)} if kind == "output_text" else event

    def _end_item(self, phase: str = "final_answer") -> Iterator[Event]:
        if not self._output or self._item["status"] != "in_progress":
            return
        item, place = self._item, self._place()
        if item["type"] == "message":
            part = dict(item["content"][0])
            key = "text" if part["type"] == "output_text" else "refusal"
            done: Event = {"type": f"response.{part['type']}.done", **place, "content_index": 0, key: part[key]}
            yield {**done, "logprobs": part.get("logprobs", [])} if key == "text" else done
            yield {"type": "response.content_part.done", **place, "content_index": 0, "part": part}
            self.response["output_text"] += part.get("text", "")
            item["phase"] = phase
        elif item["type"] == "function_call":
            arguments = {"name": item["name"], "arguments": item["arguments"]}
            yield {"type": "response.function_call_arguments.done", **place, **arguments}
        item["status"] = "incomplete" if self._cut_by else "completed"
        yield {"type": "response.output_item.done", "output_index": place["output_index"], "item": deepcopy(item)}

    def _finish(self, finished: Finished) -> Event:
        counts = finished.counts
        status = "incomplete" if self._cut_by else "completed"
        self.response.update(
            status=status,
            completed_at=int(time.time()),
            incomplete_details={"reason": self._cut_by} if self._cut_by else None,
            usage={
                "input_tokens": counts.prompt,
                "output_tokens": counts.completion,
                "total_tokens": counts.prompt + counts.completion,
                "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.written},
                "output_tokens_details": {"reasoning_tokens": counts.reasoning, "image_tokens": counts.image},
            },
            routing_metadata=self._route.metadata(finished),
            tool_usage={"web_search": {"num_requests": 0}},
        )
        return {"type": f"response.{status}", "response": self.response}
