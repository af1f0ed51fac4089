"""Starting, stopping and leaving: no thread, socket or engine run stays behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from auriko.sandbox import Paced, PortInUseError, Sandbox
from support.watched_engine import WatchedEngine

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def until(condition) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_left_after_the_end(quick, slow):
    before = set(threading.enumerate())
    with Sandbox(engines=[quick, slow]) as sandbox:
        url, port = sandbox.base_url, int(sandbox.base_url.split(":")[2].removesuffix("/v1"))
        assert httpx.get(f"{url}/registry/providers").status_code == 200
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with socket.create_server(("127.0.0.1", port)):
        pass
    sandbox.stop()


def test_it_starts_once(sandbox):
    with pytest.raises(RuntimeError, match="make a new one"):
        sandbox.start()


def test_a_busy_port_is_said_so(sandbox, quick):
    port = int(sandbox.base_url.split(":")[2].removesuffix("/v1"))
    with pytest.raises(PortInUseError, match=f"Port {port} on 127.0.0.1 is in use"):
        Sandbox(port, engines=[quick]).start()


def test_an_address_that_is_not_ours(quick):
    with pytest.raises(PortInUseError, match="Cannot listen"):
        Sandbox(host="203.0.113.1", api_key="ak_chosen_key", engines=[quick]).start()


def test_other_addresses_need_a_chosen_key(quick):
    with pytest.raises(ValueError, match="choose an api_key"):
        Sandbox(host="0.0.0.0", engines=[quick])
    with Sandbox(host="0.0.0.0", api_key="ak_chosen_key", engines=[quick]) as sandbox:
        url = sandbox.base_url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/models", headers={"Authorization": "Bearer ak_chosen_key"}).status_code == 200
        assert httpx.get(f"{url}/models", headers={"Authorization": "Bearer ak_sandbox_key"}).status_code == 401
        assert httpx.get(f"{url.removesuffix('/v1')}/sandbox/report").status_code == 401


def test_engines_that_are_not_installed():
    with pytest.raises(ValueError, match="'gpt-17' is not installed; there are quote"):
        Sandbox(engines=["gpt-17"])


def test_a_client_that_leaves_a_stream_stops_the_engine(http, slow):
    slow.text = "word " * 100_000
    with http.stream("POST", "/chat/completions", json={**BODY, "stream": True}) as reply:
        next(reply.iter_lines())
    until(lambda: slow.closed == 1)
    slow.text = "Still there."
    assert http.post("/chat/completions", json=BODY).json()["choices"][0]["message"]["content"] == "Still there."


def test_a_client_that_gives_up_waiting_stops_the_engine(http, slow):
    slow.delay = 1
    with pytest.raises(httpx.ReadTimeout):
        http.post("/chat/completions", json=BODY, timeout=0.5)
    until(lambda: slow.closed == 1)


def test_stopping_cuts_replies_under_way(quick, slow):
    sandbox = Sandbox(engines=[quick, slow]).start()
    slow.text = "word " * 100_000
    with (
        httpx.Client(headers={"Authorization": f"Bearer {sandbox.api_key}"}) as http,
        http.stream("POST", f"{sandbox.base_url}/chat/completions", json={**BODY, "stream": True}) as reply,
    ):
        lines = reply.iter_lines()
        next(lines)
        sandbox.stop()
        with pytest.raises(httpx.TransportError):
            list(lines)


def test_many_streams_at_once(http, sandbox):
    failures: list[str] = []

    def stream() -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=60) as client:
            reply = client.post(f"{sandbox.base_url}/chat/completions", json={**BODY, "stream": True})
            if not reply.text.endswith("data: [DONE]\n\n"):
                failures.append(reply.text)

    threads = [threading.Thread(target=stream) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_half_a_request_and_garbage_do_no_harm(http, sandbox):
    port = int(sandbox.base_url.split(":")[2].removesuffix("/v1"))
    for data in (
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf",
        b"\x16\x03\x01 garbage\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(data)
    assert http.post("/chat/completions", json=BODY).status_code == 200


def test_two_sandboxes_know_nothing_of_each_other(start_sandbox):
    one, two = start_sandbox(), start_sandbox()
    one.post("/chat/completions", json=BODY)
    report = httpx.get(str(two.base_url).removesuffix("/v1/") + "/sandbox/report").json()
    assert report["requests"] == 1


def test_in_the_foreground_until_interrupted():
    program = """
import _thread, sys, threading
from auriko.sandbox import Sandbox
import httpx

def visit(sandbox):
    def run():
        print(httpx.get(sandbox.base_url + "/registry/providers").status_code, flush=True)
        _thread.interrupt_main()
    threading.Thread(target=run).start()

Sandbox(engines=["quote"]).serve(visit)
print("ended", threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("200\nended 1\n", 0), done.stderr
    assert done.stderr == ""


def test_a_language_model_is_measured_while_others_serve(slow):
    model = WatchedEngine("smollm2", delay=0.3)
    sandbox = Sandbox(engines=[slow, model])
    serving = threading.Thread(target=sandbox.serve)
    serving.start()
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    wanted = {**BODY, "gateway": {"routing": {"providers": ["local_lm"], "max_ttft_ms": 60_000}}}

    def answered() -> bool:
        try:
            return httpx.post(f"{sandbox.base_url}/chat/completions", json=wanted, headers=headers).status_code == 200
        except httpx.ConnectError:
            return False

    until(answered)
    assert len(model.prompts) == 2  # measured once, as that took long, and asked once
    sandbox.stop()
    serving.join()


def test_a_language_model_that_is_still_being_measured_does_not_hold_up_the_end(slow):
    model = WatchedEngine("smollm2", text="word " * 1_000)
    sandbox = Sandbox(engines=[slow, Paced(model, each=0.05)])
    serving = threading.Thread(target=sandbox.serve)
    serving.start()
    until(lambda: model.prompts)
    sandbox.stop()
    serving.join()
    assert model.closed == 1


def test_importing_the_client_does_not_import_the_sandbox():
    program = """
import sys, auriko
print([name for name in sys.modules if name.startswith(("auriko.sandbox", "uvicorn"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("package", ["jinja2", "jsonschema", "uvicorn"])
def test_a_missing_extra_is_named(package):
    program = f"""
import sys
sys.modules["{package}"] = None
try:
    import auriko.sandbox
except ImportError as error:
    print(error, error.name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == (
        f'the sandbox needs packages that are not installed ({package}): pip install "auriko[sandbox]" {package}\n'
    )
