"""Pages of ids: filter, sort and pagination of the API turned into SQL.

Only ids are paged, and the rows of one page are read by id. So deep pages walk a narrow index instead of whole rows.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, field

from traindash.errors import InputError, NotFoundError
from traindash.platform.wire import Body, Names, Positive, Word, shortened, spelled

DEFAULT_PER_PAGE = 500
MAX_PER_PAGE = 20_000
_MAX_INTEGER = 2**63 - 1
_MAX_PATTERN = 1000
_MOST_WILDCARDS = 10  # each multiplies the places that SQLite tries
_MOST_CONDITIONS = 100
_INTEGER = re.compile(r"-?[0-9]{1,18}")

Scalar: TypeAlias = str | int | float | None
Kind: TypeAlias = Literal["number", "text"]


@dataclass(frozen=True, slots=True)
class Column:
    """A field that clients may filter and sort by."""

    sql: str  # expression over the listed table; constant text of ours, never from a client
    kind: Kind = "text"  # what its values are


def texts(*columns: str) -> dict[str, Column]:
    """Return text columns under the names that clients know them by."""
    return {key: Column(column) for key, column in spelled(*columns).items()}


def numbers(*columns: str) -> dict[str, Column]:
    """Return columns of numbers under the names that clients know them by."""
    return {key: Column(column, "number") for key, column in spelled(*columns).items()}


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition in SQL with its parameters."""

    sql: str
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One entry of a request's ``filter``."""

    field: Word
    operator: Word = "="
    value: Any = None


