"""How JSON of a server becomes checked values.

The shapes are msgspec's, not pydantic's as elsewhere: they are ready when the module is imported, and a launch from a
terminal, which reads eight answers and ends, would spend a third of its time on making pydantic ready.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

from core.api.errors import ContractError
from core.validation import issue_of

T = TypeVar("T")

Unvalidated: TypeAlias = Any
"""A value that is not worth losing a row for: kept as it came, read with :func:`moment` or :func:`free_object`."""


class Shape(msgspec.Struct, rename="camel"):
    """Base of all wire shapes: camelCase keys; unknown keys are ignored, for servers grow."""


def read(method: str, shape: type[T], data: object) -> T:
    """Check JSON against a shape. A number that comes as text is a number.

    Args:
        method: API method that answered; named in the error.
        shape: A :class:`Shape`, or any type that msgspec can check.
        data: Parsed JSON.

    Raises:
        ContractError: A field is missing or has the wrong type; the first one is named.
    """
    try:
        return msgspec.convert(data, shape, strict=False)
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        msg = f"The server's answer to {method} does not fit: {issue}."
        hint = "The server may be newer than this program knows; look for an update."
        raise ContractError(msg, hint, method=method, field=issue.field) from error


def moment(value: Unvalidated) -> datetime | None:
    """Read an ISO 8601 text, UTC where it names no zone; ``None`` where it cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        read_moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read_moment if read_moment.tzinfo else read_moment.replace(tzinfo=UTC)


def free_object(value: Unvalidated) -> Mapping[str, Any] | None:
    """Read a JSON object that is kept as it is; ``None`` for anything else."""
    return value if isinstance(value, dict) else None
