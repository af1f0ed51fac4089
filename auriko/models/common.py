"""Token usage and the identity behind a key (API sections 11.1 and 11.6)."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from auriko._base_model import AurikoResponseModel, Informational, InformationalModel, Reply


class PromptTokensDetails(InformationalModel):
    """What the prompt's tokens were."""

    cached_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    audio_tokens: int | None = None
    # Releases before 1.2 of the gateway's own package called this counter cache_creation_tokens.
    cache_write_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("cache_write_tokens", "cache_creation_tokens")
    )


class CompletionTokensDetails(InformationalModel):
    """What the completion's tokens were."""

    reasoning_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class Usage(InformationalModel):
    """Tokens of one call."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: Informational[PromptTokensDetails] = None
    completion_tokens_details: Informational[CompletionTokensDetails] = None


class ApiKeyWorkspace(AurikoResponseModel):
    """The workspace that a key belongs to."""

    id: str
    name: str | None = None


class ApiKeyRateLimits(InformationalModel):
    """Requests per minute that a key may make."""

    inference_rpm: int | None = None
    management_reads_rpm: int | None = None
    management_writes_rpm: int | None = None


class ApiKeyIdentity(Reply):
    """Who the key in use is (GET /v1/me). Older gateways answer in a flat shape: see `model_extra`."""

    credential_type: str | None = None
    status: str | None = None
    profile: str | None = None
    key_id: str | None = None
    key_prefix: str | None = None
    key_name: str | None = None
    workspace: Informational[ApiKeyWorkspace] = None
    scopes: Informational[list[str]] = None
    rate_limits: Informational[ApiKeyRateLimits] = None
    expires_at: str | None = None
    created_at: str | None = None
