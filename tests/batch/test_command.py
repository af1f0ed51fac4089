"""`auriko batch`: what it reads, what it writes, and that a kill at any point loses and repeats nothing."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from auriko.cli import main
from tests.support import acts, replies
from tests.support.batch_ways import ask
from tests.support.fault_server import Connection, FaultServer, serve

COST = 0.00193


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AURIKO_API_KEY", "ak_test_batch")


def write(*lines: Any) -> None:
    Path("in.jsonl").write_text("".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines), "utf-8")


def written() -> list[dict[str, Any]]:
    """The whole lines of the output."""
    file = Path("out.jsonl")
    return [json.loads(line) for line in file.read_text("utf-8").split("\n")[:-1]] if file.exists() else []


def send(server: FaultServer, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setenv("AURIKO_BASE_URL", server.url)
    return main(["batch", "in.jsonl", "-o", "out.jsonl", *options])


def named(number: int) -> dict[str, Any]:
    """A line of OpenAI's batch format."""
    body = ask(number)
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_is_refused_since_it_can_be_read_but_once(capsys):
    os.mkfifo("in.jsonl")
    assert main(["batch", "in.jsonl", "-o", "out.jsonl"]) == 2
    assert "in.jsonl is no file, but a batch reads its requests twice" in capsys.readouterr().err
    assert not list(Path().glob("out*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("most", [500, 2_000])
def test_a_run_that_fills_the_disk_says_so_and_is_gone_on_with(most, monkeypatch, capsys):
    """A process whose files may not grow stands for it."""
    import resource

    write(*map(named, range(6)))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # caches of modules may not grow either
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(acts.ok) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            assert send(server, monkeypatch) == 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert capsys.readouterr().err == (
            "auriko: out.jsonl cannot be written: File too large; the same command goes on where this one stopped\n"
        )
        assert send(server, monkeypatch) == 0
    assert sorted(line["custom_id"] for line in written()) == [f"r{number}" for number in range(6)]


def test_answers_carry_line_custom_id_and_cost(monkeypatch, capsys):
    write(ask(0), "", named(1), {**ask(2), "stream": False})
    with serve(acts.ok) as server:
        assert send(server, monkeypatch) == 0
        assert sorted(request.json["messages"][0]["content"] for request in server.requests) == ["0", "1", "2"]
        assert all(set(request.json) == {"model", "messages"} for request in server.requests)
    lines = sorted(written(), key=lambda line: line["line"])
    assert [(line["line"], line["custom_id"], line["cost_usd"]) for line in lines] == [
        (1, None, COST),
        (3, "r1", COST),
        (4, None, COST),
    ]
    response = lines[0]["response"]
    assert (response["status_code"], response["request_id"]) == (200, "req_1")
    assert response["body"] == replies.completion()
    assert all(line["error"] is None for line in lines)
    assert capsys.readouterr().out == ("out.jsonl: 3 of 3 requests answered\n$0.00579 in all, $0.00579 in this run\n")
    assert not Path("out.jsonl.sent").exists()


def test_lines_that_cannot_be_sent_are_named_before_anything_is_sent(monkeypatch, capsys):
    other = {**named(1), "url": "/v1/embeddings"}
    write(ask(0), "{", "[1]", {"model": "m"}, {**ask(4), "tempreature": 1}, named(1), named(1), other)
    with serve(acts.ok) as server:
        assert send(server, monkeypatch) == 2
        assert server.accepted == 0
    said = capsys.readouterr().err
    for wrong in (
        "line 2: not JSON",
        "line 3: the line is not a JSON object",
        "line 4: create() needs messages",
        "line 5: create() got an unknown argument 'tempreature'",
        "line 7: custom_id 'r1' is that of line 6",
        "line 8: only POST /chat/completions",
    ):
        assert wrong in said
    assert "line 1:" not in said
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"custom_id": 7, "body": ask(0)}, "custom_id is not a text"),
        ({"custom_id": "a", "body": "x"}, "body is not a JSON object"),
        ({**ask(0), "stream": True}, "does not stream"),
        ({"model": "m", "messages": []}, "messages is empty"),
        ("", "holds no requests"),
    ],
)
def test_a_line_that_cannot_be_sent(line, said, monkeypatch, capsys):
    write(line)
    with serve(acts.ok) as server:
        assert send(server, monkeypatch) == 2
    assert said in capsys.readouterr().err


