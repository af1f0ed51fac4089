"""The command line as a user types it: exit codes, one line for a mistake, no traceback."""

import os
import socket
import subprocess
import sys

import pytest

import auriko


def auriko_command(*arguments, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AURIKO_")}
    return subprocess.run(
        [sys.executable, "-m", "auriko", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **environment},
    )


def test_version(tmp_path):
    done = auriko_command("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, f"auriko {auriko.__version__}")


def test_without_a_command_the_help_is_shown(tmp_path):
    done = auriko_command(cwd=tmp_path)
    assert done.returncode == 2
    assert "demo" in done.stdout
    assert "AURIKO_API_KEY" in done.stdout


@pytest.fixture
def empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "blank.md").write_text(" \n")
    (tmp_path / "empty" / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path / "empty"


def test_folder_without_documents_is_one_line_and_exit_code_2(tmp_path, empty_folder):
    done = auriko_command("demo", str(empty_folder), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"auriko: {empty_folder} has no .md or .txt documents\n"


def test_folder_that_is_not_there_is_one_line_and_exit_code_2(tmp_path):
    done = auriko_command("demo", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "auriko: nowhere is not a folder\n")


def test_busy_port_is_one_line_and_exit_code_2(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = auriko_command("sandbox", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{port}" in done.stderr
    assert "in use" in done.stderr


@pytest.mark.parametrize("port", ["70000", "x", "-1"])
def test_port_that_is_none_is_refused(tmp_path, port):
    done = auriko_command("sandbox", f"--port={port}", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a port" in done.stderr


def test_open_address_without_a_key_is_refused(tmp_path):
    done = auriko_command("sandbox", "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_live_demo_without_a_key_names_the_variable_and_the_sandbox(tmp_path):
    done = auriko_command("demo", "--live", cwd=tmp_path)
    assert done.returncode == 1
    assert "AURIKO_API_KEY" in done.stderr
    assert "auriko sandbox" in done.stderr
    assert "Traceback" not in done.stderr
