"""Walking through lists that come in pages (contract section 2)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.api.errors import ContractError
from core.api.transport import JsonObject, Transport
from core.api.wire.reading import Shape, read

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
