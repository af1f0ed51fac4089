"""What the quoting engine has to reach on questions that were written before it."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.prompts import default_prompts

from auriko.sandbox.engines import ExtractEngine
from support.engine_runs import question_set, run

ENGINE = ExtractEngine()
QUESTIONS = question_set("texts")
SHAPES = [  # where the question stands: every way that people and frameworks write it
    default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL,
    "Context: {context_str}\n\nQuestion: {query_str}",
    "Context: {context_str}\n\n{query_str}",
    "{context_str}\n{query_str}",
    "{context_str} {query_str}",
    "Question: {query_str}\nContext: {context_str}\nAnswer:",
    "{query_str}\n\n{context_str}",
    "<context>\n{context_str}\n</context>\n\n{query_str}",
]


def answer(asked: dict[str, Any], shape: str) -> str:
    return run(ENGINE, shape.format(context_str=QUESTIONS["texts"][asked["text"]], query_str=asked["question"])).text


def is_right(text: str, accepted: list[list[str]]) -> bool:
    """Whether a text of a sentence or two has one wording of everything that is asked for."""
    return len(text) <= 400 and all(any(wording.lower() in text.lower() for wording in each) for each in accepted)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_quoted_sentence_holds_the_answer_in_3_of_4(shape: str) -> None:
    asked = QUESTIONS["answerable"]
    assert len(asked) == 20
    assert sum(is_right(answer(one, shape), one["accept"]) for one in asked) >= 15


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_invented_where_the_text_has_no_answer(shape: str) -> None:
    answers = [answer(one, shape) for one in QUESTIONS["unanswerable"]]
    assert len(answers) == 10
    assert all(text.startswith("I don't know") for text in answers), answers


@pytest.mark.parametrize("shape", SHAPES)
def test_the_answer_is_never_the_question(shape: str) -> None:
    for asked in [*QUESTIONS["answerable"], *QUESTIONS["unanswerable"]]:
        assert asked["question"] not in answer(asked, shape)


def test_the_sky_is_blue() -> None:
    assert run(ENGINE, "Context: the sky is blue.\n\nWhat colour is the sky?").text == "the sky is blue."


@pytest.mark.parametrize("case", QUESTIONS["tool_cases"], ids=lambda case: case["text"])
def test_the_tool_that_is_demanded_or_named_is_called_with_what_the_text_says(case: dict[str, Any]) -> None:
    tools = tuple(QUESTIONS["tools"][name] for name in case["tools"])
    done = run(ENGINE, case["text"], tools=tools, tool_choice=case["tool_choice"] or "auto")
    if case["name"] is None and case["tool_choice"] is None:
        assert done.called == []
        return
    ((name, arguments),) = done.called
    assert case["name"] in {None, name}
    assert case["arguments"] in (None, arguments)
