"""What somebody looks at in the list of experiments: filters, order, columns, choice. All of it fits into a URL."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode

from core.domain.ids import TaskId
from core.experiments.columns import DEFAULT, Column, Row, Value, column, moment_of

MOST_IN_URL = 1000
"""Chosen experiments that a URL names at most; browsers and servers take about eight thousand characters."""

_LONGEST_TEXT = 300
_FLAG = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A view of the list.

    Attributes:
        text: Words that have to occur in name, model, project, note or task id; case does not matter.
        projects: Names; all when empty. So are the next four.
        task_types: As Supervisely calls them: ``object detection``, ``instance segmentation``.
        tags: Experiments with any of them.
        starred: Only those with a star.
        hidden: Those that were hidden too.
        since: Finished on this day or later.
        until: Finished on this day or earlier.
        sort: Key of the column that decides the order; with equal values the newest comes first.
        descending: The greatest value first. What has no value comes last either way.
        columns: Keys of the columns after the name.
        chosen: Tasks of the experiments that are selected.
    """

    text: str = ""
    projects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    starred: bool = False
    hidden: bool = False
    since: date | None = None
    until: date | None = None
    sort: str = "task"
    descending: bool = True
    columns: tuple[str, ...] = DEFAULT
    chosen: tuple[TaskId, ...] = ()

    @property
    def filters(self) -> int:
        """How many filters are set, the text not counted."""
        several = (self.projects, self.models, self.frameworks, self.task_types, self.tags)
        return sum(map(bool, (*several, self.starred, self.hidden, self.since, self.until)))

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns after the name."""
        return tuple(found for key in self.columns if (found := column(key)) is not None)

    @property
    def needs_settings(self) -> bool:
        """Whether the order depends on hyperparameters, so that those of all experiments are needed."""
        return self.sort.startswith("setting:")

    @property
    def shows_settings(self) -> bool:
        """Whether hyperparameters are shown."""
        return any(key.startswith("setting:") for key in self.columns)


def select(rows: Iterable[Row], query: Query) -> list[Row]:
    """Return the experiments that a query looks for, in its order.

    Args:
        rows: Newest task first.
        query: What is looked for.
    """
    words = query.text.casefold().split()
    found = [row for row in rows if _fits(row, query) and _has_words(row, words)]
    if query.sort == "task":
        return found if query.descending else found[::-1]
    wanted = column(query.sort)
    return found if wanted is None else _sorted(found, wanted, descending=query.descending)


def write(query: Query) -> dict[str, list[str]]:
    """Return a query as parameters of a URL; what is as usual is left out."""
    usual = Query()
    result: dict[str, list[str]] = {}
    for item in fields(Query):
        value = getattr(query, item.name)
        if value != getattr(usual, item.name) and item.name not in {"sort", "descending", "chosen"}:
            result[_NAMES[item.name]] = _texts(value)
    if (query.sort, query.descending) != (usual.sort, usual.descending):
        result["sort"] = [("-" if query.descending else "") + query.sort]
    if query.chosen:
        result["ids"] = [",".join(str(task) for task in query.chosen[:MOST_IN_URL])]
    return result


def read(parameters: Mapping[str, Sequence[str]]) -> Query:
    """Read a query from the parameters of a URL; what cannot be understood is as if it were not there."""
    known: dict[str, Any] = {}
    for item in fields(Query):
        given = [text for text in parameters.get(_NAMES.get(item.name, ""), ()) if text]
        if given:
            known[item.name] = _READERS.get(item.name, tuple)(given)
    sort = next(iter(parameters.get("sort", ())), "")
    if column(sort.removeprefix("-")) is not None:
        known |= {"sort": sort.removeprefix("-"), "descending": sort.startswith("-")}
    known["chosen"] = _ids(next(iter(parameters.get("ids", ())), ""))
    return Query(**{name: value for name, value in known.items() if value is not None})


def to_text(query: Query) -> str:
    """Return a query as the part of a URL behind the question mark."""
    return urlencode(write(query), doseq=True)


def from_text(text: str) -> Query:
    """Read what :func:`to_text` wrote."""
    return read(parse_qs(text))


def _fits(row: Row, query: Query) -> bool:
    if (row.mark.hidden and not query.hidden) or (query.starred and not row.mark.starred):
        return False
    if query.tags and not set(query.tags) & set(row.mark.tags):
        return False
    info = row.info
    return (
        (not query.projects or row.project in query.projects)
        and (not query.frameworks or row.framework in query.frameworks)
        and (not query.models or (info is not None and info.model_name in query.models))
        and (not query.task_types or (info is not None and info.task_type in query.task_types))
        and _is_between(row, query)
    )


def _is_between(row: Row, query: Query) -> bool:
    if query.since is None and query.until is None:
        return True
    moment = None if row.info is None else moment_of(row.info)
    if moment is None:
        return False
    day = moment.date()
    return (query.since is None or day >= query.since) and (query.until is None or day <= query.until)


def _has_words(row: Row, words: Sequence[str]) -> bool:
    if not words:
        return True
    model = row.info.model_name if row.info else ""
    text = f"{row.name} {model} {row.project} {row.framework} {row.task_id} {row.mark.note} {' '.join(row.mark.tags)}"
    folded = text.casefold()
    return all(word in folded for word in words)


def _sorted(rows: list[Row], wanted: Column, *, descending: bool) -> list[Row]:
    """Sort by numbers first, then texts; equal values stay as they were, newest first; no value comes last."""
    keyed = [(_order(wanted.read(row)), row) for row in rows]
    known = [(order, row) for order, row in keyed if order is not None]
    known.sort(key=lambda item: item[0], reverse=descending)
    return [row for _, row in known] + [row for order, row in keyed if order is None]


def _order(value: Value) -> tuple[int, float, str] | None:
    match value:
        case None:
            return None
        case str():
            return (1, 0.0, value.casefold())
        case tuple():
            return (1, 0.0, " ".join(value).casefold())
        case int() | float():
            return (0, float(value), "") if math.isfinite(value) else None
        case _:
            return (0, value.timestamp(), "")


def _texts(value: object) -> list[str]:
    if isinstance(value, tuple):
        return [str(item) for item in value] or [_NONE]
    return [_FLAG if value is True else str(value)]


def _day(given: Sequence[str]) -> date | None:
    try:
        return date.fromisoformat(given[0])
    except ValueError:
        return None


def _columns(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in dict.fromkeys(given) if key != "name" and column(key) is not None)


def _ids(text: str) -> tuple[TaskId, ...]:
    numbers = [word for word in text.split(",") if word.isascii() and word.isdigit()]
    return tuple(TaskId(int(word)) for word in dict.fromkeys(numbers))[:MOST_IN_URL]


_NONE = "none"
_NAMES: Mapping[str, str] = {
    "text": "q",
    "projects": "project",
    "models": "model",
    "frameworks": "framework",
    "task_types": "type",
    "tags": "tag",
    "starred": "starred",
    "hidden": "hidden",
    "since": "since",
    "until": "until",
    "columns": "column",
}
_READERS: Mapping[str, Any] = {
    "text": lambda given: given[0][:_LONGEST_TEXT],
    "starred": lambda given: given[0] == _FLAG,
    "hidden": lambda given: given[0] == _FLAG,
    "since": _day,
    "until": _day,
    "columns": _columns,
}