def test_an_input_that_is_not_there(capsys):
    assert main(["batch", "none.jsonl", "-o", "out.jsonl"]) == 2
    assert "none.jsonl cannot be read" in capsys.readouterr().err


def test_an_output_that_cannot_be_there(monkeypatch, capsys):
    write(ask(0))
    with serve(acts.ok) as server:
        monkeypatch.setenv("AURIKO_BASE_URL", server.url)
        assert main(["batch", "in.jsonl", "-o", "nowhere/out.jsonl"]) == 2
        assert server.accepted == 0
    assert capsys.readouterr().err == "auriko: nowhere/out.jsonl cannot be written: No such file or directory\n"


def test_an_input_that_changes_under_way(monkeypatch, capsys):
    padding = " " * 100_000  # more than is read at once
    write(ask(0), padding, ask(2))

    def answer(connection: Connection) -> None:
        write(ask(0), padding, "{")
        acts.ok(connection)

    with serve(answer) as server:
        assert send(server, monkeypatch, "--concurrency", "1") == 2
    assert "auriko: in.jsonl, line 3: not JSON" in capsys.readouterr().err
    assert [line["line"] for line in written()] == [1]


def test_without_a_key_nothing_is_made(monkeypatch, capsys):
    write(ask(0))
    monkeypatch.delenv("AURIKO_API_KEY")
    assert main(["batch", "in.jsonl", "-o", "out.jsonl"]) == 1
    assert [file.name for file in Path().iterdir()] == ["in.jsonl"]


def test_errors_are_written_and_sent_again_on_demand(monkeypatch, capsys):
    write(ask(0), named(1), ask(2))
    refusal = acts.error(400, "invalid_request_error", "invalid_value", x_request_id="req_9")
    with serve(acts.ok, refusal, acts.ok) as server:
        assert send(server, monkeypatch, "--concurrency", "1") == 1
        failed = next(line for line in written() if line["error"])
        assert (failed["line"], failed["custom_id"], failed["response"], failed["cost_usd"]) == (2, "r1", None, 0)
        assert failed["error"] == {
            "class": "BadRequestError",
            "message": "It did not work.",
            "status_code": 400,
            "type": "invalid_request_error",
            "code": "invalid_value",
            "request_id": "req_9",
        }
        assert send(server, monkeypatch) == 1
        assert len(server.requests) == 3, "an error is an answer"
        assert send(server, monkeypatch, "--retry-errors") == 0
        assert len(server.requests) == 4
    assert [line["line"] for line in written()] == [1, 3, 2]
    assert "2 of 3 requests answered, 1 failed" in capsys.readouterr().out


def test_a_lost_answer_has_an_unknown_cost(monkeypatch, capsys):
    write({**ask(0), "max_retries": 0})
    with serve(acts.reset) as server:
        assert send(server, monkeypatch, "--json") == 1
    assert written()[0]["cost_usd"] is None
    summary = json.loads(capsys.readouterr().out)
    assert (summary["failed"], summary["unknown_cost"], summary["usd"]) == (1, 1, 0)


def test_the_limit_holds_over_all_runs(monkeypatch, capsys):
    write(*map(ask, range(8)))
    limited = ["--concurrency", "1", "--limit-usd"]
    with serve(acts.ok) as server:
        assert send(server, monkeypatch, *limited, str(1.5 * COST)) == 1
        out, err = capsys.readouterr()
        assert "1 of 8 requests answered, 7 not sent" in out
        assert "The spend limit" in err
        for _ in range(2):  # the next run does not know yet what a call costs, and makes one with what is left
            assert send(server, monkeypatch, *limited, str(1.5 * COST)) == 1
            assert len(server.requests) == 2
        assert send(server, monkeypatch, *limited, str(4.5 * COST)) == 1
        assert len(server.requests) == 4
        assert send(server, monkeypatch) == 0
        assert len(server.requests) == 8
    assert sorted(line["line"] for line in written()) == [*range(1, 9)]
    assert not any(line["possibly_billed_twice"] for line in written())


