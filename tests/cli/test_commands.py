"""`auriko chat`, `models` and `doctor` against the sandbox."""

import io
import json
import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError

import pytest

from auriko import Client
from auriko.cli import _background, _doctor, main
from auriko.cli._background import Running
from auriko.models import ApiKeyIdentity
from auriko.sandbox import Limits, Sandbox
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


@pytest.mark.parametrize("most", ["0", "-1"])
def test_a_number_of_tokens_that_cannot_be_is_not_ignored(capsys, most):
    assert main(["chat", "-m", "gpt-4o", "--max-tokens", most, CONTEXT]) == 1
    assert "max_completion_tokens" in capsys.readouterr().err


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


@pytest.mark.parametrize(("columns", "last"), [(120, "tier"), (80, "context"), (60, "USD in / out per 1M")])
def test_models_fit_the_terminal_and_keep_their_prices(capsys, monkeypatch, columns, last):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["models", "gpt-4o"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.endswith(last)
    assert max(len(row) for row in [head, *rows] if not row.startswith("(")) <= max(columns, 63)
    assert "2.5 / 10" in rows[0]
    assert rows[-1].startswith("(no room here for ") == (columns < 120)


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


def test_doctor_says_what_to_do_without_a_key(capsys, monkeypatch):
    monkeypatch.delenv("AURIKO_API_KEY")
    assert main(["doctor"]) == 1
    assert re.search(r"^api key .*\n +-> .*auriko sandbox --background --env", capsys.readouterr().out, re.MULTILINE)


def found_by_doctor(capsys):
    main(["doctor", "--json"])
    return json.loads(capsys.readouterr().out)


def test_doctor_names_the_packages_that_an_extra_lacks(capsys, monkeypatch):
    installed = Distribution.from_name

    def find(name):
        if name in {"uvicorn", "rich"}:
            raise PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(Distribution, "from_name", find)
    found = found_by_doctor(capsys)
    assert found["ok"] is True
    assert found["extra sandbox"] == "not installed (uvicorn)"
    assert found["extra cli"] == "not installed (rich)"
    assert found["extra langchain"].startswith("langchain-core 1.")
    assert found["next"]["extra sandbox"] == 'pip install "auriko[sandbox]"'


@pytest.mark.parametrize("spec", [None, "there"])
def test_doctor_says_how_to_get_a_language_model(capsys, monkeypatch, spec):
    monkeypatch.setattr("auriko.cli._doctor.find_spec", lambda _name: spec)
    assert ("language model" in found_by_doctor(capsys)["next"]) == (spec is None)


@pytest.mark.parametrize("running", [None, Running("http://127.0.0.1:4010/v1", None)])
def test_doctor_tells_of_a_sandbox_in_the_background(capsys, monkeypatch, running):
    monkeypatch.setattr(_background, "running", lambda: running)
    said = "runs in the background at http://127.0.0.1:4010/v1" if running else "none in the background"
    assert found_by_doctor(capsys)["sandbox"] == said


def test_doctor_tries_whether_the_ledger_can_be_written_and_leaves_nothing(capsys, monkeypatch, tmp_path):
    assert "export AURIKO_LEDGER=" in found_by_doctor(capsys)["next"]["ledger"]
    monkeypatch.setenv("AURIKO_LEDGER", str(tmp_path / "new" / "ledger.db"))
    assert found_by_doctor(capsys)["ledger"].endswith("ledger.db is writable; 0 calls, $0.00")
    assert not list(tmp_path.iterdir())
    with Client() as client:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}])
    assert " is writable; 1 calls, $0.0" in found_by_doctor(capsys)["ledger"]


def test_doctor_says_why_a_ledger_cannot_be_used(capsys, monkeypatch, tmp_path):
    (tmp_path / "ledger.db").write_text("This is no database, and has been here for a long time.")
    for path, why in (("ledger.db", "not a database"), ("ledger.db/x", "Not a directory")):
        monkeypatch.setenv("AURIKO_LEDGER", str(tmp_path / path))
        found = found_by_doctor(capsys)
        assert f"{path} cannot be used: " in found["ledger"]
        assert why in found["ledger"]
        assert found["next"]["ledger"] == "set AURIKO_LEDGER to a file of your own"


def test_doctor_tells_what_the_key_may_do(capsys):
    with (
        Sandbox(engines=["quote"], limits=Limits(requests_per_minute=60)) as limited,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AURIKO_BASE_URL", limited.base_url)
        assert found_by_doctor(capsys)["limits"] == "60 requests per minute with this key"
    assert list(_doctor._limits(ApiKeyIdentity())) == []


@pytest.mark.parametrize(
    ("name", "value", "said", "step"),
    [
        ("AURIKO_BASE_URL", "http://127.0.0.1:9/v1", "refused", "auriko sandbox --background starts a sandbox"),
        (
            "AURIKO_BASE_URL",
            "https://nowhere.invalid/v1",
            "connection failed",
            "look at the network, proxy and address",
        ),
        ("AURIKO_BASE_URL", "nonsense", "base_url", "correct the variable that the message is about"),
    ],
)
def test_doctor_says_what_to_do_about_a_gateway_that_does_not_answer(capsys, monkeypatch, name, value, said, step):
    monkeypatch.setenv(name, value)
    found = found_by_doctor(capsys)
    assert found["ok"] is False
    assert said in found["gateway"]
    assert found["next"]["gateway"] == step


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_for_each_shell(capsys, shell):
    assert main(["completion", shell]) == 0
    assert "sandbox" in capsys.readouterr().out


def test_completion_in_bash_completes(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    asked = 'COMP_WORDS=(auriko sandbox --back); COMP_CWORD=2; COMP_TYPE=9; _shtab_auriko; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "--background"


def test_completion_without_its_package_names_the_extra(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert 'pip install "auriko[cli]"' in capsys.readouterr().err
