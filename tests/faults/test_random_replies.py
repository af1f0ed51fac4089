"""Replies made at random over real sockets (in memory there are more: tests/fuzz/test_differential.py).

A request whose complete reply was on the wire is not sent again, whatever came after it.
"""

from __future__ import annotations

import json
import random
import time

import pytest

from auriko.errors import APIConnectionError, APIResponseValidationError, APIStatusError
from tests.support import cells
from tests.support.fault_server import Connection, serve
from tests.support.http_grammar import BEYOND, Wire, wire
from tests.support.replies import completion

ROUNDS = 12
BODY = json.dumps(completion("Paris.")).encode()
PLAIN = [mode for mode in cells.TRIO_MODES if mode.endswith("plain")]


def replies(chance: random.Random) -> list[Wire]:
    """Half of them are complete, with or without something after them."""
    whole = [wire(chance, BODY, ["", *BEYOND]) for _ in range(ROUNDS)]
    return whole + [wire(chance, BODY) for _ in range(ROUNDS)]


@pytest.mark.parametrize("mode", PLAIN)
@pytest.mark.usefixtures("wire", "naps")
def test_what_was_answered_is_not_asked_again(mode: str) -> None:
    seed = random.Random().getrandbits(32)
    sent = Wire()

    def act(connection: Connection) -> None:
        for piece in sent.pieces:
            connection.send(piece)
            time.sleep(0.0005)
        # Where something is wrong with it, silence would only take time.
        if sent.closes or sent.flaws:
            connection.close()

    with serve(act) as server:
        for number, sent in enumerate(replies(random.Random(seed))):
            before = len(server.requests)
            outcome = cells.run(mode, server.url, {"max_retries": 1}, {})
            said = f"seed {seed}, number {number}: {sent}, {outcome}"
            if outcome.error is None:
                assert outcome.text == "Paris.", said
            else:
                assert type(outcome.error) in {APIConnectionError, APIResponseValidationError, APIStatusError}, said
            if not sent.flaws - set(BEYOND):
                assert len(server.requests) == before + 1, said
                assert (outcome.error is None) == (sent.status == 200 and sent.body.strip() == BODY), said
