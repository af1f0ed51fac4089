"""The ledger: nothing told is lost, whoever writes, dies or reads; and what goes wrong with it fails no call."""

import copy
import errno
import fcntl
import importlib
import io
import logging
import os
import pickle
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import auriko
from auriko import AsyncClient, Client, SpendTracker, track_spend
from auriko.spend import LedgerError, SpendLedger, _ledger, _ledger_file, _recorder, _spool
from tests.support.spend_calls import ASK, COST, ask, async_client, client, record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spend" / "ledger.db"


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


# -- what is recorded ----------------------------------------------------------------------------------------------


def test_what_a_tracker_counts_and_a_ledger_records_is_the_same(path: Path) -> None:
    ledger = SpendLedger(path)
    with track_spend(tags=["a", "b"]) as spend:
        ask(client(spend=ledger))
        with track_spend(tags=["c"]):
            list(client(spend=ledger).chat.completions.create(**ASK, stream=True))
    for more in (record(usd=None), record(status="error", usd=None, may_be_billed=False, error_code="x", tags=())):
        ledger.add(more)
        spend.add(more)
    assert ledger.records == spend.records
    assert ledger.total == spend.total
    for key in ("provider", "model", "tag", "conversation", "day"):
        assert ledger.by(key) == spend.by(key), key
    assert str(ledger) == str(spend)
    assert ledger._repr_html_() == spend._repr_html_()
    with pytest.raises(ValueError, match="by provider, model, tag, conversation, day, not by 'user'"):
        ledger.by("user")  # type: ignore[arg-type]


def test_prompts_and_replies_are_not_stored(path: Path) -> None:
    ask(client(spend=SpendLedger(path)))
    waiting = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert SpendLedger(path).total.calls == 1
    moved = b"".join(file.read_bytes() for file in path.parent.iterdir())
    for stored in (waiting, moved):
        assert b"claude-sonnet-4-6" in stored
        assert b"secret question" not in stored
        assert b"Paris" not in stored


def test_files_and_folders_are_ones_own(path: Path) -> None:
    ledger = SpendLedger(path)
    assert not path.parent.exists(), "nothing is made before there is something to record"
    assert (ledger.total.calls, ledger.records, path.parent.exists()) == (0, [], False)
    ledger.add(record())
    (waiting,) = path.parent.iterdir()
    assert ledger.total.calls == 1
    ledger.add(record())
    for file in (path.parent, waiting.parent, *path.parent.iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_it_is_a_database_in_wal_mode_that_others_can_read(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record(tags=("a", "b")))
    ledger.flush()
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("SELECT model, usd, tags FROM calls").fetchall() == [("gpt-4o", 0.25, '["a","b"]')]
    database.close()


def test_a_call_is_recorded_once(path: Path) -> None:
    first, second, told = SpendLedger(path), SpendLedger(path), record()
    for ledger in (first, second, first):
        ledger.add(told)
    assert first.total.calls == 1
    second.add(told)
    assert second.total.calls == 1


@pytest.mark.parametrize(
    "when",
    [
        *("2d", "48h", " 2880M ", "2026-03-30", "2026-03-30T12:00:00+00:00", timedelta(days=2)),
        datetime(2026, 3, 30, 12, tzinfo=timezone.utc),
        datetime(2026, 3, 30, 12),  # noqa: DTZ001 - taken as UTC
    ],
    ids=str,
)
def test_only_what_was_since_then(path: Path, monkeypatch: pytest.MonkeyPatch, when: Any) -> None:
    now = datetime(2026, 4, 1, 12, tzinfo=timezone.utc).timestamp()
    monkeypatch.setattr("auriko.spend._periods.time.time", lambda: now)
    ledger = SpendLedger(path)
    for days_ago in (0, 1, 1.9, 2.6, 400):
        ledger.add(record(started_at=now - days_ago * 86400))
    part = ledger.since(when)
    assert (len(part.records), part.total.calls, part.by_provider()["openai"].calls) == (3, 3, 3)
    assert ledger.total.calls == 5


@pytest.mark.parametrize("when", ["yesterday", "7 days", "-1d", "1.5h", ""])
def test_what_is_no_time_is_refused(path: Path, when: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 30m, 12h, 7d or 2w"):
        SpendLedger(path).since(when)


# -- processes and crashes -----------------------------------------------------------------------------------------

KILLED = """
import os
from auriko.spend import SpendLedger
from tests.support.spend_calls import ask, client

asked = client(spend=SpendLedger(os.environ["LEDGER"]))
for number in range(1000):
    ask(asked)
    os.write(1, b"x")
"""


@pytest.mark.parametrize("after", [130, 500, 777])
def test_a_killed_process_loses_at_most_the_call_in_flight(path: Path, after: int) -> None:
    """SIGKILL in the middle of 1,000 calls: before, during and after what waits is moved into the database."""
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "LEDGER": str(path)}
    )
    with child:
        assert child.stdout is not None
        told = child.stdout.read(after)
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read()
    assert child.returncode == -signal.SIGKILL
    assert after <= len(told) < 1000, "it was killed in the middle"
    assert SpendLedger(path).total.calls - len(told) in {0, 1}
    assert sorted(file.name for file in path.parent.iterdir() if "pending" in file.name) == []


