"""What goes over the wire: requests checked into types, and rows as JSON (docs/supervisely-api.md 1 and 2).

The stores stand on this too, so nothing of a web server is imported here: ``traindash env`` needs none.
"""

from collections.abc import Mapping
from contextlib import suppress
from sqlite3 import Row
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from traindash.errors import InputError, issue_of

_MAX_INTEGER = 2**63 - 1  # of SQLite

# an id; one that does not exist is a matter of the handler
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-_MAX_INTEGER, le=_MAX_INTEGER)]

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_MAX_INTEGER)]
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=_MAX_INTEGER)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=100_000)]

# A body may have 32 MB, which is millions of items: without bounds a single request could keep a thread for minutes.
Ids: TypeAlias = Annotated[tuple[Id, ...], msgspec.Meta(max_length=500_000)]
Names: TypeAlias = Annotated[tuple[str, ...], msgspec.Meta(max_length=10_000)]

_T = TypeVar("_T")


class Body(msgspec.Struct, rename="camel"):
    """Base of request bodies: camelCase on the wire, unknown keys are ignored as Supervisely does."""


class ById(Body):
    """Names one thing."""

    id: Id


def checked(method: str, body: type[_T], data: dict[str, object]) -> _T:
    """Check the parameters of a request against a :class:`Body`, or any other type that msgspec can check.

    ``data`` is parsed JSON, or texts from an address or a form: a number that comes as text is a number. ``method`` is
    the API method, named in the error.

    Raises:
        InputError: A field is missing or not usable; the first one is named.
    """
    try:
        return msgspec.convert(_with_lists(body, data), body, strict=False)
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        what = "is missing" if issue.kind == "missing" else f"is not valid: {issue.reason}"
        raise InputError(f"{method}: the field {issue.field!r} {what}.", "Correct the request.") from error


def _with_lists(body: type, data: dict[str, object]) -> dict[str, object]:
    """In the query string of a GET, lists are JSON texts."""
    texts = {name: value for name, value in data.items() if isinstance(value, str) and value[:1] in {"[", "{"}}
    if not texts:
        return data
    kind = msgspec.inspect.type_info(body)
    fields = kind.fields if isinstance(kind, msgspec.inspect.StructType) else ()
    lists = {field.encode_name for field in fields if _is_list(field.type)}
    parsed: dict[str, object] = {}
    for name in texts.keys() & lists:
        with suppress(ValueError):  # the check will say that it is a text
            parsed[name] = parse_json(texts[name].encode())
    return data | parsed


def _is_list(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(_is_list, kind.types))
    return isinstance(kind, msgspec.inspect.VarTupleType)


# A number beyond the range of a float becomes infinity, as in Python's own reader; it is answered as null.
_PARSER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=float)


def parse_json(content: bytes) -> object:
    """Parse JSON of a client.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    try:
        return _PARSER.decode(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def spelled(*columns: str) -> Mapping[str, str]:
    """Return the keys under which clients find columns of the database: camelCase → column."""
    return {_camel(*name.split("_")): name for name in columns}


def _camel(first: str, *rest: str) -> str:
    return first + "".join(word.capitalize() for word in rest)


def row_json(row: Row, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a row under the keys of :func:`spelled`."""
    return {key: row[column] for key, column in keys.items()}
