"""The models for OpenAI's API of LangChain and LlamaIndex."""

from __future__ import annotations

from typing import Any

from subject import KEY, MODEL, LangChainModel, LlamaIndexLLM


class LangChain(LangChainModel):
    """ChatOpenAI."""

    @staticmethod
    def construct(url: str) -> Any:
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        return ChatOpenAI(model=MODEL, api_key=SecretStr(KEY), base_url=url)


class LlamaIndex(LlamaIndexLLM):
    """LlamaIndex's OpenAI."""

    @staticmethod
    def construct(url: str) -> Any:
        from llama_index.llms.openai import OpenAI

        return OpenAI(model=MODEL, api_key=KEY, api_base=url)