class Listing(Body, kw_only=True):
    """What every list method takes (docs/supervisely-api.md 2); the body of such a method adds its own fields."""

    filter: Annotated[tuple[Condition, ...], Meta(max_length=_MOST_CONDITIONS)] | None = None
    sort: Word | None = None  # field name, `None` for the id
    # These keys of Supervisely's lists are snake_case, unlike all others.
    sort_order: Literal["asc", "desc"] | None = field(default=None, name="sort_order")
    page: Positive = 1  # 1 for the first
    # wanted length of a page; at most :data:`MAX_PER_PAGE` are given
    per_page: Positive | None = field(default=None, name="per_page")
    # `token`: `after` is the token of the page before, `None` for the first page
    pagination_mode: Word | None = field(default=None, name="pagination_mode")
    after: Word | None = None
    # optional columns that are wanted. (`fields` is ignored: all fields are always given.)
    extra_fields: Names | None = None

    @property
    def by_token(self) -> bool:
        """Whether pages are found by token instead of number."""
        return self.pagination_mode == "token"

    @property
    def page_length(self) -> int:
        """Most entities of a page."""
        default = MAX_PER_PAGE if self.by_token else DEFAULT_PER_PAGE
        return min(self.per_page or default, MAX_PER_PAGE)

    def wants(self, column: str) -> bool:
        """Return whether an optional column is asked for."""
        return column in (self.extra_fields or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class IdPage:
    """A page of ids."""

    total: int  # number of matches over all pages
    per_page: int
    ids: tuple[int, ...] = ()
    after: str | None = None  # token of the next page, `None` on the last one and without token pagination

    @property
    def pages_count(self) -> int:
        """Number of pages; an empty list has one."""
        return max(1, -(-self.total // self.per_page))

    def answer(self, entities: Sequence[object]) -> dict[str, object]:
        """Return the page as clients read it; they need every key."""
        return {
            "total": self.total,
            "perPage": self.per_page,
            "pagesCount": self.pages_count,
            "after": self.after,
            "entities": entities,
        }


def page_of(items: Sequence[object], listing: Listing) -> dict[str, object]:
    """Return the page of a short list that is in memory; filters have been applied already."""
    start = (listing.page - 1) * listing.page_length
    chosen = items[start : start + listing.page_length] if start < len(items) else ()
    return IdPage(total=len(items), per_page=listing.page_length).answer(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a column ``id`` whose rows clients list and look up."""

    name: str
    noun: str  # what a row is, for messages
    columns: Mapping[str, Column]  # field name of the API → column that clients may filter and sort by; has `id`
    # what a row has besides the columns of the table: SQL that follows them, with a comma at its start
    computed: str = ""
    # condition in SQL, without parameters, of the rows that clients may know of; others are as if they were not there
    visible: str = "1"

    def page(
        self, connection: Connection, listing: Listing, where: Sequence[Clause] = (), *, known_total: int | None = None
    ) -> tuple[IdPage, list[Row]]:
        """Return a page, from a connection that reads one state of the database.

        ``where`` holds conditions of the resource itself, joined by AND with those of the listing; ``known_total`` is
        the number of rows that meet them, if it is known without counting.

        Raises:
            InputError: A field, operator or value is not possible; names it.
        """
        clauses = [*where, *(condition_clause(self.columns, condition) for condition in listing.filter or ())]
        order = _order(self.columns, listing)
        condition_sql = " AND ".join(f"({clause.sql})" for clause in (Clause(self.visible), *clauses))
        values = [value for clause in clauses for value in clause.values]
        if known_total is None or listing.filter:
            count = f"SELECT count(*) FROM {self.name} WHERE {condition_sql}"  # noqa: S608 - constant expressions, values are bound
            known_total = int(connection.execute(count, values).fetchone()[0])
        per_page = listing.page_length
        if listing.by_token:
            # The token is the last id: rows that come or go meanwhile move nothing, unlike with an offset.
            condition_sql += " AND id > ?"
            values.append(_token(listing.after))
            order, offset = "id", 0
        else:
            offset = min((listing.page - 1) * per_page, _MAX_INTEGER)
        query = f"SELECT id FROM {self.name} WHERE {condition_sql} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - as above
        ids = tuple(int(row[0]) for row in connection.execute(query, (*values, per_page, offset)))
        more = listing.by_token and len(ids) == per_page
        page = IdPage(total=known_total, per_page=per_page, ids=ids, after=str(ids[-1]) if more else None)
        return page, self.rows(connection, ids)

    @property
    def select(self) -> str:
        """The beginning of a query for whole rows."""
        return f"SELECT {self.name}.*{self.computed} FROM {self.name}"  # noqa: S608 - constants of ours

    def rows(self, connection: Connection, ids: Sequence[int]) -> list[Row]:
        """Return rows in the order of their ids; ids without a row are left out."""
        query = (
            f"{self.select} JOIN json_each(?) AS wanted ON {self.name}.id = wanted.value"
            f" WHERE {self.visible} ORDER BY wanted.key"
        )
        return connection.execute(query, (json.dumps(ids),)).fetchall()

    def row(self, connection: Connection, wanted: int) -> Row:
        """Return the row with an id.

        Raises:
            NotFoundError: There is none.
        """
        rows = self.rows(connection, [wanted])
        if not rows:
            msg = f"There is no {self.noun} {wanted}."
            raise NotFoundError(msg)
        return rows[0]


def condition_clause(columns: Mapping[str, Column], condition: Condition) -> Clause:
    """Turn one filter entry into SQL.

    Raises:
        InputError: The field, operator or value is not possible.
    """
    column = columns.get(condition.field)
    if column is None:
        raise InputError(
            f"The filter field {shortened(condition.field)!r} does not exist.", f"Use one of: {', '.join(columns)}."
        )
    operator = _OPERATORS.get(condition.operator.lower())
    if operator is None:
        msg = f"The filter operator {shortened(condition.operator)!r} does not exist."
        raise InputError(msg, f"Use one of: {', '.join(_OPERATORS)}.")
    match operator:
        case "IN" | "NOT IN":
            values = condition.value if isinstance(condition.value, list) else [condition.value]
            # One parameter however many values: SQLite takes no more than 32,766 of them.
            bound = json.dumps([_typed(column, condition.field, value) for value in values])
            return Clause(f"{column.sql} {operator} (SELECT value FROM json_each(?))", (bound,))  # noqa: S608 - constant expressions, values are bound
        case "like" | "!like" | "ilike" | "!ilike":
            return _pattern(column, condition, operator)
        case _:
            return Clause(f"{column.sql} {operator} ?", (_typed(column, condition.field, condition.value),))


# Words of the API (docs/supervisely-api.md 2) → SQL. IS, unlike =, finds what is not set.
_OPERATORS = {"=": "IS", "eq": "IS", "!=": "IS NOT", "not": "IS NOT", "in": "IN", "!in": "NOT IN"}
_OPERATORS |= {word: word for word in ("like", "!like", "ilike", "!ilike", ">", "<", ">=", "<=")}


def _pattern(column: Column, condition: Condition, operator: str) -> Clause:
    if column.kind != "text" or not isinstance(condition.value, str):
        msg = f"The operator {condition.operator!r} needs a text field and a text; {condition.field!r} is not that."
        raise InputError(msg)
    negation = "NOT " if operator.startswith("!") else ""
    wanted = condition.value
    if len(wanted) > _MAX_PATTERN:
        msg = f"The filter value of {condition.field!r} is too long."
        raise InputError(msg, f"Use at most {_MAX_PATTERN} characters.")
    if wanted.count("%") > _MOST_WILDCARDS:
        msg = f"The filter value of {condition.field!r} has more than {_MOST_WILDCARDS} percent signs."
        raise InputError(msg, "Look for fewer parts.")
    any_case = operator.endswith("ilike")
    if "%" not in wanted:
        found = f"instr(lower({column.sql}), lower(?))" if any_case else f"instr({column.sql}, ?)"
        return Clause(f"{negation}{found} > 0", (wanted,))
    if any_case:
        return Clause(f"{column.sql} {negation}LIKE ?", (wanted,))
    # SQLite's LIKE knows no case for ASCII; GLOB does, with wildcards and quoting of its own.
    quoted = "".join(f"[{character}]" if character in "*?[" else character for character in wanted)
    return Clause(f"{column.sql} {negation}GLOB ?", (quoted.replace("%", "*").replace("_", "?"),))


def _typed(column: Column, field: str, value: object) -> Scalar:
    if value is None:
        return None
    if column.kind == "text" and isinstance(value, str):
        return value
    if column.kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return value if abs(value) <= _MAX_INTEGER else float(_MAX_INTEGER)
    if column.kind == "number" and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise InputError(f"The filter value of {field!r} must be a {column.kind}.")


def _order(columns: Mapping[str, Column], listing: Listing) -> str:
    if listing.sort is not None and listing.sort not in columns:
        raise InputError(f"The list cannot be sorted by {listing.sort!r}.", f"Use one of: {', '.join(columns)}.")
    direction = "DESC" if listing.sort_order == "desc" else "ASC"
    column = columns[listing.sort or "id"].sql
    return f"id {direction}" if column == "id" else f"{column} {direction}, id {direction}"


def _token(after: str | None) -> int:
    if after is None or after == "":
        return 0
    if _INTEGER.fullmatch(after):
        return int(after)
    msg = "The pagination token in 'after' is not one of ours."
    raise InputError(msg, "Send back the value of 'after' from the page before.")
