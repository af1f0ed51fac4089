"""A directory for tests, in the shape of the API's own example (section 11.6)."""

from datetime import datetime, timezone
from typing import Any

from auriko.models import DirectoryResponse

NOW = datetime(2026, 10, 1, tzinfo=timezone.utc)


def tier(
    name: str = "standard", price_in: float | None = 3, price_out: float | None = 15, **rest: Any
) -> dict[str, Any]:
    """Prices of one service tier."""
    return {"name": name, "input_price": price_in, "output_price": price_out, **rest}


def entry(provider: str = "anthropic", *tiers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """One provider's offer."""
    return {
        "provider": provider,
        "provider_model_id": "x",
        "context_window": 200_000,
        "max_output_tokens": 64_000,
        "data_policy": "no_training",
        "accepted_params": ["temperature", "tools"],
        "supported_parameters": ["temperature", "tools"],
        "supported_endpoints": ["chat_completions"],
        "tiers": list(tiers) or [tier()],
        **rest,
    }


def directory(*entries: dict[str, Any], **models: Any) -> DirectoryResponse:
    """A directory with one model, `claude-sonnet-4-6`, and others by keyword."""
    model = {"family": "claude", "display_name": "C", "aliases": ["claude-sonnet"], "providers": list(entries)}
    return DirectoryResponse.model_validate({"models": {"claude-sonnet-4-6": model, **models}})
