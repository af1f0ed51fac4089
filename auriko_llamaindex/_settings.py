"""The settings of an Auriko LLM: checked fields, what of them may be shown and stored, and its connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import httpx
from llama_index.core.base.llms.types import LLMMetadata
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PrivateAttr, SecretStr

from auriko import AsyncClient, Client, GatewayOptions, NotFoundError, RoutingOptions
from auriko.models.extensions import check_extensions
from auriko.routing import GatewayMetadata, plain_options, split_strategy, unknown_name
from auriko.shared_clients import CLIENT_FIELDS, Clients, HasClients, http_client_for_loops
from auriko.spend import Recorder

# What a model of unknown size is taken to hold: prompts are cut to fit it, so a small guess would break retrieval.
UNKNOWN_CONTEXT_WINDOW: Final = 128_000

# Whom an LLM tells of its events is no part of what it is, and every LLM is given a manager of its own.
_PLACES: Final = frozenset({"callback_manager"})


def _made(kind: Callable[[Any], Any]) -> BeforeValidator:
    """A plain value becomes an object of this kind, so that either may be given."""
    return BeforeValidator(lambda value: kind(value) if isinstance(value, str | Mapping) else value)


class AurikoSettings(FunctionCallingLLM, HasClients):
    """The fields of `Auriko`; everything that configures it is one of them, so copies and stores keep it."""

    # Errors about a field must not show the others, among them the key; a typo must not pass unseen.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    model: str | None = Field(default=None, description="The model; or give `models`.")
    models: list[str] | None = Field(
        default=None, description="1 to 10 candidate models, which the gateway chooses from."
    )
    routing: Annotated[
        RoutingOptions | Mapping[str, Any] | None,
        _made(RoutingOptions.model_validate),
        PlainSerializer(plain_options),
    ] = Field(default=None, description="How the gateway picks a provider: RoutingOptions or a dictionary.")
    gateway_metadata: Annotated[
        GatewayMetadata | Mapping[str, Any] | None,
        _made(GatewayMetadata.model_validate),
        PlainSerializer(plain_options),
    ] = Field(default=None, description="Labels of requests: tags, user_id, trace_id, custom_fields.")
    extensions: dict[str, dict[str, Any]] | None = Field(
        default=None, description="Options for one provider each, forwarded as they are."
    )
    conversation: bool | str = Field(
        default=False,
        description="Whether turns stay with the provider whose cache has them: True knows a conversation by how it "
        "begins, a text is the id of the one that this LLM is for.",
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="None leaves it to the model; some allow nothing else."
    )
    max_tokens: int | None = Field(default=None, ge=1, description="The most tokens an answer may have.")
    reasoning_effort: str | None = Field(
        default=None, description="low, medium, high, xhigh, max or off; None leaves it to the model."
    )
    additional_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Further arguments of every call, such as seed or top_p."
    )
    extra_body: dict[str, Any] | None = Field(
        default=None, description="Further fields of every request, for what the client does not know yet."
    )
    strict: bool | None = Field(
        default=None, description="Whether providers must hold tools and schemas to the letter."
    )
    should_use_structured_outputs: bool = Field(
        default=False, description="Structured prediction by response_format instead of a forced tool call."
    )
    send_reasoning: bool = Field(
        default=True, description="Whether reasoning goes back to the model with its tool calls."
    )
    context_window: int | None = Field(
        default=None, gt=0, description="Tokens of prompt and answer together; None is unknown."
    )
    is_function_calling_model: bool = Field(default=True, description="Whether the model can call tools.")
    api_key: Annotated[SecretStr | str | None, _made(SecretStr)] = Field(
        default=None, exclude=True, repr=False, description="The key; else AURIKO_API_KEY."
    )
    base_url: str | None = Field(default=None, description="The API's address; else AURIKO_BASE_URL.")
    timeout: float = Field(default=60.0, description="Seconds that each phase of a request may take.")
    max_retries: int = Field(default=2, description="How many requests may follow the first.")
    deadline: float | None = Field(default=None, description="Seconds that a call with its retries may take.")
    stream_idle_timeout: float | None = Field(
        default=None, description="Seconds to wait for the next event of a stream; else ten minutes."
    )
    # Headers and query parameters may carry secrets of a proxy.
    default_headers: dict[str, str] | None = Field(
        default=None, exclude=True, repr=False, description="Headers of every request."
    )
    default_query: dict[str, str] | None = Field(
        default=None, exclude=True, repr=False, description="Query parameters of every request."
    )
    http_client: httpx.Client | Literal["httptools"] | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Your own transport, which is never closed here, or 'httptools', as for auriko.Client.",
    )
    async_http_client: httpx.AsyncClient | Literal["httptools"] | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="The same for asynchronous calls; else that name if http_client is it.",
    )
    spend: Recorder | None = Field(
        default=None, exclude=True, repr=False, description="A SpendTracker or SpendLedger, told of every call."
    )
    pickle_api_key: bool = Field(default=False, description="Whether pickles hold the key.")

    _clients: Clients = PrivateAttr(default_factory=Clients)

    def __init__(self, model: str | None = None, **fields: Any) -> None:
        known = type(self).model_fields
        for name in fields:
            if name not in known:
                raise TypeError(f"Auriko: {unknown_name(name, known, 'argument')}")
        super().__init__(model=model, **fields)
        if (self.model is None) == (self.models is None):
            raise ValueError("give either model or models, the candidates to choose from")
        GatewayOptions(models=self.models)
        check_extensions(self.extensions)
        # Made now, so that a setting that cannot be used is refused here and not at the first call.
        self._client()

    @property
    def metadata(self) -> LLMMetadata:
        """The facts that LlamaIndex asks for: the model's window, its name, that it chats and calls tools."""
        return LLMMetadata(
            context_window=self.context_window or UNKNOWN_CONTEXT_WINDOW,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=self.is_function_calling_model,
            model_name=",".join(self._candidates()),
        )

    def to_payload(self) -> dict[str, Any]:
        """The facts of this LLM for events and traces; never the key or headers."""
        shown: dict[str, Any] = {
            "model": ",".join(self._candidates()),
            "models": self.models,
            "routing": plain_options(self.routing),
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "base_url_host": urlsplit(self.base_url).hostname if self.base_url else None,
        }
        return {**super().to_payload(), **{name: value for name, value in shown.items() if value is not None}}

    def fetch_context_window(self) -> int | None:
        """The tokens that every one of the models can hold, as the gateway's catalogue knows them.

        It is remembered in `context_window`; where no model is known that stays as it was, and None comes back.
        """
        client = self._client()
        windows: list[int | None] = []
        for model in self._candidates():
            with suppress(NotFoundError):
                windows.append(client.models.retrieve(split_strategy(model)[0]).context_window)
        return self._remember(windows)

    async def afetch_context_window(self) -> int | None:
        """The result of `fetch_context_window`, awaited."""
        client = self._async_client()
        windows: list[int | None] = []
        for model in self._candidates():
            with suppress(NotFoundError):
                windows.append((await client.models.retrieve(split_strategy(model)[0])).context_window)
        return self._remember(windows)

    def _remember(self, windows: list[int | None]) -> int | None:
        window = min(filter(None, windows), default=None)
        self.context_window = window or self.context_window
        return window

    def _candidates(self) -> list[str]:
        return [self.model] if self.model else list(self.models or ())

    def _client(self) -> Client:
        return self._clients.sync({**self._client_settings(), "http_client": self.http_client})

    def _async_client(self) -> AsyncClient:
        http_client = http_client_for_loops(self.http_client, self.async_http_client)
        return self._clients.asynchronous({**self._client_settings(), "http_client": http_client})

    def _client_settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in CLIENT_FIELDS}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        ours, theirs = vars(self), vars(other)
        return ours.keys() == theirs.keys() and all(ours[name] == theirs[name] for name in ours.keys() - _PLACES)

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # its fields may be changed

    def __copy__(self) -> Any:
        copy = super().__copy__()
        # A copy may be changed to other connection settings, and is closed on its own.
        copy.__pydantic_private__ = {**(copy.__pydantic_private__ or {}), "_clients": Clients()}
        return copy

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Any:
        memo = {} if memo is None else memo
        # The user's transports cannot be copied, and are theirs to share.
        memo |= {id(client): client for client in (self.http_client, self.async_http_client)}
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        # The name of a transport can be made anew elsewhere, a client of the user's cannot.
        names = ("http_client", "async_http_client")
        kept = {name: None for name in names if not isinstance(getattr(self, name), str)}
        secret = {} if self.pickle_api_key else {"api_key": None}
        # Past this class, whose state this is: a copy without what must not or cannot be stored.
        return super(AurikoSettings, self.model_copy(update={**kept, **secret})).__getstate__()

    def __setstate__(self, state: dict[Any, Any]) -> None:
        # Without __init__, which would fail where there is no key yet; what could not be stored is as new.
        values = {
            name: field.get_default(call_default_factory=True)
            for name, field in type(self).model_fields.items()
            if name not in state["__dict__"]
        }
        BaseModel.__setstate__(self, {**state, "__dict__": {**values, **state["__dict__"]}})
