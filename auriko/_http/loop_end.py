"""Connections of event loops that are closed without a last turn, in which connections could be closed."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Any, Final

# Seconds after which a timer that waits for the end of its event loop would fire: 30 years.
_NEVER: Final = 1e9


class _LoopEnd:
    """Waits among the timers of an event loop, which drops them when it is closed, and closes its connections then."""

    def __init__(self) -> None:
        self.transports: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    def __call__(self) -> None:
        pass  # it never fires

    def __del__(self) -> None:
        for transport in list(self.transports):
            close_after_loop(transport)


_ends: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_LoopEnd]]] = weakref.WeakKeyDictionary()


def close_with_loop(transport: asyncio.BaseTransport, loop: asyncio.AbstractEventLoop) -> None:
    """Has a connection closed when its event loop is, unless it has been closed before."""
    known = _ends.get(loop)
    end = known() if known is not None else None
    if end is None:
        end = _LoopEnd()
        loop.call_later(_NEVER, end)
        _ends[loop] = weakref.ref(end)
    with contextlib.suppress(TypeError):  # uvloop's cannot be referred to weakly, and close with their loop
        end.transports.add(transport)


def close_after_loop(transport: Any) -> None:
    """Closes the socket of a connection whose event loop is closed, which asyncio's transports themselves cannot.

    The private names of asyncio in use are in this function; a test watches over them.
    """
    with contextlib.suppress(RuntimeError, AttributeError):  # it would wait for a turn of the loop, or is closed
        transport.abort()
    connected: Any = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    with contextlib.suppress(RuntimeError, AttributeError):
        connected._call_connection_lost(None)  # noqa: SLF001 - what the turn of the loop would have called
    with contextlib.suppress(RuntimeError, AttributeError):  # TLS of Python 3.10 notes its end when this succeeds
        transport.abort()
