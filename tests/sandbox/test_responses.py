"""The Responses API: one object or events, read with httpx and with the real `openai` package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from auriko.sandbox.engines.base import Finish, Text, ToolCall

TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TEXT = "Blue light is scattered more."


def ask(http: Any, **fields: Any) -> Any:
    return http.post("/responses", json={"model": "gpt-5.4", "input": "Why is the sky blue?", **fields})


def events(http: Any, **fields: Any) -> list[dict[str, Any]]:
    reply = ask(http, stream=True, **fields)
    assert reply.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in reply.text.strip().split("\n\n")]
    data = [json.loads(lines[-1].removeprefix("data: ")) for lines in blocks]
    assert [lines[0] for lines in blocks] == [f"event: {each['type']}" for each in data]
    assert [each["sequence_number"] for each in data] == list(range(len(data)))
    return data


@pytest.fixture
def client(sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        yield client


def test_a_plain_response(http):
    body = ask(http, metadata={"a": "b"}, temperature=0.5, instructions="Be brief.").json()
    assert body["status"] == "completed"
    assert body["output_text"] == TEXT
    (message,) = body["output"]
    assert message["content"] == [{"type": "output_text", "text": TEXT, "annotations": []}]
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"]
    assert body["routing_metadata"]["cost"]["usd"] > 0
    assert (body["metadata"], body["temperature"], body["instructions"]) == ({"a": "b"}, 0.5, "Be brief.")
    assert body["completed_at"] >= body["created_at"]


def test_the_events_of_a_text_come_in_order(http):
    kinds = [each["type"].removeprefix("response.") for each in events(http)]
    deltas = kinds.count("output_text.delta")
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * deltas,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert deltas == 5


def test_the_last_event_holds_what_a_plain_reply_does(http):
    streamed, plain = events(http)[-1]["response"], ask(http).json()
    assert streamed.keys() == plain.keys()
    assert streamed["output_text"] == plain["output_text"]
    assert streamed["usage"] == plain["usage"]


def test_the_events_of_a_call(http):
    data = events(http, tools=[TOOL])
    deltas = [each["delta"] for each in data if each["type"] == "response.function_call_arguments.delta"]
    assert len(deltas) > 1
    done = next(each for each in data if each["type"] == "response.function_call_arguments.done")
    assert done["arguments"] == "".join(deltas)
    (call,) = data[-1]["response"]["output"]
    assert (call["type"], call["name"], call["status"]) == ("function_call", "get_weather", "completed")


def test_a_call_is_answered_and_the_answer_goes_on(http, slow):
    first = ask(http, tools=[TOOL], reasoning={"effort": "low", "summary": "auto"}).json()
    question = {"role": "user", "content": [{"type": "input_text", "text": "And now?"}]}
    call = first["output"][-1]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
    reply = ask(http, tools=[TOOL], input=[question, *first["output"], output])
    assert reply.json()["output_text"] == TEXT
    roles = [message["role"] for message in slow.prompts[-1].messages]
    assert roles == ["user", "assistant", "tool"]


def test_reasoning_is_summarised_if_asked(http):
    data = events(http, reasoning={"effort": "low", "summary": "auto"}, include=["reasoning.encrypted_content"])
    kinds = [each["type"].removeprefix("response.") for each in data]
    deltas = kinds.count("reasoning_summary_text.delta")
    assert kinds[2 : 4 + deltas + 3] == [
        "output_item.added",
        "reasoning_summary_part.added",
        *["reasoning_summary_text.delta"] * deltas,
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    reasoning = data[-1]["response"]["output"][0]
    assert reasoning["summary"][0]["text"].startswith("The question is")
    assert reasoning["encrypted_content"]
    assert data[-1]["response"]["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize("summary", [{"summary": "auto"}, {}])
def test_encrypted_reasoning_goes_back_as_it_came(http, summary):
    fields = {
        "tools": [TOOL],
        "reasoning": {"effort": "low", **summary},
        "include": ["reasoning.encrypted_content"],
    }
    first = ask(http, **fields).json()["output"]
    output = {"type": "function_call_output", "call_id": first[-1]["call_id"], "output": "3 degrees"}
    history = [{"role": "user", "content": "Weather?"}, *first, output]
    assert ask(http, **fields, input=history).json()["output_text"] == TEXT
    first[0]["encrypted_content"] = first[0]["encrypted_content"][:-8] + "AAAAAAA="
    error = ask(http, **fields, input=history).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_parameter_value", "input")


def test_a_message_has_a_phase_when_it_is_done(http):
    data = events(http)
    (done,) = [each["item"] for each in data if each["type"] == "response.output_item.done"]
    assert done["phase"] == data[-1]["response"]["output"][0]["phase"] == "final_answer"


def test_what_is_said_before_a_call_is_commentary(start_sandbox):
    class Talkative:
        name = "quote"

        def run(self, prompt):
            yield Text("Let me look.")
            yield ToolCall("get_weather", "{}")
            yield Finish("tool_calls", 9, 9)

    output = ask(start_sandbox([Talkative()]), tools=[TOOL]).json()["output"]
    assert [(item["type"], item.get("phase")) for item in output] == [
        ("message", "commentary"),
        ("function_call", None),
    ]


def test_hosted_tools_are_counted(http):
    assert ask(http).json()["tool_usage"] == {"web_search": {"num_requests": 0}}


def test_reasoning_without_a_summary_is_counted_and_not_shown(http):
    body = ask(http, reasoning={"effort": "minimal"}).json()
    assert body["output"][0]["summary"] == []
    assert "encrypted_content" not in body["output"][0]
    assert body["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


def test_a_schema(http):
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}}
    reply = ask(http, text={"format": {"type": "json_schema", "name": "c", "schema": schema, "strict": True}})
    assert json.loads(reply.json()["output_text"]) == {"colour": "blue"}


def test_models_that_only_respond_are_served_here(http):
    assert ask(http, model="gpt-5.4-pro").json()["model"] == "gpt-5.4-pro"
    only = {each["id"] for each in http.get("/models?endpoint=responses").json()["data"]}
    assert "gpt-5.4-pro" in only
    assert "gpt-5.4-pro" not in {each["id"] for each in http.get("/models").json()["data"]}


def test_a_whole_conversation_reaches_the_engine(http, slow):
    items = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]},
        {"type": "reasoning", "summary": []},
        {"role": "assistant", "content": [{"type": "output_text", "text": "A cat."}]},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "3 degrees"}]},
        {"role": "user", "content": "And now?"},
    ]
    reply = ask(
        http,
        input=items,
        tools=[TOOL],
        tool_choice={"type": "function", "name": "get_weather"},
        text={"format": {"type": "text"}, "verbosity": "low"},
    )
    assert reply.status_code == 200, reply.text
    prompt = slow.prompts[-1]
    assert [message["role"] for message in prompt.messages] == ["developer", "user", "assistant", "tool", "user"]
    assert prompt.messages[1]["content"] == [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert prompt.messages[2]["content"] == "A cat."
    assert prompt.messages[3]["content"] == "3 degrees"
    assert prompt.tool_choice == {"name": "get_weather"}
    assert reply.json()["tool_choice"] == {"type": "function", "name": "get_weather"}


def test_an_answer_that_is_cut_short_is_incomplete(start_sandbox):
    http = start_sandbox(["quote"])
    question = "Context: The default timeout of a call is 60 seconds.\nQuestion: What is the default timeout?"
    body = ask(http, input=question, max_output_tokens=3).json()
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert body["output"][0]["status"] == "incomplete"
    assert events(http, input=question, max_output_tokens=3)[-1]["type"] == "response.incomplete"


def test_an_answer_that_is_filtered_is_incomplete(start_sandbox):
    http = start_sandbox(["quote"], answers=[["Begin", Finish("content_filter")]] * 2)
    body = ask(http).json()
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert events(http)[-1]["type"] == "response.incomplete"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": None}, "invalid_parameter_value", "input"),
        ({"input": []}, "invalid_parameter_value", "input"),
        ({"input": [{"role": "user"}]}, "missing_required_parameter", "input[0].content"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "invalid_parameter_value", "input[0]"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "missing_required_parameter", None),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "invalid_request", "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "unsupported_modalities", "input[0]"),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.b/c.png"}}]}
                ]
            },
            "unsupported_modalities",
            "input[0]",
        ),
        ({"tools": [{"type": "web_search"}]}, "hosted_tool_not_supported", "tools"),
        ({"store": True}, "invalid_parameter_value", "store"),
        ({"previous_response_id": "resp_1"}, "unknown_field", "previous_response_id"),
        ({"model": "deepseek-chat"}, "no_responses_endpoint", "model"),
        (
            {"text": {"format": {"type": "json_schema", "name": "x"}}},
            "missing_required_parameter",
            "text.format.schema",
        ),
        ({"max_output_tokens": 0}, "invalid_parameter_value", "max_output_tokens"),
        ({"text": {"format": {"type": "json_object"}}}, "invalid_request", "input"),
        ({"reasoning": {"effort": "low"}, "model": "gpt-4o"}, "reasoning_not_supported", "reasoning.effort"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_image"}]}]},
            "invalid_parameter_value",
            "input[0]",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "invalid_parameter_value", None),
    ],
)
def test_bad_requests(steady_http, fields, code, param):
    error = ask(steady_http, **fields).json()["error"]
    assert error["code"] == code, error
    assert param is None or error["param"] == param


def test_a_failure_in_a_stream_is_an_event(http, slow):
    slow.fail_after = 2
    last = events(http, gateway={"routing": {"providers": ["azure_openai"]}})[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["code"] == "upstream_error"


def test_an_error_event_is_flat(http):
    reply = http.post(
        "/responses",
        json={"model": "gpt-5.4", "input": "Hi", "stream": True},
        headers={"X-Sandbox-Fault": "error;after=2"},
    )
    last = json.loads(reply.text.strip().split("\n")[-1].removeprefix("data: "))
    assert (last["type"], last["code"], last["sequence_number"]) == ("error", "upstream_error", 2)
    assert "error" not in last


def test_a_refusal(http):
    reply = http.post(
        "/responses", json={"model": "gpt-5.4", "input": "Hi"}, headers={"X-Sandbox-Fault": "refusal"}
    ).json()
    assert reply["output"][0]["content"] == [{"type": "refusal", "refusal": "I cannot help with that."}]
    assert reply["output_text"] == ""


def test_openai_plain_and_streamed(client):
    reply = client.responses.create(model="gpt-5.4", input="Why is the sky blue?")
    assert reply.output_text == TEXT
    with client.responses.stream(model="gpt-5.4", input="Why is the sky blue?") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(deltas) == final.output_text == TEXT


def test_openai_tools(client):
    with client.responses.stream(
        model="gpt-5.4", input="Weather in Oslo?", tools=[{**TOOL, "strict": False}]
    ) as stream:
        for _ in stream:
            pass
        (call,) = stream.get_final_response().output
    assert json.loads(call.arguments) == {"city": "Oslo", "unit": "celsius"}
