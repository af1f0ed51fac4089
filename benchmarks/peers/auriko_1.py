"""The published client of version 1 and its adapters; they have the import name of the project."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from subject import KEY, MODEL, ChatCompletions, LangChainModel, LlamaIndexLLM


class Core(ChatCompletions):
    """The core client."""

    @staticmethod
    def construct(url: str) -> Any:
        return import_module("auriko").Client(api_key=KEY, base_url=url)

    @staticmethod
    def aconstruct(url: str) -> Any:
        return import_module("auriko").AsyncClient(api_key=KEY, base_url=url)


class LangChain(LangChainModel):
    """AurikoChatOpenAI."""

    @staticmethod
    def construct(url: str) -> Any:
        return import_module("auriko.frameworks.langchain").AurikoChatOpenAI(model=MODEL, api_key=KEY, base_url=url)


class LlamaIndex(LlamaIndexLLM):
    """AurikoLlamaIndexLLM."""

    @staticmethod
    def construct(url: str) -> Any:
        module = import_module("auriko.frameworks.llamaindex")
        return module.AurikoLlamaIndexLLM(model=MODEL, api_key=KEY, api_base=url)
