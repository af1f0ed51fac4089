"""`auriko chat`, `models` and `doctor` against the sandbox."""

import io
import json
from importlib.metadata import Distribution, PackageNotFoundError

import pytest

from auriko.cli import main
from auriko.sandbox import Sandbox
from tests.support import acts, replies
from tests.support.fault_server import serve


@pytest.fixture(scope="module")
def gateway():
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture(autouse=True)
def sandbox(gateway, monkeypatch):
    monkeypatch.setenv("AURIKO_BASE_URL", gateway.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", gateway.api_key)
    return gateway


CONTEXT = "The pump in hall three was installed in 2019. When was the pump installed?"


def test_chat_streams_the_answer_and_says_on_stderr_what_it_cost(capsys, sandbox):
    assert main(["chat", "-m", "gpt-4o", CONTEXT]) == 0
    out, err = capsys.readouterr()
    assert "2019" in out
    assert err.startswith("gpt-4o by ")
    assert "$0.0" in err
    assert sandbox.requests[-1].json["stream"] is True


def test_chat_over_several_models_with_a_strategy_reads_standard_input(capsys, sandbox, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(CONTEXT))
    assert main(["chat", "--models", "gpt-4o, deepseek-chat", "--optimize", "ttft", "--system", "Be brief."]) == 0
    sent = sandbox.requests[-1].json
    assert sent["gateway"] == {"models": ["gpt-4o", "deepseek-chat"], "routing": {"optimize": "ttft"}}
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert "2019" in capsys.readouterr().out


def test_chat_as_json(capsys):
    assert main(["chat", "-m", "gpt-4o", "--json", "--max-tokens", "50", CONTEXT]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "2019" in answer["text"]
    assert answer["routing_metadata"]["cost"]["usd"] > 0
    assert answer["usage"]["prompt_tokens"] > 0


def test_chat_with_a_reply_that_does_not_say_who_gave_it(capsys, monkeypatch):
    with serve(acts.stream(replies.events(replies.chunk("Paris.", finish_reason="stop")) + replies.DONE)) as server:
        monkeypatch.setenv("AURIKO_BASE_URL", server.url)
        assert main(["chat", "-m", "gpt-4o", "The capital of France?"]) == 0
    assert capsys.readouterr() == ("Paris.\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chat", "-m", "gpt-4o"], "say something"),
        (["chat", "hello"], "name one model"),
        (["chat", "-m", "a", "--models", "b", "hello"], "name one model"),
        (["models", "no-such-model"], "no model's name"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments, said, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(" "))
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_chat_with_an_unknown_model_shows_the_gateways_advice(capsys):
    assert main(["chat", "-m", "gpt-99", "hello"]) == 1
    err = capsys.readouterr().err
    assert "model_not_found" in err
    assert "Traceback" not in err


def test_models_as_a_table(capsys):
    assert main(["models", "gpt-4o"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "model"
    assert any(row.startswith("gpt-4o ") and "2.5 / 10" in row for row in rows)
    assert all("gpt-4o" in row for row in rows)


def test_models_as_json(capsys):
    assert main(["models", "--json"]) == 0
    assert "gpt-4o" in json.loads(capsys.readouterr().out)["models"]


def test_doctor_finds_a_gateway_that_answers(capsys, sandbox):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["api key"] == "from AURIKO_API_KEY"
    assert sandbox.base_url in found["gateway"]
    assert sandbox.api_key not in str(found)


def test_doctor_says_what_is_missing(capsys, monkeypatch):
    monkeypatch.delenv("AURIKO_API_KEY")
    assert main(["doctor"]) == 1
    assert "auriko sandbox" in capsys.readouterr().out


def test_doctor_names_the_packages_that_an_extra_lacks(capsys, monkeypatch):
    installed = Distribution.from_name

    def find(name):
        if name in {"uvicorn", "rich"}:
            raise PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(Distribution, "from_name", find)
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["extra sandbox"] == "not installed (uvicorn)"
    assert found["extra cli"] == "not installed (rich)"
    assert found["extra langchain"].startswith("langchain-core 1.")
