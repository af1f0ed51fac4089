"""The catalogue of the sandbox: models, the providers that serve them, and at which price (API sections 6 and 11.6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

CHAT = "chat_completions"
RESPONSES = "responses"
BATCH = "batch"  # of providers; the gateway itself has no such endpoint

Effort = Literal["low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)  # how hard a model can think, from the least to the most

DataPolicy = Literal["none", "no_training", "zdr"]
DATA_POLICIES: tuple[DataPolicy, ...] = get_args(DataPolicy)  # from the weakest to the strictest

Usd = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; a cache price of None means that this kind of token costs what input costs."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None


@dataclass(frozen=True, slots=True)
class LongContext:
    """Prices that hold for prompts above a number of tokens."""

    above_tokens: int
    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Tier(Price):
    """One way of being served: its price, and the engine if it is not the provider's usual one."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # catalogues are read into it

    engine: str | None = None
    long_context: LongContext | None = None
    name: str = "standard"


# What servers of the OpenAI API commonly take.
UPSTREAM_PARAMS = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "seed",
        "temperature",
        "top_logprobs",
        "top_p",
    }
)


class Provider(BaseModel):
    """A provider of models: an engine behind a name, or an upstream, which is a server that speaks the OpenAI API.

    Attributes:
        engine: Name of the engine that answers for it; None of an upstream.
        base_url: Where an upstream's API is.
        api_key_env: The environment variable that has to hold an upstream's key.
        max_tokens_field: What an upstream calls the most tokens to answer with.
        price: That of offers without one of their own.
        params: Optional request parameters that it accepts; others are dropped with a warning.
        dialect: Whose words it uses for `native_finish_reason`.
        platform: Whether the gateway has a key of its own for it; otherwise only callers with their own key reach it.
        signs_tool_calls: Whether its tool calls carry a `provider_signature` that must be echoed.
        cache_min_tokens: The shortest repeated prefix that its prompt cache keeps, in tokens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    display_name: str
    engine: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    price: Tier | None = None
    data_policy: DataPolicy = "none"
    params: frozenset[str] = UPSTREAM_PARAMS
    dialect: Literal["openai", "anthropic", "google"] = "openai"
    platform: bool = True
    signs_tool_calls: bool = False
    cache_min_tokens: int = Field(default=1024, ge=1)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.engine is None) == (self.base_url is None):
            raise ValueError("a provider has either an engine or a base_url")
        return self


@dataclass(frozen=True, slots=True)
class Offer:
    """One model at one provider.

    Attributes:
        upstream_model: What an upstream calls it; None where an engine answers.
        efforts: Those of `EFFORTS` that it knows, if it reasons; one that knows none decides by itself.
        effort_with_tools: Whether a chat completion with tools may ask for an effort; else it is dropped silently.
    """

    provider: Provider
    tiers: tuple[Tier, ...]
    context_window: int
    max_output_tokens: int
    capabilities: frozenset[str]
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    endpoints: tuple[str, ...]
    upstream_model: str | None = None
    efforts: tuple[Effort, ...] = EFFORTS
    effort_with_tools: bool = True

    def engine(self, tier: Tier) -> str:
        """Name of the engine that answers in this tier."""
        if self.upstream_model is not None:
            return f"{self.provider.id}/{self.upstream_model}"
        return tier.engine or self.provider.engine or self.provider.id

    def provider_model_id(self, tier: Tier) -> str:
        """The name of what really runs in this tier."""
        return self.upstream_model or f"sandbox/{self.engine(tier)}"


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its canonical id, with everyone who serves it."""

    id: str
    family: str
    display_name: str
    author: str
    aliases: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = field(default=())


class Catalog:
    """Models by canonical id or alias.

    Args:
        models: Every model, in the order in which lists show them.
    """

    def __init__(self, models: Iterable[Model]) -> None:
        self._models = {model.id: model for model in models}
        self._canonical = {name: model.id for model in self for name in (model.id, *model.aliases)}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def find(self, name: str) -> Model | None:
        """The model of this id or alias."""
        canonical = self._canonical.get(name)
        return None if canonical is None else self._models[canonical]

    def names_like(self, name: str) -> list[str]:
        """The ids and aliases that are most like a name that is none, the nearest first."""
        return get_close_matches(name, list(self._canonical))

    def providers(self) -> list[Provider]:
        """Everyone who serves at least one model."""
        return list({offer.provider.id: offer.provider for model in self for offer in model.offers}.values())

    def running_on(self, engines: Collection[str]) -> Catalog:
        """The catalogue that is left with only these engines; models that nobody serves any more are gone."""
        return self._narrowed(
            lambda offer: replace(offer, tiers=tuple(tier for tier in offer.tiers if offer.engine(tier) in engines))
        )

    def callable_with(self, own_keys: Collection[str]) -> Catalog:
        """The catalogue that callers reach who have keys of their own for these providers."""
        return self._narrowed(
            lambda offer: (
                offer if offer.provider.platform or offer.provider.id in own_keys else replace(offer, tiers=())
            )
        )

    def _narrowed(self, narrow: Callable[[Offer], Offer]) -> Catalog:
        """Without the offers whose tiers `narrow` takes away, and without models that have none left."""
        kept: list[Model] = []
        for model in self:
            offers = tuple(offer for each in model.offers if (offer := narrow(each)).tiers)
            if offers:
                kept.append(replace(model, offers=offers))
        return Catalog(kept)
