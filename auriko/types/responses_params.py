"""Arguments of `client.responses.create`, as typed dictionaries (API section 11.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from typing_extensions import NotRequired, Required, TypedDict

from auriko.models.extensions import Extensions
from auriko.routing import GatewayOptions
from auriko.types.chat_params import CallOptions, GatewayParam, RoutingParams


class ResponseInputTextPart(TypedDict):
    """Text that goes in."""

    type: Literal["input_text"]
    text: str


class ResponseInputImagePart(TypedDict):
    """An image that goes in, as an https or `data:` URL."""

    type: Literal["input_image"]
    image_url: NotRequired[str]
    detail: NotRequired[str]


class ResponseOutputTextPart(TypedDict):
    """Text that the model wrote before."""

    type: Literal["output_text"]
    text: str
    annotations: NotRequired[list[Any]]


ResponseContentPartParam = ResponseInputTextPart | ResponseInputImagePart | ResponseOutputTextPart


class ResponseInputMessageParam(TypedDict):
    """A message; one of the model's goes back with its `phase`."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | Iterable[ResponseContentPartParam]
    type: NotRequired[Literal["message"]]
    phase: NotRequired[str]


class ResponseInputFunctionCallParam(TypedDict):
    """A function call that the model made, sent back; `arguments` is a JSON object as text."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str


class ResponseInputFunctionCallOutputParam(TypedDict):
    """The result of a function call."""

    type: Literal["function_call_output"]
    call_id: str
    output: str


class ResponseInputReasoningSummaryPartParam(TypedDict):
    """A part of a reasoning summary."""

    type: Literal["summary_text"]
    text: str


class ResponseInputReasoningParam(TypedDict):
    """Reasoning of the model, sent back unchanged."""

    type: Literal["reasoning"]
    id: NotRequired[str]
    summary: NotRequired[list[ResponseInputReasoningSummaryPartParam]]
    encrypted_content: NotRequired[str]


ResponseInputItemParam = (
    ResponseInputMessageParam
    | ResponseInputFunctionCallParam
    | ResponseInputFunctionCallOutputParam
    | ResponseInputReasoningParam
)


class ResponseFunctionToolParam(TypedDict):
    """A function that the model may call; flat, unlike that of a chat completion."""

    type: Literal["function"]
    name: str
    description: NotRequired[str]
    parameters: NotRequired[Mapping[str, Any]]
    strict: NotRequired[bool]


ResponseToolParam = ResponseFunctionToolParam | Mapping[str, Any]


class ResponseTextFormatParam(TypedDict):
    """The form of the answer; a JSON schema stands in it directly."""

    type: Literal["text", "json_object", "json_schema"]
    name: NotRequired[str]
    schema: NotRequired[Mapping[str, Any]]
    strict: NotRequired[bool]


class ResponseTextParam(TypedDict, total=False):
    """The form of the text."""

    format: ResponseTextFormatParam
    verbosity: str


class ResponseReasoningParam(TypedDict, total=False):
    """The effort of reasoning and its summary; `generate_summary` is an older name of `summary`."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "off"]
    summary: Literal["auto", "concise", "detailed"]
    generate_summary: Literal["auto", "concise", "detailed"]


class ResponsesParams(RoutingParams, CallOptions, total=False):
    """Every field of a Responses request but `stream`; a field that is None is left out.

    Exactly one of `model` and `models` is given. The gateway keeps no state: `input` is the whole history.
    """

    input: Required[str | Iterable[ResponseInputItemParam | Mapping[str, Any] | Any]]
    model: str | None
    gateway: GatewayOptions | GatewayParam | None
    extensions: Extensions | Mapping[str, Mapping[str, Any]] | None
    instructions: str | None
    tools: Iterable[ResponseToolParam] | None
    tool_choice: str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    top_logprobs: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    reasoning: ResponseReasoningParam | Mapping[str, Any] | None
    text: ResponseTextParam | Mapping[str, Any] | None
    truncation: str | None
    metadata: Mapping[str, str] | None
    include: list[str] | None
    user: str | None
    prompt_cache_key: str | None
    safety_identifier: str | None
    store: bool | None
