"""The head of a request is sent with its body, and nothing is left behind."""

import pytest

from auriko._http.bounds import HeldHead

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"
BODY = b'{"text": "a head ends with \\r\\n\\r\\n"}'
LARGE = b"x" * 100_000
PIECE = 64 * 1024


def test_heads_of_a_users_own_requests_do_not_wait() -> None:
    held = HeldHead(joins=False)
    assert [held.join(data) for data in (HEAD, BODY)] == [[HEAD], [BODY]]


@pytest.mark.parametrize(
    ("writes", "sent"),
    [
        ([HEAD, BODY, b""], [[], [HEAD + BODY], []]),
        ([HEAD, LARGE, b""], [[], [HEAD + LARGE[: PIECE - len(HEAD)], LARGE[PIECE - len(HEAD) :]], []]),
        ([HEAD, b""], [[], [HEAD]]),
        ([b"GET / HTTP/1.1\r\n\r\n", b""], [[b"GET / HTTP/1.1\r\n\r\n"], []]),
        ([HEAD, HEAD, b""], [[], [HEAD + HEAD], []]),
        ([HEAD, BODY, BODY, b"", HEAD, BODY], [[], [HEAD + BODY], [BODY], [], [], [HEAD + BODY]]),
    ],
)
def test_what_each_write_sends(writes: list[bytes], sent: list[list[bytes]]) -> None:
    held = HeldHead()
    assert [held.join(data) for data in writes] == sent
