"""An order desk: tools that look things up, an answer that is an object, and a conversation that stays with its cache.

pip install .
python examples/order_desk.py
"""

from typing import Annotated

from pydantic import BaseModel, Field

from auriko import Client, Conversation, track_spend
from auriko.tools import ToolError, ToolStep

STOCK = {"pen": 4.0, "notebook": 6.5, "ink": 9.0}
MODELS = ["gpt-4o", "claude-sonnet-4-6"]


class Order(BaseModel):
    """An order as the warehouse wants it."""

    item: str
    count: int


def price_of(item: Annotated[str, Field(description="the item's name, such as pen")]) -> str:
    """The price of an item."""
    if item not in STOCK:
        raise ToolError(f"there is no {item}; there are {', '.join(STOCK)}")
    return f"The {item} costs {STOCK[item]} euros."


def show(step: ToolStep) -> None:
    """Prints what the model called, and who it was."""
    for call in step.calls:
        print(f"  {step.provider} calls {call.name}({call.arguments}): {call.result}")


def main() -> None:
    """Looks up a price, reads an order, and talks about it."""
    with Client() as client, track_spend(limit_usd=0.50) as spend:
        question = {"role": "user", "content": 'Call price_of with item "pen". What does the pen cost?'}
        run = client.chat.completions.run_tools(
            models=MODELS, messages=[question], tools=[price_of], max_steps=5, on_step=show
        )
        print(run.text)

        letter = {"role": "user", "content": "Read the order of Dana Reyes. item: pen. count: 12."}
        order = client.chat.completions.parse(models=MODELS, messages=[letter], response_format=Order).parsed
        print(f"{order.count} x {order.item}: {order.count * STOCK.get(order.item, 0.0)} euros")

        talk = Conversation(client, models=MODELS, max_prompt_tokens=4000)
        for text in ("The parcel leaves on Monday. When does the parcel leave?", "And when does it leave?"):
            print("".join(talk.stream(text)))
    print(f"{spend.calls} calls, {spend!r}, of which the conversation {talk!r}")


if __name__ == "__main__":
    main()
