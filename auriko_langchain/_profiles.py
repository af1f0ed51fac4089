"""Profiles of models, in LangChain's words, from the gateway's directory (API section 11.6).

`profiles.json` is a snapshot of a directory, so that a model knows its profile without asking anybody;
`ChatAuriko.fetch_profile()` asks the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, cast

from langchain_core.language_models import ModelProfile

from auriko.models import DirectoryModel, DirectoryResponse, ProviderEntry
from auriko.routing import split_strategy

# The gateway makes of each what the provider has that comes next to it.
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


def profile_of(models: Sequence[str], known: Mapping[str, ModelProfile]) -> ModelProfile | None:
    """The profile of what every one of these models can do, or None where one is unknown.

    A number is the smallest of theirs, a capability counts if all have it.
    """
    found = [known.get(split_strategy(model)[0]) for model in models]
    if not found or None in found:
        return None
    profiles = [cast("dict[str, Any]", profile) for profile in found]
    shared = set(profiles[0]).intersection(*profiles[1:])
    if len(profiles) > 1:
        shared.discard("name")
    return cast("ModelProfile", {key: _least([profile[key] for profile in profiles]) for key in sorted(shared)})


def _least(values: Sequence[Any]) -> Any:
    """What all of them have: of lists the part that is in each, else the smallest; of truth values that is "all"."""
    first: Any = values[0]
    if not isinstance(first, list):
        return min(values)
    parts: list[Any] = first  # pyright: ignore[reportUnknownVariableType]
    return [part for part in parts if all(part in other for other in values)]


@lru_cache(maxsize=1)
def snapshot() -> Mapping[str, ModelProfile]:
    """The profiles that come with the package, by id and alias."""
    text = files("auriko_langchain").joinpath("profiles.json").read_text("utf-8")
    return {name: _known(profile) for name, profile in json.loads(text).items()}


def profiles_of_directory(directory: DirectoryResponse) -> dict[str, ModelProfile]:
    """The profiles of all models of a directory, by id and alias."""
    profiles: dict[str, ModelProfile] = {}
    for model_id, model in directory.models.items():
        for name in (model_id, *(model.aliases or ())):
            profiles[name] = _profile(model)
    return profiles


def _profile(model: DirectoryModel) -> ModelProfile:
    """The profile of the model at its best provider: the gateway leaves out those that cannot do what is asked."""
    offers = model.providers
    can = {name for offer in offers for name, has in (offer.capabilities or {}).items() if has}
    takes = _union(offer.input_modalities for offer in offers) or {"text"}
    gives = _union(offer.output_modalities for offer in offers) or {"text"}
    params = _union(offer.accepted_params or offer.supported_parameters for offer in offers)
    profile: dict[str, Any] = {
        "name": model.display_name or "",
        "text_inputs": "text" in takes,
        "image_inputs": "image" in takes or "vision" in can,
        "image_url_inputs": "image" in takes or "vision" in can,
        "pdf_inputs": "file" in takes or "pdf" in takes,
        "audio_inputs": "audio" in takes,
        "video_inputs": "video" in takes,
        "attachment": not takes.isdisjoint({"image", "file", "pdf"}) or "vision" in can,
        "text_outputs": "text" in gives,
        "image_outputs": "image" in gives,
        "audio_outputs": "audio" in gives,
        "video_outputs": "video" in gives,
        "reasoning_output": "reasoning" in can,
        "tool_calling": "tools" in can,
        "tool_choice": "tool_choice_required" in can,
        "tool_call_streaming": {"tools", "streaming"} <= can,
        "structured_output": "structured_output" in can,
    }
    if params:
        profile["temperature"] = "temperature" in params
    if "reasoning" in can and "reasoning_effort" in params:
        profile["reasoning_effort_levels"] = [*(["off"] if "reasoning_off" in can else []), *_EFFORTS]
    if offers and all(offer.shutdown_at for offer in offers):
        profile["status"] = "deprecated"
    if window := _largest(offers, "context_window"):
        profile["max_input_tokens"] = window
    if output := _largest(offers, "max_output_tokens"):
        profile["max_output_tokens"] = output
    return _known(profile)


def _known(profile: Mapping[str, Any]) -> ModelProfile:
    """The profile with the keys that this version of langchain-core has; others may come with a later one."""
    kept = {name: value for name, value in profile.items() if name in ModelProfile.__annotations__}
    return cast("ModelProfile", kept)


def _union(lists: Iterable[list[str] | None]) -> set[str]:
    return {name for names in lists for name in names or ()}


def _largest(offers: Sequence[ProviderEntry], field: str) -> int | None:
    return max((getattr(offer, field) or 0 for offer in offers), default=0) or None
