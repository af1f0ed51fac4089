"""The question and the context are found in the prompts that LlamaIndex, LangChain and people write."""

from __future__ import annotations

import pytest
from llama_index.core.chat_engine import condense_plus_context, condense_question, context
from llama_index.core.prompts import chat_prompts, default_prompts

from auriko.sandbox.engines import ExtractEngine
from auriko.sandbox.engines.extract_answer import UNKNOWN
from support.engine_runs import run

ENGINE = ExtractEngine()
CONTEXT = """file_path: docs/shop.md

## Opening hours
The shop opens at nine in the morning. It is closed on Sundays.

file_path: docs/owner.md

## Owner
The shop belongs to Ana Silva, who bought it in 2019."""
QUESTION = "When does the shop open?"
ANSWER = "The shop opens at nine in the morning."
MISSING = "How many cars has the shop sold?"

STUFF = """Use the following pieces of context to answer the question at the end. If you don't know the answer, say so.

{context_str}

Question: {query_str}
Helpful Answer:"""
RAG = """You are an assistant for question-answering tasks. Use the retrieved context.
Question: {query_str}
Context: {context_str}
Answer:"""
SYSTEM = """You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer.

{context_str}"""
IN_ONE_MESSAGE = [
    default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL,
    default_prompts.DEFAULT_TREE_SUMMARIZE_TMPL,
    STUFF,
    "Answer the question based only on the following context:\n{context_str}\n\nQuestion: {query_str}\n",
    RAG,
    "<context>\n{context_str}\n</context>\n\n{query_str}",
    "{context_str}\n\n{query_str}",
]
IN_THE_SYSTEM_MESSAGE = [
    context.DEFAULT_CONTEXT_TEMPLATE,
    condense_plus_context.DEFAULT_CONTEXT_PROMPT_TEMPLATE,
    "Use the following pieces of context to answer the user's question.\n----------------\n{context_str}",
    SYSTEM,
    "Answer any questions based solely on the context below:\n\n<context>\n{context_str}\n</context>",
    "You are a helpful assistant. Use the following context in your response:\n\n{context_str}",
]


@pytest.mark.parametrize("template", IN_ONE_MESSAGE)
def test_context_and_question_in_one_message(template: str) -> None:
    assert run(ENGINE, template.format(context_str=CONTEXT, query_str=QUESTION)).text == ANSWER
    assert run(ENGINE, template.format(context_str=CONTEXT, query_str=MISSING)).text == UNKNOWN


@pytest.mark.parametrize("template", IN_THE_SYSTEM_MESSAGE)
def test_context_in_the_system_message(template: str) -> None:
    system = {"role": "system", "content": template.format(context_str=CONTEXT)}
    assert run(ENGINE, system, QUESTION).text == ANSWER
    assert run(ENGINE, system, MISSING).text == UNKNOWN


def chat(template: object, **values: str) -> list[dict[str, str]]:
    messages = template.format_messages(**values)  # type: ignore[attr-defined]
    return [{"role": message.role.value, "content": message.content} for message in messages]


@pytest.mark.parametrize("template", [chat_prompts.CHAT_TEXT_QA_PROMPT, chat_prompts.CHAT_TREE_SUMMARIZE_PROMPT])
def test_llamaindex_chat_prompts(template: object) -> None:
    assert run(ENGINE, *chat(template, context_str=CONTEXT, query_str=QUESTION)).text == ANSWER


REFINE_PROMPTS = [
    [{"role": "user", "content": default_prompts.DEFAULT_REFINE_PROMPT_TMPL}],
    [{"role": "user", "content": chat_prompts.CHAT_REFINE_PROMPT.message_templates[0].content}],
    [{"role": "system", "content": context.DEFAULT_REFINE_TEMPLATE}, {"role": "user", "content": "{query_str}"}],
    [
        {"role": "system", "content": condense_plus_context.DEFAULT_CONTEXT_REFINE_PROMPT_TEMPLATE},
        {"role": "user", "content": "{query_str}"},
    ],
]


@pytest.mark.parametrize("messages", REFINE_PROMPTS)
@pytest.mark.parametrize(
    ("new_context", "existing", "expected"),
    [
        (CONTEXT, UNKNOWN, ANSWER),
        ("The weather is fine. Cats like milk.", ANSWER, ANSWER),
        ("The weather is fine. Cats like milk.", UNKNOWN, UNKNOWN),
        ("A shop can be opened by anybody with money.", ANSWER, ANSWER),
    ],
    ids=["better", "useless", "still unknown", "worse"],
)
def test_refining_keeps_the_better_answer(
    messages: list[dict[str, str]], new_context: str, existing: str, expected: str
) -> None:
    values = {"context_msg": new_context, "existing_answer": existing, "query_str": QUESTION}
    assert run(ENGINE, *[{**one, "content": one["content"].format(**values)} for one in messages]).text == expected


@pytest.mark.parametrize(
    "template",
    [condense_plus_context.DEFAULT_CONDENSE_PROMPT_TEMPLATE, condense_question.DEFAULT_TEMPLATE],
)
def test_a_question_to_condense_comes_back_as_it_is(template: str) -> None:
    assert run(ENGINE, template.format(chat_history="user: Hi\nassistant: Hello", question=QUESTION)).text == QUESTION


def test_a_summary_is_made_of_the_texts_own_sentences() -> None:
    long = CONTEXT + "\n\nThe shop sells bread. Bread is baked in the shop every morning. A dog sleeps there."
    text = run(ENGINE, default_prompts.DEFAULT_SUMMARY_PROMPT_TMPL.format(context_str=long)).text
    assert "shop" in text
    assert len(text) < len(long) / 2


def test_what_was_said_before_can_be_asked_for() -> None:
    said = ["My name is Ana and I live in Oslo.", {"role": "assistant", "content": "Nice to meet you."}]
    assert run(ENGINE, *said, "What is my name?").text == "My name is Ana and I live in Oslo."


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "The shop opens at nine."}, {"type": "text", "text": QUESTION}]
    assert run(ENGINE, {"role": "user", "content": parts}).text == "The shop opens at nine."


def test_markdown_tables_and_lists_are_answers_with_what_their_columns_say() -> None:
    table = "| Day | Opens |\n|---|---|\n| Monday | at nine |\n| Sunday | never |\n"
    table += "\nWe sell:\n\n- bread\n- milk from the farm\n"
    prompt = "Context:\n{}\nQuestion: {}\nAnswer:"
    assert run(ENGINE, prompt.format(table, "Is it open on Sunday?")).text == "Day: Sunday; Opens: never."
    assert run(ENGINE, prompt.format(table, "Where is the milk from?")).text == "milk from the farm."


def test_code_blocks_are_no_answers() -> None:
    text = "```python\nopen_shop(hour=9)  # the shop opens when it opens\n```\n\nThe shop opens at nine."
    assert run(ENGINE, f"Context:\n{text}\n\nQuestion: {QUESTION}\nAnswer:").text == "The shop opens at nine."
