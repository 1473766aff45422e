"""Changes the object classes and tags of projects, and with them the annotations that name them.

A class or tag that something uses is never lost by leaving it out of a new meta: that is refused, and removing it with
all its objects is a call of its own. Names are what ties a meta to the one before. Ids would be another way, but those
of a meta that was written on another server say something else here.
"""

from collections.abc import Iterator, Mapping, Sequence
from sqlite3 import Connection, Row
from typing import Any

from traindash.datasets.annotation_json import meta_from_json, meta_to_json
from traindash.domain.project import NameKind
from traindash.errors import StateError
from traindash.platform.store.database import Database
from traindash.platform.store.drawn_names import other_shape, rename_class, rename_tag, used, value_in_use
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.listing import Clause, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.project_changes import note_change
from traindash.platform.store.projects import dump, parse_object, project_row
from traindash.platform.store.unanswered import note_made
from traindash.platform.wire import Json

_CLASSES = Table(
    name="object_classes",
    noun="object class",
    columns=numbers("id", "project_id") | texts("name", "shape", "color", "created_at", "updated_at"),
)
_TAGS = Table(
    name="tags",
    noun="tag",
    columns=numbers("id", "project_id") | texts("name", "color", "created_at", "updated_at"),
)
# What a new meta decides also by leaving it out; of the rest, what it does not name stays as it was.
_OF_CLASS = frozenset({"id", "title", "shape", "color"})
_OF_TAG = frozenset({"id", "name", "value_type", "values", "color", "applicable_type"})


