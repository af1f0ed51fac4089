"""The security checklist, one test a point."""

from __future__ import annotations

import asyncio
import copy
import gzip
import inspect
import json
import logging
import pickle
import signal
import ssl
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

import auriko
from auriko import AsyncClient, AurikoAPIError, Client, track_spend
from auriko._http.transports import _transport_options
from auriko._settings import resolve
from tests.support import acts
from tests.support.acts import error, hang, ok, reply, reset, stream
from tests.support.cells import ASK
from tests.support.fault_server import Act, nobody_listening, serve
from tests.support.replies import chunk, envelope, event

# ruff: noqa: S301 - the pickles are made right here

KEY = "ak_live_S3cr3tS3cr3tS3cr3t"
PARTS = (KEY, KEY[-12:], KEY[8:20])


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._rules.retry.FIRST_DELAY", 0.0)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "auriko_log"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def assert_secret(*texts: str) -> None:
    for text in texts:
        assert not any(part in text for part in PARTS), text


def with_locals(error: BaseException) -> str:
    """A traceback with the locals of every frame, of causes and contexts too, as error trackers send them."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def test_01_key_that_no_header_can_carry_is_refused_and_not_shown() -> None:
    for bad in (f" {KEY}", f"{KEY}\n", f"{KEY}\r\nX-Evil: 1", f"{KEY}\x00", f"{KEY}é"):
        with pytest.raises(ValueError, match="API key") as caught:
            Client(api_key=bad)
        assert_secret(str(caught.value), repr(caught.value))
        assert str(len(bad)) not in str(caught.value)


FAILURES: dict[str, Act] = {
    "401": error(401, "authentication_error", "invalid_api_key"),
    "503": error(503),
    "redirect": reply(307, location="http://other.example/"),
    "reset": reset,
    "broken reply": reply(200, b"{"),
    "broken gzip": reply(200, b"x", content_encoding="gzip"),
    "garbage": acts.raw(b"SSH-2.0\r\n\r\n"),
    "timeout": hang,
    "cut": reply(200, b"{", length=99, end="close"),
    "cut stream": stream(event(chunk()), end="close"),
    "error in a stream": stream(event(chunk()), event(envelope("rate_limit_error"))),
    "broken event": stream(event(chunk()), event("{")),
}


FAST = {"http_client": "httptools"}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", [Client, AsyncClient], ids=["sync", "async"])
@pytest.mark.parametrize("settings", [{}, FAST], ids=["httpx", "httptools"])
@pytest.mark.parametrize("failure", FAILURES)
def test_02_key_is_in_no_error_log_warning_or_traceback(
    failure: str, kind: Any, settings: dict[str, Any], streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("auriko", "httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    with serve(FAILURES[failure]) as server, warnings.catch_warnings(record=True) as warned, track_spend() as spend:
        warnings.simplefilter("always")
        client = kind(api_key=KEY, base_url=server.url, timeout=0.1, max_retries=1, **settings)
        with pytest.raises(AurikoAPIError) as caught:
            call(client, streamed=streamed)
    raised = caught.value
    assert_secret(str(raised), repr(raised), repr(vars(raised)), with_locals(raised), caplog.text, repr(spend.records))
    assert_secret(*(str(warning.message) for warning in warned), *(repr(record.args) for record in caplog.records))
    assert_secret(pickle.dumps(raised).decode("latin-1"))
    assert settings or any(record.name == "httpcore.http11" for record in caplog.records)
    assert any(record.name == "auriko" for record in caplog.records)
    assert all(request.header("Authorization") == f"Bearer {KEY}" for request in server.requests)


def error_of(act: Act, *, streamed: bool = False) -> AurikoAPIError:
    """What a call of a server raises."""
    with serve(act) as server, pytest.raises(AurikoAPIError) as caught:
        call(Client(api_key=KEY, base_url=server.url), streamed=streamed)
    return caught.value


def call(client: Any, *, streamed: bool) -> Any:
    if isinstance(client, Client):
        with client:
            answer = client.chat.completions.create(**ASK, stream=streamed)
            return list(answer) if streamed else answer

    async def main() -> Any:
        async with client:
            answer = await client.chat.completions.create(**ASK, stream=streamed)
            return [item async for item in answer] if streamed else answer

    return asyncio.run(main())


def test_02_key_is_not_in_the_traceback_of_a_refused_connection() -> None:
    with nobody_listening() as url, pytest.raises(AurikoAPIError) as caught:
        Client(api_key=KEY, base_url=url, max_retries=0).chat.completions.create(**ASK)
    assert_secret(with_locals(caught.value), repr(caught.value.__cause__))


def test_02_key_is_not_in_the_traceback_of_an_interrupted_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a notebook shows every frame."""
    with serve(hang) as server, Client(api_key=KEY, base_url=server.url) as client:
        timer = threading.Timer(0.1, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            client.chat.completions.create(**ASK)
        timer.join()
    assert_secret(with_locals(caught.value))


@pytest.mark.parametrize("settings", [{}, FAST], ids=["httpx", "httptools"])
def test_02_key_is_not_in_the_traceback_of_a_cancelled_call(settings: dict[str, Any]) -> None:
    async def main(url: str) -> BaseException:
        async with AsyncClient(api_key=KEY, base_url=url, **settings) as client:
            task = asyncio.create_task(client.chat.completions.create(**ASK))
            await asyncio.sleep(0.1)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
        raise AssertionError("it was not cancelled")

    with serve(hang) as server:
        assert_secret(with_locals(asyncio.run(main(server.url))))


def test_02_key_is_not_in_the_traceback_of_refused_arguments() -> None:
    client = Client(api_key=KEY)
    for wrong in ({"messages": []}, {"temprature": 1}, {"messages": [{"x": {1}}]}, {"timeout": -1}):
        with pytest.raises((ValueError, TypeError)) as caught:
            client.chat.completions.create(**{**ASK, **wrong})
        assert_secret(with_locals(caught.value))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_02_key_is_in_nothing_that_shows_a_client(kind: Any) -> None:
    client = kind(api_key=KEY)
    for shown in (client, client._caller.settings, client._caller.pool, client.chat.completions, client.models):
        assert_secret(repr(shown), str(shown), repr(vars(shown)))
    assert_secret(pickle.dumps(client).decode("latin-1"))
    other = kind(api_key="k", default_headers={"X-Other-Key": KEY})
    assert_secret(repr(other), repr(vars(other)), repr(other._caller.settings))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_03_clients_and_errors_are_copied_and_pickled_as_promised(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AURIKO_API_KEY", raising=False)
    client = kind(api_key=KEY)
    for twin in (
        copy.copy(client),
        copy.deepcopy(client),
        pickle.loads(pickle.dumps(kind(api_key=KEY, pickle_api_key=True))),
    ):
        assert twin._caller.settings.authorization() == f"Bearer {KEY}"
    assert pickle.loads(pickle.dumps(client))._caller.settings.api_key is None
    raised = error_of(error(429, "rate_limit_error", "insufficient_quota", x_request_id="r"))
    for twin in (pickle.loads(pickle.dumps(raised)), copy.deepcopy(raised)):
        assert type(twin) is auriko.RateLimitError
        assert (twin.status_code, twin.code, twin.request_id) == (429, "insufficient_quota", "r")
        assert not hasattr(twin, "response"), "no live reply is kept"


def test_04_base_url_is_an_http_address_and_nothing_else() -> None:
    for bad in (
        "ftp://h",
        "https://",
        "https://u:p@h",
        "https://h?x=1",
        "https://h#f",
        "https://h\\@evil",
        "https://h h",
    ):
        with pytest.raises(ValueError, match="base_url"):
            resolve(api_key=KEY, base_url=bad)
    for loopback in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:8080"):
        resolve(api_key=KEY, base_url=loopback)
    for elsewhere in ("http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://10.0.0.1"):
        with pytest.warns(UserWarning, match="travel unencrypted"):
            resolve(api_key=KEY, base_url=elsewhere)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_05_redirects_are_not_followed(status: int) -> None:
    """Neither the key nor the prompt goes where a reply points."""
    with serve(ok) as other, serve(reply(status, location=f"{other.url}/v1")) as server:
        own = httpx.Client(follow_redirects=True)
        for client in (
            Client(api_key=KEY, base_url=server.url),
            Client(api_key=KEY, base_url=server.url, http_client=own),
        ):
            with pytest.raises(auriko.APIStatusError, match="Redirects are not followed") as caught:
                client.chat.completions.create(**ASK)
            assert caught.value.status_code == status
            client.close()
        own.close()
        assert other.requests == []


def test_06_headers_of_users_are_checked_and_do_not_replace_the_key() -> None:
    for bad in ({"X Y": "1"}, {"X": "a\r\nY: b"}, {"X": "a\x00"}, {"X": "é"}, {"Authorization": "x"}, {"host": "x"}):
        with pytest.raises(ValueError, match="header"):
            Client(api_key=KEY, default_headers=bad)
        with pytest.raises(ValueError, match="header"):
            Client(api_key=KEY).chat.completions.create(**ASK, extra_headers=bad)


def test_07_ids_cannot_leave_their_place_in_the_path() -> None:
    with serve(reply(200, {"id": "m"})) as server, Client(api_key=KEY, base_url=server.url) as client:
        for given, sent in {"../me": "..%2Fme", "a?b#c": "a%3Fb%23c", "..": "%2E%2E", "a%2Fb": "a%252Fb"}.items():
            client.models.retrieve(given)
            assert server.requests[-1].target == f"/v1/models/{sent}"


def test_08_certificates_are_always_verified_and_proxies_credentials_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"verify", "ssl", "cert"} & set(inspect.signature(Client).parameters)
    context = _transport_options("https://h/v1", 1, 30.0)["verify"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    with nobody_listening() as proxy:
        monkeypatch.setenv("https_proxy", proxy.replace("http://", "http://somebody:hunter2@"))
        with Client(api_key=KEY, max_retries=0) as client, pytest.raises(AurikoAPIError) as caught:
            client.models.list()
        assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


BOMBED = """
import asyncio, gzip, resource, sys, auriko
ask = dict(model="m", messages=[{"role": "user", "content": "x"}], stream=bool(sys.argv[2]))
def blocking():
    client = auriko.Client(api_key="k", base_url=sys.argv[1], max_retries=0, http_client=sys.argv[4] or None)
    client.models.list()
    yield
    list(client.chat.completions.create(**ask)) if sys.argv[2] else client.chat.completions.create(**ask)
def on_a_loop():
    loop = asyncio.new_event_loop()
    client = auriko.AsyncClient(api_key="k", base_url=sys.argv[1], max_retries=0, http_client=sys.argv[4] or None)
    loop.run_until_complete(client.models.list())
    yield
    async def main():
        reply = await client.chat.completions.create(**ask)
        [item async for item in reply]
    loop.run_until_complete(main())
run = globals()[sys.argv[3]]()
next(run)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    next(run)
except auriko.APIResponseValidationError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, error)
"""


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(200 * 2**20), 9)


@pytest.mark.parametrize("transport", ["", "httptools"], ids=["httpx", "httptools"])
@pytest.mark.parametrize("how", ["blocking", "on_a_loop"])
@pytest.mark.parametrize("streamed", ["", "1"])
def test_09_gzip_bomb_takes_no_more_than_150_mib(streamed: str, how: str, transport: str) -> None:
    kind = acts.SSE if streamed else acts.JSON
    with serve(reply(200, {"data": []}), reply(200, bomb(), content_encoding="gzip", content_type=kind)) as server:
        command = [sys.executable, "-c", BOMBED, server.url, streamed, how, transport]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
    grown, _, message = done.stdout.partition(" ")
    assert int(grown) <= 150
    assert "larger than" in message


def test_09_sizes_are_counted_decoded_and_bounded() -> None:
    spaces = b" " * (65 * 2**20)
    large_event = event(b"x" * 17 * 2**20)
    assert "64 MiB" in str(error_of(reply(200, spaces)))
    assert "16 MiB" in str(error_of(stream(large_event), streamed=True))
    assert len(error_of(reply(400, b"x" * 2**20)).body) == 64 * 1024


def test_10_text_of_the_gateway_is_data() -> None:
    nasty = "%s %n {0} {secret} \x1b[2J\x07\r\n\u202e" + "x" * 10_000
    body = {"error": {"message": nasty, "type": "invalid_request_error", "code": "\x1b]0;", "suggestion": nasty}}
    shown = str(error_of(reply(400, body)))
    assert shown.startswith("%s %n {0} {secret} \\x1b[2J\\x07\\r\n\\u202exxx")
    assert len(shown) < 9_000
    assert not [c for c in shown if not c.isprintable() and c != "\n"]


def test_11_sandbox_is_for_this_machine_alone() -> None:
    from auriko.sandbox import Sandbox

    assert inspect.signature(Sandbox).parameters["host"].default == "127.0.0.1"


@pytest.mark.parametrize("wrap", [lambda: None, httpx.Client], ids=["own pool", "http_client"])
def test_12_netrc_does_not_replace_the_key(
    wrap: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serve(ok) as server:
        own = wrap()
        with Client(api_key=KEY, base_url=server.url, http_client=own) as client:
            client.chat.completions.create(**ASK)
        if own is not None:
            own.close()
        assert server.requests[0].header("Authorization") == f"Bearer {KEY}"
        assert json.loads(server.requests[0].body)["model"] == ASK["model"]
