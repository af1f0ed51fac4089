"""`auriko spend`: what it prints, its exit codes, and one line for every mistake."""

import csv
import io
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from auriko.cli import main
from auriko.spend import SpendLedger
from tests.support.spend_calls import record


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger that has some calls, which AURIKO_LEDGER names."""
    ledger = SpendLedger(tmp_path / "ledger.db")
    monkeypatch.setenv("AURIKO_LEDGER", str(ledger.path))
    for told in (
        record(usd=0.1, tags=("a",)),
        record(usd=0.2, tags=("a", "b"), conversation="7"),
        record(usd=None, provider=None, model=None, started_at=1774872000.0),
    ):
        ledger.add(told)
    return ledger.path


def test_sums_by_provider_and_model_and_tag(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spend"]) == 0
    out = capsys.readouterr().out
    assert out == f"{SpendLedger(path)}\n"
    assert out.startswith("3 calls: $0.30 + 1 unknown\n")
    assert [line.split()[0] for line in out.splitlines() if "calls  " in line] == ["provider", "model", "tag"]


def test_sums_by_day_since_then(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spend", "--ledger", str(path), "--since", "2026-03-31", "--by", "day"]) == 0
    out = capsys.readouterr().out
    assert "2 calls: $0.30\n" in out
    assert out.splitlines()[-1].split() == ["2026-03-31", "2", "2,000", "100", "$0.30", "100%"]
    assert main(["spend", "--since", "1m"]) == 0
    assert capsys.readouterr().out == "no calls\n"


def test_sums_by_conversation(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spend", "--by", "conversation"]) == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[4:]]
    assert rows == [["7", "1"], ["(none)", "2"]]
    assert main(["spend", "--by", "conversation", "--csv"]) == 0
    assert "conversation,7,1,0.2," in capsys.readouterr().out


def test_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spend", "--json", "--by", "tag", "--by", "provider"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["total", "tag", "provider"]
    assert (told["total"]["usd"], told["total"]["unknown_cost_calls"]) == (0.3, 1)
    assert {row["tag"]: row["usd"] for row in told["tag"]} == {None: None, "a": 0.3, "b": 0.2}
    assert main(["spend", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["total", "provider", "model", "tag", "day"]


def test_csv_of_calls_and_of_sums(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spend", "--csv"]) == 0
    calls = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [call["usd"] for call in calls] == ["0.1", "0.2", ""]
    assert main(["spend", "--csv", "--by", "provider"]) == 0
    sums = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["by"], row["name"], row["usd"]) for row in sums] == [
        ("provider", "openai", "0.3"),
        ("provider", "", ""),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--since", "yesterday"], "auriko: 'yesterday' is no time: write 30m, 12h, 7d or 2w, or a date"),
        (["--ledger", "nowhere.db"], "auriko: there is no ledger at nowhere.db: set AURIKO_LEDGER to a file"),
        (["--ledger", __file__], "cannot be read as a ledger of calls: file is not a database"),
    ],
)
def test_a_mistake_is_one_line(path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert main(["spend", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_without_a_ledger(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AURIKO_LEDGER", raising=False)
    assert main(["spend"]) == 2
    assert "there is no ledger: set AURIKO_LEDGER to a file" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--json", "--csv"], ["--by", "user"], ["--since"]])
def test_what_argparse_refuses(path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["spend", *arguments])
    assert ended.value.code == 2
    assert "usage: auriko spend" in capsys.readouterr().err


def test_the_command_as_users_start_it(path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "auriko", "spend"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 calls: $0.30 + 1 unknown\n")


def test_a_page_of_it(path: Path) -> None:
    command = [sys.executable, "-m", "auriko", "spend", "--serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        address = said.split(" is shown at ")[1].split()[0]
        assert "3 calls" not in said
        assert "auriko" in httpx.get(address).text
        assert "unknown" in httpx.get(f"{address}ledger?since=all").text
        server.send_signal(signal.SIGINT)
        assert server.wait(10) in {0, 130}


def test_a_page_whose_port_is_taken(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["spend", "--serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "in use" in capsys.readouterr().err


def test_a_page_without_the_sandboxs_packages(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "auriko.sandbox.live.ledger_app", None)
    assert main(["spend", "--serve"]) == 2
    assert "ledger_app" in capsys.readouterr().err


def test_a_page_ends_with_exit_code_0(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko.sandbox.live.ledger_app.serve", lambda *_: None)
    assert main(["spend", "--serve"]) == 0