class ProjectMetas:
    """Classes and tags of projects. What is named by an id must exist, else :class:`NotFoundError`."""

    def __init__(self, database: Database, ids: InnerIds) -> None:
        self._database = database
        self._ids = ids

    def classes(self, listing: Listing, project_id: int) -> tuple[IdPage, list[Row]]:
        """Return a page of the classes of a project; ``json`` of a row is what the meta says of it."""
        return self._page(_CLASSES, listing, project_id)

    def tags(self, listing: Listing, project_id: int) -> tuple[IdPage, list[Row]]:
        """Return a page of the tags of a project; ``json`` of a row is what the meta says of it."""
        return self._page(_TAGS, listing, project_id)

    def object_class(self, class_id: int) -> Row:
        """Return a class."""
        with self._database.read() as connection:
            return _CLASSES.row(connection, class_id)

    def tag(self, tag_id: int) -> Row:
        """Return a tag."""
        with self._database.read() as connection:
            return _TAGS.row(connection, tag_id)

    def replace(self, project_id: int, given: Mapping[str, Any]) -> str:
        """Make the classes and tags those of another meta; return the JSON of the new one.

        Whoever keeps its name keeps its id.

        Raises:
            InputError: The meta is not valid.
            StateError: Something that is used would go, or no longer fit what is drawn.
        """
        meta = meta_to_json(meta_from_json(given))
        meta.pop("projectSettings", None)  # a column of their own; the SDK sends them there, too
        fresh = iter(self._ids.several(max(1, len(meta["classes"]) + len(meta["tags"]))))
        with self._database.write() as connection:
            old = parse_object(project_row(connection, project_id)["meta"])
            classes = _joined(old["classes"], meta["classes"], "title", _OF_CLASS, fresh)
            tags = _joined(old["tags"], meta["tags"], "name", _OF_TAG, fresh)
            _check_classes(connection, project_id, old["classes"], classes)
            _check_tags(connection, project_id, old["tags"], tags)
            return store_meta(connection, project_id, {**old, **meta, "classes": classes, "tags": tags})

    def add_tags(self, project_id: int, given: Sequence[Json]) -> list[Json]:
        """Add tags to a project; return them with ids. ``given`` says them as a meta does.

        Raises:
            InputError: One is not valid, or the project has one of that name.
        """
        fresh = iter(self._ids.several(max(1, len(given))))
        with self._database.write() as connection:
            old = parse_object(project_row(connection, project_id)["meta"])
            new = meta_to_json(meta_from_json({**old, "tags": [*old["tags"], *given]}))["tags"][len(old["tags"]) :]
            added = [{**item, "id": next(fresh)} for item in new]
            note_made(connection)
            store_meta(connection, project_id, {**old, "tags": [*old["tags"], *added]})
        return added

    def edit_class(self, class_id: int, changes: Mapping[str, Any]) -> Row:
        """Change a class: ``title``, ``shape``, ``color`` and what else a meta says of one.

        Raises:
            InputError: A value is not valid, or the project has a class of that name.
            StateError: Objects of the class do not fit the new shape.
        """
        with self._database.write() as connection:
            row = _CLASSES.row(connection, class_id)
            before, after = self._edited(connection, row, "classes", changes)
            _check_classes(connection, row["project_id"], [before], [{**after, "title": before["title"]}])
            if before["title"] != after["title"]:
                rename_class(connection, row["project_id"], before["title"], after["title"])
                _rename_in_waiting(connection, row["project_id"], "class", before["title"], after["title"])
            return _CLASSES.row(connection, class_id)

    def edit_tag(self, tag_id: int, changes: Mapping[str, Any]) -> Row:
        """Change a tag: ``name``, ``color`` and what else a meta says of one.

        Raises:
            InputError: A value is not valid, or the project has a tag of that name.
            StateError: The tag is used in a way that would no longer be possible.
        """
        with self._database.write() as connection:
            row = _TAGS.row(connection, tag_id)
            before, after = self._edited(connection, row, "tags", changes)
            _check_tags(connection, row["project_id"], [before], [{**after, "name": before["name"]}])
            if before["name"] != after["name"]:
                rename_tag(connection, row["project_id"], before["name"], after["name"])
                _rename_in_waiting(connection, row["project_id"], "tag", before["name"], after["name"])
            return _TAGS.row(connection, tag_id)

    def _page(self, table: Table, listing: Listing, project_id: int) -> tuple[IdPage, list[Row]]:
        with self._database.read() as connection:
            project_row(connection, project_id)
            return table.page(connection, listing, [Clause("project_id = ?", (project_id,))])

    @staticmethod
    def _edited(connection: Connection, row: Row, part: str, changes: Mapping[str, Any]) -> tuple[Json, Json]:
        """Change an entry of a meta, and where other entries name it; return how it was and how it is."""
        meta = parse_object(project_row(connection, row["project_id"])["meta"])
        before = next(item for item in meta[part] if item["id"] == row["id"])
        changed = [{**item, **changes} if item is before else item for item in meta[part]]
        if part == "classes" and changes.get("title", before["title"]) != before["title"]:
            names = {before["title"]: changes["title"]}
            meta["tags"] = [for_classes(tag, names) for tag in meta["tags"]]
        checked = meta_to_json(meta_from_json({**meta, part: changed}))[part]
        meta[part] = [{**item, "id": old["id"]} for item, old in zip(checked, meta[part], strict=True)]
        store_meta(connection, row["project_id"], meta)
        return before, next(item for item in meta[part] if item["id"] == row["id"])


def _joined(
    old: Sequence[Json], new: Sequence[Json], key: str, decided: frozenset[str], fresh: Iterator[int]
) -> list[Json]:
    """Return the entries of a new meta, in its order, with the ids and the further fields of those before."""
    known = {item[key]: item for item in old}
    joined = []
    for item in new:
        before = known.get(item[key], {})
        kept = {name: value for name, value in before.items() if name not in decided}
        # A field that is null is taken away: ``TagMeta.with_default_value(None)`` of the SDK says it so.
        entry = {name: value for name, value in {**kept, **item}.items() if value is not None}
        joined.append({**entry, "id": before["id"] if before else next(fresh)})
    return joined


def classes_of(tag: Mapping[str, Any]) -> list[str]:
    """Return the names of the classes that a tag of a meta is for; none means all of them."""
    given = tag.get("classes")  # of a field that nobody has checked
    return [name for name in given if isinstance(name, str)] if isinstance(given, list) else []


def for_classes(tag: Json, names: Mapping[str, str | None]) -> Json:
    """Return a tag whose list of classes follows a change of their names, ``None`` for one that is gone."""
    given = classes_of(tag)
    if not names.keys() & set(given):
        return tag
    changed = [names.get(name, name) for name in given]
    return {**tag, "classes": [name for name in changed if name is not None]}


