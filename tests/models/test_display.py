"""What replies and errors look like in a notebook, and in a terminal of IPython."""

import subprocess
import sys
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

from auriko import ChatCompletion, RoutingMetadata
from auriko.candidates import CandidateSearch
from auriko.errors import BadRequestError, BudgetExceededError, RateLimitError
from auriko.estimate import CostEstimator
from auriko.models import Response
from auriko.response_headers import ResponseHeaders
from tests.support.directory import NOW, directory, entry
from tests.support.replies import METADATA, completion
from tests.support.response_events import message, response

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> ![](http://elsewhere.example/?leak) & \"quoted\" 'text'"
)


def shown(value: Any) -> dict[str, str]:
    """What IPython shows of a value, by MIME type."""
    formatter = DisplayFormatter()
    formatter.active_types = ["text/plain", "text/html", "text/markdown"]
    data: dict[str, str] = formatter.format(value)[0]
    return data


def made(**fields: Any) -> ChatCompletion:
    """A completion as the gateway sends it."""
    return ChatCompletion.model_validate(completion(**fields))


def with_message(**fields: Any) -> ChatCompletion:
    """A completion whose message has these fields."""
    return made(choices=[{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **fields}}])


def test_a_completion_shows_its_text_who_served_it_and_its_cost() -> None:
    assert shown(made(content="Paris.\nOf course."))["text/plain"] == (
        "Paris.\nOf course.\n"
        "claude-sonnet-4-6 by anthropic · $0.00193 · 1,820 tokens in, 61 out · first token after 410 ms\n"
        "warning: seed was not forwarded"
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"routing_metadata": None, "usage": None}, "Paris."),
        (
            {"routing_metadata": {"cost": {"usd": "?"}}, "usage": None},
            "an unknown model by an unknown provider · unknown",
        ),
        ({"choices": []}, "claude-sonnet-4-6 by anthropic"),
    ],
)
def test_what_is_not_known_is_never_shown_as_0(fields: Any, said: str) -> None:
    plain = shown(made(**fields))["text/plain"]
    assert said in plain
    assert "$0" not in plain.replace("$0.00193", "")


def test_a_completion_shows_more_than_text() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    plain = shown(
        with_message(content=None, reasoning_content="Let me see.", refusal="I will not.", tool_calls=[call, call])
    )["text/plain"]
    assert plain.splitlines()[:4] == [
        "(reasoning: Let me see.)",
        "refused: I will not.",
        'calls weather({"city": "Oslo"})',
        'calls weather({"city": "Oslo"})',
    ]


