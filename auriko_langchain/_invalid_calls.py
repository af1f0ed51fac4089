"""Middleware that tells the model which of its tool calls were not run, where an agent would end without a word."""

# ruff: noqa: ARG002 - the hooks' arguments are langchain's
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.runtime import Runtime

from auriko_langchain._to_wire import why_not_run


class AurikoInvalidCallMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Answers tool calls that were cut or cannot be read with the reason, so that the model may make them again.

    LangChain's agents take an answer that has no other calls for the last one.

    Args:
        max_retries: How often in a row, before the run ends with such an answer after all.

    Raises:
        ValueError: `max_retries` is negative.
    """

    def __init__(self, max_retries: int = 2) -> None:
        super().__init__()
        if max_retries < 0:
            raise ValueError(f"max_retries is 0 or more, not {max_retries}")
        self.max_retries = max_retries

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """The reasons as results of the calls, and the model again where no other call is to be run."""
        answers = [message for message in state["messages"] if isinstance(message, AIMessage)]
        if not answers or not answers[-1].invalid_tool_calls:
            return None
        in_a_row = next(
            (number for number, message in enumerate(reversed(answers)) if not message.invalid_tool_calls), len(answers)
        )
        if in_a_row > self.max_retries:
            return None
        told = [
            ToolMessage(why_not_run(answers[-1], call), tool_call_id=call["id"], name=call["name"], status="error")
            for call in answers[-1].invalid_tool_calls
        ]
        return {"messages": told} if answers[-1].tool_calls else {"messages": told, "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """The same; there is nothing to wait for."""
        return self.after_model(state, runtime)
