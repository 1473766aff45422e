"""Changes the object classes and tags of projects, and with them the annotations that name them.

A class or tag that something uses is never lost by leaving it out of a new meta: that is refused, and removing it with
all its objects is a call of its own. Names are what ties a meta to the one before. Ids would be another way, but those
of a meta that was written on another server say something else here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from sqlite3 import Connection, Row
from typing import Any, TypeAlias

import msgspec

from traindash.datasets.annotation_json import meta_from_json, meta_to_json
from traindash.errors import NotFoundError, StateError
from traindash.platform.store.database import Database
from traindash.platform.store.image_changes import ImageChanges
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.listing import Clause, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.project_changes import note_change
from traindash.platform.store.projects import dump, parse_object, project_row
from traindash.platform.store.unanswered import note_made

Json: TypeAlias = dict[str, Any]
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
_BATCH = 500


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
            return _store(connection, project_id, {**old, **meta, "classes": classes, "tags": tags})

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
            _store(connection, project_id, {**old, "tags": [*old["tags"], *added]})
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
                _rename_class(connection, row["project_id"], before["title"], after["title"])
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
                _retag(connection, row["project_id"], before["name"], after["name"])
            return _TAGS.row(connection, tag_id)

    def remove_class(self, project_id: int, class_id: int) -> None:
        """Remove a class with all its objects."""
        with self._database.write() as connection:
            title = self._removed(connection, project_id, "classes", class_id)["title"]
            _redraw(connection, _images_of_class(connection, project_id, title), lambda drawn: _without(drawn, title))

    def remove_tag(self, project_id: int, tag_id: int) -> None:
        """Remove a tag from the project, its images and its objects."""
        with self._database.write() as connection:
            name = self._removed(connection, project_id, "tags", tag_id)["name"]
            _ungroup(connection, project_id, tag_id)
            _retag(connection, project_id, name, None)

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
            meta["tags"] = [_for_classes(tag, names) for tag in meta["tags"]]
        checked = meta_to_json(meta_from_json({**meta, part: changed}))[part]
        meta[part] = [{**item, "id": old["id"]} for item, old in zip(checked, meta[part], strict=True)]
        _store(connection, row["project_id"], meta)
        return before, next(item for item in meta[part] if item["id"] == row["id"])

    @staticmethod
    def _removed(connection: Connection, project_id: int, part: str, own_id: int) -> Json:
        meta = parse_object(project_row(connection, project_id)["meta"])
        gone: Json | None = next((item for item in meta[part] if item["id"] == own_id), None)
        if gone is None:
            noun = "object class" if part == "classes" else "tag"
            raise NotFoundError(f"Project {project_id} has no {noun} {own_id}.")
        meta[part] = [item for item in meta[part] if item is not gone]
        if part == "classes":
            meta["tags"] = [_for_classes(tag, {gone["title"]: None}) for tag in meta["tags"]]
        _store(connection, project_id, meta)
        return gone


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


def _for_classes(tag: Json, names: Mapping[str, str | None]) -> Json:
    """Return a tag whose list of classes follows a change of their names, ``None`` for one that is gone."""
    given = classes_of(tag)
    if not names.keys() & set(given):
        return tag
    changed = [names.get(name, name) for name in given]
    return {**tag, "classes": [name for name in changed if name is not None]}


def _store(connection: Connection, project_id: int, meta: Mapping[str, Any]) -> str:
    text = dump(meta)
    connection.execute("UPDATE projects SET meta = ? WHERE id = ?", (text, project_id))
    note_change(connection, project_id)
    return text


def _ungroup(connection: Connection, project_id: int, tag_id: int) -> None:
    """Let images stand alone if the tag that groups them is gone: the SDK cannot read such settings."""
    settings = parse_object(project_row(connection, project_id)["settings"])
    if settings.get("groupImagesByTagId") == tag_id:
        text = dump({**settings, "groupImages": False, "groupImagesByTagId": None})
        connection.execute("UPDATE projects SET settings = ? WHERE id = ?", (text, project_id))


# What the annotations of a project have of a class or a tag. Those of archived datasets count: they may come back.


def _check_classes(connection: Connection, project_id: int, old: Sequence[Json], new: Sequence[Json]) -> None:
    shapes = {item["title"]: item["shape"] for item in new}
    for item in old:
        title, shape = item["title"], shapes.get(item["title"])
        if shape == item["shape"] or shape == "any":
            continue
        objects = _used(connection, project_id, "dataset_classes", "class_name", title)["objects"]
        if objects and shape is None:
            msg = f"The class {title!r} has {objects:,} objects, and the new meta leaves it out."
            hint = (
                "Keep it in the meta, rename it (advanced.object_classes.editInfo), or remove it with its objects"
                " (projects.classes.remove)."
            )
            raise StateError(msg, hint)
        if objects and (found := _other_shape(connection, project_id, title, str(shape))) is not None:
            msg = f"The class {title!r} has objects of the shape {found}, so it cannot become {shape}."
            raise StateError(msg, "Make it 'any', or add a class of the other shape.")


def _check_tags(connection: Connection, project_id: int, old: Sequence[Json], new: Sequence[Json]) -> None:
    known = {item["name"]: item for item in new}
    for item in old:
        name, now = item["name"], known.get(item["name"])
        narrowed = set() if now is None else set(item.get("values") or ()) - set(now.get("values") or ())
        if now is not None and now["value_type"] == item["value_type"] and not narrowed:
            continue
        used = _used(connection, project_id, "dataset_tags", "tag_name", name)
        if not used["images"] and not used["objects"]:
            continue
        where = f"is on {used['images']:,} images and {used['objects']:,} objects"
        if now is None:
            msg = f"The tag {name!r} {where}, and the new meta leaves it out."
            raise StateError(msg, "Keep it in the meta, or remove it from everything (projects.tags.remove).")
        if now["value_type"] != item["value_type"]:
            msg = f"The tag {name!r} {where}, so its values cannot become {now['value_type']}."
            raise StateError(msg, "Add a tag of another name.")
        if (lost := _value_in_use(connection, project_id, name, narrowed)) is not None:
            msg = f"The value {lost!r} of the tag {name!r} is used."
            raise StateError(msg, "Keep the value, or change it on the images first.")


def _used(connection: Connection, project_id: int, table: str, column: str, name: str) -> Row:
    query = (
        f"SELECT coalesce(sum(images), 0) AS images, coalesce(sum(objects), 0) AS objects FROM {table}"  # noqa: S608 - constant names
        f" WHERE {column} = ? AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)"
    )
    row: Row = connection.execute(query, (name, project_id)).fetchone()
    return row


def _other_shape(connection: Connection, project_id: int, title: str, shape: str) -> str | None:
    """Return a shape that objects of a class have beside the one they should have."""
    query = (
        "SELECT json_extract(o.value, '$.geometryType') FROM image_classes c"
        " JOIN annotations a ON a.image_id = c.image_id, json_each(a.annotation, '$.objects') o"
        " WHERE c.class_name = ? AND c.dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)"
        " AND json_extract(o.value, '$.classTitle') = ? AND json_extract(o.value, '$.geometryType') <> ? LIMIT 1"
    )
    row = connection.execute(query, (title, project_id, title, shape)).fetchone()
    return None if row is None else str(row[0])


def _value_in_use(connection: Connection, project_id: int, name: str, values: set[str]) -> str | None:
    for image_ids in _in_batches(_images_with_tag(connection, project_id, name)):
        for _, drawn in _drawn(connection, image_ids):
            for tag in _tags_of(drawn):
                if tag["name"] == name and tag.get("value") in values:
                    return str(tag["value"])
    return None


def _images_of_class(connection: Connection, project_id: int, title: str) -> list[int]:
    query = (
        "SELECT image_id FROM image_classes WHERE class_name = ?"
        " AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?) ORDER BY image_id"
    )
    return [row[0] for row in connection.execute(query, (title, project_id))]


def _images_with_tag(connection: Connection, project_id: int, name: str) -> list[int]:
    """Return the images that may have a tag, on themselves or on an object; only the datasets that have it are read."""
    query = (
        "SELECT id FROM images WHERE dataset_id IN (SELECT dataset_id FROM dataset_tags WHERE tag_name = ?"
        " AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)) ORDER BY id"
    )
    return [row[0] for row in connection.execute(query, (name, project_id))]


def _drawn(connection: Connection, image_ids: Sequence[int]) -> Iterator[tuple[int, Json]]:
    query = "SELECT image_id, annotation FROM annotations WHERE image_id IN (SELECT value FROM json_each(?))"
    for row in connection.execute(query, (dump(image_ids),)).fetchall():
        yield row["image_id"], parse_object(row["annotation"])


def _redraw(connection: Connection, image_ids: Sequence[int], change: Callable[[Json], bool]) -> None:
    """Change annotations in place and keep those that changed, some at a time: they may be larger than the memory."""
    with ImageChanges(connection) as changes:
        for some in _in_batches(image_ids):
            for image_id, drawn in _drawn(connection, some):
                if change(drawn):
                    changes.redraw(image_id, msgspec.json.encode(drawn).decode())


def _in_batches(image_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(image_ids), _BATCH):
        yield image_ids[start : start + _BATCH]


def _rename_class(connection: Connection, project_id: int, before: str, after: str) -> None:
    def change(drawn: Json) -> bool:
        for item in drawn["objects"]:
            if item["classTitle"] == before:
                item["classTitle"] = after
        return True

    _redraw(connection, _images_of_class(connection, project_id, before), change)


def _without(drawn: Json, title: str) -> bool:
    drawn["objects"] = [item for item in drawn["objects"] if item["classTitle"] != title]
    return True


def _retag(connection: Connection, project_id: int, before: str, after: str | None) -> None:
    """Give a tag another name wherever it is; ``None`` takes it away."""

    def change(drawn: Json) -> bool:
        found = False
        for place in (drawn, *drawn["objects"]):
            tags = place.get("tags") or ()
            if any(tag["name"] == before for tag in tags):
                renamed = ({**tag, "name": after} if tag["name"] == before else tag for tag in tags)
                place["tags"] = [tag for tag in renamed if tag["name"] is not None]
                found = True
        return found

    _redraw(connection, _images_with_tag(connection, project_id, before), change)


def _tags_of(drawn: Json) -> Iterable[Json]:
    yield from drawn.get("tags") or ()
    for item in drawn["objects"]:
        yield from item.get("tags") or ()
