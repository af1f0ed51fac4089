"""The same bytes in our transports and in another implementation of HTTP: they agree, or ours refuses.

Replies are made at random, with what RFC 9112 forbids, and split anywhere. The other implementation is Python's own
http.client, which knows the same bytes at once.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import random
from collections import Counter
from typing import Any

import httpx
import pytest

from auriko._http.httptools_transport import AsyncHttptoolsTransport, HttptoolsTransport
from auriko.errors import APIConnectionError, APITimeoutError, AurikoAPIError
from tests.support.amounts import amount
from tests.support.http_grammar import Wire, wire
from tests.support.memory_wire import OPTIONS, Outcome, in_threads, on_loop

pytestmark = pytest.mark.no_cover  # so many trials, of what other tests reach too
ROUNDS = amount(5_000)  # in four ways, and a quarter of it in two more; others in every run
# What ours takes and the other refuses, as h11 does; both may (RFC 9112, 2.3 and 6.3).
LENIENT = {"bad version", "list of lengths"}
# What a reader may forgive and go on (RFC 9112, 2.2, 5.2 and 6.3): a connection with any other flaw is not used again.
FORGIVEN = {"LF alone", "folded line", "list of lengths", "two equal lengths"}


class _Socket:
    def __init__(self, data: bytes) -> None:
        self.file = io.BufferedReader(io.BytesIO(data))

    def makefile(self, *_args: Any) -> io.BufferedReader:
        return self.file


def judge(sent: Wire) -> tuple[tuple[int, bytes] | None, bool]:
    """Status and body of the reply, or None, and whether more than it came."""
    sock: Any = _Socket(sent.data)
    sock.file.close = lambda: None
    try:
        while True:
            reply = http.client.HTTPResponse(sock, method="POST")
            reply.begin()
            if reply.status not in {100, 103}:
                break
        endless = reply.length is None and not reply.chunked
        body = reply.read()
    except (http.client.HTTPException, ValueError, OverflowError):
        return None, False
    return (None if endless and not sent.closes else (reply.status, body)), bool(sock.file.read(1))


def compared(sent: Wire, found: Outcome, *, fast: bool) -> str:
    """What class the outcome belongs to: ours against the other implementation's."""
    result, reused = found
    theirs, more = judge(sent)
    # httptools passes over empty lines between an interim reply and the reply (RFC 9112, 2.2, for servers).
    passed_over = {"empty line first"} if fast and sent.data.startswith(b"HTTP/") else set[str]()
    if reused:
        assert not more
        assert not sent.closes
        assert sent.reusable or sent.flaws <= FORGIVEN | passed_over
    if isinstance(result, AurikoAPIError):
        assert isinstance(result, (APIConnectionError, APITimeoutError))
        assert sent.flaws, "nothing is wrong with it"
        return "both refuse" if theirs is None else "ours refuses"
    if theirs is None:
        assert sent.flaws <= LENIENT | passed_over
        assert result == (sent.status, sent.body)
        return "ours is lenient"
    assert result == theirs
    if not sent.flaws:
        assert result == (sent.status, sent.body)
        assert reused == (sent.reusable and not sent.closes)
    return "the same, used again" if reused else "the same, closed"


CLASSES = {"the same, used again", "the same, closed", "both refuse", "ours refuses", "ours is lenient"}
WAYS = ["threads", "asyncio", "other loops"]


@pytest.mark.parametrize("fast", [False, True], ids=["httpx", "httptools"])
@pytest.mark.parametrize("way", WAYS)
def test_they_agree_or_ours_refuses(way: str, fast: bool) -> None:
    chance = random.Random()
    seed = chance.getrandbits(32)
    chance.seed(seed)
    wires = [wire(chance) for _ in range(ROUNDS // 4 if way == "other loops" else ROUNDS)]
    if way == "threads":
        with in_threads((HttptoolsTransport if fast else httpx.HTTPTransport)(**OPTIONS, proxy=None)) as outcome:
            found = [outcome(sent) for sent in wires]
    else:
        kind = AsyncHttptoolsTransport if fast else httpx.AsyncHTTPTransport
        found = asyncio.run(on_loop(wires, kind(**OPTIONS, proxy=None), asyncios_own=way == "asyncio"))
    classes: Counter[str] = Counter()
    for sent, outcome_ in zip(wires, found, strict=True):
        try:
            classes[compared(sent, outcome_, fast=fast)] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {sent}, ours: {outcome_}, theirs: {judge(sent)}") from error
    assert classes.keys() | ({"ours is lenient"} if fast else set()) == CLASSES
