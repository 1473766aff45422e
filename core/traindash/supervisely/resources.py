"""Base of the resources of a server."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

from traindash.errors import issue_of
from traindash.supervisely.errors import ContractError
from traindash.supervisely.transport import JsonObject, Transport


class Resource:
    """Methods for one kind of thing on a server. Keeps nothing; safe to share between threads.

    Args:
        transport: Carries the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport


# How JSON of a server becomes checked values.
#
# The shapes are msgspec's, not pydantic's as elsewhere: they are ready when the module is imported, and a launch from a
# terminal, which reads eight answers and ends, would spend a third of its time on making pydantic ready.


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


# Walking through lists that come in pages (contract section 2).


_WALKS = 3
_BY_ID: JsonObject = {"sort": "id", "sort_order": "asc"}


class PageShape(Shape):
    """A page; all four keys are required."""

    total: int
    per_page: int
    pages_count: int
    entities: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class _Walk:
    """Rows met so far, each once, and how many the server last said there are, in pages of which size."""

    total: int = 0
    per_page: int = 0
    rows: dict[object, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, page: PageShape) -> None:
        self.total, self.per_page = page.total, page.per_page
        for row in page.entities:
            self.rows[row.get("id", len(self.rows))] = row


def read_page(transport: Transport, method: str, body: JsonObject, *, page: int, per_page: int) -> PageShape:
    """Read one page, the first being number 1."""
    request = {"filter": [], **_BY_ID, **body, "page": page, "per_page": per_page}
    return read(method, PageShape, transport.read(method, request))


def read_all(transport: Transport, method: str, body: JsonObject) -> tuple[Mapping[str, Any], ...]:
    """Read all rows of a list.

    A list may change while it is walked through, and a server may give pages of another size than it was asked for.
    Rows that show up twice count once; when the number of rows is not the one the server speaks of, the walk begins
    anew, with pages of the size that came last.

    Raises:
        ContractError: The rows do not add up in any of three walks.
    """
    # The first request has no page keys, as that of the official SDK; the rest keep the first answer's page size.
    walk, start = _Walk(), dict(body)
    for _ in range(_WALKS):
        walk = _walk(transport, method, start)
        if len(walk.rows) == walk.total:
            return tuple(walk.rows.values())
        start = {**body, "page": 1, "per_page": max(walk.per_page, 1)}
    msg = f"The server's answer to {method} misses rows: it speaks of {walk.total} and gives {len(walk.rows)}."
    raise ContractError(msg, "Try again; the list may be changing right now.", method=method, field="entities")


def _walk(transport: Transport, method: str, body: JsonObject) -> _Walk:
    request = {"filter": [], **_BY_ID, **body}
    walk = _Walk()
    for page in pages(lambda which: read(method, PageShape, transport.read(method, {**request, **which}))):
        walk.add(page)
    return walk


def pages(ask: Callable[[Mapping[str, int]], PageShape]) -> Iterator[PageShape]:
    """Give the pages of a list up to its last one, or to an empty one, whatever the server said of their number.

    Args:
        ask: Gets the keys of a page, none for the first one; the others have the size of the first answer.
    """
    page, number = ask({}), 1
    per_page = page.per_page
    yield page
    while number < page.pages_count and page.entities:
        number += 1
        page = ask({"page": number, "per_page": per_page})
        yield page
