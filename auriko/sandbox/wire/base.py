"""Validation of JSON bodies, with the API's own error codes (API section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, from_json

from auriko.errors import CODES
from auriko.sandbox.errors import GatewayError


class WireModel(BaseModel):
    """A JSON object that knows all its keys; numbers are not read from strings."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class OpenWireModel(WireModel):
    """A JSON object that may hold more than is known here."""

    model_config = ConfigDict(extra="allow")


# What pydantic says in terms of Python.
_REASONS = {
    "model_type": "it must be an object",
    "model_attributes_type": "it must be an object",
    "dict_type": "it must be an object",
    "list_type": "it must be an array",
}

ModelT = TypeVar("ModelT", bound=WireModel)


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in this body.

    Raises:
        GatewayError: `invalid_request`, as the body holds anything else.
    """
    try:
        data = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise GatewayError("invalid_request", f"The body is not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise GatewayError("invalid_request", "The body must be a JSON object.")
    return data  # pyright: ignore[reportUnknownVariableType]


def validate(model: type[ModelT], data: Mapping[str, Any]) -> ModelT:
    """`data` as this model.

    Raises:
        GatewayError: The first thing that is wrong, with its field in `param`.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _first_error(error.errors(include_url=False), data, model) from None


def _first_error(errors: list[ErrorDetails], data: Any, model: type[WireModel]) -> GatewayError:
    # An unknown field often causes the other errors; else the deepest is the one that says most, as every
    # member of a union complains.
    error = next((e for e in errors if e["type"] == "extra_forbidden"), max(errors, key=lambda e: len(e["loc"])))
    param, told = field_path(error["loc"], data), error.get("ctx", {})
    if error["type"] == "union_tag_not_found":  # the field by which the members of a union are told apart
        param += "." + told["discriminator"].strip("'")
    if error["type"] in {"missing", "union_tag_not_found"}:
        return GatewayError("missing_required_parameter", f"{param} is required.", param=param)
    if error["type"] == "extra_forbidden":
        return GatewayError(
            "unknown_field",
            f"{param} is not a field of this request.",
            param=param,
            suggestion=_meant(model, error["loc"]),
        )
    if error["type"] in CODES:  # one of our own validators knows better
        field = f"{param}.{told['field']}" if "field" in told else param
        return GatewayError(error["type"], f"{param} {error['msg']}.", param=field, suggestion=told.get("suggestion"))
    reason = _REASONS.get(error["type"], error["msg"]).removeprefix("Value error, ")
    if error["type"] == "union_tag_invalid":
        reason = f"it is of the kind {told['tag']!r}; there are {told['expected_tags']}"
    return GatewayError("invalid_parameter_value", f"{param}: {reason}.", param=param or None)


def _meant(model: type[WireModel], loc: tuple[int | str, ...]) -> str | None:
    """A suggestion of the field with a similar name at this location, if there is one."""
    here: Any = model
    for step in loc[:-1]:
        known = here.model_fields.get(str(step))
        here = None if known is None else known.annotation
        if not (isinstance(here, type) and issubclass(here, BaseModel)):
            return None
    similar = get_close_matches(str(loc[-1]), here.model_fields, n=1)
    return f"Did you mean {similar[0]}?" if similar else None


def field_path(loc: tuple[int | str, ...], data: Any) -> str:
    """A location as `messages[0].content`.

    Pydantic also puts the names of union members into a location: before a field of the same name, or those that are
    not in the data, but for the last, which may be a field that is missing.
    """
    path = ""
    here = data
    for step, _ in groupby(loc):
        if isinstance(step, int):
            path += f"[{step}]"
            here = here[step] if isinstance(here, list) and step < len(here) else None  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        elif isinstance(here, Mapping) and (step in here or step == loc[-1]):
            path += f".{step}" if path else step
            here = here.get(step)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    return path
