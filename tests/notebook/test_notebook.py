"""Streams that grow on the screen, and the cell magic: in a real kernel where that matters, else in this process."""

import itertools
from typing import Any

import nbformat
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from auriko import AsyncClient, Client, notebook
from auriko.errors import StreamInterruptedError
from auriko.notebook import show_stream
from auriko.sandbox import Sandbox

QUESTION = "Context: The pump was installed in 2019.\n\nQuestion: When was the pump installed?"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
ANSWER = "The pump was installed in 2019."
REQUEST: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES, "stream": True}

CELLS = (
    "from auriko import AsyncClient, Client\nfrom auriko.notebook import show_stream\n%load_ext auriko",
    "client, async_client = Client(), AsyncClient()\nanswer = show_stream(client.chat.completions.create(**REQUEST))",
    "answer = await show_stream(await async_client.chat.completions.create(**REQUEST))",
    f"%%auriko --models gpt-4o,deepseek-chat --optimize cost --client client --into reply\n{QUESTION}",
    "reply",
    "client.close()\nawait async_client.close()",
)


@pytest.fixture
def shell(client: Client) -> Any:
    """An IPython shell with the magic, and a client by name."""
    InteractiveShell.clear_instance()
    made: Any = InteractiveShell.instance()
    made.extension_manager.load_extension("auriko")
    made.push({"client": client, "number": 7})
    yield made
    InteractiveShell.clear_instance()


def test_in_a_notebook_answers_grow_in_place(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    book: Any = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(f"REQUEST = {REQUEST!r}"), *map(nbformat.v4.new_code_cell, CELLS)]
    NotebookClient(book, timeout=60).execute()
    shown = [[output["data"]["text/plain"] for output in cell.outputs] for cell in book.cells]
    assert [len(outputs) for outputs in shown] == [0, 0, 1, 1, 1, 1, 0]
    for (text,) in (outputs for outputs in shown if outputs):
        assert text.startswith(f"{ANSWER}\n")
        assert " by " in text
        assert "$0.0" in text


@pytest.mark.parametrize(("pause", "every_piece"), [(0, True), (3600, False)])
def test_a_cell_is_not_updated_more_often_than_a_browser_can_follow(
    shell: Any, client: Client, monkeypatch: pytest.MonkeyPatch, pause: float, every_piece: bool
) -> None:
    shell.kernel = object()
    shell.display_pub = CapturingDisplayPublisher()
    monkeypatch.setattr(notebook, "_SECONDS_BETWEEN_UPDATES", pause)
    with client.chat.completions.create(**REQUEST) as stream:
        pieces = list(stream.text_deltas())
    answer = show_stream(client.chat.completions.create(**REQUEST))
    first, *updates = shell.display_pub.outputs
    assert all(output["update"] and output["transient"] == first["transient"] for output in updates)
    *growing, whole = [output["data"]["text/plain"] for output in updates]
    assert growing == (list(itertools.accumulate(pieces)) if every_piece else pieces[:1])
    assert len(pieces) > 1
    assert whole.startswith(f"{ANSWER}\ngpt-4o by azure_openai · $0.0")
    assert answer.choices[0].message.content == ANSWER


def test_in_a_terminal_the_text_is_printed_once(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    answer = show_stream(client.chat.completions.create(**REQUEST))
    said = capsys.readouterr().out
    assert said.startswith(f"{ANSWER}\ngpt-4o by azure_openai · $0.0")
    assert said.count(ANSWER) == 1
    assert answer.choices[0].message.content == ANSWER
    assert answer.request_id
    assert answer.usage


@pytest.mark.anyio
async def test_streams_of_both_kinds_and_clients_give_the_whole(
    sandbox: Sandbox, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    response = show_stream(client.responses.create(model="gpt-4o", input=QUESTION, stream=True))
    async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as asynchronous:
        later = await show_stream(await asynchronous.responses.create(model="gpt-4o", input=QUESTION, stream=True))
        chat = await show_stream(await asynchronous.chat.completions.create(**REQUEST))
    assert response.output_text == later.output_text == chat.choices[0].message.content == ANSWER
    assert capsys.readouterr().out.count(f"{ANSWER}\ngpt-4o by azure_openai") == 3


def test_what_has_arrived_stays_when_the_stream_fails(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    stream = client.chat.completions.create(**{**REQUEST, "model": "gpt-4o@cut;after=3"})
    with pytest.raises(StreamInterruptedError):
        show_stream(stream)
    said = capsys.readouterr().out
    assert said
    assert ANSWER.startswith(said)


def test_a_stream_that_has_been_begun_is_refused(client: Client) -> None:
    with client.chat.completions.create(**REQUEST) as stream:
        next(stream)
        with pytest.raises(ValueError, match="from its beginning"):
            show_stream(stream)


@pytest.mark.anyio
async def test_what_is_no_stream_is_refused(sandbox: Sandbox, client: Client) -> None:
    refused: Any = show_stream
    async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as asynchronous:
        with pytest.raises(TypeError, match=r"await show_stream\(await client"):
            refused(asynchronous.chat.completions.create(**REQUEST))
    with pytest.raises(TypeError, match="not a ChatCompletion"):
        refused(client.chat.completions.create(**{**REQUEST, "stream": False}))


def test_the_magic_sends_what_it_is_told(shell: Any, sandbox: Sandbox) -> None:
    asked = '--models "gpt-4o, deepseek-chat" --optimize cost --system "Be brief." --max-tokens 50'
    shell.run_cell_magic("auriko", f"{asked} --client client --into reply", f"{QUESTION}\n")
    body = sandbox.requests[-1].json
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    assert body["gateway"] == {"models": ["gpt-4o", "deepseek-chat"], "routing": {"optimize": "cost"}}
    assert body["max_completion_tokens"] == 50
    assert "model" not in body
    assert shell.user_ns["reply"].choices[0].message.content == ANSWER


def test_the_magic_takes_its_client_from_the_environment(
    shell: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    shell.run_cell_magic("auriko", "--model deepseek-chat", QUESTION)
    assert "deepseek-chat by deepseek" in capsys.readouterr().out
    assert "reply" not in shell.user_ns


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("--model gpt-4o", " \n", "it is empty"),
        ("", "Hello", "--model or|--model, or"),
        ("--model a --models b,c", "Hello", "--model, or"),
        ("--model gpt-4o --optimise cost", "Hello", "unrecognized arguments: --optimise"),
        ("--model gpt-4o --optimize cheap", "Hello", "invalid choice"),
        ("--model gpt-4o --client nobody", "Hello", "no auriko.Client of that name"),
        ("--model gpt-4o --client number", "Hello", "no auriko.Client of that name"),
        ("--model 'gpt-4o", "Hello", "No closing quotation"),
    ],
)
def test_a_wrong_line_is_refused_before_any_request(
    shell: Any, sandbox: Sandbox, line: str, cell: str, said: str
) -> None:
    before = len(sandbox.requests)
    with pytest.raises(UsageError, match=said):
        shell.run_cell_magic("auriko", line, cell)
    assert len(sandbox.requests) == before


def test_the_magic_explains_itself(shell: Any) -> None:
    explained = shell.find_cell_magic("auriko").__doc__
    assert all(option in explained for option in ("--models", "--optimize", "--into", "--client"))
