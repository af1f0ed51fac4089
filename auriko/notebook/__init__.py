"""Answers that grow on the screen while they arrive, in a notebook or in a terminal.

What whole replies, errors and tables look like in a notebook, they say themselves.
"""

from __future__ import annotations

import inspect
import math
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, overload

from auriko._display.card import Bundle, Card, in_a_notebook
from auriko._streams.base import AsyncItemStream, ItemStream
from auriko._streams.chat import AsyncStream, Stream
from auriko._streams.responses import AsyncResponseStream, ResponseStream
from auriko.accumulate import ChatAccumulator
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.models.responses import Response

__all__ = ["documentation", "show_stream"]

_SECONDS_BETWEEN_UPDATES: Final = 0.05  # a browser is slower than a quick model


def documentation() -> Path:
    """The folder of this project's own pages, which come with the package: documents to ask questions about."""
    package = Path(__file__).parents[1]
    installed = package / "_docs"
    return installed if installed.is_dir() else package.parent / "docs"


@overload
def show_stream(stream: Stream[ChatCompletionChunk]) -> ChatCompletion: ...
@overload
def show_stream(stream: ResponseStream) -> Response: ...
@overload
def show_stream(stream: AsyncStream[ChatCompletionChunk]) -> Coroutine[Any, Any, ChatCompletion]: ...
@overload
def show_stream(stream: AsyncResponseStream) -> Coroutine[Any, Any, Response]: ...
def show_stream(stream: Any) -> Any:
    """The whole answer, shown while it arrives; of an async stream, to be awaited.

    What has arrived stays on the screen if the stream fails.

    Raises:
        AurikoAPIError: As reading the stream raises it.
        ValueError: A part of the stream has been read already.
        TypeError: It is no stream, as an `AsyncClient`'s before it is awaited.
    """
    if isinstance(stream, ItemStream):
        return _show(stream, _Screen(stream))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(stream, AsyncItemStream):
        return _show_async(stream, _Screen(stream))  # pyright: ignore[reportUnknownArgumentType]
    if inspect.iscoroutine(stream):
        stream.close()
        raise TypeError("an AsyncClient's stream is awaited first: await show_stream(await client...create(...))")
    raise TypeError(f"show_stream takes the stream of create(stream=True), not a {type(stream).__name__}")


def _show(stream: ItemStream[Any, Any], screen: _Screen) -> Any:
    with stream, screen:
        for item in stream:
            screen.add(item)
        return screen.finish()


async def _show_async(stream: AsyncItemStream[Any, Any], screen: _Screen) -> Any:
    async with stream:
        with screen:
            async for item in stream:
                screen.add(item)
            return screen.finish()


class _Screen:
    """The place where one answer grows: an output of the notebook's cell, or the terminal."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._text_of = stream.reader.text
        self._chat: ChatAccumulator | None = None
        if isinstance(stream, (Stream, AsyncStream)):
            stream._check_unread()  # noqa: SLF001 - as collect() does  # pyright: ignore[reportPrivateUsage]
            self._chat = ChatAccumulator()
        self._text = ""
        self._shown = ""
        self._updated = -math.inf
        self._output = _new_output()

    def add(self, item: Any) -> None:
        """Takes the stream's next item."""
        if self._chat is not None:
            self._chat.add(item)
        self._text += self._text_of(item) or ""
        if self._output is None or time.monotonic() - self._updated >= _SECONDS_BETWEEN_UPDATES:
            self._update()

    def finish(self) -> Any:
        """The whole answer, which takes the place of what has been shown."""
        if self._chat is not None:
            whole: Any = self._chat.completion(self._stream.response_headers)
        else:
            whole = self._stream.completed_response
        if self._output is not None:
            self._output.update(whole)
        else:
            plain: str = whole._repr_mimebundle_()["text/plain"]
            print(plain.partition(self._shown)[2] if self._shown else plain)  # noqa: T201
        self._shown = self._text
        return whole

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._update()

    def _update(self) -> None:
        new = self._text[len(self._shown) :]
        if not new:
            return
        if self._output is not None:
            self._output.update(_Unfinished(self._text))
        else:
            print(new, end="", flush=True)  # noqa: T201
        self._shown, self._updated = self._text, time.monotonic()


class _Unfinished:
    """The text of an answer so far."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        card = Card()
        card.paragraph(self._text)
        return card.bundle()


def _new_output() -> Any:
    """An output of the running cell that can be replaced, or None outside a notebook."""
    if not in_a_notebook():
        return None
    ipython: Any = sys.modules["IPython"]
    return ipython.display.display(_Unfinished(""), display_id=True)
