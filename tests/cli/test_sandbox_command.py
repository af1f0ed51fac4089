"""`auriko sandbox` in the foreground: says where it is, serves, ends on Ctrl-C."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from auriko import Client
from auriko.cli import _background, main
from auriko.sandbox import Sandbox, install
from auriko.sandbox.engines import SmolLM2Engine
from tests.support import acts
from tests.support.fault_server import serve

KEY = "a-key-of-my-own"


def test_it_serves_what_it_announces_and_ends_quietly_when_interrupted(tmp_path):
    command = [sys.executable, "-m", "auriko", "sandbox", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as served:
        try:
            text = up_to_the_key(served.stdout)
            base_url = re.search(r"AURIKO_BASE_URL=(\S+)", text)[1]
            api_key = re.search(r"AURIKO_API_KEY=(\S+)", text)[1]
            with Client(base_url=base_url, api_key=api_key) as client:
                reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}])
            assert reply.routing_metadata.cost.usd > 0
            served.send_signal(signal.SIGINT)
            _out, error = served.communicate(timeout=30)
        finally:
            served.kill()
    assert served.returncode in {0, 130}
    assert error == ""


def up_to_the_key(lines):
    """What the command says of where it serves."""
    said = ""
    for line in lines:
        said += line
        if "AURIKO_API_KEY" in line:
            break
    return said


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Runs the command in this process and interrupts it when it has been used."""
    monkeypatch.chdir(tmp_path)

    def run(using, *arguments):
        main_thread = threading.get_ident()
        reader, writer = os.pipe()

        def user():
            with os.fdopen(reader) as lines:
                said = up_to_the_key(lines)
                try:
                    using(said)
                finally:
                    if "AURIKO_API_KEY" in said:  # else it has ended
                        signal.pthread_kill(main_thread, signal.SIGINT)

        with ThreadPoolExecutor(1) as threads, os.fdopen(writer, "w", buffering=1) as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            used = threads.submit(user)
            code = main(["sandbox", "--port", "0", *arguments])
        used.result()
        return code

    return run


@pytest.mark.parametrize("missing", [None, "It is not installed."], ids=["language model", "quotations alone"])
def test_it_says_how_to_get_a_language_model_if_it_has_none(use, monkeypatch, capsys, missing):
    monkeypatch.delenv("AURIKO_SANDBOX_API_KEY", raising=False)
    monkeypatch.setattr(SmolLM2Engine, "why_missing", staticmethod(lambda: missing))
    monkeypatch.setattr(Sandbox, "_measure", lambda *_: None)  # it would load the model

    def look(said):
        assert ("adds a small one" in said) == (missing is not None)
        page = httpx.get(re.search(r"in a browser: (\S+)", said)[1])
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")

    assert use(look) == 0
    assert capsys.readouterr().err == ""


def test_upstreams_faults_limits_and_a_key_of_ones_own(use, tmp_path, monkeypatch, capsys):
    (tmp_path / "catalog.toml").write_text("""
        [providers.far]
        price = { input = 1.0, output = 2.0 }
        [models.m.offers.far]
    """)
    whole = {"choices": [{"index": 0, "message": {"content": "Far."}, "finish_reason": "stop"}]}
    monkeypatch.setattr(Sandbox, "_measure", lambda *_: None)
    monkeypatch.setenv("AURIKO_SANDBOX_API_KEY", KEY)
    monkeypatch.setenv("FAR_API_KEY", "sk-far-s3cr3t")

    def ask(said):
        base_url = re.search(r"AURIKO_BASE_URL=(\S+)", said)[1]
        assert f"far at {upstream.url}/v1 has m.\n" in said
        assert KEY not in said
        assert "s3cr3t" not in said
        body = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
        with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}, timeout=30) as http:
            replies = [http.post(f"{base_url}/chat/completions", json=body) for _ in range(4)]
            assert (
                httpx.get(f"{base_url}/models", headers={"Authorization": "Bearer ak_sandbox_key"}).status_code == 401
            )
        assert [reply.status_code for reply in replies] == [503, 502, 200, 429]
        assert replies[2].json()["choices"][0]["message"]["content"] == "Far."
        assert replies[2].json()["routing_metadata"]["cost"]["usd"] > 0
        assert upstream.requests[0].header("authorization") == "Bearer sk-far-s3cr3t"

    with serve(acts.reply(200, whole)) as upstream:
        options = ("--catalog", "catalog.toml", "--upstream", f"far={upstream.url}", "--limit", "requests_per_minute=3")
        faults = ("--fault", "503;times=1", "--fault", "502;times=1", "--seed", "7")
        assert use(ask, *options, *faults) == 0
    assert capsys.readouterr().err == ""


