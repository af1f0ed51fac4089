"""Token usage and the identity behind a key (API sections 11.1 and 11.6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field

from auriko.models._base import AurikoResponseModel, Informational, InformationalModel, Reply

# No call has more: a count beyond it is broken, as one below zero is.
_Count = Annotated[int, Field(ge=0, le=10**12)]


class PromptTokensDetails(InformationalModel):
    """Kinds of tokens in the prompt."""

    cached_tokens: _Count | None = None
    text_tokens: _Count | None = None
    image_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    # Releases before 1.2 of the gateway's own package called this counter cache_creation_tokens.
    cache_write_tokens: _Count | None = Field(
        default=None, validation_alias=AliasChoices("cache_write_tokens", "cache_creation_tokens")
    )


class CompletionTokensDetails(InformationalModel):
    """Kinds of tokens in the completion."""

    reasoning_tokens: _Count | None = None
    text_tokens: _Count | None = None
    image_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    accepted_prediction_tokens: _Count | None = None
    rejected_prediction_tokens: _Count | None = None


class Usage(InformationalModel):
    """Tokens of one call."""

    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0
    total_tokens: _Count = 0
    prompt_tokens_details: Informational[PromptTokensDetails] = None
    completion_tokens_details: Informational[CompletionTokensDetails] = None

    def as_chat_usage(self) -> Usage:
        """Itself, for those that may have a usage of either kind."""
        return self


class ResponseInputTokensDetails(InformationalModel):
    """Kinds of tokens in, in the Responses API."""

    cached_tokens: _Count = 0
    cache_write_tokens: _Count | None = None


class ResponseOutputTokensDetails(InformationalModel):
    """Kinds of tokens out, in the Responses API."""

    reasoning_tokens: _Count = 0
    image_tokens: _Count = 0


class ResponseUsage(InformationalModel):
    """Tokens of one call of the Responses API."""

    input_tokens: _Count = 0
    output_tokens: _Count = 0
    total_tokens: _Count = 0
    input_tokens_details: Informational[ResponseInputTokensDetails] = None
    output_tokens_details: Informational[ResponseOutputTokensDetails] = None

    def as_chat_usage(self) -> Usage:
        """The same tokens under the names that chat completions have for them."""
        tokens_in, tokens_out = self.input_tokens_details, self.output_tokens_details
        return Usage(
            prompt_tokens=self.input_tokens,
            completion_tokens=self.output_tokens,
            total_tokens=self.total_tokens,
            prompt_tokens_details=tokens_in
            and PromptTokensDetails(
                cached_tokens=tokens_in.cached_tokens, cache_write_tokens=tokens_in.cache_write_tokens
            ),
            completion_tokens_details=tokens_out
            and CompletionTokensDetails(
                reasoning_tokens=tokens_out.reasoning_tokens, image_tokens=tokens_out.image_tokens
            ),
        )


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
    """The identity behind the key (GET /v1/me). Older gateways answer in a flat shape: see `model_extra`."""

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
