"""LangChain's standard unit tests."""

from typing import Any

from langchain_tests.unit_tests import ChatModelUnitTests

from auriko_langchain import ChatAuriko


class TestStandard(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[ChatAuriko]:
        return ChatAuriko

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "routing": {"optimize": "cost"}, "api_key": "ak_test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return (
            {"AURIKO_API_KEY": "ak_env", "AURIKO_BASE_URL": "https://gateway.example/v1"},
            {"model": "gpt-4o"},
            {"api_key": "ak_env", "base_url": "https://gateway.example/v1"},
        )


class TestStandardWithModels(TestStandard):
    """The same for a model that leaves the choice to the gateway."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"models": ["gpt-4o", "claude-sonnet-4-6"], "api_key": "ak_test"}
