"""Values that a text names in quotation marks, behind a label, or in a script without capital letters."""

from __future__ import annotations

from typing import Any

import pytest

from auriko.sandbox.engines.extract_schema import Filler
from auriko.sandbox.engines.extract_toolbox import tools_of
from auriko.sandbox.engines.extract_tools import demanded_call


def schema(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": list(names)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Create a customer named '你好啊集团' (Hello Group) - a Chinese firm", {"customer_name": "你好啊集团"}),
        ("Create a customer called “Ácme y Hijos” (Sons Corporation)", {"customer_name": "Ácme y Hijos"}),
        ("Add the customer „Grüne Wiese“, known as Green Meadow Group.", {"customer_name": "Grüne Wiese"}),
        ("Create a customer named שרה כהן, Group Three", {"customer_name": "שרה כהן"}),
        ("What is the weather in 北京?", {"city": "北京"}),
        ("How warm is it in القاهرة today?", {"city": "القاهرة"}),
        ("I live near Paris, in a city called 'Saint-Ouen'.", {"city": "Saint-Ouen"}),
        ("Open a project named 'Apollo' for customer Jane Doe.", {"customer_name": "Jane Doe"}),
        (
            "customer_name: 田中太郎, description: 古い友人",
            {"customer_name": "田中太郎", "description": "古い友人"},
        ),
        (
            "Customer name = Ana Silva; description = likes tea, not coffee",
            {"customer_name": "Ana Silva", "description": "likes tea, not coffee"},
        ),
    ],
)
def test_the_value_that_is_named_is_taken(text: str, wanted: dict[str, str]) -> None:
    filler = Filler(schema(*wanted), text)
    assert filler.fill() == wanted
    assert filler.found == len(wanted)


def test_a_text_without_capital_letters_is_not_one_long_name() -> None:
    """In a script that has none, every word would be a name; there nothing is guessed."""
    assert Filler(schema("customer_name"), "北京 今天 天气 怎么样").found == 0


def test_one_name_with_its_translation_is_one_call() -> None:
    function = {"name": "create_customer", "parameters": schema("customer_name", "description")}
    text = "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company"
    call = demanded_call(tools_of([{"type": "function", "function": function}]), text, [])
    assert call.arguments["customer_name"] == "你好啊集团"