def store_meta(connection: Connection, project_id: int, meta: Mapping[str, Any]) -> str:
    """Write the meta of a project inside a transaction; return its JSON."""
    text = dump(meta)
    connection.execute("UPDATE projects SET meta = ? WHERE id = ?", (text, project_id))
    note_change(connection, project_id)
    return text


def _check_classes(connection: Connection, project_id: int, old: Sequence[Json], new: Sequence[Json]) -> None:
    shapes = {item["title"]: item["shape"] for item in new}
    for item in old:
        title, shape = item["title"], shapes.get(item["title"])
        if shape == item["shape"] or shape == "any":
            continue
        objects = used(connection, project_id, "dataset_classes", "class_name", title)["objects"]
        if objects and shape is None:
            msg = f"The class {title!r} has {objects:,} objects, and the new meta leaves it out."
            hint = (
                "Keep it in the meta, rename it (advanced.object_classes.editInfo), or remove it with its objects"
                " (projects.classes.remove)."
            )
            raise StateError(msg, hint)
        if objects and (found := other_shape(connection, project_id, title, str(shape))) is not None:
            msg = f"The class {title!r} has objects of the shape {found}, so it cannot become {shape}."
            raise StateError(msg, "Make it 'any', or add a class of the other shape.")


def _check_tags(connection: Connection, project_id: int, old: Sequence[Json], new: Sequence[Json]) -> None:
    known = {item["name"]: item for item in new}
    for item in old:
        name, now = item["name"], known.get(item["name"])
        narrowed = set() if now is None else set(item.get("values") or ()) - set(now.get("values") or ())
        if now is not None and now["value_type"] == item["value_type"] and not narrowed:
            continue
        found = used(connection, project_id, "dataset_tags", "tag_name", name)
        if not found["images"] and not found["objects"]:
            continue
        where = f"is on {found['images']:,} images and {found['objects']:,} objects"
        if now is None:
            msg = f"The tag {name!r} {where}, and the new meta leaves it out."
            raise StateError(msg, "Keep it in the meta, or remove it from everything (projects.tags.remove).")
        if now["value_type"] != item["value_type"]:
            msg = f"The tag {name!r} {where}, so its values cannot become {now['value_type']}."
            raise StateError(msg, "Add a tag of another name.")
        if (lost := value_in_use(connection, project_id, name, narrowed)) is not None:
            msg = f"The value {lost!r} of the tag {name!r} is used."
            raise StateError(msg, "Keep the value, or change it on the images first.")


# Trainings that wait for their turn and name a class or tag that is renamed: they follow, as they would fail else.
# Everything else of what a task was taken in with stays, and so does what a task that runs was started with.
_WAITING = (
    "SELECT id, settings FROM tasks WHERE project_id = ? AND kind = 'train' AND finished_at IS NULL"
    " AND status IN ('queued', 'started') AND (queue_order > 0 OR NOT autostart)"
)
_TAGS_OF_SIDES = ("train_tag", "val_tag")


def _rename_in_waiting(connection: Connection, project_id: int, kind: NameKind, before: str, after: str) -> None:
    """Write a new name into the settings of trainings that wait, inside the transaction that renames."""
    for row in connection.execute(_WAITING, (project_id,)).fetchall():
        settings = parse_object(row["settings"])
        state = settings.get("guiState")
        if isinstance(state, dict) and _rename_in_state(state, kind, before, after):
            connection.execute("UPDATE tasks SET settings = ? WHERE id = ?", (dump(settings), row["id"]))


def _rename_in_state(state: dict[str, Any], kind: NameKind, before: str, after: str) -> bool:
    classes, split = state.get("classes"), state.get("train_val_split")
    if kind == "class":
        if not isinstance(classes, list) or before not in classes:
            return False
        state["classes"] = [after if name == before else name for name in classes]
        return True
    named = [key for key in _TAGS_OF_SIDES if split.get(key) == before] if isinstance(split, dict) else []
    if isinstance(split, dict) and named:
        split.update(dict.fromkeys(named, after))
    return bool(named)
