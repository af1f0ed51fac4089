"""LangChain's standard integration tests, with every feature on, against the sandbox."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from base64 import b64encode
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests.chat_models import ChatModelTests

from auriko_langchain import ChatAuriko

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("sandbox_env", "_local_files"),
    # Events of version 3 say of themselves that they may change.
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
]


def png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")), chunk(b"IEND", b"")]
    )


def pdf() -> bytes:
    """One page that says hello."""
    content = b"BT /F1 12 Tf 10 10 Td (Hello from a PDF) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 50] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, text) for number, text in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer << /Root 1 0 R >>\n%%EOF\n"


def wav() -> bytes:
    """A tenth of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 800)
    return file.getvalue()


def sound() -> dict[str, Any]:
    return {"type": "audio", "base64": b64encode(wav()).decode(), "mime_type": "audio/wav"}


@pytest.fixture
def _local_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the standard tests download comes from here."""
    files = {".png": png(), ".pdf": pdf(), ".wav": wav()}

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=files[url[-4:]])

    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "auriko-tests")
    monkeypatch.setattr("langchain_tests.integration_tests.chat_models.httpx.get", get)


def long_prompt() -> list[Any]:
    """A prompt that nobody has sent before, marked for the provider's cache."""
    text = f"Number {uuid4()}. " + "The sky is blue because air scatters blue light. " * 400
    marked = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
    return [SystemMessage([marked]), HumanMessage("Why is the sky blue?")]


def ask(model: ChatAuriko, question: Any, *, stream: bool) -> AIMessage:
    if not stream:
        return model.invoke(question)
    first, *rest = model.stream(question)
    return sum(rest, first)


class TestStandard(ChatModelIntegrationTests):
    """Every feature on, default constructor parameters."""

    @property
    def chat_model_class(self) -> type[ChatAuriko]:
        return ChatAuriko

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o"}

    @property
    def model_override_value(self) -> str:
        return "claude-sonnet-4-6"

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_video_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> Any:
        details = ["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]
        return {"invoke": details, "stream": details}

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        question = [HumanMessage([{"type": "text", "text": "What is this?"}, sound()])]
        message = ask(self.chat_model_class(**self.chat_model_params), question, stream=stream)
        assert message.usage_metadata["input_token_details"]["audio"] > 100
        return message

    def invoke_with_audio_output(self, *, stream: bool = False) -> AIMessage:
        """What the gateway counts as sound in an answer: none of its models speaks, and it says so."""
        return ask(self.chat_model_class(**self.chat_model_params), "Say hello.", stream=stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return ask(self.claude(reasoning_effort="high"), "Why is the sky blue?", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        messages = long_prompt()
        ask(self.claude(), messages, stream=stream)
        message = ask(self.claude(), messages, stream=stream)
        assert message.usage_metadata["input_token_details"]["cache_read"] > 1000
        return message

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        message = ask(self.claude(), long_prompt(), stream=stream)
        assert message.usage_metadata["input_token_details"]["cache_creation"] > 1000
        return message

    def claude(self, **settings: Any) -> ChatAuriko:
        return ChatAuriko(**{**self.chat_model_params, "models": None, "model": "claude-sonnet-4-6", **settings})


class StructuredOutput(ChatModelTests):
    """Those of the standard tests that are about structured output."""

    test_structured_output = ChatModelIntegrationTests.test_structured_output
    test_structured_output_async = ChatModelIntegrationTests.test_structured_output_async
    test_structured_output_optional_param = ChatModelIntegrationTests.test_structured_output_optional_param
    test_structured_output_pydantic_2_v1 = ChatModelIntegrationTests.test_structured_output_pydantic_2_v1

    @property
    def chat_model_class(self) -> type[ChatAuriko]:
        return ChatAuriko

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o"}


class TestFunctionCalling(StructuredOutput):
    """By a tool call."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


class TestJsonMode(StructuredOutput):
    """By the providers' JSON mode, which takes no schema."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_mode"}


class TestStandardBlocks(StructuredOutput):
    """With LangChain's standard blocks as content: answers, streams, histories, and what an agent makes of them."""

    test_agent_loop = ChatModelIntegrationTests.test_agent_loop
    test_conversation = ChatModelIntegrationTests.test_conversation
    test_invoke = ChatModelIntegrationTests.test_invoke
    test_stream = ChatModelIntegrationTests.test_stream
    test_tool_calling = ChatModelIntegrationTests.test_tool_calling

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "output_version": "v1"}


class TestModels(StructuredOutput):
    """A pool of models in place of one."""

    test_invoke = ChatModelIntegrationTests.test_invoke
    test_stream = ChatModelIntegrationTests.test_stream
    test_tool_calling = ChatModelIntegrationTests.test_tool_calling

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"models": ["gpt-4o", "claude-sonnet-4-6"], "routing": {"optimize": "ttft"}}
