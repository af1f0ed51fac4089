"""The package openai."""

from __future__ import annotations

from typing import Any

from subject import KEY, ChatCompletions


class OpenAI(ChatCompletions):
    """As it comes."""

    @staticmethod
    def construct(url: str) -> Any:
        import openai

        return openai.OpenAI(api_key=KEY, base_url=url)

    @staticmethod
    def aconstruct(url: str) -> Any:
        import openai

        return openai.AsyncOpenAI(api_key=KEY, base_url=url)


class OpenAIOnAiohttp(OpenAI):
    """With `openai[aiohttp]`."""

    @staticmethod
    def aconstruct(url: str) -> Any:
        import openai

        return openai.AsyncOpenAI(api_key=KEY, base_url=url, http_client=openai.DefaultAioHttpClient())
