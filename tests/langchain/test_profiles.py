"""What a model says that it can do, and about how long its messages are."""

import pytest
from langchain_core.language_models import ModelProfile
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from auriko.models import DirectoryResponse
from auriko.sandbox.catalog.file import default_catalog
from auriko.sandbox.catalog.listing import directory
from auriko_langchain import ChatAuriko
from auriko_langchain._profiles import profiles_of_directory, snapshot

pytestmark = pytest.mark.anyio


def test_a_model_knows_its_profile(gateway):
    profile = gateway.model(model="gpt-4o").profile
    assert profile["name"] == "GPT-4o"
    assert profile["max_input_tokens"] == 128_000
    assert profile["max_output_tokens"] == 16_384
    assert profile["tool_calling"] is profile["structured_output"] is profile["image_inputs"] is True
    assert profile["reasoning_output"] is profile["video_inputs"] is False
    assert gateway.model(model="claude-sonnet-4-6").profile["reasoning_output"] is True


def test_a_model_knows_what_its_directory_tells(gateway):
    profile = gateway.model(model="claude-sonnet-4-6").profile
    assert profile["reasoning_effort_levels"] == ["off", "low", "medium", "high", "xhigh", "max"]
    assert "reasoning_effort_default" not in profile  # nobody tells it
    for name in ("tool_choice", "tool_call_streaming", "temperature", "attachment"):
        assert profile[name] is True
    assert profile["video_outputs"] is False
    assert "reasoning_effort_levels" not in gateway.model(model="gpt-4o").profile
    both = gateway.model(models=["claude-sonnet-4-6", "deepseek-reasoner"]).profile
    assert both["reasoning_effort_levels"] == ["low", "medium", "high", "xhigh", "max"]


def test_a_core_with_other_keys(monkeypatch):
    """An older one has fewer, and is given none that it does not know; a newer one has some that nobody tells."""
    offers = [{"provider": "a", "provider_model_id": "x", "shutdown_at": "2027-01-01T00:00:00Z"}]
    source = DirectoryResponse.model_validate({"models": {"m": {"display_name": "M", "providers": offers}}})
    assert profiles_of_directory(source)["m"]["status"] == "deprecated"
    snapshot.cache_clear()
    monkeypatch.setattr(ModelProfile, "__annotations__", {"name": str, "max_input_tokens": int, "brand_new": bool})
    assert profiles_of_directory(source) == {"m": {"name": "M"}}
    assert snapshot()["gpt-4o"] == {"name": "GPT-4o", "max_input_tokens": 128_000}
    snapshot.cache_clear()


@pytest.mark.parametrize("name", ["gpt-4o:ttft", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06:cost-focus"])
def test_strategies_and_aliases(gateway, name):
    assert gateway.model(model=name).profile == gateway.model(model="gpt-4o").profile


@pytest.mark.parametrize("name", ["nobody-knows", "gpt-4o:org:name", "gpt-4o:unheard"])
def test_models_that_are_not_known_have_none(gateway, name):
    assert gateway.model(model=name).profile is None
    assert gateway.model(models=["gpt-4o", name]).profile is None


def test_of_several_models_the_least_counts(gateway):
    profile = gateway.model(models=["gpt-4o", "deepseek-chat", "claude-sonnet-4-6"]).profile
    assert profile["max_input_tokens"] == 128_000
    assert profile["max_output_tokens"] == 8_192
    assert profile["image_inputs"] is False
    assert profile["tool_calling"] is True
    assert "name" not in profile


def test_a_profile_of_ones_own(gateway):
    assert gateway.model(profile={"max_input_tokens": 5}).profile == {"max_input_tokens": 5}


def test_the_snapshot_is_what_its_source_says():
    """To renew it, write what this compares it with into profiles.json, sorted and indented by 1."""
    source = DirectoryResponse.model_validate(directory(default_catalog()))
    assert snapshot() == profiles_of_directory(source)
    assert all(profile.keys() <= ModelProfile.__annotations__.keys() for profile in snapshot().values())


@pytest.mark.parametrize("way", ["fetch_profile", "afetch_profile"])
async def test_the_gateways_directory_can_be_asked(gateway, way):
    offers = [
        {"provider": "a", "provider_model_id": "x", "context_window": 1000, "capabilities": {"tools": True}},
        {"provider": "b", "provider_model_id": "y", "max_output_tokens": 50, "output_modalities": ["text", "image"]},
    ]
    gateway.replies({"models": {"m-1": {"family": "f", "display_name": "M 1", "providers": offers}}})
    model = gateway.model()
    assert model.profile is None
    found = model.fetch_profile() if way == "fetch_profile" else await model.afetch_profile()
    assert found is model.profile
    assert found["name"] == "M 1"
    assert (found["max_input_tokens"], found["max_output_tokens"]) == (1000, 50)
    assert found["tool_calling"] is found["image_outputs"] is True
    assert found["structured_output"] is found["image_inputs"] is False


def test_the_directory_of_the_sandbox(sandbox_env):
    model = ChatAuriko(model="gpt-4o")
    before = model.profile
    assert model.fetch_profile()["name"] == before["name"]


def test_tokens_are_counted_without_asking_anybody(gateway):
    @tool
    def weather(city: str) -> str:
        """The weather of a city."""
        return city

    model = gateway.model()
    messages = [HumanMessage("word " * 100), AIMessage("yes")]
    count = model.get_num_tokens_from_messages(messages)
    assert 100 < count < 200
    assert model.get_num_tokens_from_messages(messages, tools=[weather]) > count + 10
    assert model.get_num_tokens("word " * 100) == 125
    image = {"type": "image", "base64": "QUJD" * 10_000, "mime_type": "image/png"}
    assert model.get_num_tokens_from_messages([HumanMessage([image])]) < 500
    assert gateway.bodies == []