@pytest.mark.parametrize(
    "refusal",
    [acts.error(401, "authentication_error"), acts.error(429, "rate_limit_error", "insufficient_quota")],
    ids=["401", "insufficient_quota"],
)
def test_what_every_request_would_meet_stops_the_batch(refusal, monkeypatch, capsys):
    write(*map(ask, range(50)))
    with serve(acts.ok, refusal) as server:
        assert send(server, monkeypatch, "--concurrency", "2") == 1
        assert len(server.requests) < 8
    assert [line["error"] for line in written()] == [None]
    out, err = capsys.readouterr()
    assert "1 of 50 requests answered, 49 not sent" in out
    assert err.startswith("auriko: stopped: It did not work.")


@pytest.mark.parametrize("limit", ["-1", "nan"])
def test_a_limit_that_is_none_is_refused(limit, monkeypatch, capsys):
    write(ask(0))
    with serve(acts.ok) as server:
        assert send(server, monkeypatch, "--limit-usd", limit) == 2
        assert not server.requests
    assert "limit_usd" in capsys.readouterr().err
    assert not list(Path().glob("out*"))


def test_the_output_of_another_input_is_refused(monkeypatch, capsys):
    with serve(acts.ok) as server:
        write(ask(0))
        assert send(server, monkeypatch) == 0
        (ours,) = written()
        write(ask(1), ask(2))
        assert send(server, monkeypatch) == 2
        assert "the answer to another request for line 1" in capsys.readouterr().err
        assert not Path("out.jsonl.sent").exists()
        for other in ({"a": 1}, {**ours, "line": "1"}, {**ours, "request_digest": None}):
            Path("out.jsonl").write_text(f"{json.dumps(other)}\n", "utf-8")
            assert send(server, monkeypatch) == 2
            assert "line 1, was not written by this command" in capsys.readouterr().err
            assert not Path("out.jsonl.sent").exists()
        assert len(server.requests) == 1


def test_lines_that_are_added_to_the_input_are_sent(monkeypatch):
    with serve(acts.ok) as server:
        write(ask(0))
        assert send(server, monkeypatch) == 0
        write(ask(0), ask(1))
        assert send(server, monkeypatch) == 0
        assert [request.json for request in server.requests] == [ask(0), ask(1)]


def test_two_runs_do_not_write_one_file(monkeypatch, capsys):
    write(*map(ask, range(3)))
    codes: list[int] = []

    def answer(connection: Connection) -> None:
        if not codes:
            codes.append(main(["batch", "in.jsonl", "-o", "out.jsonl"]))
        acts.ok(connection)

    with serve(answer) as server:
        assert send(server, monkeypatch, "--concurrency", "1") == 0
        assert codes == [2]
        assert len(server.requests) == 3
    assert capsys.readouterr().err == "auriko: another run is writing out.jsonl\n"


