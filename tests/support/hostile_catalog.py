"""A catalogue whose every name tries to become markup."""

from __future__ import annotations

from typing import Any

HOSTILE = "<script>hacked=1</script>"
_MARKUP = "\"'><img src=x onerror=hacked=1>"


def hostile_catalog() -> dict[str, Any]:
    """One model and one provider, on the engine `extract`."""
    provider = f"p{_MARKUP}"
    return {
        "providers": {provider: {"display_name": _MARKUP, "engine": "quote", "data_policy": "none", "params": []}},
        "models": {
            HOSTILE: {
                "display_name": _MARKUP,
                "author": _MARKUP,
                "family": _MARKUP,
                "aliases": [f"alias{_MARKUP}"],
                "context_window": 100_000,
                "max_output_tokens": 1000,
                "capabilities": ["streaming", "non_streaming"],
                "offers": {provider: {"tiers": {"standard": {"input": 1.0, "output": 2.0}}}},
            }
        },
    }
