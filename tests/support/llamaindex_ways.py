"""The eight ways to ask a LlamaIndex LLM."""

from typing import Any

from llama_index.core.llms import ChatMessage

MESSAGES = [ChatMessage(role="user", content="Hi")]
MODES = ["chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete"]


async def run(gateway: Any, llm: Any, mode: str) -> None:
    if "stream" in mode:
        gateway.streams("Hel", "lo")
    else:
        gateway.says("Hello")
    result = getattr(llm, mode)(MESSAGES if "chat" in mode else "Hi")
    if mode.startswith("a"):
        result = await result
    if mode.startswith("astream"):
        _ = [item async for item in result]
    elif mode.startswith("stream"):
        list(result)