def test_a_line_that_was_being_written_is_left_out(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record())
    (waiting,) = path.parent.iterdir()
    with waiting.open("ab") as file:
        file.write(b'no JSON\n17\n{"id":"without the rest"}\n{"started_at":17')
    assert ledger.total.calls == 1


def test_a_line_that_is_being_written_makes_no_ledger_yet(path: Path) -> None:
    path.parent.mkdir()
    path.with_name(f"{path.name}-pending-0").write_bytes(_spool.line_of(record())[:-1])
    assert SpendLedger(path).total.calls == 0
    assert not path.exists()


def test_many_processes_write_while_others_read(path: Path) -> None:
    program = """
import os
from auriko.spend import SpendLedger
from tests.support.spend_calls import record

ledger = SpendLedger(os.environ["LEDGER"])
for number in range(700):
    ledger.add(record())
"""
    seen = [0]
    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(run, program, LEDGER=str(path)) for _ in range(3)]
        while wait(writers, timeout=0.2).not_done:
            seen.append(SpendLedger(path).total.calls)
    assert [writer.result().stderr for writer in writers] == [""] * 3
    assert seen == sorted(seen)
    assert SpendLedger(path).total.calls == 2100


def test_threads_lose_nothing(path: Path) -> None:
    ledger = SpendLedger(path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ledger.add(record()), range(1200)))
    assert ledger.total.calls == 1200


def test_a_reader_sees_what_a_living_process_has_told(path: Path) -> None:
    writer, reader = SpendLedger(path), SpendLedger(path)
    for expected in (1, 2):
        writer.add(record())
        assert reader.total.calls == expected
    assert [file for file in path.parent.iterdir() if "pending" in file.name], "the writer's file is still open"


# -- everywhere ----------------------------------------------------------------------------------------------------


def test_the_environment_turns_it_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = client()
    monkeypatch.setenv("AURIKO_LEDGER", str(path))
    asked = client(spend=SpendTracker())
    for one in (asked, asked.with_options(max_retries=0), client(spend=SpendLedger(path)), before):
        ask(one)
    assert SpendLedger(path).total.calls == 3, "it is read when a client is made"
    assert SpendLedger(path).total.usd == pytest.approx(3 * COST)


def test_a_forked_and_an_unpickled_client_record(path: Path) -> None:
    """In a program of its own; each process writes a file of its own."""
    program = """
import os, pickle
from auriko.spend import SpendLedger
from tests.support.spend_calls import ask, client

asked = client()
ask(asked)
child = os.fork()
if not child:
    ask(asked)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
ask(asked)
os.environ["AURIKO_LEDGER"] += "-2"
twin = pickle.loads(pickle.dumps(asked))
assert [str(ledger.path) for ledger in twin._caller.settings.recorders] == [os.environ["AURIKO_LEDGER"]]
del os.environ["AURIKO_LEDGER"]
assert pickle.loads(pickle.dumps(asked))._caller.settings.recorders == ()
"""
    run(program, AURIKO_LEDGER=str(path))
    assert SpendLedger(path).total.calls == 3


def test_a_forked_process_leaves_the_file_to_its_parent(path: Path) -> None:
    """In this process, as if it were the child."""
    ledger = SpendLedger(path)
    ledger.add(record())
    _recorder._new_locks_in_child()
    assert ledger._spool is None
    ledger.add(record())
    assert len(list(path.parent.glob("*pending*"))) == 2
    assert SpendLedger(path).total.calls == 2


