"""The transports that the tests of faults run on, in threads and on event loops. A transport is added here, by a line.

A mode is a way and a kind of call: `async stream`. Over which wire it goes is the fixture `wire`'s (tests/faults).
"""

import sys
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Way:
    """A way to send.

    Attributes:
        name: What tests call it.
        loop: The event loop, as anyio names it, or uvloop; None for threads.
        transport: What `http_client` names.
    """

    name: str
    loop: str | None = None
    transport: str = "httpx"

    @property
    def backend(self) -> Any:
        """What anyio's plugin of pytest calls the event loop."""
        return ("asyncio", {"use_uvloop": True}) if self.loop == "uvloop" else self.loop

    @property
    def settings(self) -> dict[str, Any]:
        """What its clients are made with."""
        return {} if self.transport == "httpx" else {"http_client": self.transport}


_WAYS: Final = (
    Way("sync"),
    Way("async", "asyncio"),
    Way("trio", "trio"),
    Way("sync httptools", None, "httptools"),
    Way("async httptools", "asyncio", "httptools"),
    Way("trio httptools", "trio", "httptools"),
)
WAYS: Final = {way.name: way for way in _WAYS}
# Where the tests of life cycles run too.
ON_UVLOOP: Final = {
    way.name: way
    for way in (Way("uvloop", "uvloop"), Way("uvloop httptools", "uvloop", "httptools"))
    if sys.platform != "win32"
}
IN_THREADS: Final = [way.name for way in _WAYS if way.loop is None]
ON_LOOPS: Final = [way.name for way in _WAYS if way.loop is not None]
ON_EVERY_LOOP: Final = [*ON_LOOPS, *ON_UVLOOP]
ON_ASYNCIO: Final = [way.name for way in _WAYS if way.loop == "asyncio"]
# What `http_client` can be on asyncio.
TRANSPORTS: Final = {way.transport: way.settings.get("http_client") for way in _WAYS if way.loop == "asyncio"}


def way_of(mode: str) -> Way:
    """The way of a mode."""
    return WAYS[mode.rpartition(" ")[0]]


def modes(*ways: str) -> tuple[str, ...]:
    """Both kinds of calls, in each of the ways."""
    return tuple(f"{way} {kind}" for kind in ("plain", "stream") for way in ways)
