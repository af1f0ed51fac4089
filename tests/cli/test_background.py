"""`auriko sandbox --background`, which starts apart from the terminal, is found again, and is ended by `stop`."""

import json
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from auriko.cli import _background, main

VARIABLES = ["AURIKO_BASE_URL", "AURIKO_API_KEY"]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A home of its own, in which nothing is left running."""
    for name in (*VARIABLES, "AURIKO_SANDBOX_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(_background, "_LOOK_SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    _background.stop()


def exported(text):
    """The variables that a shell would have after evaluating the text, which is nothing else."""
    return dict(line.removeprefix("export ").split("=", 1) for line in text.splitlines())


def test_it_hands_two_variables_to_the_shell_and_is_ended_by_stop(capsys):
    assert main(["sandbox", "--background", "--env", "--port", "0"]) == 0
    out, err = capsys.readouterr()
    variables = exported(out)
    assert list(variables) == VARIABLES
    assert err.startswith(f"A sandbox gateway runs in the background at {variables['AURIKO_BASE_URL']};")
    headers = {"Authorization": f"Bearer {variables['AURIKO_API_KEY']}"}
    assert httpx.get(f"{variables['AURIKO_BASE_URL']}/models", headers=headers, timeout=30).status_code == 200

    assert main(["sandbox", "--background", "--env"]) == 0
    out, err = capsys.readouterr()
    assert exported(out) == variables
    assert err.startswith("A sandbox gateway already runs at ")

    assert main(["sandbox", "stop"]) == 0
    assert capsys.readouterr().out == f"Stopped the sandbox at {variables['AURIKO_BASE_URL']}.\n"
    with pytest.raises(httpx.ConnectError):
        httpx.get(variables["AURIKO_BASE_URL"])
    assert main(["sandbox", "stop"]) == 0
    assert capsys.readouterr().out == "No sandbox runs in the background.\n"


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/v1", "http://[", "junk", 5, ["x"], None])
def test_a_file_that_holds_no_address_is_none(capsys, home, address):
    (home / ".auriko").mkdir()
    (home / ".auriko" / "sandbox.json").write_text(json.dumps({"base_url": address, "api_key": "k"}))
    assert main(["sandbox", "stop"]) == 0
    assert capsys.readouterr().out == "No sandbox runs in the background.\n"
    assert not (home / ".auriko" / "sandbox.json").exists()


def test_why_it_did_not_start_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["sandbox", "--background", "--port", str(taken.getsockname()[1])]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "is in use" in err
    assert err.count("auriko: ") == len(err.splitlines()) == 1


def test_one_that_says_nothing_is_given_up(capsys, monkeypatch):
    monkeypatch.setattr(_background, "_START_SECONDS", 0)
    assert main(["sandbox", "--background", "--port", "0"]) == 2
    assert "it did not start; see " in capsys.readouterr().err


@pytest.fixture
def somebody():
    """An address where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def test_for_powershell_and_for_a_file_whose_other_lines_stay(capsys, somebody, home):
    told_of(home, somebody, "ak_sandbox_key")
    (home / ".env").write_text("DEBUG=1\nexport AURIKO_API_KEY=old\nAURIKO_BASE_URL = old\nPATH=x")
    assert main(["sandbox", "--background", "--env", "powershell", "--env-file", ".env"]) == 0
    out = capsys.readouterr().out
    assert out == f'$env:AURIKO_BASE_URL = "{somebody}"\n$env:AURIKO_API_KEY = "ak_sandbox_key"\n'
    wanted = f"DEBUG=1\nPATH=x\nAURIKO_BASE_URL={somebody}\nAURIKO_API_KEY=ak_sandbox_key\n"
    assert (home / ".env").read_text() == wanted


def test_the_other_lines_of_a_file_stay_as_they_are_written(somebody, home):
    """In any encoding, with any ends, and with a mark at the beginning."""
    told_of(home, somebody, None)
    (home / ".env").write_bytes(b"\xef\xbb\xbfAURIKO_BASE_URL=old\r\nNAME=Jos\xe9\r\n# end")
    assert main(["sandbox", "--background", "--env-file", ".env"]) == 0
    assert (home / ".env").read_bytes() == f"NAME=Jos\xe9\r\n# end\nAURIKO_BASE_URL={somebody}\n".encode("latin-1")


def test_nothing_is_started_for_a_file_that_cannot_be_written(capsys, home):
    assert main(["sandbox", "--background", "--env-file", "nowhere/.env"]) == 1
    assert capsys.readouterr().err == "auriko: [Errno 2] No such file or directory: 'nowhere/.env'\n"
    assert _background.running() is None


def test_a_key_of_the_users_own_is_not_handed_over(capsys, somebody, home):
    told_of(home, somebody, None)
    assert main(["sandbox", "--background", "--env", "--env-file", "new.env"]) == 0
    assert capsys.readouterr().out == f"export AURIKO_BASE_URL={somebody}\n"
    assert (home / "new.env").read_text() == f"AURIKO_BASE_URL={somebody}\n"


def test_what_was_not_started_in_the_background_is_not_ended(capsys, somebody, home, monkeypatch):
    monkeypatch.setattr(_background, "_STOP_SECONDS", 0)
    told_of(home, somebody, None)
    assert main(["sandbox", "stop"]) == 2
    assert "still answers; it was not started by" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"base_url": "http://127.0.0.1:9/v1", "api_key": null}'])
def test_a_file_that_is_left_over_says_nothing(text, home):
    (home / ".auriko").mkdir()
    (home / ".auriko" / "sandbox.json").write_text(text)
    assert _background.running() is None


def test_the_process_itself_announces_and_ends_when_its_file_goes(somebody, home, monkeypatch):
    assert not _background.is_child()
    monkeypatch.setenv("AURIKO_SANDBOX_IN_BACKGROUND", "1")
    assert _background.is_child()
    stopped = []
    (home / ".auriko").mkdir()
    _background.announce(SimpleNamespace(base_url=somebody, stop=lambda: stopped.append(True)), "ak_any")
    assert _background.running() == (somebody, "ak_any")
    time.sleep(0.1)
    assert not stopped
    (home / ".auriko" / "sandbox.json").unlink()
    until = time.monotonic() + 5
    while not stopped and time.monotonic() < until:
        time.sleep(0.01)
    assert stopped == [True]


def told_of(home: Path, base_url, api_key):
    """Lays the file of a sandbox in the background."""
    (home / ".auriko").mkdir()
    (home / ".auriko" / "sandbox.json").write_text(json.dumps({"base_url": base_url, "api_key": api_key}))
