"""What lies below any client: a socket, the standard library, aiohttp, pyreqwest, with json.loads and nothing else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from subject import KEY, SMALL, Ask, Subject

_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


def _body(ask: Ask, *, stream: bool = False) -> bytes:
    return json.dumps({**ask, "stream": True} if stream else ask, separators=(",", ":")).encode()


def _request(url: str, body: bytes) -> bytes:
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, **_HEADERS, "Content-Length": str(len(body))}
    lines = [f"POST {parts.path}/chat/completions HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawSocket(Subject):
    """Prebuilt requests; replies are searched for their end."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        parts = urlsplit(url)
        assert parts.hostname  # noqa: S101 - the server's address has one
        self._address = parts.hostname, parts.port or 80
        self._whole, self._streamed = _request(url, _body(ask)), _request(url, _body(ask, stream=True))
        self._sockets: deque[socket.socket] = deque()
        self._pairs: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()

    def _connection(self) -> socket.socket:
        return self._sockets.pop() if self._sockets else socket.create_connection(self._address)

    async def _pair(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self._pairs.pop() if self._pairs else await asyncio.open_connection(*self._address)

    def call(self) -> Any:
        connection = self._connection()
        connection.sendall(self._whole)
        read = connection.recv(65536)
        while (end := _body_end(read)) is None or len(read) < end[1]:
            read += connection.recv(65536)
        self._sockets.append(connection)
        return json.loads(read[end[0] :])

    async def acall(self) -> Any:
        reader, writer = pair = await self._pair()
        writer.write(self._whole)
        read = await reader.read(65536)
        while (end := _body_end(read)) is None or len(read) < end[1]:
            read += await reader.read(65536)
        self._pairs.append(pair)
        return json.loads(read[end[0] :])

    def stream(self) -> Iterator[Any]:
        connection = self._connection()
        connection.sendall(self._streamed)
        rest = b""
        while not rest.endswith(b"\r\n0\r\n\r\n"):
            *lines, rest = (rest + connection.recv(65536)).split(b"data: ")
            yield from map(json.loads, _events(lines))
        self._sockets.append(connection)

    async def astream(self) -> AsyncIterator[Any]:
        reader, writer = pair = await self._pair()
        writer.write(self._streamed)
        rest = b""
        while not rest.endswith(b"\r\n0\r\n\r\n"):
            *lines, rest = (rest + await reader.read(65536)).split(b"data: ")
            for event in _events(lines):
                yield json.loads(event)
        self._pairs.append(pair)


def _body_end(read: bytes) -> tuple[int, int] | None:
    """Where the body begins and ends, once the head is there."""
    head = read.find(b"\r\n\r\n")
    if head < 0:
        return None
    length = int(read[:head].rpartition(b"content-length: ")[2])
    return head + 4, head + 4 + length


def _events(pieces: list[bytes]) -> Iterator[bytes]:
    """The data of the events among what stood between their beginnings."""
    return (piece.partition(b"\n")[0] for piece in pieces if piece.startswith(b"{"))


class HttpClient(Subject):
    """http.client of the standard library."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        self._url, self._path = url, f"{urlsplit(url).path}/chat/completions"
        self._whole, self._streamed = _body(ask), _body(ask, stream=True)
        self._connections: deque[Any] = deque()

    @staticmethod
    def construct(url: str) -> Any:
        from http.client import HTTPConnection

        return HTTPConnection(urlsplit(url).netloc)

    def call(self) -> Any:
        connection = self._connections.pop() if self._connections else self.construct(self._url)
        connection.request("POST", self._path, self._whole, _HEADERS)
        reply = json.loads(connection.getresponse().read())
        self._connections.append(connection)
        return reply

    def stream(self) -> Iterator[Any]:
        connection = self._connections.pop() if self._connections else self.construct(self._url)
        connection.request("POST", self._path, self._streamed, _HEADERS)
        for line in connection.getresponse():
            if line.startswith(b"data: {"):
                yield json.loads(line[6:])
        self._connections.append(connection)


class RawAiohttp(Subject):
    """Plain aiohttp."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        self._url = f"{url}/chat/completions"
        self._whole, self._streamed = _body(ask), _body(ask, stream=True)
        self._session: Any = None

    def _opened(self) -> Any:
        """The session, which is made on the loop."""
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(headers=_HEADERS, connector=aiohttp.TCPConnector(limit=1000))
        return self._session

    async def acall(self) -> Any:
        async with self._opened().post(self._url, data=self._whole) as reply:
            return json.loads(await reply.read())

    async def astream(self) -> AsyncIterator[Any]:
        async with self._opened().post(self._url, data=self._streamed) as reply:
            async for line in reply.content:
                if line.startswith(b"data: {"):
                    yield json.loads(line[6:])


class RawPyreqwest(Subject):
    """Plain pyreqwest, whose work is done in Rust."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        from pyreqwest.client import ClientBuilder

        self._url = f"{url}/chat/completions"
        self._whole, self._streamed = _body(ask), _body(ask, stream=True)
        self._client = self.construct(url)
        self._aclient = ClientBuilder().build()

    @staticmethod
    def construct(url: str) -> Any:  # noqa: ARG004 - it needs no address
        from pyreqwest.client import SyncClientBuilder

        return SyncClientBuilder().build()

    def call(self) -> Any:
        request = self._client.post(self._url).headers(_HEADERS).body_bytes(self._whole).build()
        return json.loads(request.send().bytes().to_bytes())

    async def acall(self) -> Any:
        request = self._aclient.post(self._url).headers(_HEADERS).body_bytes(self._whole).build()
        return json.loads((await (await request.send()).bytes()).to_bytes())

    def stream(self) -> Iterator[Any]:
        rest = b""
        with self._prepared(self._client) as reply:
            while read := reply.body_reader.read_chunk():
                *lines, rest = (rest + read.to_bytes()).split(b"data: ")
                yield from map(json.loads, _events(lines))

    async def astream(self) -> AsyncIterator[Any]:
        rest = b""
        async with self._prepared(self._aclient) as reply:
            while read := await reply.body_reader.read_chunk():
                *lines, rest = (rest + read.to_bytes()).split(b"data: ")
                for event in _events(lines):
                    yield json.loads(event)

    def _prepared(self, client: Any) -> Any:
        # What has arrived is handed out at once, rather than when there is more of it.
        request = client.post(self._url).headers(_HEADERS).body_bytes(self._streamed)
        return request.streamed_read_buffer_limit(0).build_streamed()
