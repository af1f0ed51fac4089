"""The engine without a model: it quotes answers from the prompt, calls tools and fills schemas by rules.

Everything is deterministic and needs the standard library only. It answers from the context that a prompt brings, in
LlamaIndex's and LangChain's usual forms or in plain chat, and says so when there is none or when it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auriko.sandbox.engines.base import Event, Finish, Prompt, Text, ToolCall
from auriko.sandbox.engines.extract_answer import UNKNOWN, Finder, find_answer
from auriko.sandbox.engines.extract_attachments import attachments_of
from auriko.sandbox.engines.extract_json import fill_described, fill_format
from auriko.sandbox.engines.extract_prompts import Task, read_task, system_text, text_of
from auriko.sandbox.engines.extract_react import action, final, from_react
from auriko.sandbox.engines.extract_results import Result, answer_from, results_since_user
from auriko.sandbox.engines.extract_summary import summarise
from auriko.sandbox.engines.extract_thorough import find_answer_thoroughly
from auriko.sandbox.engines.extract_toolbox import tools_of
from auriko.sandbox.engines.extract_tools import Call, demanded_call, fitting_calls, follow_up_calls
from auriko.sandbox.engines.tokens import count_prompt_tokens, count_tokens, cut_tokens

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+\s?|\s+")
_QUOTED_WORDS = 12
_REQUEST, _CONTENT = 8_000, 30_000
"""Characters of a message that are searched for a request for a tool, and for the values of a structured answer."""


class ExtractEngine:
    """An engine that answers with the prompt's own words.

    Args:
        thorough: Whether to search longer for an answer: several milliseconds instead of about one.
    """

    def __init__(self, *, thorough: bool = False) -> None:
        self.name = "extract-thorough" if thorough else "extract"
        self._find: Finder = find_answer_thoroughly if thorough else find_answer

    def run(self, prompt: Prompt) -> Iterator[Event]:
        """Events of one run: tool calls, or the words of the answer, then `Finish`."""
        prompt_tokens = count_prompt_tokens(prompt)
        react = from_react(prompt)
        reply = self._reply(react or prompt)
        if isinstance(reply, str):
            yield from _spoken(final(reply) if react else reply, prompt, prompt_tokens)
        elif react:
            yield from _spoken(action(reply[0]), prompt, prompt_tokens)
        else:
            yield from _called(reply, prompt_tokens)

    def _reply(self, prompt: Prompt) -> str | list[Call]:
        """The text of the answer, or the tools to call."""
        results = results_since_user(prompt.messages)
        asked = _last_user_text(prompt.messages)
        if prompt.tools and (calls := _calls(prompt, _clipped(asked, _REQUEST), results)):
            return calls
        task = read_task(prompt.messages)
        content = _clipped("\n".join([asked, *(result.text for result in results)]), _CONTENT)
        instructions = asked.replace(task.context, "\n") if task.has_context else asked
        told = system_text(prompt.messages)
        if prompt.response_format and prompt.response_format["type"] != "text":
            return fill_format(prompt.response_format, f"{told}\n{instructions}", content)
        if results:
            return answer_from(results, task.question, self._find)
        if not task.has_context:  # else what the system message says may be that context
            instructions = f"{told}\n{instructions}"
        return fill_described(instructions, content) or self._answer(task, prompt.messages)

    def _answer(self, task: Task, messages: Sequence[Mapping[str, Any]]) -> str:
        attached = attachments_of(messages[-1]) if messages else []
        if task.kind == "rewrite":
            return task.question
        if task.kind == "summarise" and task.context:
            return summarise(task.context)
        found = self._find(task.question, task.context)
        if task.kind == "refine":
            return self._refined(task, found.text if found else "")
        if found and not attached:
            return found.text
        if task.has_context and not attached:
            return UNKNOWN
        return _honest(_last_user_text(messages), attached)

    def _refined(self, task: Task, found: str) -> str:
        """The new answer if it covers more of the question than the earlier one, else the earlier one."""
        if not found:
            return task.existing
        better = self._find(task.question, f"{task.existing}\n\n{found}")
        is_earlier = better is not None and better.text.startswith(task.existing[:40])
        return task.existing if is_earlier and task.existing != UNKNOWN else found


def _calls(prompt: Prompt, asked: str, results: Sequence[Result]) -> list[Call]:
    """The calls to make now, without those that have been made since the user spoke."""
    tools = tools_of(prompt.tools)
    made = [result.call for result in results]
    told = _clipped("\n".join([asked, *(result.text for result in results)]), _REQUEST)
    if not isinstance(prompt.tool_choice, str):
        named = [tool for tool in tools if tool.name == prompt.tool_choice["name"]]
        return [demanded_call(named or tools, told, ())]
    wanted = fitting_calls(tools, asked) or follow_up_calls(tools, asked, _last_called(prompt.messages))
    names = [call.name for call in made]
    open_calls = [call for call in wanted if call not in made and names.count(call.name) < _count(wanted, call.name)]
    if not open_calls and prompt.tool_choice == "required":
        open_calls = [demanded_call(tools, told, made)]
    return open_calls if prompt.parallel_tool_calls else open_calls[:1]


def _count(calls: Sequence[Call], name: str) -> int:
    return sum(1 for call in calls if call.name == name)


def _clipped(text: str, limit: int) -> str:
    """The beginning and the end of a long `text`, which is where requests stand."""
    return text if len(text) <= limit else f"{text[: limit // 2]}\n{text[-limit // 2 :]}"


def _last_called(messages: Sequence[Mapping[str, Any]]) -> str:
    """The name of the tool that was called last, or ""."""
    calls = (call for message in reversed(messages) for call in reversed(message.get("tool_calls") or ()))
    return next((str(call["function"]["name"]) for call in calls), "")


def _last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    return next((text_of(message) for message in reversed(messages) if message["role"] == "user"), "")


def _honest(text: str, attached: Sequence[str]) -> str:
    """What this engine is and what it got, for a prompt that it cannot answer from its own text."""
    words = text.split()
    quoted = " ".join(words[:_QUOTED_WORDS]) + (" ..." if len(words) > _QUOTED_WORDS else "")
    got = [f'{len(words)} words: "{quoted}"' if len(words) != 1 else f'one word: "{quoted}"'] if words else []
    end = f"It got {'; '.join([*attached, *got]) or 'no words'}."
    if attached:
        return f"The sandbox's extractive engine does not look into attachments. {end}"
    return f"The sandbox's extractive engine answers from text in the prompt, and this prompt brings none. {end}"


def _spoken(text: str, prompt: Prompt, prompt_tokens: int) -> Iterator[Event]:
    """The words of `text`, up to a stop string or the greatest number of tokens."""
    text, is_stopped = _stopped(text, prompt.stop)
    cut = text if prompt.max_tokens is None else cut_tokens(text, prompt.max_tokens)
    for piece in _PIECE.findall(cut):
        yield Text(piece)
    yield Finish(
        "length" if cut != text else "stop", prompt_tokens, count_tokens(cut), {"stopped": True} if is_stopped else {}
    )


def _stopped(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """(the text before the first stop string, whether there was one)."""
    found = [at for one in stop if one and (at := text.find(one)) >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _called(calls: Sequence[Call], prompt_tokens: int) -> Iterator[Event]:
    tokens = 0
    for call in calls:
        arguments = call.to_json()
        tokens += count_tokens(call.name + arguments)
        yield ToolCall(call.name, arguments)
    yield Finish("tool_calls", prompt_tokens, tokens)