def test_a_system_without_locks(monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    write(ask(0), ask(1))
    with serve(acts.ok) as server:
        assert send(server, monkeypatch) == 0
    assert len(written()) == 2


def command(output: str) -> list[str]:
    return [sys.executable, "-m", "auriko", "batch", "in.jsonl", "-o", output, "--concurrency", "5"]


def test_ctrl_c_ends_a_run_that_goes_on_later(monkeypatch, capsys):
    write(*map(ask, range(6)))
    main_thread = threading.get_ident()
    held = threading.Event()

    def answer(connection: Connection) -> None:
        if server.performed == 4:
            signal.pthread_kill(main_thread, signal.SIGINT)
        if server.performed >= 3 and not held.is_set():
            connection.hang()
        else:
            acts.ok(connection)

    with serve(answer) as server:
        assert send(server, monkeypatch, "--concurrency", "2") == 130
        server.wait_until_unused()
        held.set()
        assert len(server.requests) == 4
        assert "the same command goes on" in capsys.readouterr().err
        assert send(server, monkeypatch) == 0
        assert len(server.requests) == 8
    assert sum(line["possibly_billed_twice"] for line in written()) == 2
    assert "2 requests were under way" in capsys.readouterr().out


def test_a_kill_loses_no_answer_and_repeats_none(monkeypatch):
    """Ten kills at points that chance picks: within starts, answers and writing, wherever they fall."""
    chance = random.Random(20)
    arrived = threading.Condition()
    seen: list[str] = []
    numbers = range(150)
    write(*map(named, numbers))

    def answer(connection: Connection) -> None:
        assert connection.request is not None
        with arrived:
            seen.append(connection.request.json["messages"][0]["content"])
            arrived.notify_all()
        time.sleep(0.004)
        acts.ok(connection)

    with serve(answer) as server:
        monkeypatch.setenv("AURIKO_BASE_URL", server.url)
        killed = 0
        for _ in range(10):
            done_before, sent_before = {line["custom_id"] for line in written()}, len(seen)
            with subprocess.Popen(command("out.jsonl"), stdout=subprocess.DEVNULL) as process:
                until = sent_before + chance.randrange(1, 16)
                with arrived:
                    assert arrived.wait_for(lambda: len(seen) >= until, 60)  # noqa: B023 - it is called here
                time.sleep(chance.random() * 0.01)
                process.kill()
            killed += process.returncode == -signal.SIGKILL
            server.wait_until_unused()
            again = {f"r{number}" for number in seen[sent_before:]}
            assert not again & done_before, "what had been answered was sent again"
            lost = again - {line["custom_id"] for line in written()}
            assert len(lost) <= 5, "more than what was under way has no answer"
        assert killed == 10
        assert subprocess.run([*command("out.jsonl"), "--json"], capture_output=True, check=False).returncode == 0

    lines = written()
    assert sorted(line["custom_id"] for line in lines) == sorted(f"r{number}" for number in numbers)
    times_sent = Counter(f"r{number}" for number in seen)
    twice = {name for name, times in times_sent.items() if times > 1}
    told = {line["custom_id"] for line in lines if line["possibly_billed_twice"]}
    assert twice, "no kill met a request under way"
    assert twice <= told
    assert len(told) <= 10 * 5


def test_a_line_that_was_cut_short_is_sent_again(monkeypatch, capsys):
    write(*map(named, range(3)))
    with serve(acts.ok) as server:
        assert send(server, monkeypatch) == 0
        text = Path("out.jsonl").read_text("utf-8")
        whole = text.split("\n")
        for cut in (1, len(whole[2]) // 2, len(whole[2])):
            Path("out.jsonl").write_text(f"{whole[0]}\n{whole[1]}\n{whole[2][:cut]}", "utf-8")
            Path("out.jsonl.sent").write_text(f"1\n2\n3\n{json.loads(whole[2])['line']}"[:-1], "utf-8")
            assert send(server, monkeypatch) == 0
            assert sorted(line["line"] for line in written()) == [1, 2, 3]
        assert len(server.requests) == 6
    assert [line["possibly_billed_twice"] for line in written()] == [False, False, True]


def test_replies_are_written_so_that_they_can_be_read(monkeypatch):
    texts = ["Grüße, 世界", "line\u2028separator", "two\nlines"]
    name = "half \ud83d of a pair"
    write(*({"custom_id": f"{name}{number}", "body": ask(number)} for number in range(len(texts))))
    at = itertools.count()

    def answer(connection: Connection) -> None:
        acts.reply(200, replies.completion(texts[next(at)]))(connection)

    with serve(answer) as server:
        assert send(server, monkeypatch, "--concurrency", "1") == 0
    assert [line["response"]["body"]["choices"][0]["message"]["content"] for line in written()] == texts
    assert [line["custom_id"] for line in written()] == [f"{name}{number}" for number in range(len(texts))]
