"""A gateway that holds its answers back until a test lets them go, and that bills what the test says."""

import itertools
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import anyio
import httpx

from auriko import AsyncClient, Client
from tests.support.replies import DONE as END
from tests.support.replies import METADATA, chunk, completion, events, last_chunk

SSE = {"content-type": "text/event-stream"}


class GatedGateway:
    """Answers with bills of these prices, one after another and then the last again and again.

    Attributes:
        billed: What was billed, in USD, in the order of the answers.
        arrived: How many requests came.
        most_in_flight: The most requests that were there at once.
    """

    def __init__(self, prices: Iterable[float | None] = (0.0123,), *, gated: bool = True) -> None:
        *first, last = prices
        self._prices = itertools.chain(first, itertools.repeat(last))
        self.billed: list[float] = []
        self.arrived = self.most_in_flight = self._in_flight = 0
        self._is_open = not gated
        self._changed = threading.Condition()

    def open(self) -> None:
        """Lets all answers go, from now on."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def _enter(self) -> None:
        with self._changed:
            self.arrived += 1
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            self._changed.notify_all()

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Waits until that is so; it is asked whenever a request arrives or `tell` is called."""
        with self._changed:
            assert self._changed.wait_for(is_so, 30)

    def tell(self) -> None:
        """Has whoever waits ask again."""
        with self._changed:
            self._changed.notify_all()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._changed:
            self._in_flight -= 1
            usd = next(self._prices)
            if usd is not None:
                self.billed.append(usd)
        metadata = {**METADATA, "cost": {"usd": usd} if usd is not None else None}
        if json.loads(request.content).get("stream"):
            last = {**last_chunk(), "routing_metadata": metadata}
            body = events(chunk("Pa"), chunk("ris", finish_reason="stop"), last) + END
            return httpx.Response(200, content=body, headers=SSE)
        return httpx.Response(200, json=completion(routing_metadata=metadata))

    def _in_thread(self, request: httpx.Request) -> httpx.Response:
        self._enter()
        self.wait_for(lambda: self._is_open)
        return self._answer(request)

    async def _on_loop(self, request: httpx.Request) -> httpx.Response:
        self._enter()
        while not self._is_open:
            await anyio.lowlevel.checkpoint()
        return self._answer(request)

    def settings(self, sync_name: str = "http_client", async_name: str = "async_http_client") -> dict[str, Any]:
        """The settings of an adapter's model that asks this gateway."""
        own, own_async = self._clients()
        return {"api_key": "k", "max_retries": 0, sync_name: own, async_name: own_async}

    def _clients(self) -> tuple[httpx.Client, httpx.AsyncClient]:
        on_loop = httpx.MockTransport(self._on_loop)
        return httpx.Client(transport=httpx.MockTransport(self._in_thread)), httpx.AsyncClient(transport=on_loop)

    def client(self, **settings: Any) -> Client:
        return Client(api_key="k", http_client=self._clients()[0], **{"max_retries": 0, **settings})

    def async_client(self, **settings: Any) -> AsyncClient:
        return AsyncClient(api_key="k", http_client=self._clients()[1], **{"max_retries": 0, **settings})
