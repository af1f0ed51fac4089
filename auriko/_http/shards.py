"""The transports of a client, each with some of its connections.

httpcore looks at every connection of a transport whenever a request starts or ends, so connections are spread over
shards: small transports, of which the first that has room is used. Any other transport is one shard with all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic

import httpx

from auriko._http.transports import TransportT, open_transport

# Calls in flight at once: the product of both; those beyond wait for a connection.
SHARD_SIZE: Final = 4
SHARDS: Final = 256
# Seconds for which an unused connection is kept.
KEEP_UNUSED: Final = 30.0


class Shard(Generic[TransportT]):
    """Some of a client's connections.

    Attributes:
        transport: What sends over them.
        busy: How many calls are using it.
        tainted: Whether a call has failed since all of its connections were known to be sound.
        unused_since: When it was opened or left by the last of them, on the monotonic clock.
    """

    __slots__ = ("busy", "tainted", "transport", "unused_since")

    def __init__(self, transport: TransportT) -> None:
        self.transport: TransportT = transport
        self.busy = 0
        self.tainted = False
        self.unused_since = time.monotonic()

    def give_back(self) -> None:
        """Notes that a call has left it."""
        self.busy -= 1
        if not self.busy:
            self.unused_since = time.monotonic()


class Shards(Generic[TransportT]):
    """The shards of one process or event loop; opened when those before have no room, closed when long unused."""

    def __init__(self, kind: type[TransportT], base_url: str) -> None:
        is_sharded = issubclass(kind, (httpx.HTTPTransport, httpx.AsyncHTTPTransport))
        self._most, connections = (SHARDS, SHARD_SIZE) if is_sharded else (1, SHARDS * SHARD_SIZE)
        self.opened: list[Shard[TransportT]] = []
        self._open_one: Callable[[], TransportT] = lambda: open_transport(kind, base_url, connections, KEEP_UNUSED)

    def take(self) -> Shard[TransportT]:
        """The shard for a call: the first that has room, or the least busy one."""
        for shard in self.opened:
            if shard.busy < SHARD_SIZE:
                break
        else:
            if len(self.opened) < self._most:
                shard = Shard(self._open_one())
                self.opened.append(shard)
            else:
                shard = min(self.opened, key=lambda shard: shard.busy)
        shard.busy += 1
        return shard

    def retire(self) -> TransportT | None:
        """The last transport, to be closed, if it is one too many and long unused."""
        if len(self.opened) > 1:
            last = self.opened[-1]
            if not last.busy and time.monotonic() - last.unused_since > KEEP_UNUSED:
                retired: TransportT = self.opened.pop().transport
                return retired
        return None
