"""The check that the messages of a conversation fit together, as providers demand."""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.replies import GatewayError
from auriko.sandbox.wire.chat_request import AssistantMessage, Message, ToolMessage


def check_conversation(messages: Sequence[Message]) -> None:
    """Checks that each tool call is answered once and right after it was made.

    Raises:
        GatewayError: A call without an answer, or an answer without a call.
    """
    open_calls: set[str] = set()
    for position, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                raise GatewayError(
                    "invalid_request",
                    f"messages[{position}] answers the tool call {message.tool_call_id!r}, "
                    "which no message right before it makes.",
                    param=f"messages[{position}].tool_call_id",
                )
            open_calls.discard(message.tool_call_id)
            continue
        _refuse_open(open_calls, f"messages[{position}]")
        if isinstance(message, AssistantMessage):
            if not (message.content or message.tool_calls or message.refusal or message.function_call):
                raise GatewayError(
                    "invalid_parameter_value",
                    f"messages[{position}] has neither content nor tool calls.",
                    param=f"messages[{position}].content",
                )
            open_calls = {call.id for call in message.tool_calls or ()}
    _refuse_open(open_calls, "messages")


def _refuse_open(open_calls: set[str], param: str) -> None:
    if open_calls:
        raise GatewayError(
            "invalid_request",
            f"No tool message answers the tool call {min(open_calls)!r}.",
            param=param,
            suggestion='Add {"role": "tool", "tool_call_id": ..., "content": ...} right after the call.',
        )
