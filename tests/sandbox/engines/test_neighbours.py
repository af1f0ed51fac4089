"""Values that stand side by side go to the property whose words they belong to."""

import json

import pytest

from auriko.sandbox.engines import ExtractEngine
from auriko.sandbox.engines.base import Prompt, Text, ToolCall

PRICE = {
    "type": "function",
    "function": {
        "name": "price_of_call",
        "description": "The price of a call.",
        "parameters": {
            "type": "object",
            "properties": {
                "model": {"type": "string"},
                "input_tokens": {"type": "integer"},
                "output_tokens": {"type": "integer"},
            },
            "required": ["model", "input_tokens", "output_tokens"],
        },
    },
}
TICKET = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "description": "name of the person who writes"},
        "company": {"type": "string", "description": "name of the company"},
    },
    "required": ["customer", "company"],
}


@pytest.fixture(params=[False, True], ids=["extract", "thorough"])
def engine(request):
    return ExtractEngine(thorough=request.param)


def prompt(text, **options):
    return Prompt(messages=({"role": "user", "content": text},), **options)


@pytest.mark.parametrize(
    "question",
    [
        "What does a call of gpt-4o with 2000 input tokens and 500 output tokens cost?",
        "What does a call of gpt-4o with 500 output tokens and 2000 input tokens cost?",
        "What would gpt-4o cost with input tokens 2000 and output tokens 500?",
    ],
)
def test_each_number_goes_to_its_own_words(engine, question):
    calls = [e for e in engine.run(prompt(question, tools=(PRICE,))) if isinstance(e, ToolCall)]
    assert [json.loads(call.arguments) for call in calls] == [
        {"model": "gpt-4o", "input_tokens": 2000, "output_tokens": 500}
    ]


@pytest.mark.parametrize(
    ("text", "customer", "company"),
    [
        ("Hello, this is Dana Reyes from Northwind. The export is broken.", "Dana Reyes", "Northwind"),
        ("Maria Silva at Initech wrote that the report is empty.", "Maria Silva", "Initech"),
    ],
)
def test_a_person_and_a_company_are_told_apart(engine, text, customer, company):
    schema = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": TICKET}}
    pieces = [event.text for event in engine.run(prompt(text, response_format=schema)) if isinstance(event, Text)]
    assert json.loads("".join(pieces)) == {"customer": customer, "company": company}
