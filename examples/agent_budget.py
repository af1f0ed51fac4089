"""An agent with tools whose answer streams, and that asks before it spends more than its budget.

pip install ".[langchain]" langchain
python examples/agent_budget.py "What is the status of order number 4711?"
"""

import os
import sys

from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from auriko import track_spend
from auriko_langchain import ChatAuriko
from auriko_langchain.errors import AurikoBudgetExceededError
from auriko_langchain.middleware import AurikoBudgetMiddleware


@tool
def order_status(order_number: int) -> str:
    """The status of an order by its number."""
    return {4711: "shipped on Monday"}.get(order_number, "unknown")


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"It is 7 degrees and raining in {city}."


def stream(agent, task, config) -> None:
    """Prints the answer as it arrives; the tools that are called stand before it."""
    for message, _ in agent.stream(task, config, stream_mode="messages"):
        if isinstance(message, AIMessageChunk):
            for call in message.tool_call_chunks:
                print(f"[{call['name']}]" if call["name"] else call["args"] or "", end="", flush=True)
            print(message.text, end="", flush=True)
        else:
            print(f" -> {message.text}")


def agrees(error: AurikoBudgetExceededError) -> bool:
    """Whether the user goes on, with as much again."""
    return input(f"\n{error.message} Go on, up to ${error.limit_usd:g} more? [y/N] ") in {"y", "Y"}


def main() -> None:
    """Runs one task; what was reached before the limit is kept and gone on from."""
    task = {"messages": [("human", sys.argv[1])]}
    limit = AurikoBudgetMiddleware(limit_usd=float(os.environ.get("LIMIT_USD", "0.01")), exit_behavior="error")
    config = {"configurable": {"thread_id": "one"}}
    with ChatAuriko(models=["gpt-4o", "gpt-4o-mini"], routing={"optimize": "cost"}) as model, track_spend() as spend:
        agent = create_agent(model, [order_status, weather], middleware=[limit], checkpointer=InMemorySaver())
        while True:
            try:
                stream(agent, task, config)
                break
            except AurikoBudgetExceededError as error:
                if not agrees(error):
                    break
                task = None  # go on from the last checkpoint, with a new budget
        print(f"\n{spend.calls} calls, ${spend.usd:.6f}")


if __name__ == "__main__":
    main()
