"""The quoting engine: what it has to reach on questions that were written before it, and in whose prompts."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.chat_engine import condense_plus_context, condense_question, context
from llama_index.core.prompts import chat_prompts, default_prompts

from auriko.sandbox.engines import QuoteEngine
from auriko.sandbox.engines.quote.engine import UNKNOWN
from auriko.sandbox.engines.quote.words import sentences, stem, terms
from support.engine_runs import question_set, run

ENGINE = QuoteEngine()
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


SHOP = """file_path: docs/shop.md

## Opening hours
The shop opens at nine in the morning. It is closed on Sundays.

file_path: docs/owner.md

## Owner
The shop belongs to Ana Silva, who bought it in 2019."""
OPEN = "When does the shop open?"
ANSWER = "The shop opens at nine in the morning."
MISSING = "How many cars did the brewery sell?"


@pytest.mark.parametrize(
    "template",
    [
        default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL,
        default_prompts.DEFAULT_TREE_SUMMARIZE_TMPL,
        "Use the following pieces of context.\n\n{context_str}\n\nQuestion: {query_str}\nHelpful Answer:",
        "Answer the question based only on the following context:\n{context_str}\n\nQuestion: {query_str}\n",
        "Use the retrieved context.\nQuestion: {query_str}\nContext: {context_str}\nAnswer:",
        "{context_str}\n\n{query_str}",
    ],
)
def test_the_prompts_of_frameworks_in_one_message(template: str) -> None:
    assert run(ENGINE, template.format(context_str=SHOP, query_str=OPEN)).text == ANSWER
    assert run(ENGINE, template.format(context_str=SHOP, query_str=MISSING)).text == UNKNOWN


@pytest.mark.parametrize(
    "template",
    [
        context.DEFAULT_CONTEXT_TEMPLATE,
        condense_plus_context.DEFAULT_CONTEXT_PROMPT_TEMPLATE,
        "Use the following pieces of context to answer the user's question.\n----------------\n{context_str}",
        "Answer any questions based solely on the context below:\n\n<context>\n{context_str}\n</context>",
        "You are a helpful assistant. Use the following context in your response:\n\n{context_str}",
    ],
)
def test_context_in_the_system_message(template: str) -> None:
    assert run(ENGINE, {"role": "system", "content": template.format(context_str=SHOP)}, OPEN).text == ANSWER


REFINE = [
    [{"role": "user", "content": default_prompts.DEFAULT_REFINE_PROMPT_TMPL}],
    [{"role": "user", "content": chat_prompts.CHAT_REFINE_PROMPT.message_templates[0].content}],
    [{"role": "system", "content": context.DEFAULT_REFINE_TEMPLATE}, {"role": "user", "content": "{query_str}"}],
]


@pytest.mark.parametrize("messages", REFINE)
def test_refining_keeps_the_better_answer(messages: list[dict[str, str]]) -> None:
    useless = "The weather is fine. Cats like milk."
    for new, existing, expected in ((SHOP, UNKNOWN, ANSWER), (useless, ANSWER, ANSWER), (useless, UNKNOWN, UNKNOWN)):
        values = {"context_msg": new, "existing_answer": existing, "query_str": OPEN}
        assert run(ENGINE, *[{**one, "content": one["content"].format(**values)} for one in messages]).text == expected


@pytest.mark.parametrize(
    "template", [condense_plus_context.DEFAULT_CONDENSE_PROMPT_TEMPLATE, condense_question.DEFAULT_TEMPLATE]
)
def test_a_question_that_is_to_stand_alone_comes_back_as_it_is(template: str) -> None:
    assert run(ENGINE, template.format(chat_history="user: Hi\nassistant: Hello", question=OPEN)).text == OPEN


def test_what_was_said_before_can_be_asked_for() -> None:
    said = ["My name is Ana and I live in Oslo.", {"role": "assistant", "content": "Nice to meet you."}]
    assert run(ENGINE, *said, "What is my name?").text == "My name is Ana and I live in Oslo."


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "The shop opens at nine."}, {"type": "text", "text": OPEN}]
    assert run(ENGINE, {"role": "user", "content": parts}).text == "The shop opens at nine."


def test_markdown_tables_lists_and_code() -> None:
    text = "| Day | Opens |\n|---|---|\n| Monday | at nine |\n| Sunday | never |\n\n"
    text += "We sell:\n\n- bread\n- milk from the farm\n"
    text += "```python\nopen_shop(day)  # the shop opens when it opens on a holiday\n```\n"
    prompt = "Context:\n{}\nQuestion: {}\nAnswer:"
    assert run(ENGINE, prompt.format(text, "Is it open on Sunday?")).text == "Sunday; never"
    assert run(ENGINE, prompt.format(text, "Where is the milk from?")).text == "milk from the farm"
    assert run(ENGINE, prompt.format(text, "Who comes on a holiday?")).text == UNKNOWN
    assert run(ENGINE, prompt.format("| a | b |\n| c | d |", "What is c?")).text == "c; d"


def test_sentences_do_not_end_at_abbreviations_or_within_numbers() -> None:
    text = 'Dr. Ito paid 2.50 dollars, e.g. for tea. She said "Thanks!" The tea was cold.'
    assert sentences(text) == ["Dr. Ito paid 2.50 dollars, e.g. for tea.", 'She said "Thanks!"', "The tea was cold."]


def test_forms_of_a_word_have_one_stem_and_identifiers_are_words() -> None:
    for one, other in (("retries", "retried"), ("dropped", "drop"), ("charged", "charge"), ("opens", "opening")):
        assert stem(one) == stem(other)
    assert terms("max_ttft_ms of StreamError") == ("max", "ttft", "ms", "stream", "error")


@pytest.mark.parametrize(
    ("demand", "answer"),
    [
        ('If the context does not hold the answer, say "Not in the documents."', "Not in the documents."),
        ("If you don't know, answer “No idea”, and nothing else.", "No idea"),
        ('Say "Hello" first.', "I don't know: the text does not say."),
    ],
)
def test_what_a_prompt_demands_where_its_text_says_nothing_is_said(demand: str, answer: str) -> None:
    asked = f"Context:\nThe ferry takes 45 minutes. A ticket costs 12 euros.\n\n{demand}\n\nQuestion: {{}}\nAnswer: "
    assert run(ENGINE, asked.format("Who leads the support team?")).text == answer
    assert run(ENGINE, asked.format("How long does the ferry take?")).text == "The ferry takes 45 minutes."
