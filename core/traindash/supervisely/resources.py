"""What the resources of a server share: JSON to types of the domain, lists in pages, their base.

JSON of a server becomes the dataclasses of the domain, so that nothing is typed a second time for the wire. A key is
the field's name in camelCase; a field whose key differs names it: ``field(metadata={"json": "title"})``. Where an
answer differs in more than names, whoever asks gives a ``fit`` that holds this difference and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from traindash.errors import issue_of
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError
from traindash.supervisely.transport import JsonObject, Transport

T = TypeVar("T")
JsonRow: TypeAlias = Mapping[str, Any]
Fit: TypeAlias = Callable[[JsonRow], JsonRow]
_Preparation: TypeAlias = Callable[[Any], Any]

# a value that is not worth losing a row for: kept as it came, read with :func:`moment` or :func:`free_object`
Unvalidated: TypeAlias = Any


class Shape(msgspec.Struct, rename="camel"):
    """Base of the few shapes of answers that are unlike anything in the domain. Unknown keys are ignored."""


def read(
    method: str, kind: type[T], data: object, fit: Fit | None = None, *, camel: bool = True, failure: str = ""
) -> T:
    """Check parsed JSON against a type and make a value of it.

    Unknown keys are passed over, for servers grow. A number may come as text. With keys in camelCase, those of somebody
    else's server, a ``null`` stands for the field's default where it has one, and moments and free objects
    (``Mapping[str, object]``) are not worth losing a row for: what cannot be read as one is ``None``.

    Args:
        method: API method that answered; named in the error.
        kind: A dataclass, a tuple of some, or any type that msgspec can check.
        data: Parsed JSON.
        fit: Gives an object the keys of ``kind`` where they differ in more than spelling.
        camel: Keys are in camelCase; otherwise they are spelled as the fields.
        failure: What to say when it does not fit, in place of that the answer does not.

    Raises:
        ContractError: A field is missing or has the wrong type; the first one is named.
    """
    # What is no object at all is left for msgspec, which says so in the words of all other errors.
    content = fit(data) if fit is not None and isinstance(data, dict) else data
    form: Any = kind  # of a class as a value mypy (2.4) does not see that it can be the key of a cache
    prepare = _preparation(form) if camel else None
    try:
        return msgspec.convert(content if prepare is None else prepare(content), kind, strict=False)
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        issue = replace(issue, path=tuple(_keys_of(kind, issue.path))) if camel else issue
        failure = failure or _("The server's answer to {method} does not fit").format(method=method)
        msg = f"{failure}: {issue}."
        hint = _("The server may be newer than this program knows; look for an update.")
        raise ContractError(msg, hint, method=method, field=issue.field) from error


def read_rows(method: str, kind: type[T], rows: Iterable[JsonRow], fit: Fit | None = None) -> tuple[T, ...]:
    """Check the rows of a list, each as :func:`read`."""
    return tuple(read(method, kind, row, fit) for row in rows)


def lacking(what: str, **stand_ins: object) -> Fit:
    """Return a fit for rows in which a server may leave out what can be told without it.

    ``what`` is the kind of thing, for a name that can be shown (``Project 6``); the stand-ins are values by their keys.
    """

    def fit(row: JsonRow) -> JsonRow:
        given = {key: value for key, value in row.items() if value is not None}
        name = given.get("name") or given.get("title") or f"{what} {given.get('id')}"
        # Older servers count in imagesCount, newer ones in itemsCount (docs/supervisely-api.md 3.4).
        count = next((given[key] for key in ("itemsCount", "imagesCount", "entitiesCount") if key in given), None)
        return {**stand_ins, **given, "name": name, "itemsCount": count}

    return fit


def moment(value: object) -> datetime | None:
    """Read an ISO 8601 text, UTC where it names no zone; ``None`` where it cannot be read."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def free_object(value: object) -> JsonRow | None:
    """Read a JSON object that is kept as it is; ``None`` for anything else."""
    return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a dataclass, and its key on the wire."""

    name: str
    key: str
    kind: Any
    has_default: bool
    prepare: _Preparation | None


@cache
def _fields(kind: type) -> tuple[_Field, ...]:
    kinds = get_type_hints(kind)
    return tuple(
        _Field(
            name=item.name,
            key=item.metadata.get("json") or _camel(item.name),
            kind=kinds[item.name],
            has_default=item.default is not MISSING or item.default_factory is not MISSING,
            prepare=_preparation(kinds[item.name]),
        )
        for item in fields(kind)
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


@cache
def _preparation(kind: Any) -> _Preparation | None:  # noqa: ANN401 - a type form
    """Return what gives JSON the form that msgspec reads a type from; ``None`` where it has it already."""
    # msgspec (0.23) renames the fields of its own structs only, and the values of the domain are dataclasses.
    bare = _without_none(kind)
    if is_dataclass(bare) and isinstance(bare, type):
        return partial(_renamed, {item.key: item for item in _fields(bare)})
    if bare is datetime:
        return moment
    item = _item_of(bare)
    if item is object:  # Mapping[str, object]: JSON of somebody else's, such as the state of an app
        return free_object
    prepare = None if item is None else _preparation(item)
    return None if prepare is None else partial(_each, prepare)


def _renamed(known: Mapping[str, _Field], data: object) -> object:
    if not isinstance(data, dict):
        return data  # msgspec says what is wrong with it
    # Ten thousand rows go through this: it looks at what came, which is less than what could have come.
    renamed = {}
    for key, value in data.items():
        if (item := known.get(key)) is None:
            continue
        if value is not None:
            renamed[item.name] = value if item.prepare is None else item.prepare(value)
        elif not item.has_default:
            renamed[item.name] = None
    return renamed


def _each(prepare: _Preparation, data: object) -> object:
    match data:
        case list():
            return [prepare(item) for item in data]
        case dict():
            return {key: prepare(item) for key, item in data.items()}
        case _:
            return data


def _keys_of(kind: Any, path: Sequence[str]) -> Iterable[str]:  # noqa: ANN401 - a type form
    """Give the keys of the JSON for a path of field names."""
    for step in path:
        bare = _without_none(kind)
        if is_dataclass(bare) and isinstance(bare, type):
            found = next(item for item in _fields(bare) if item.name == step)
            kind = found.kind
            yield found.key
        else:
            kind = _item_of(bare)
            yield step


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - a type form
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    kinds = [item for item in get_args(kind) if item is not NoneType]
    return kinds[0] if len(kinds) == 1 else None


def _item_of(kind: Any) -> Any:  # noqa: ANN401 - a type form
    """Return what a tuple, list or mapping holds, ``None`` for other types."""
    match get_origin(kind), get_args(kind):
        case (origin, (item, *_)) if origin in {tuple, list}:
            return item
        case (origin, (_, item)) if origin in {Mapping, dict}:
            return item
        case _:
            return None


# A list that changes with every look is given up; three looks are two more than a change in between needs.
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
        for row in page.entities:  # a row that moved to the next page meanwhile comes twice
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
    # The first request has no page keys, as that of the official SDK (docs/supervisely-api.md 2); the rest keep the
    # first answer's page size.
    walk, start = _Walk(), dict(body)
    for _walk_number in range(_WALKS):
        walk = _walk(transport, method, start)
        if len(walk.rows) == walk.total:
            return tuple(walk.rows.values())
        start = {**body, "page": 1, "per_page": max(walk.per_page, 1)}
    msg = _("The server's answer to {method} misses rows: it speaks of {expected} and gives {found}.").format(
        method=method, expected=walk.total, found=len(walk.rows)
    )
    raise ContractError(msg, _("Try again; the list may be changing right now."), method=method, field="entities")


def _walk(transport: Transport, method: str, body: JsonObject) -> _Walk:
    request = {"filter": [], **_BY_ID, **body}
    walk = _Walk()
    for page in pages(lambda which: read(method, PageShape, transport.read(method, {**request, **which}))):
        walk.add(page)
    return walk


def pages(ask: Callable[[Mapping[str, int]], PageShape]) -> Iterator[PageShape]:
    """Give the pages of a list up to its last one, or to an empty one, whatever the server said of their number.

    ``ask`` gets the keys of a page, none for the first one; the others have the size of the first answer.
    """
    page, number = ask({}), 1
    per_page = page.per_page
    yield page
    while number < page.pages_count and page.entities:
        number += 1
        page = ask({"page": number, "per_page": per_page})
        yield page


class Resource:
    """Methods for one kind of thing on a server. Keeps nothing; safe to share between threads."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def _fetch(self, method: str, kind: type[T], body: JsonObject | None = None, fit: Fit | None = None) -> T:
        """Ask for something; arguments and errors as of :func:`read`."""
        return read(method, kind, self.transport.read(method, body), fit)

    def _fetch_all(self, method: str, kind: type[T], body: JsonObject, fit: Fit | None = None) -> tuple[T, ...]:
        """Ask for a whole list; errors as of :func:`read_all`."""
        return read_rows(method, kind, read_all(self.transport, method, body), fit)

    def _send(self, method: str, kind: type[T], body: JsonObject, fit: Fit | None = None) -> T:
        """Change something on the server; sent once."""
        return read(method, kind, self.transport.write(method, body), fit)
