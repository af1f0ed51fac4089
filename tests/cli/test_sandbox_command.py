"""`auriko sandbox` in the foreground: says where it is, serves, ends on Ctrl-C."""

import os
import re
import signal
import subprocess
import sys

import pytest

from auriko import Client


@pytest.fixture
def served(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "auriko", "sandbox", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_serves_what_it_announces_and_ends_quietly_when_interrupted(served):
    said = []
    for line in served.stdout:
        said.append(line)
        if "AURIKO_API_KEY" in line:
            break
    text = "".join(said)
    base_url = re.search(r"AURIKO_BASE_URL=(\S+)", text)[1]
    api_key = re.search(r"AURIKO_API_KEY=(\S+)", text)[1]
    with Client(base_url=base_url, api_key=api_key) as client:
        reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}])
    assert reply.routing_metadata.cost.usd > 0
    served.send_signal(signal.SIGINT)
    _out, error = served.communicate(timeout=30)
    assert served.returncode in {0, 130}
    assert error == ""