def test_as_the_process_ends_what_waits_is_moved(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record())
    _ledger._flush_all()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (1,)


def test_a_new_file_that_another_process_takes_for_complete(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks between the making of the file and the locking."""
    taken: list[Path] = []

    def lock(file: int, operation: int) -> None:
        if not taken:
            taken.extend(path.parent.iterdir())
            taken[0].unlink()
        flock(file, operation)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lock)
    ledger = SpendLedger(path)
    ledger.add(record())
    assert len(taken) == 1
    assert SpendLedger(path).total.calls == 1


def test_where_there_are_neither_locks_nor_forks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, with a fresh import."""
    monkeypatch.setattr(auriko, "spend", auriko.spend)
    for name in [name for name in sys.modules if name.startswith("auriko.spend")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.delattr(os, "register_at_fork")
    fresh = importlib.import_module("auriko.spend")
    assert fresh.SpendLedger is not SpendLedger
    ledger = fresh.SpendLedger(path)
    ledger.add(record())
    assert ledger.total.calls == 1
    assert not list(path.parent.glob("*pending*")), "what is held by nobody is complete"


def test_pickles_and_copies_of_a_ledger_lead_to_its_file(path: Path) -> None:
    ledger = SpendLedger(path)
    assert copy.copy(ledger) is copy.deepcopy(ledger) is ledger
    twin = pickle.loads(pickle.dumps(ledger))  # noqa: S301
    assert (twin.path, repr(twin)) == (path, f"SpendLedger('{path}')")
    assert _ledger.ledger_at(str(path)) is twin


def test_a_path_of_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert SpendLedger("~/a.db").path == _ledger.ledger_at("~/a.db").path == tmp_path / "a.db"


# -- broken --------------------------------------------------------------------------------------------------------


def call_twice(path: Path, caplog: pytest.LogCaptureFixture) -> str:
    """What is logged while two calls are made, which nothing disturbs."""
    ledger = SpendLedger(path)
    with caplog.at_level(logging.WARNING, "auriko"), track_spend() as spend:
        for _ in range(2):
            ask(client(spend=ledger))
            ledger.flush()
    assert spend.calls == 2
    (message,) = caplog.messages
    return message


def test_a_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    message = call_twice(tmp_path / "file" / "ledger.db", caplog)
    assert "cannot be written" in message
    assert "This is said once" in message


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    note = tmp_path / "note.txt"
    note.write_text("not a database, but a text of mine")
    assert "file is not a database" in call_twice(note, caplog)
    assert note.read_text() == "not a database, but a text of mine"
    with pytest.raises(LedgerError, match=r"note\.txt cannot be read as a ledger of calls: file is not a database"):
        _ = SpendLedger(note).total


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("CREATE TABLE mine (a)", "another program's database"),
        (f"PRAGMA application_id = {_ledger_file._APPLICATION}; PRAGMA user_version = 9", "a newer version of auriko"),
    ],
)
def test_another_database_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, statement: str, says: str
) -> None:
    other = tmp_path / "other.db"
    database = sqlite3.connect(other)
    database.executescript(statement)
    database.close()
    before = other.read_bytes()
    assert says in call_twice(other, caplog)
    assert other.read_bytes() == before
    with pytest.raises(LedgerError, match=says):
        _ = SpendLedger(other).records


def test_a_file_that_another_process_makes_a_ledger_while_it_is_looked_at(path: Path) -> None:
    path.parent.mkdir()

    class Slow(sqlite3.Connection):
        def execute(self, *statement: Any) -> Any:
            found = super().execute(*statement).fetchall()
            with _ledger_file.writing(path):
                return found

    with closing(sqlite3.connect(path, factory=Slow)) as database:
        assert not _ledger_file._check_kind(database)


def test_a_locked_database_delays_no_call_and_loses_nothing(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ledger_file, "_PATIENCE", 0.01)
    SpendLedger(path).add(record())
    assert SpendLedger(path).total.calls == 1
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert "database is locked" in call_twice(path, caplog)
    holder.execute("COMMIT")
    holder.close()
    assert SpendLedger(path).total.calls == 3


