"""The sandbox's OpenAPI document, made of its operations and of the types of what goes in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from auriko import __version__
from auriko.errors import CODES
from auriko.sandbox.errors import ErrorEnvelope
from auriko.sandbox.http.operations import Operation

# Event streams are described by `itemSchema`, which came with this version.
OPENAPI_VERSION = "3.2.0"

_DESCRIPTION = """A gateway on this machine that speaks the Auriko API: no key, no network, nothing is spent.

Faults are asked for by the header `X-Sandbox-Fault` or after an `@` at the end of a model's name; what they do to a \
reply is not in this document."""
_REFERENCE = "#/components/schemas/{model}"
_SCHEMES = ("bearer", "basic")
_JSON = "application/json"
_STREAM = "text/event-stream"

_TEXT = {"type": "string"}
_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
_EVERY_REPLY = {"X-Request-ID": _TEXT}
_KNOWN_CALLER = {
    "X-RateLimit-Limit-Requests": _NUMBER,
    "X-RateLimit-Remaining-Requests": _NUMBER,
    "X-RateLimit-Reset-Requests": {"type": "string", "format": "date-time"},
    "X-Credits-Balance-Microdollars": _NUMBER,
}
_EVERY_ERROR = {"X-Error-Type": _TEXT, "X-Error-Retryable": {"enum": ["true", "false"]}}
# Statuses of errors: those of every endpoint, of those that need a key, and of inference.
_ALWAYS, _KEYED = {403, 413, 500}, {401}
_INFERENCE = {info.status for info in CODES.values()} - {0, 405, 409}


# By the path of an operation, or "" for all, and by "body", "reply", "event" or "error".
_Schemas = dict[tuple[str, str], dict[str, Any]]
_ERROR = ("", "error")


def openapi_document(operations: Iterable[Operation], *, journal_is_public: bool) -> dict[str, Any]:
    """The document, as JSON.

    `journal_is_public` says whether the sandbox's own endpoints are open to everyone.
    """
    operations = list(operations)
    schemas, definitions = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        keyed = operation.needs_key(journal_is_public=journal_is_public)
        path = re.sub(r":\w+}", "}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, schemas, keyed=keyed)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Auriko sandbox", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {name: {"type": "http", "scheme": name} for name in _SCHEMES},
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[_Schemas, dict[str, Any]]:
    """The schemas of what goes in and out, and those that they refer to, by name."""
    adapters: list[tuple[tuple[str, str], JsonSchemaMode, TypeAdapter[Any]]] = [
        (key, "validation" if key[1] == "body" else "serialization", TypeAdapter(kind))
        for key, kind in _types(operations)
    ]
    made, whole = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE, schema_generator=_WireSchema)
    schemas: _Schemas = {key: schema for (key, _), schema in made.items()}
    definitions: dict[str, Any] = whole["$defs"]
    for union in _unions([*schemas.values(), *definitions.values()]):
        _tell_unknown_apart(union, definitions)
    return schemas, definitions


def _types(operations: Iterable[Operation]) -> Iterator[tuple[tuple[str, str], Any]]:
    yield _ERROR, ErrorEnvelope
    for operation in operations:
        for use, kind in (("reply", operation.reply), ("body", operation.body), ("event", operation.event)):
            if kind is not None:
                yield (operation.path, use), kind


def _tell_unknown_apart(union: list[dict[str, Any]], definitions: dict[str, Any]) -> None:
    """Let the member of a union that stands for unknown types not fit the known ones, which would all fit it."""
    types = [_type_of(member, definitions) for member in union]
    known = [kind["const"] for kind in types if "const" in kind]
    for position, kind in enumerate(types):
        if known and kind.get("type") == "string" and "const" not in kind:
            union[position] = {**union[position], "properties": {"type": {"not": {"enum": known}}}}


def _unions(schema: Any) -> Iterator[list[dict[str, Any]]]:
    """Every union within this schema."""
    inner: list[Any] = []
    if isinstance(schema, dict):
        inner.extend(schema.values())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if "anyOf" in schema:
            yield schema["anyOf"]
    elif isinstance(schema, list):
        inner.extend(schema)  # pyright: ignore[reportUnknownArgumentType]
    for each in inner:
        yield from _unions(each)


def _type_of(member: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a member's field `type`."""
    name = member.get("$ref", "").rpartition("/")[2]
    kind: dict[str, Any] = definitions.get(name, {}).get("properties", {}).get("type", {})
    return kind


class _WireSchema(GenerateJsonSchema):
    """Schemas of what is on the wire: the client can do without more than the gateway leaves out."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if super().field_is_required(field, total):
            return True
        schema: Any = field["schema"]
        return (
            self.mode == "serialization"
            and schema["type"] == "default"
            and ("default_factory" in schema or schema["default"] is not None)
        )


def _described(operation: Operation, schemas: _Schemas, *, keyed: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": _summary(operation),
        "parameters": list(operation.parameters),
        "security": [{name: []} for name in _SCHEMES if name == "bearer" or operation.access == "page"]
        if keyed
        else [],
        "responses": _responses(operation, schemas, keyed=keyed),
    }
    if operation.body is not None:
        schema = schemas[operation.path, "body"]
        described["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    return described


def _summary(operation: Operation) -> str:
    return (operation.handler.__doc__ or "").removesuffix(".")


def _responses(operation: Operation, schemas: _Schemas, *, keyed: bool) -> dict[str, Any]:
    content: dict[str, Any] = {operation.media_type: {"schema": _TEXT}}
    if operation.reply is not None:
        content = {_JSON: {"schema": schemas[operation.path, "reply"]}}
    if operation.event is not None:
        content[_STREAM] = {"itemSchema": _event(operation, schemas[operation.path, "event"])}
    headers = {**_EVERY_REPLY, **(_KNOWN_CALLER if keyed else {})}
    statuses = {*_ALWAYS, *(404 if parameter["in"] == "path" else 400 for parameter in operation.parameters)}
    if keyed:
        statuses |= _KEYED
    if operation.body is not None:
        statuses |= _INFERENCE
    error = {
        "description": "The error envelope",
        "headers": _headers({**_EVERY_REPLY, **_EVERY_ERROR}),
        "content": {_JSON: {"schema": schemas[_ERROR]}},
    }
    return {
        "200": {"description": _summary(operation), "headers": _headers(headers), "content": content},
        **{str(status): error for status in sorted(statuses)},
    }


def _event(operation: Operation, schema: dict[str, Any]) -> dict[str, Any]:
    """One server-sent event: its data is JSON, or the mark of the end."""
    data: dict[str, Any] = {**_TEXT, "contentMediaType": _JSON, "contentSchema": schema}
    if operation.last_event is not None:
        data = {"anyOf": [{"const": operation.last_event}, data]}
    return {"type": "object", "required": ["data"], "properties": {"event": _TEXT, "data": data}}


def _headers(schemas: dict[str, Any]) -> dict[str, Any]:
    return {name: {"required": True, "schema": schema} for name, schema in schemas.items()}
