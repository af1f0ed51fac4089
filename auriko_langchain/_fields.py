"""The fields of `ChatAuriko` and their life: checks, connections, copies, pickles, and the serialised form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.utils.utils import from_env, secret_from_env
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from auriko import AsyncClient, Client, GatewayMetadata, GatewayOptions, RoutingOptions
from auriko.call_arguments import gateway_of
from auriko.routing import merge_gateway, plain_options
from auriko.shared_clients import CLIENT_FIELDS, Clients, HasClients, http_client_for_loops
from auriko.spend import Recorder
from auriko_langchain._params import WIRE_FIELDS, check_names
from auriko_langchain.errors import langchain_errors

ModelT = TypeVar("ModelT", bound="ChatFields")
# Other LangChain models' names of some fields.
_ALIASES = {
    "model_name": "model",
    "max_completion_tokens": "max_tokens",
    "stop_sequences": "stop",
    "request_timeout": "timeout",
}
# Cached properties, the second one langchain-core's: what follows from the fields.
_CACHED = ("_derived", "_serialized")
_TOLD_FIRST = ("model", "models", "routing", "base_url")


class Derived:
    """Values that follow from the fields, made on the first call and dropped when a field changes."""

    __slots__ = ("async_client", "client", "clients", "defaults", "gateway", "shown")

    def __init__(self, fields: ChatFields, clients: Clients) -> None:
        self.clients = clients  # of the model itself, whose private attributes are slow to look up
        self.defaults = fields.wire_defaults()
        routed = fields.gateway_defaults()
        self.gateway = GatewayOptions.model_validate(gateway_of(routed)) if routed else None
        self.shown = {**self.defaults, **routed}
        settings = {name: value for name in CLIENT_FIELDS if (value := getattr(fields, name)) is not None}
        self.client = {**settings, "http_client": fields.http_client}
        http_async_client = http_client_for_loops(fields.http_client, fields.http_async_client)
        self.async_client = {**settings, "http_client": http_async_client}


class ChatFields(BaseChatModel, HasClients):
    """The fields of `ChatAuriko`. Those of a request have the API's names; None leaves them to the gateway.

    Attributes:
        model: The id or alias of a model, with a strategy as in "gpt-4o:ttft" if you like.
        models: In place of it 1 to 10 candidates, among which `routing` decides.
        routing: How a provider is chosen; a dictionary becomes a `RoutingOptions`.
        gateway_metadata: Labels of every request: `tags`, `user_id`, `trace_id`, `custom_fields`.
        label_from_config: Whether the tags, the run's id and `metadata["user_id"]` of LangChain's config become
            labels of the request.
        conversation: True to have the turns of a thread of LangGraph stay with the provider whose cache has them; or
            the id of the one conversation that the model is for.
        max_tokens: The most tokens of an answer; sent as `max_completion_tokens`.
        extensions: Options for single providers, by provider.
        extra_body: Fields of the request that have no name here.
        model_kwargs: The same, under the name that other LangChain models have for it.
        streaming: Whether `invoke` streams inside, so that callbacks see the tokens as they come.
        stream_usage: Whether streams ask for the token counts.
        api_key: The key; else AURIKO_API_KEY, and no other variable.
        base_url: Where the API is; else AURIKO_BASE_URL, else the gateway.
        timeout: Bound in seconds of each phase of a request; None for the client's default.
        max_retries: How many requests may follow the first, 0 for none; None for the client's default.
        deadline: Bound in seconds of a whole call with its retries and its stream.
        stream_idle_timeout: Bound in seconds of the wait for a stream's next event; else ten minutes.
        http_client: A client of yours to send with, which you close; or "httptools", as for `auriko.Client`.
        http_async_client: The same for `ainvoke` and `astream`; else "httptools" if `http_client` is.
        spend: A `SpendTracker` or `SpendLedger` that is told what every call cost.
        pickle_api_key: Whether the key goes into pickles; without it a worker reads AURIKO_API_KEY.
    """

    # A refused value may be the key, so no value is shown.
    model_config = ConfigDict(hide_input_in_errors=True)

    model: str | None = Field(default=None, kw_only=False)
    models: list[str] | None = None
    routing: RoutingOptions | Mapping[str, Any] | None = None
    gateway_metadata: GatewayMetadata | Mapping[str, Any] | None = None
    label_from_config: bool = False
    conversation: bool | str = False

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    top_a: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = None
    reasoning_effort: str | None = None
    reasoning: dict[str, Any] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None
    web_search_options: dict[str, Any] | None = None
    verbosity: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    extensions: dict[str, dict[str, Any]] | None = None
    extra_body: dict[str, Any] | None = None
    model_kwargs: dict[str, Any] | None = None

    streaming: bool = False
    stream_usage: bool = True

    api_key: SecretStr | str | None = Field(default_factory=secret_from_env("AURIKO_API_KEY", default=None))
    base_url: str | None = Field(default_factory=from_env("AURIKO_BASE_URL", default=None))
    timeout: float | httpx.Timeout | None = None
    max_retries: int | None = None
    deadline: float | None = None
    stream_idle_timeout: float | None = None
    default_headers: dict[str, str] | None = Field(default=None, repr=False)
    default_query: dict[str, str] | None = Field(default=None, repr=False)
    http_client: httpx.Client | Literal["httptools"] | None = Field(default=None, exclude=True, repr=False)
    http_async_client: httpx.AsyncClient | Literal["httptools"] | None = Field(default=None, exclude=True, repr=False)
    spend: Recorder | None = Field(default=None, exclude=True, repr=False)
    pickle_api_key: bool = False

    _clients: Clients = PrivateAttr(default_factory=Clients)

    if not TYPE_CHECKING:  # pragma: no branch - type checkers read the arguments off the fields

        def __init__(self, *model: str, **fields: Any) -> None:
            if len(model) > 1:
                raise TypeError(f"ChatAuriko takes one argument without a name, the model; {len(model)} were given.")
            if model and "model" in fields:
                raise TypeError("ChatAuriko: the model is given twice.")
            super().__init__(**({"model": model[0]} if model else {}), **fields)

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        given: Mapping[str, Any] = values  # pyright: ignore[reportUnknownVariableType]
        check_names(given, [*cls.model_fields, *_ALIASES], "argument")
        for alias, name in _ALIASES.items():
            if alias in given and name in given:
                raise TypeError(f"ChatAuriko: {alias!r} is another name of {name!r}; give one of them.")
        return {_ALIASES.get(name, name): value for name, value in given.items()}

    @field_validator("api_key", mode="before")
    @classmethod
    def _hide_key(cls, value: Any) -> Any:
        return SecretStr(value) if isinstance(value, str) else value

    @field_validator("logit_bias", mode="before")
    @classmethod
    def _name_tokens(cls, value: Any) -> Any:
        """Tokens are numbers, which JSON has as text where they are names."""
        if not isinstance(value, Mapping):
            return value
        biases: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {str(token): bias for token, bias in biases.items()}

    @field_validator("routing", "gateway_metadata", mode="before")
    @classmethod
    def _make_options(cls, value: Any, info: ValidationInfo) -> Any:
        kind = RoutingOptions if info.field_name == "routing" else GatewayMetadata
        options = kind.model_validate(value) if isinstance(value, Mapping) else value
        return options if plain_options(options) else None

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if (self.model is None) == (self.models is None):
            raise ValueError('give either model="..." or models=["...", ...]')
        return self

    def wire_defaults(self) -> dict[str, Any]:
        """The fields of every request, under the wire's names and without the `gateway` object."""
        values = {name: getattr(self, name) for name in _WIRE_NAMES}
        values["max_completion_tokens"] = self.max_tokens
        values["extra_body"] = {**(self.model_kwargs or {}), **(self.extra_body or {})} or None
        values["stop"] = self.stop or None
        values["conversation"] = self.conversation if isinstance(self.conversation, str) else None
        return {name: value for name, value in values.items() if value is not None}

    def gateway_defaults(self) -> dict[str, Any]:
        """The fields of routing, as plain values."""
        named = {"models": self.models, "routing": self.routing, "gateway_metadata": self.gateway_metadata}
        return {name: plain_options(value) for name, value in named.items() if value is not None}

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        with langchain_errors():
            self._client()
        return self

    def __repr_args__(self) -> Any:
        """What was set, and first by what the models that someone has differ."""
        told = dict(super().__repr_args__())
        first = {name: told.pop(name) for name in _TOLD_FIRST if name in told}
        return [*first.items(), *told.items()]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in type(self).model_fields:
            self._forget()

    def _forget(self) -> None:
        for name in _CACHED:
            vars(self).pop(name, None)

    @cached_property
    def _derived(self) -> Derived:
        return Derived(self, self._clients)

    def _client(self) -> Client:
        derived = self._derived
        return derived.clients.sync(derived.client)

    def _async_client(self) -> AsyncClient:
        derived = self._derived
        return derived.clients.asynchronous(derived.async_client)

    def with_routing(self, routing: RoutingOptions | Mapping[str, Any] | None = None, **options: Any) -> Self:
        """A copy with these routing options over its own: `model.with_routing(optimize="ttft")`."""
        return self.rerouted(routing=routing).rerouted(routing=options)

    def rerouted(self, routing: Any = None, gateway_metadata: Any = None, **others: Mapping[str, Any]) -> Self:
        """A copy with these options over its own ones; `others` are further fields that are objects of options.

        Raises:
            ValueError: An option is unknown or out of its range.
        """
        over: dict[str, Any] = {"routing": routing or {}, "metadata": gateway_metadata or {}}
        base: dict[str, Any] = {"routing": self.routing or {}, "metadata": self.gateway_metadata or {}}
        options = {name: value for name, value in merge_gateway(base, over).items() if value}
        merged = GatewayOptions.model_validate(options)
        update = {name: merge_gateway(getattr(self, name), value) for name, value in others.items()}
        return self.model_copy(update={**update, "routing": merged.routing, "gateway_metadata": merged.metadata})

    def __copy__(self) -> Self:
        return _as_new(super().__copy__())

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        # Handlers, caches and clients are places outside of the model: a copy uses the same ones.
        for place in (
            self.http_client,
            self.http_async_client,
            self.rate_limiter,
            self.callbacks,
            self.cache,
            vars(self).get("_derived"),
        ):
            memo[id(place)] = place
        return _as_new(super().__deepcopy__(memo))

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        fields = {name: value for name, value in state["__dict__"].items() if name not in _CACHED}
        # The name of a transport can be made anew elsewhere, a client of the user's cannot.
        for name in ("http_client", "http_async_client"):
            if not isinstance(fields[name], str):
                fields[name] = None
        if not self.pickle_api_key:
            fields["api_key"] = None
        return {**state, "__dict__": fields}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        if self.api_key is None:
            vars(self)["api_key"] = secret_from_env("AURIKO_API_KEY", default=None)()

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """True: `dumps` and `loads` of langchain-core work."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The environment variable that stands for the key in `dumps`."""
        return {"api_key": "AURIKO_API_KEY"}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """The routing as plain values, which `dumps` can write."""
        return self.gateway_defaults()

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._derived.shown


_WIRE_NAMES = sorted(WIRE_FIELDS & ChatFields.model_fields.keys())


def _as_new(twin: ModelT) -> ModelT:
    """The copy, which may be changed and is closed on its own."""
    twin.__pydantic_private__ = {**(twin.__pydantic_private__ or {}), "_clients": Clients()}
    for name in _CACHED:
        vars(twin).pop(name, None)
    return twin
