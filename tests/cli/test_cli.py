"""The command line as a user types it: exit codes, one line for a mistake, no traceback."""

import io
import os
import runpy
import socket
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

import auriko
from auriko.cli import main
from auriko.sandbox import Sandbox


class Done(NamedTuple):
    """How a command has ended, and what it has printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def auriko_command(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty folder, without settings."""
    for name in [name for name in os.environ if name.startswith("AURIKO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        try:
            code = main(arguments)
        except SystemExit as error:  # argparse's way to refuse
            code = error.code
        return Done(code, *capsys.readouterr())

    return run


def test_the_installed_command_is_this_one(tmp_path):
    command = [sys.executable, "-m", "auriko", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"auriko {auriko.__version__}"


def test_the_package_is_a_program_only_where_it_is_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["auriko"])
    program = str(Path(auriko.__file__).with_name("__main__.py"))
    runpy.run_path(program)
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(program, run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().out.startswith("usage: auriko ")


def test_without_a_command_the_help_is_shown(auriko_command):
    done = auriko_command()
    assert done.returncode == 2
    assert "demo" in done.stdout
    assert "AURIKO_API_KEY" in done.stdout


@pytest.fixture
def empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "blank.md").write_text(" \n")
    (tmp_path / "empty" / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path / "empty"


def test_folder_without_documents_is_one_line_and_exit_code_2(auriko_command, empty_folder):
    done = auriko_command("demo", str(empty_folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"auriko: {empty_folder} has no .md or .txt documents\n"


def test_folder_that_is_not_there_is_one_line_and_exit_code_2(auriko_command):
    done = auriko_command("demo", "nowhere")
    assert (done.returncode, done.stderr) == (2, "auriko: nowhere is not a folder\n")


def test_busy_port_is_one_line_and_exit_code_2(auriko_command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = auriko_command("sandbox", "--port", str(port))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{port}" in done.stderr
    assert "in use" in done.stderr


@pytest.mark.parametrize("port", ["70000", "x", "-1"])
def test_port_that_is_none_is_refused(auriko_command, port):
    done = auriko_command("sandbox", f"--port={port}")
    assert done.returncode == 2
    assert "is not a port" in done.stderr


def test_open_address_without_a_key_is_refused(auriko_command):
    done = auriko_command("sandbox", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_live_demo_without_a_key_names_the_variable_and_the_sandbox(auriko_command):
    done = auriko_command("demo", "--live")
    assert done.returncode == 1
    assert "AURIKO_API_KEY" in done.stderr
    assert "auriko sandbox" in done.stderr


def test_ctrl_c_is_no_traceback(auriko_command, monkeypatch):
    class Terminal:
        def isatty(self):
            return False

        def read(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert auriko_command("chat", "-m", "gpt-4o") == (130, "", "")


@pytest.mark.parametrize("when", ["while it prints", "when all is printed"])
def test_a_reader_who_has_gone_is_no_error(auriko_command, monkeypatch, when):
    """As in `auriko models | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1 if when == "while it prints" else -1) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert auriko_command("doctor") == (0, "", "")
        stdout.write("Python flushes what is left as it ends, and nothing may go wrong.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full disk to try")
def test_a_disk_that_is_full_is_said_once(auriko_command, monkeypatch):
    with Path("/dev/full").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        code, _out, err = auriko_command("doctor")
        assert (code, err) == (1, "auriko: [Errno 28] No space left on device\n")


def test_what_is_printed_may_go_anywhere():
    with redirect_stdout(io.StringIO()) as printed:
        assert main([]) == 2
    assert printed.getvalue().startswith("usage: ")


def test_an_answer_that_the_terminal_cannot_show_is_escaped(monkeypatch):
    """As in a terminal of Windows; it has been paid for."""
    shown = io.BytesIO()
    with Sandbox(engines=["quote"], answers="你好 → there") as sandbox:
        monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "cp1252"))
        assert main(["chat", "-m", "gpt-4o", "Hi."]) == 0
    assert shown.getvalue().splitlines()[0].strip() == rb"\u4f60\u597d \u2192 there"


@pytest.mark.parametrize(("command", "meant"), [("chta", "; did you mean 'chat'?"), ("xyzzy", ")")])
def test_a_command_that_is_not_there_names_the_nearest(command: str, meant: str, capsys) -> None:
    with pytest.raises(SystemExit):
        main([command])
    assert capsys.readouterr().err.rstrip().endswith(meant)
