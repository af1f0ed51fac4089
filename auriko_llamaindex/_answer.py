"""An answer as it is put together, from a whole reply or from the chunks of a stream."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from auriko.models import GeneratedImage, ToolCall, ToolCallDelta
from auriko.models.chat import new_call_id


class Answer:
    """The parts of the model's answer so far; `message()` is a ChatMessage of them.

    Attributes:
        single_call: Whether only the first tool call counts, for providers that cannot be told to make one.
        text: The text, or None where there was none.
        refusal: Why the model refused, or None.
    """

    def __init__(self, *, single_call: bool = False) -> None:
        self.single_call = single_call
        self.text: str | None = None
        self.refusal: str | None = None
        self._thinking: list[ThinkingBlock] = []
        self._thinking_is_open = False
        self._calls: dict[int, dict[str, Any]] = {}
        self._images: list[ImageBlock] = []

    def message(self) -> ChatMessage:
        """The answer so far, in objects that later additions do not change."""
        blocks: list[Any] = [*self._thinking]
        if self.text is not None:
            blocks.append(TextBlock(text=self.text))
        if not self._calls:
            return ChatMessage(role=MessageRole.ASSISTANT, blocks=[*blocks, *self._images])
        counted = sorted(self._calls)[: 1 if self.single_call else None]
        calls: list[dict[str, Any]] = [
            {**call, "function": dict(call["function"])} for call in map(self._calls.__getitem__, counted)
        ]
        blocks.extend(
            ToolCallBlock(
                tool_call_id=call["id"],
                tool_name=call["function"]["name"],
                tool_kwargs=call["function"]["arguments"],
            )
            for call in calls
        )
        # Both: agents read the blocks, streaming structured prediction looks for the plain dictionaries.
        return ChatMessage(
            role=MessageRole.ASSISTANT,
            blocks=[*blocks, *self._images],
            additional_kwargs={"tool_calls": calls},
        )

    def add_text(self, piece: str) -> None:
        """The next piece of the text."""
        self.text = (self.text or "") + piece

    def add_refusal(self, piece: str) -> None:
        """The next piece of the refusal."""
        self.refusal = (self.refusal or "") + piece

    def add_reasoning(self, piece: str) -> None:
        """The next piece of readable reasoning."""
        if self._thinking_is_open:
            self._thinking[-1] = ThinkingBlock(content=(self._thinking[-1].content or "") + piece)
        else:
            self._thinking.append(ThinkingBlock(content=piece))
            self._thinking_is_open = True

    def sign_reasoning(self, signature: str) -> None:
        """The signature of the reasoning just added, which it closes."""
        content = self._thinking.pop().content if self._thinking_is_open else ""
        self.add_reasoning_block({"type": "thinking", "thinking": content, "signature": signature})

    def add_reasoning_block(self, block: dict[str, Any]) -> None:
        """A whole block of reasoning as it is on the wire: `{"type": "thinking" or "redacted" or more}`."""
        kept = {name: value for name, value in block.items() if name != "thinking"}
        self._thinking.append(ThinkingBlock(content=block.get("thinking"), additional_information=kept))
        self._thinking_is_open = False

    def count_reasoning(self, tokens: int | None) -> None:
        """Notes how many tokens the reasoning took in all; it is written on the first block."""
        if tokens and self._thinking:
            self._thinking[0] = self._thinking[0].model_copy(update={"num_tokens": tokens})

    def add_call(self, index: int, call: ToolCall | ToolCallDelta) -> None:
        """A tool call, or the next piece of the one at `index`."""
        known = self._calls.get(index)
        if known is None:
            known = self._calls[index] = {
                # Results are matched with their call by an id, so a call without one gets one.
                "id": call.id or new_call_id(),
                "type": "function",
                "function": {"name": "", "arguments": ""},
            }
        elif call.id:
            known["id"] = call.id
        if call.function is not None:
            function = known["function"]
            # Some providers repeat the whole name with every piece.
            if call.function.name and call.function.name != function["name"]:
                function["name"] += call.function.name
            function["arguments"] += call.function.arguments or ""
        if call.provider_signature is not None:
            known["provider_signature"] = call.provider_signature

    def add_image(self, image: GeneratedImage) -> None:
        """An image that the model made."""
        self._images.append(ImageBlock(image=image.data.encode(), image_mimetype=image.mime_type))
