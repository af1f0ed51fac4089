"""An endpoint that streams an answer as server-sent events, with what it cost in the last one.

pip install . fastapi uvicorn
uvicorn --app-dir examples serve_stream:app
curl -N "http://127.0.0.1:8000/ask?question=..."
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

from auriko import AsyncClient, AsyncStream, AurikoAPIError
from auriko.models import ChatCompletionChunk

GATEWAY = {"models": ["gpt-4o-mini", "deepseek-chat"], "routing": {"optimize": "ttft"}}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client for all requests: its connections are used again."""
    async with AsyncClient() as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


def event(name: str, data: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def events(stream: AsyncStream[ChatCompletionChunk]) -> AsyncIterator[str]:
    """The answer piece by piece, then who gave it and what it cost; a caller who leaves ends the call too."""
    async with stream:
        try:
            async for text in stream.text_deltas():
                yield event("text", {"text": text})
        except AurikoAPIError as error:  # the status has been sent by now
            yield event("error", {"code": error.code, "message": error.message})
            return
        metadata, usage = stream.routing_metadata, stream.usage
        cost = metadata.cost.usd if metadata is not None and metadata.cost is not None else None  # None: unknown
        told = {"usd": cost, "tokens": usage.total_tokens if usage is not None else None}
        if metadata is not None:
            told |= {"model": metadata.model_canonical, "provider": metadata.provider}
        yield event("done", told)


@app.get("/ask")
async def ask(question: str, request: Request) -> StreamingResponse:
    """The answer to a question; what fails before its first piece is an HTTP error."""
    try:
        stream = await request.app.state.client.chat.completions.create(
            gateway=GATEWAY, messages=[{"role": "user", "content": question}], stream=True
        )
    except AurikoAPIError as error:
        raise HTTPException(error.status_code or 502, error.message) from error
    return StreamingResponse(events(stream), media_type="text/event-stream")