@contextmanager
def no_larger_files(size: int) -> Iterator[None]:
    """The operating system lets this process write no file larger than so many bytes."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_fails_no_call(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = SpendLedger(path)
    with caplog.at_level(logging.WARNING, "auriko"), no_larger_files(100):
        for _ in range(3):
            ledger.add(record())
    (message,) = caplog.messages
    assert "cannot be written" in message
    assert not list(path.parent.iterdir()), "nothing half made is left behind"
    ledger.add(record())
    with no_larger_files(path.parent.joinpath(next(path.parent.iterdir())).stat().st_size + 10):
        ledger.add(record())
    ledger.add(record())
    assert SpendLedger(path).total.calls == 2


@contextmanager
def no_more_files(than: int) -> Iterator[None]:
    """This process may open no more files than so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_descriptors() + than, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_files_wait_than_may_be_open(path: Path) -> None:
    """Each worker that is forked and ends without `atexit` leaves one."""
    path.parent.mkdir()
    for number in range(200):
        path.with_name(f"{path.name}-pending-{number:016x}").write_bytes(_spool.line_of(record()))
    with no_more_files(100):
        assert SpendLedger(path).total.calls == 200
    assert not list(path.parent.glob("*pending*"))


def test_what_waits_and_cannot_be_moved_is_not_taken_for_nothing(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = SpendLedger(path)
    ledger.add(record())

    def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr("auriko.spend._ledger.waiting", fail)
        with pytest.raises(LedgerError, match="Too many open files"):
            _ = ledger.total
    assert "Too many open files" in caplog.text
    assert ledger.total.calls == 1


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("broken", ["fcntl.flock", "os.open", "os.pwrite", "secrets.token_hex", "pathlib.Path.exists"])
def test_whatever_fails_fails_no_call_and_leaks_nothing(
    broken: str, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network drive without locks. After some failures no more is tried, and what is missing is said."""
    tried = 0

    def fail(*_: Any, **__: Any) -> None:
        nonlocal tried
        tried += 1
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    path.parent.mkdir(exist_ok=True)
    ledger = SpendLedger(path)
    before = _descriptors()
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "auriko"):
        patch.setattr("auriko.spend._spool._write_at" if broken == "os.pwrite" else broken, fail)
        for _ in range(100):
            ledger.add(record())
    assert tried == 5
    assert _descriptors() == before
    assert not list(path.parent.iterdir())
    (message,) = caplog.messages
    assert "No locks available. Calls go on, and those that are not recorded are missing from it" in message


def test_failures_that_pass_are_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SpendLedger(path)
    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "flock", lambda *_: os.close(-1))
            for _ in range(4):
                ledger.add(record())
        ledger.add(record())
        ledger.flush()
    assert ledger.total.calls == 3


def test_a_file_that_is_cut_short_loses_what_was_in_it_and_no_more(path: Path) -> None:
    """A mapped file would kill the process."""
    ledger = SpendLedger(path)
    for _ in range(3):
        ledger.add(record())
        os.truncate(next(path.parent.iterdir()), 0)
    ledger.add(record())
    assert ledger.total.calls == 1


def test_writing_where_there_is_no_pwrite(tmp_path: Path) -> None:
    """On Windows."""
    with (tmp_path / "file").open("wb") as file:
        assert _spool._seek_and_write(file.fileno(), b"abc", 0) == 3
        assert _spool._seek_and_write(file.fileno(), b"d", 1) == 1
    assert (tmp_path / "file").read_bytes() == b"adc"


def test_a_line_too_long_for_the_file_has_another(path: Path) -> None:
    ledger = SpendLedger(path)
    for length in (1, 150_000, 150_000, 300_000, 1):
        ledger.add(record(tags=["x" * length]))
    assert [len(tag) for one in ledger.records for tag in one.tags] == [1, 150_000, 150_000, 300_000, 1]
    assert not list(path.parent.glob("*pending*"))


def test_a_tag_that_is_no_text_fails_no_call(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with track_spend(tags=["\ud800"]):
        assert "cannot be written" in call_twice(path, caplog)


# -- every client of every kind ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [client, async_client])
def test_both_clients_have_one(make: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIKO_LEDGER", str(path))
    (ledger,) = make()._caller.settings.recorders
    assert (ledger.path, isinstance(make(), Client | AsyncClient)) == (path, True)
    assert make()._caller.settings.recorders == (ledger,), "one for the process"


def test_exports_come_from_the_file(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record(tags=("a",)))
    text = io.StringIO()
    ledger.to_jsonl(text)
    assert '"tags":["a"]' in text.getvalue()