def test_several_answers_and_a_cut_one_are_told_apart() -> None:
    choices = [
        {"index": i, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
        for i, (text, reason) in enumerate([("One.", "stop"), ("Two", "length")])
    ]
    plain = shown(made(choices=choices))["text/plain"]
    assert plain.startswith("Answer 1\nOne.\nAnswer 2\nTwo\n")
    assert "ended by length" in plain


@pytest.mark.parametrize(
    ("mime_type", "data", "drawn"),
    [
        ("image/png", "iVBORw0KGgo=", True),
        ("image/svg+xml", "PHN2Zz48L3N2Zz4=", False),
        ('image/png"><script>', "AAAA", False),
        ("image/png", '"><script>', False),
    ],
)
def test_only_pictures_that_cannot_act_are_drawn(mime_type: str, data: str, drawn: bool) -> None:
    html = shown(with_message(images=[{"mime_type": mime_type, "data": data}]))["text/html"]
    assert ("<img" in html) is drawn
    assert "<script" not in html


def everything(text: str) -> list[Any]:
    """One of each thing that can be shown, full of a text that an outsider chose."""
    call = {"id": "c", "type": "function", "function": {"name": text, "arguments": text}}
    metadata = {
        **dict.fromkeys(("provider", "provider_model_id", "model_canonical", "routing_strategy"), text),
        "warnings": [{"code": text, "message": text}],
    }
    whole = with_message(content=text, reasoning_content=text, refusal=text, tool_calls=[call])
    calls = {"type": "function_call", "call_id": "c", "name": text, "arguments": text}
    headers = ResponseHeaders({"x-request-id": "r"})
    return [
        whole,
        whole.model_copy(update={"routing_metadata": RoutingMetadata.model_validate(metadata)}),
        RoutingMetadata.model_validate(metadata),
        Response.model_validate({**response(output=[message(text)]), "error": {"code": text, "message": text}}),
        Response.model_validate({**response(output=[calls, {"type": text}]), "routing_metadata": metadata}),
        BadRequestError(text, code=text, param=text, provider=text, suggestion=text, response_headers=headers),
        CandidateSearch(models=text).find(directory(entry(text)), NOW),
    ]


@pytest.mark.parametrize("index", range(7))
def test_nothing_that_others_wrote_is_read_as_html_or_markdown(index: int) -> None:
    data = shown(everything(HOSTILE)[index])
    assert set(data) == {"text/plain", "text/html"}
    html = data["text/html"]
    assert "&lt;script&gt;" in html
    for bad in ("<script", "<img", '"quoted"', "'text'"):
        assert bad not in html


@pytest.mark.parametrize("index", range(7))
def test_displays_have_no_colours_of_their_own(index: int) -> None:
    html = shown(everything("text")[index])["text/html"]
    assert "color" not in html
    assert "background" not in html


def test_routing_metadata_is_a_table() -> None:
    plain = shown(RoutingMetadata.model_validate(METADATA))["text/plain"]
    rows = dict(
        line.split(None, 1) for line in plain.splitlines()[2:] if not line.startswith(("the ", "first", "saved"))
    )
    assert rows["provider"] == "anthropic"
    assert rows["cost"] == "$0.00193"
    assert rows["throughput"] == "74.2 tokens/s"
    assert "saved by the cache         $0.0031" in plain


def test_a_response_shows_its_text_and_the_calls() -> None:
    calls = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"}
    plain = shown(Response.model_validate(response(output=[calls, message("Paris."), {"type": "web_search_call"}])))[
        "text/plain"
    ]
    assert plain.startswith("calls weather({})\n(web_search_call)\nParis.\n")


def test_tables_are_tables_in_a_terminal_too() -> None:
    found = CandidateSearch(models="claude-sonnet-4-6").find(directory(entry("anthropic")), NOW)
    costs = CostEstimator(models="claude-sonnet-4-6", messages="Hello").estimate(directory(entry("anthropic")), NOW)
    for table in (found, costs):
        assert shown(table)["text/plain"] == str(table)
        assert shown(table)["text/plain"].startswith("model ")


def test_an_error_shows_what_happened_what_to_do_and_its_facts() -> None:
    headers = ResponseHeaders({"x-request-id": "req_7", "retry-after": "3"})
    error = RateLimitError(
        "Slow down.", status_code=429, code="rate_limit_exceeded", response_headers=headers, attempts=3
    )
    html = shown(error)["text/html"]
    assert "<strong>RateLimitError</strong>" in html
    assert "Slow down." in html
    assert "429 · rate_limit_exceeded · request req_7 · 3 attempts" in html
    advised = BadRequestError("No such model.", status_code=400, suggestion="Ask for gpt-4o.")
    assert advised._repr_mimebundle_()["text/plain"] == "BadRequestError\nNo such model.\nAsk for gpt-4o.\n400"
    assert "BudgetExceededError" in shown(BudgetExceededError("Enough.", limit_usd=1, spent_usd=1))["text/html"]


def test_displays_cost_nothing_at_import() -> None:
    program = """
import sys
import auriko
costly = {"IPython", "auriko._display.card", "auriko.notebook._magic", "auriko.notebook"}
print(sorted(costly & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
