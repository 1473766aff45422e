"""Lists of the objects on the images of a dataset ("figures")."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, TypeAlias

from traindash.errors import InputError
from traindash.platform.store.database import Database
from traindash.platform.store.images import ContentFilter, content_clause, require_row, scope_of
from traindash.platform.store.inner_ids import images_with
from traindash.platform.store.listing import Clause, Condition, IdPage, Listing
from traindash.platform.store.projects import parse_object
from traindash.platform.wire import shortened

Figure: TypeAlias = tuple[Row, Mapping[str, Any]]  # an image and the JSON of an object on it, as it is stored
_Test: TypeAlias = Callable[[Mapping[str, Any]], bool]
_AT_ONCE = 100  # images whose annotations are in memory together


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    images: Clause
    tests: tuple[_Test, ...]  # each must hold for an object


class Figures:
    """The objects on images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, listing: Listing, dataset_id: int, filters: Sequence[ContentFilter] = ()
    ) -> tuple[IdPage, list[Figure]]:
        """Return a page of the objects on the images of a dataset, in the order of the images.

        Raises:
            NotFoundError: There is no such dataset.
            InputError: A filter is not possible; names it.
        """
        per_page = listing.page_length
        start = (listing.page - 1) * per_page
        with self._database.read() as connection:
            wanted = _wanted(connection, listing, dataset_id, filters)
            query = f"SELECT id, labels_count FROM images WHERE {wanted.images.sql} AND labels_count > 0 ORDER BY id"  # noqa: S608 - constant conditions
            counts = [(row[0], row[1]) for row in connection.execute(query, wanted.images.values)]
            if wanted.tests:
                walk = _objects(connection, [image_id for image_id, _ in counts])
                found = [figure for figure in walk if all(test(figure[1]) for test in wanted.tests)]
                return IdPage(total=len(found), per_page=per_page), found[start : start + per_page]
            ids, skipped = _covering(counts, start, per_page)
            found = list(_objects(connection, ids))[skipped : skipped + per_page]
            return IdPage(total=sum(count for _, count in counts), per_page=per_page), found


def _covering(counts: Sequence[tuple[int, int]], start: int, length: int) -> tuple[list[int], int]:
    """Return the images on which a range of objects lies, and how many objects of the first come before the range."""
    ids: list[int] = []
    skipped = before = 0
    for image_id, count in counts:
        if before + count > start and before < start + length:
            if not ids:
                skipped = start - before
            ids.append(image_id)
        before += count
    return ids, skipped


def _objects(connection: Connection, image_ids: Sequence[int]) -> Iterator[Figure]:
    query = (
        "SELECT images.*, annotation FROM images JOIN annotations ON image_id = id"
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    )
    for start in range(0, len(image_ids), _AT_ONCE):
        for row in connection.execute(query, (json.dumps(image_ids[start : start + _AT_ONCE]),)):
            for item in parse_object(row["annotation"])["objects"]:
                yield row, item


def _wanted(connection: Connection, listing: Listing, dataset_id: int, filters: Sequence[ContentFilter]) -> _Wanted:
    require_row(connection, "datasets", "dataset", dataset_id)
    scope = scope_of(connection, None, dataset_id, recursive=False)
    clauses, tests = [scope.clause], list[_Test]()
    for condition in listing.filter or ():
        values = frozenset(_ids(condition))
        match condition.field:
            case "entityId" | "imageId":
                clauses.append(_among("id", values))
            case "id":
                clauses.append(_among("id", images_with(connection, sorted(values)).values()))
                tests.append(_has("id", values))
            case "classId":
                tests.append(_has("classId", values))
            case _:
                msg = f"The filter field {shortened(condition.field)!r} does not exist."
                raise InputError(msg, "Use one of: entityId, imageId, id, classId.")
    for entry in filters:
        clauses.append(content_clause(connection, entry, scope))
        if (test := _test(entry)) is not None:
            tests.append(test)
    sql = " AND ".join(f"({clause.sql})" for clause in clauses)
    return _Wanted(
        images=Clause(sql, tuple(value for clause in clauses for value in clause.values)), tests=tuple(tests)
    )


def _has(key: str, values: frozenset[int]) -> _Test:
    return lambda item: item.get(key) in values


def _ids(condition: Condition) -> Iterator[int]:
    for value in condition.value if isinstance(condition.value, list) else [condition.value]:
        if condition.operator not in {"in", "=", "eq"} or not isinstance(value, int) or isinstance(value, bool):
            msg = f"The filter of {shortened(condition.field)!r} must be '=' or 'in' with ids."
            raise InputError(msg, "Correct the filter.")
        yield value


def _among(column: str, ids: Iterable[int]) -> Clause:
    return Clause(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(sorted(set(ids))),))  # noqa: S608 - constant


def _test(entry: ContentFilter) -> _Test | None:
    """Return what a content filter asks of single objects; those for images ask nothing."""
    data = entry.data
    match entry.type:
        case "objects_class" if data.class_id is not None:
            return lambda item: (item.get("classId") == data.class_id) is data.include
        case "objects_tag":
            return lambda item: (
                any(data.tag_id in {None, tag.get("tagId")} for tag in item.get("tags") or ()) is data.include
            )
        case _:
            return None
