"""Data that the app of a task keeps on the server: the values of its widgets.

Apps of ours keep none; an app that runs elsewhere with this server as its Supervisely does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from traindash.domain.ids import TaskId
from traindash.errors import InputError
from traindash.platform.store.database import Database
from traindash.platform.store.projects import dump
from traindash.platform.wire import MAX_DEPTH, is_deep, shortened

Json: TypeAlias = Any
MAX_CHARACTERS = 16 * 2**20  # of the document of a task, as JSON; it is read and written as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A new value for a field."""

    field: Annotated[str, Meta(min_length=1, max_length=1000)]  # names joined by dots, e.g. `data.progress`
    payload: Json
    append: bool = False  # add to the value that is there (an object or a list) instead of replacing it
    recursive: bool = False  # with `append`: objects inside objects are added to as well


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchStep:
    """A step of a JSON patch (RFC 6902); ``add``, ``replace`` and ``remove`` are known."""

    op: Annotated[str, Meta(max_length=1000)]
    path: Annotated[str, Meta(max_length=10_000)]
    value: Json = None


class AppData:
    """One JSON object per task, with the keys ``data``, ``state`` and ``workflow``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, task_id: TaskId) -> dict[str, Json]:
        """Return the document of a task; it is empty before the first change."""
        with self._database.read() as connection:
            row = connection.execute("SELECT document FROM task_data WHERE task_id = ?", (task_id,)).fetchone()
        document: dict[str, Json] = {} if row is None else json.loads(row["document"])
        return document

    def fields(self, task_id: TaskId, names: Sequence[str]) -> dict[str, Json]:
        """Return the values of fields, ``None`` for those that do not exist."""
        document = self.get(task_id)
        return {name: _find(document, name.split(".")) for name in names}

    def set_fields(self, task_id: TaskId, changes: Sequence[FieldChange]) -> None:
        """Change fields; objects on the way to a field are made.

        Raises:
            InputError: A name leads through something that is no object, or the document becomes too long.
        """

        def change(document: dict[str, Json]) -> None:
            for item in changes:
                *way, last = item.field.split(".")
                _set(_make_way(document, way, item.field), last, item)

        self._change(task_id, change)

    def patch(self, task_id: TaskId, steps: Sequence[PatchStep], state: Mapping[str, Json]) -> None:
        """Apply a JSON patch to ``data`` and add to ``state``.

        Raises:
            InputError: A step cannot be done; then nothing is changed.
        """

        def change(document: dict[str, Json]) -> None:
            for step in steps:
                if step.path.count("/") > MAX_DEPTH:
                    raise InputError(f"The path {shortened(step.path, 80)!r} is too deep.", "Store flatter values.")
                document["data"] = _patched(document.get("data", {}), step)
            if state:
                document["state"] = {**document.get("state", {}), **state}

        self._change(task_id, change)

    def add_edge(self, task_id: TaskId, direction: str, edge: Mapping[str, Json]) -> None:
        """Write down, under ``workflow``, what a task reads (``input``) or made (``output``); once, however often said.

        Raises:
            InputError: The document becomes too long, or the app has put something else there.
        """

        def change(document: dict[str, Json]) -> None:
            edges = _make_way(document, ["workflow"], "workflow").setdefault(direction, [])
            if not isinstance(edges, list):
                raise InputError(f"The app has put something else under 'workflow.{direction}'.")
            if edge not in edges:
                edges.append(dict(edge))

        self._change(task_id, change)

    def _change(self, task_id: TaskId, change: Callable[[dict[str, Json]], None]) -> None:
        with self._database.write() as connection:
            row = connection.execute("SELECT document FROM task_data WHERE task_id = ?", (task_id,)).fetchone()
            document: dict[str, Json] = {} if row is None else json.loads(row["document"])
            change(document)
            text = dump(document)  # at most one change deeper than it may be, which no stack minds
            if is_deep(text.encode()):
                msg = f"The data of task {task_id} would become nested more than {MAX_DEPTH} levels deep."
                raise InputError(msg, "Store flatter values.")
            if len(text) > MAX_CHARACTERS:
                msg = f"The data of task {task_id} would become longer than {MAX_CHARACTERS // 2**20} MB."
                raise InputError(msg, "Remove values that are no longer needed.")
            connection.execute(
                "INSERT INTO task_data (task_id, document) VALUES (?, ?)"
                " ON CONFLICT (task_id) DO UPDATE SET document = excluded.document",
                (task_id, text),
            )


def _find(document: Json, names: Sequence[str]) -> Json:
    for name in names:
        match document:
            case dict() if name in document:
                document = document[name]
            case list() if name.isascii() and name.isdecimal() and len(name) < 10 and int(name) < len(document):  # noqa: PLR2004 - digits of an index
                document = document[int(name)]
            case _:
                return None
    return document


def _make_way(document: dict[str, Json], names: Sequence[str], field: str) -> dict[str, Json]:
    if len(names) > MAX_DEPTH:
        raise InputError(f"The field {shortened(field, 80)!r} is too deep.", "Store flatter values.")
    for name in names:
        inner = document.setdefault(name, {})
        if not isinstance(inner, dict):
            raise InputError(f"The field {shortened(field)!r} leads through {shortened(name)!r}, which is no object.")
        document = inner
    return document


def _set(holder: dict[str, Json], name: str, change: FieldChange) -> None:
    before = holder.get(name)
    match before, change.payload:
        case dict(), dict() if change.append:
            holder[name] = _deep(before, change.payload) if change.recursive else {**before, **change.payload}
        case list(), list() if change.append:
            holder[name] = [*before, *change.payload]
        case list(), _ if change.append:
            holder[name] = [*before, change.payload]
        case _:
            holder[name] = change.payload


def _deep(before: dict[str, Json], after: dict[str, Json]) -> dict[str, Json]:
    merged = dict(before)
    for name, value in after.items():
        inner = merged.get(name)
        merged[name] = _deep(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _patched(document: Json, step: PatchStep) -> Json:
    # "~1" first: "~01" stands for "~1" and not for a slash (RFC 6901, section 4).
    names = [part.replace("~1", "/").replace("~0", "~") for part in step.path.split("/")[1:]]
    if not names and step.op in {"add", "replace"}:
        return step.value
    holder = _find(document, names[:-1]) if names else None
    match holder, step.op:
        case dict(), "add" | "replace":
            holder[names[-1]] = step.value
        case dict(), "remove" if names[-1] in holder:
            del holder[names[-1]]
        case list(), "add" | "replace" | "remove" if (index := _index(holder, names[-1], step.op)) is not None:
            if step.op != "add":
                del holder[index]
            if step.op != "remove":
                holder.insert(index, step.value)
        case _:
            msg = f"The patch step {shortened(step.op)!r} at {shortened(step.path)!r} cannot be done."
            raise InputError(msg, "Use add, replace or remove at a place that exists.")
    return document


def _index(items: list[Json], name: str, op: str) -> int | None:
    if op == "add" and name == "-":  # behind the last one (RFC 6902, section 4.1)
        return len(items)
    is_number = name.isascii() and name.isdecimal() and len(name) < 10  # noqa: PLR2004 - digits of an index
    return int(name) if is_number and int(name) < len(items) + (op == "add") else None
