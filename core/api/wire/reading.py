"""How JSON of a server becomes checked values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from core.api.errors import ContractError

T = TypeVar("T")
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


class Shape(BaseModel):
    """Base of all wire shapes: camelCase keys; unknown keys are ignored, for servers grow."""

    # Most calls need a few shapes only, so each is built when it is first used: a launch from a terminal starts sooner.
    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


def read(method: str, shape: type[T], data: object) -> T:
    """Check JSON against a shape.

    Args:
        method: API method that answered; named in the error.
        shape: A :class:`Shape`, or any type that pydantic can check.
        data: Parsed JSON.

    Raises:
        ContractError: A field is missing or has the wrong type; the first one is named.
    """
    try:
        checked: T = _adapter(shape).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        msg = f"The server's answer to {method} does not fit: {field}: {first['msg'].lower()}."
        hint = "The server may be newer than this program knows; look for an update."
        raise ContractError(msg, hint, method=method, field=field) from error
    return checked


def _adapter(shape: type[T]) -> TypeAdapter[T]:
    # Building an adapter costs far more than using it. Two threads may both build one; either will do.
    known = _ADAPTERS.get(shape)
    if known is None:
        known = _ADAPTERS[shape] = TypeAdapter(shape)
    return known


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment: TypeAlias = Annotated[datetime | None, BeforeValidator(_moment)]
"""An ISO 8601 text, UTC where it names no zone. No time is worth losing a row: what cannot be read is ``None``."""


def _object(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, dict) else None


FreeObject: TypeAlias = Annotated[Mapping[str, Any] | None, BeforeValidator(_object)]
"""A JSON object kept as it is; anything else is ``None``."""
