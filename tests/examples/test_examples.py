"""Each program of examples/ runs as it stands, against the sandbox; the page to chat on does elsewhere."""

import builtins
import gc
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

FOLDER = Path(__file__).resolve().parents[2] / "examples"
MOST_LINES = 80


@pytest.fixture(autouse=True)
def settings(sandbox, monkeypatch):
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    yield
    sandbox.answer_with(None)
    gc.collect()


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a program with these arguments and typed lines; what it has printed comes back."""

    def run(name, *arguments, typed=()):
        lines = list(typed)

        def ask(prompt=""):
            sys.stdout.write(prompt)
            if not lines:
                raise EOFError
            return lines.pop(0)

        monkeypatch.setattr(builtins, "input", ask)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        assert not lines
        return capsys.readouterr().out

    return run


def test_they_are_short_and_begin_with_how_to_run_them():
    programs = sorted(FOLDER.glob("*.py"))
    assert len(programs) == 6
    for program in programs:
        text = program.read_text("utf-8")
        assert len(text.splitlines()) <= MOST_LINES, program.name
        assert re.match(r'""".+\n\n\s*pip install .+\n.*\b' + program.stem, text), program.name


def test_an_order_desk_looks_up_reads_and_remembers(run, sandbox):
    said = run("order_desk.py")
    assert "calls price_of({'item': 'pen'}): The pen costs 4.0 euros." in said
    assert "12 x pen: 48.0 euros" in said
    assert "Conversation(4 messages, $0.0" in said


def test_a_chat_over_a_folder_remembers_and_says_what_each_answer_cost(run, tmp_path, llamaindex, sandbox):
    (tmp_path / "ferry.md").write_text("The ferry from Lindness to Skarvik takes 45 minutes. A ticket costs 12 euros.")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "tower.txt").write_text("The tower of Skarvik is 38 metres high.")
    questions = ["How long does the ferry take?", "How high is the tower of Skarvik?", "Who leads the support team?"]
    out = run("rag_chat.py", tmp_path, typed=[*questions, ""])
    answers = re.findall(r"(.+)\n\[\$(0\.\d{6}), \$(0\.\d{6}) in all\]\n", out)
    assert [answer for answer, *_ in answers] == [
        "The ferry from Lindness to Skarvik takes 45 minutes.",
        "The tower of Skarvik is 38 metres high.",
        "Not in the documents.",
    ]
    assert float(answers[-1][2]) == pytest.approx(sum(float(usd) for _, usd, _ in answers), abs=3e-6)
    assert "The ferry from Lindness" in json.dumps(sandbox.requests[-1].json)  # it is part of the conversation


TASK = "What is the status of order number 4711?"


def test_an_agent_streams_its_answer(run):
    out = run("agent_budget.py", TASK)
    call, answer, cost = out.splitlines()
    assert call == '[order_status]{"order_number": 4711} -> shipped on Monday'
    assert answer == "shipped on Monday"
    assert re.fullmatch(r"2 calls, \$0\.0\d+", cost)


@pytest.mark.parametrize(("typed", "calls"), [("0.01", 2), ("", 1)])
def test_an_agent_asks_before_it_spends_more_than_its_budget(run, monkeypatch, typed, calls):
    monkeypatch.setenv("LIMIT_USD", "0.00004")
    out = run("agent_budget.py", TASK, typed=[typed])
    assert "A new limit in USD, or nothing to end here: " in out
    assert out.count("[order_status]") == 1  # what was reached is kept
    assert out.count("shipped on Monday") == calls  # the tool's result, and the answer if there is one
    assert re.search(rf"^{calls} calls, \$0\.0", out, re.MULTILINE)


def test_three_models_over_fifty_prompts(run, tmp_path):
    out = run("compare_models.py", tmp_path / "comparison.png")
    head, *rows = (line.split() for line in out.splitlines())
    assert head == ["model", "answers", "failed", "median", "ms", "USD"]
    assert [row[0] for row in rows] == ["gpt-4o", "claude-sonnet-4-6", "deepseek-chat"]
    assert all(row[1:3] == ["50", "0"] and float(row[3]) > 0 and float(row[4]) > 0 for row in rows)
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def endpoint():
    with TestClient(runpy.run_path(str(FOLDER / "serve_stream.py"))["app"]) as client:
        yield client


def events(text):
    pairs = re.findall(r"event: (\w+)\ndata: (.+)\n\n", text)
    return [(name, json.loads(data)) for name, data in pairs]


def test_an_endpoint_streams_with_the_cost_in_its_last_event(endpoint):
    reply = endpoint.get("/ask", params={"question": "The ferry takes 45 minutes. How long does the ferry take?"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *pieces, (name, last) = events(reply.text)
    assert "".join(data["text"] for _, data in pieces) == "The ferry takes 45 minutes."
    assert name == "done"
    assert last.keys() == {"usd", "tokens", "model", "provider"}
    assert last["usd"] > 0


def test_an_endpoint_says_what_went_wrong(endpoint, monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", "ak_sandbox_invalid")
    with TestClient(endpoint.app) as refused:
        assert refused.get("/ask", params={"question": "Hello!"}).status_code == 401
