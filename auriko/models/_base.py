"""The base of everything that the gateway answers: lenient where a paid call must not fail."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from typing_extensions import Self

from auriko.response_headers import ResponseHeaders

ModelT = TypeVar("ModelT", bound=BaseModel)
_HEADERS: Final = "_response_headers"


class AurikoResponseModel(BaseModel):
    """A part of a reply. Unknown fields are kept, as attributes and in `model_extra`.

    Dumps leave out what is None, unless they are asked not to, so that a message can be sent again as it was dumped.
    """

    model_config = ConfigDict(extra="allow", defer_build=True, protected_namespaces=(), ser_json_inf_nan="null")

    def model_dump(self, *, exclude_none: bool = True, **options: Any) -> dict[str, Any]:
        """The fields as a dictionary, without those that are None; all else is as in pydantic."""
        return super().model_dump(exclude_none=exclude_none, **options)

    def model_dump_json(self, *, exclude_none: bool = True, **options: Any) -> str:
        """The fields as JSON text, without those that are None; all else is as in pydantic."""
        return super().model_dump_json(exclude_none=exclude_none, **options)


class Reply(AurikoResponseModel):
    """A whole reply, which knows the headers that it came with."""

    @property
    def response_headers(self) -> ResponseHeaders | None:
        """The reply's headers, or None where the object did not come from a reply."""
        # Straight from where pydantic keeps it, whose own way there takes longer than everything else that is told.
        private = self.__pydantic_private__
        return private.get(_HEADERS) if private else None

    @property
    def request_id(self) -> str | None:
        """The request's id, to be quoted to support."""
        headers = self.response_headers
        return headers.request_id if headers is not None else None


def came_with(reply: Reply, headers: ResponseHeaders | None) -> None:
    """Notes the headers that a reply came with."""
    # Copies and pickles keep it. A private attribute that is declared costs every reply a tenth of its validation.
    object.__setattr__(reply, "__pydantic_private__", {**(reply.__pydantic_private__ or {}), _HEADERS: headers})


class InformationalModel(AurikoResponseModel):
    """A part that only informs: a field that is broken is left out, it never fails the reply."""

    model_config = ConfigDict(allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _drop_broken_fields(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            if not isinstance(value, dict):
                raise
            broken = _broken_fields(error)
            return handler({k: v for k, v in value.items() if k not in broken})  # pyright: ignore[reportUnknownVariableType]


def _none_if_broken(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


def model_from_json(model: type[ModelT], data: bytes) -> ModelT:
    """The model of a JSON text, in which `NaN` and `Infinity` are numbers, as Python's own `json` writes them.

    Raises:
        ValueError: It is no such JSON.
    """
    parsed: ModelT = model.__pydantic_validator__.validate_json(data)
    return parsed


def model_from_value(model: type[ModelT], value: Any) -> ModelT:
    """The model of a JSON value; of its own fields, those that it can do without are left out if they are broken.

    Raises:
        ValidationError: It is no such value.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        broken = _broken_fields(error)
        needed = {name for name, field in model.model_fields.items() if field.is_required()}
        if not isinstance(value, dict) or broken & needed:
            raise
        return model.model_validate({k: v for k, v in value.items() if k not in broken})  # pyright: ignore[reportUnknownVariableType]


def _broken_fields(error: ValidationError) -> set[Any]:
    return {part["loc"][0] for part in error.errors(include_url=False, include_input=False) if part["loc"]}


T = TypeVar("T")
# For fields that only inform: what cannot be understood is None instead of a failed reply.
Informational = Annotated[T | None, WrapValidator(_none_if_broken)]