def test_answers_come_from_a_file(use, tmp_path, monkeypatch, capsys):
    assert main(["sandbox", "--answers", "gone.toml"]) == 2
    assert "gone.toml cannot be read" in capsys.readouterr().err
    (tmp_path / "answers.toml").write_text('answers = ["From the file."]')
    monkeypatch.delenv("AURIKO_SANDBOX_API_KEY", raising=False)
    monkeypatch.setattr(Sandbox, "_measure", lambda *_: None)

    def ask(said):
        base_url, key = (re.search(rf"AURIKO_{name}=(\S+)", said)[1] for name in ("BASE_URL", "API_KEY"))
        with Client(base_url=base_url, api_key=key) as client:
            reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}])
        assert reply.choices[0].message.content == "From the file."

    assert use(ask, "--answers", "answers.toml") == 0
    assert capsys.readouterr().err == ""


def test_without_its_packages_it_names_all_of_them(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("auriko.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("jinja2", "uvicorn"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in {"jinja2", "uvicorn"} else name)
    assert main(["sandbox"]) == 2
    missing = "the sandbox needs packages that are not installed (jinja2, uvicorn)"
    assert capsys.readouterr().err == f'auriko: {missing}: pip install "auriko[sandbox]"\n'


def test_it_hands_its_variables_to_a_shell_or_a_file(use, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("AURIKO_SANDBOX_API_KEY", raising=False)
    monkeypatch.setattr(Sandbox, "_measure", lambda *_: None)

    def look(said):
        assert re.fullmatch(r"export AURIKO_BASE_URL=\S+/v1\nexport AURIKO_API_KEY=ak_sandbox_key\n", said)
        assert httpx.get(re.search(r"AURIKO_BASE_URL=(\S+)v1", said)[1]).status_code == 200

    assert use(look, "--env", "--env-file", ".env") == 0
    assert capsys.readouterr().err.startswith("A sandbox gateway runs at ")
    assert (tmp_path / ".env").read_text().splitlines()[1] == "AURIKO_API_KEY=ak_sandbox_key"


def test_in_the_background_it_says_where_it_is_in_a_file(use, monkeypatch):
    monkeypatch.delenv("AURIKO_SANDBOX_API_KEY", raising=False)
    monkeypatch.setattr(Sandbox, "_measure", lambda *_: None)
    monkeypatch.setenv("AURIKO_SANDBOX_IN_BACKGROUND", "1")

    def announce(sandbox, api_key):
        sys.stdout.write(f"AURIKO_BASE_URL={sandbox.base_url} AURIKO_API_KEY={api_key}\n")

    def look(said):
        assert said.endswith("AURIKO_API_KEY=ak_sandbox_key\n")
        assert httpx.get(re.search(r"AURIKO_BASE_URL=(\S+)v1", said)[1]).status_code == 200

    monkeypatch.setattr(_background, "announce", announce)
    assert use(look, "--background") == 0


def test_install_says_what_it_has_done_or_why_not(monkeypatch, capsys):
    monkeypatch.setattr(install, "install", lambda: "Installed.")
    assert main(["sandbox", "install"]) == 0
    assert capsys.readouterr() == ("Installed.\n", "")

    def fail():
        raise install.InstallError("There is no installer.")

    monkeypatch.setattr(install, "install", fail)
    assert main(["sandbox", "install"]) == 2
    assert capsys.readouterr() == ("", "auriko: There is no installer.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "418"], "'418' is not a fault; there are 408, "),
        (["--fault", "429=often"], "the rate cannot be 'often'"),
        (["--fault", "429=nan"], "the rate cannot be 'nan'"),
        (["--limit", "height=1"], "'height' is not a limit; there are requests_per_minute, "),
        (["--limit", "requests_per_minute=few"], "requests_per_minute cannot be 'few'"),
        (["--limit", "credits_usd=-1"], "credits_usd cannot be -1.0"),
        (["--host", "0.0.0.0"], "set AURIKO_SANDBOX_API_KEY"),
        (["--catalog", "nowhere.toml"], "nowhere.toml cannot be read: No such file"),
        (["--api-key-file", "nowhere"], "the file of the API key cannot be read"),
        (["--upstream", "far=http://127.0.0.1:9"], "The upstream far does not list its models"),
        (["--upstream", "far=gopher://127.0.0.1"], "is not an address of an API"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AURIKO_SANDBOX_API_KEY", raising=False)
    assert main(["sandbox", "--port", "0", *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("auriko: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_key_from_a_file_is_not_shown(capsys, tmp_path):
    (tmp_path / "key").write_text("sh0rt\n")
    assert main(["sandbox", "--port", "0", "--api-key-file", str(tmp_path / "key")]) == 2
    error = capsys.readouterr().err
    assert "8 to 512 characters" in error
    assert "sh0rt" not in error


def test_names_without_a_value_are_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["sandbox", "--upstream", "http://127.0.0.1:11434/v1"])
    assert caught.value.code == 2
    assert "is not NAME=VALUE" in capsys.readouterr().err
