"""An agent with tools whose answer streams, and that asks before it spends more than its budget.

pip install ".[langchain]" langchain
python examples/agent_budget.py "What is the status of order number 4711?"
"""

import os
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from auriko import track_spend
from auriko_langchain import ChatAuriko
from auriko_langchain.middleware import AurikoBudgetMiddleware


@tool
def order_status(order_number: int) -> str:
    """The status of an order by its number."""
    return {4711: "shipped on Monday"}.get(order_number, "unknown")


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"It is 7 degrees and raining in {city}."


def stream(agent: Any, given: Any, config: Any) -> None:
    """Prints the answer as it arrives; the tools that are called stand before it."""
    for message, _ in agent.stream(given, config, stream_mode="messages"):
        if isinstance(message, ToolMessage):
            print(f" -> {message.text}")
            continue
        for call in getattr(message, "tool_call_chunks", ()):
            print(f"[{call['name']}]" if call["name"] else call["args"] or "", end="", flush=True)
        print(message.text, end="", flush=True)
    print()


def go_on(interrupts: Any) -> Command | None:
    """The user's word where the run waits for it: a new limit goes on, anything else ends it."""
    for interrupt in interrupts:
        typed = input(f"{interrupt.value['message']}\nA new limit in USD, or nothing to end here: ")
        return Command(resume=float(typed) if typed else False)
    return None


def main() -> None:
    """Runs one task; where it was stopped for its budget, it goes on from there."""
    budget = AurikoBudgetMiddleware(limit_usd=float(os.environ.get("LIMIT_USD", "0.01")), exit_behavior="ask")
    config = {"configurable": {"thread_id": "one"}}
    given: Any = {"messages": [("human", sys.argv[1])]}
    with ChatAuriko(models=["gpt-4o", "gpt-4o-mini"], routing={"optimize": "cost"}) as model, track_spend() as spend:
        agent = create_agent(model, [order_status, weather], middleware=[budget], checkpointer=InMemorySaver())
        while given is not None:
            stream(agent, given, config)
            given = go_on(agent.get_state(config).interrupts)
        print(f"{spend.calls} calls, ${spend.usd:.6f}")


if __name__ == "__main__":
    main()
