"""Removes object classes and tags with all that has them, and brings them back as they were.

What is taken off an image is kept beside it, so it goes where the image goes: with a copy to the copy, and with the
image when that is removed for good. Two removals may hold parts of each other, a tag of an object whose class is gone
as well; each comes back with what it had, in whatever order they are brought back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from sqlite3 import Connection, Row
from typing import Any

import msgspec

from traindash.domain.project import NameKind
from traindash.errors import InputError, NotFoundError
from traindash.platform.store.archive import KEPT_DAYS
from traindash.platform.store.database import Database, moment_text, now_text
from traindash.platform.store.drawn_names import images_of_class, images_with_tag, redraw
from traindash.platform.store.incoming_annotations import ProjectNames, project_names, read_tag
from traindash.platform.store.project_edits import numbered
from traindash.platform.store.project_meta import classes_of, for_classes, store_meta
from traindash.platform.store.projects import dump, parse_object, project_row
from traindash.platform.wire import Json
from traindash.steady_clock import CLOCK

_PART: Mapping[NameKind, str] = {"class": "classes", "tag": "tags"}
_KEY: Mapping[NameKind, str] = {"class": "title", "tag": "name"}
_NOUN: Mapping[NameKind, str] = {"class": "object class", "tag": "tag"}
_LIST = msgspec.json.Decoder(list[list[Any]])


class _Object(msgspec.Struct):
    id: int | None = None


class _Drawn(msgspec.Struct):
    objects: tuple[_Object, ...] = ()


_DRAWN = msgspec.json.Decoder(_Drawn)


class RemovedNames:
    """Classes and tags that were removed. What is named by an id must exist, else :class:`NotFoundError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remove(self, project_id: int, kind: NameKind, own_id: int) -> None:
        """Remove a class with all its objects, or a tag from everything that has it."""
        with self._database.write() as connection:
            meta = parse_object(project_row(connection, project_id)["meta"])
            entries = meta[_PART[kind]]
            place = next((number for number, item in enumerate(entries) if item["id"] == own_id), None)
            if place is None:
                raise NotFoundError(f"Project {project_id} has no {_NOUN[kind]} {own_id}.")
            gone = entries.pop(place)
            name = gone[_KEY[kind]]
            entry: Json = {"entry": gone, "place": place}
            if kind == "class":
                entry["tags"] = {tag["id"]: given for tag in meta["tags"] if name in (given := classes_of(tag))}
                meta["tags"] = [for_classes(tag, {name: None}) for tag in meta["tags"]]
            else:
                entry["groups"] = _ungroup(connection, project_id, own_id)
            connection.execute(
                "INSERT INTO removed_names (id, project_id, kind, name, entry, removed_at) VALUES (?, ?, ?, ?, ?, ?)",
                (own_id, project_id, kind, name, dump(entry), now_text()),
            )
            store_meta(connection, project_id, meta)
            taken = _Taken(connection, own_id, name)
            if kind == "class":
                redraw(connection, images_of_class(connection, project_id, name), taken.objects)
            else:
                redraw(connection, images_with_tag(connection, project_id, name), taken.tags)
            connection.execute(
                "UPDATE removed_names SET items_count = ?, images_count = ? WHERE id = ?",
                (taken.items, taken.images, own_id),
            )

    def list(self, project_id: int, kind: NameKind) -> list[Row]:
        """Return removed classes or tags of a project, the latest first.

        Their columns are ``id, name, items_count, images_count, removed_at``: how many objects of the class, or how
        often the tag was there, and on how many images.
        """
        query = (
            "SELECT id, name, items_count, images_count, removed_at FROM removed_names"
            " WHERE project_id = ? AND kind = ? ORDER BY removed_at DESC, id DESC"
        )
        with self._database.read() as connection:
            project_row(connection, project_id)
            return connection.execute(query, (project_id, kind)).fetchall()

    def restore(self, project_id: int, kind: NameKind, own_id: int) -> Json:
        """Bring a class or tag back with all that had it; return its entry in the meta. One that is there stays.

        It gets a number where its name is taken by now. Images that are gone for good have taken their part with them.
        """
        with self._database.write() as connection:
            meta = parse_object(project_row(connection, project_id)["meta"])
            entries, key = meta[_PART[kind]], _KEY[kind]
            if (known := next((item for item in entries if item["id"] == own_id), None)) is not None:
                return dict(known)
            row = _removal(connection, project_id, kind, own_id)
            kept = parse_object(row["entry"])
            name = numbered(row["name"], {item[key] for item in entries})
            entry: Json = {**kept["entry"], key: name}
            entries.insert(kept["place"], entry)
            if kind == "class":
                meta["tags"] = [
                    _with_class(tag, kept["tags"].get(str(tag["id"])), row["name"], name) for tag in meta["tags"]
                ]
            elif kept["groups"] is not None:
                _group(connection, project_id, own_id, on=kept["groups"])
            text = store_meta(connection, project_id, meta)
            _Returning(connection, own_id, name, project_names(text)).run(kind)
            connection.execute("DELETE FROM removed_names WHERE id = ?", (own_id,))
            return entry

    def expire(self) -> None:
        """Forget what was removed long ago."""
        oldest = moment_text(CLOCK.now() - timedelta(days=KEPT_DAYS))
        with self._database.write() as connection:
            connection.execute("DELETE FROM removed_names WHERE removed_at < ?", (oldest,))


@dataclass(slots=True)
class _Taken:
    """Takes a class or a tag off annotations, and keeps what it takes."""

    connection: Connection
    name_id: int
    name: str
    items: int = 0
    images: int = 0

    def objects(self, image_id: int, drawn: Json) -> bool:
        parts = [[place, item] for place, item in enumerate(drawn["objects"]) if item["classTitle"] == self.name]
        drawn["objects"] = [item for item in drawn["objects"] if item["classTitle"] != self.name]
        return self._keep(image_id, parts)

    def tags(self, image_id: int, drawn: Json) -> bool:
        parts = self._off(drawn, None)
        for item in drawn["objects"]:
            parts += self._off(item, item.get("id", 0))
        return self._keep(image_id, parts)

    def _off(self, carrier: Json, object_id: int | None) -> list[list[Any]]:
        tags = carrier.get("tags") or []
        parts = [[place, tag, object_id] for place, tag in enumerate(tags) if tag["name"] == self.name]
        if parts:
            carrier["tags"] = [tag for tag in tags if tag["name"] != self.name]
        return parts

    def _keep(self, image_id: int, parts: Sequence[list[Any]]) -> bool:
        if parts:
            _keep_parts(self.connection, self.name_id, image_id, parts)
            self.items += len(parts)
            self.images += 1
        return bool(parts)


@dataclass(slots=True)
class _Returning:
    """Puts what was taken off images back. What belongs on something that is removed itself goes to that."""

    connection: Connection
    name_id: int
    name: str
    names: ProjectNames
    _removed: dict[int, NameKind] = field(default_factory=dict)

    def run(self, kind: NameKind) -> None:
        self._removed = {
            row["id"]: row["kind"]
            for row in self.connection.execute(
                "SELECT id, kind FROM removed_names WHERE id <> ?1"
                " AND project_id = (SELECT project_id FROM removed_names WHERE id = ?1)",
                (self.name_id,),
            )
        }
        images = [
            row[0]
            for row in self.connection.execute(
                "SELECT image_id FROM removed_parts WHERE name_id = ? ORDER BY image_id", (self.name_id,)
            )
        ]
        redraw(self.connection, images, self._objects if kind == "class" else self._tags)

    def _objects(self, image_id: int, drawn: Json) -> bool:
        for place, item in self._parts(image_id):
            tags = self._known_tags(image_id, item)
            drawn["objects"].insert(place, {**item, "classTitle": self.name, "tags": tags})
        return True

    def _known_tags(self, image_id: int, item: Json) -> list[Json]:
        """Return the tags of an object under their names of today, without those that are gone with their values."""
        known = list[Json]()
        by_id = {number: name for name, number in self.names.tag_ids.items()}
        for place, tag in enumerate(item.get("tags") or ()):
            number = tag.get("tagId")
            if number in self._removed:
                _add_parts(self.connection, number, image_id, [[place, tag, item.get("id")]])
            elif self._fits(named := {**tag, "name": by_id.get(number, tag["name"])}):
                known.append(named)
        return known

    def _fits(self, tag: Json) -> bool:
        try:
            read_tag(tag, self.names)
        except InputError:
            return False
        return True

    def _tags(self, image_id: int, drawn: Json) -> bool:
        objects = {item["id"]: item for item in drawn["objects"] if "id" in item}
        for place, tag, object_id in self._parts(image_id):
            named = {**tag, "name": self.name}
            carrier = drawn if object_id is None else objects.get(object_id)
            if carrier is not None:
                carrier["tags"] = _inserted(carrier.get("tags") or [], place, named)
            else:
                self._into_removed_object(image_id, object_id, place, named)
        return True

    def _into_removed_object(self, image_id: int, object_id: int, place: int, tag: Json) -> None:
        """Give a tag to an object whose class is removed, if there is such a one."""
        query = "SELECT name_id, parts FROM removed_parts WHERE image_id = ? AND name_id <> ?"
        for row in self.connection.execute(query, (image_id, self.name_id)).fetchall():
            if self._removed.get(row["name_id"]) != "class":
                continue
            parts = _LIST.decode(row["parts"])
            for part in parts:
                if part[1].get("id") == object_id:
                    part[1]["tags"] = _inserted(part[1].get("tags") or [], place, tag)
                    _keep_parts(self.connection, row["name_id"], image_id, parts)
                    return

    def _parts(self, image_id: int) -> list[list[Any]]:
        query = "SELECT parts FROM removed_parts WHERE name_id = ? AND image_id = ?"
        row = self.connection.execute(query, (self.name_id, image_id)).fetchone()
        return _LIST.decode(row["parts"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCopy:
    """What is drawn on an image, written for another one."""

    source: int  # id of the image
    target: int
    before: str  # annotations as they are stored, with the same objects in the same order
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptParts:
    """What was taken off an image, as it belongs to a copy of it."""

    name_id: int
    image_id: int
    parts: Sequence[list[Any]]


def parts_for_copies(connection: Connection, copies: Sequence[DrawnCopy], ids: Iterator[int]) -> list[KeptParts]:
    """Return what was taken off images for their copies in the same project, with ids of its own.

    Not to be called inside a writing transaction.
    """
    by_source: dict[int, list[DrawnCopy]] = {}
    for copy in copies:
        by_source.setdefault(copy.source, []).append(copy)
    query = (
        "SELECT image_id, name_id, kind, parts FROM removed_parts JOIN removed_names ON id = name_id"
        " WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY kind, name_id"
    )
    found = list[KeptParts]()
    of_copy: dict[int, dict[int | None, int]] = {}
    for row in connection.execute(query, (dump(list(by_source)),)).fetchall():  # classes first: tags name their objects
        for copy in by_source[row["image_id"]]:
            own = of_copy.setdefault(copy.target, _object_ids(copy))
            parts = [_renumbered(part, row["kind"], own, ids) for part in _LIST.decode(row["parts"])]
            found.append(KeptParts(name_id=row["name_id"], image_id=copy.target, parts=parts))
    return found


def _object_ids(copy: DrawnCopy) -> dict[int | None, int]:
    """Return id of each object on an image → id of the same on its copy."""
    before, after = (_DRAWN.decode(text).objects for text in (copy.before, copy.after))
    return {old.id: new.id for old, new in zip(before, after, strict=True) if new.id is not None}


def _renumbered(part: list[Any], kind: NameKind, own: dict[int | None, int], ids: Iterator[int]) -> list[Any]:
    place, item, *of = part
    number = next(ids)
    if kind == "tag":
        return [place, {**item, "id": number}, *(None if other is None else own.get(other, 0) for other in of)]
    own[item.get("id")] = number
    return [place, {**item, "id": number, "tags": [{**tag, "id": next(ids)} for tag in item.get("tags") or ()]}]


def keep_copies(connection: Connection, kept: Iterable[KeptParts]) -> None:
    """Keep what belongs to copies of images."""
    for item in kept:
        _keep_parts(connection, item.name_id, item.image_id, item.parts)


def _add_parts(connection: Connection, name_id: int, image_id: int, parts: Iterable[list[Any]]) -> None:
    query = "SELECT parts FROM removed_parts WHERE name_id = ? AND image_id = ?"
    row = connection.execute(query, (name_id, image_id)).fetchone()
    _keep_parts(connection, name_id, image_id, [*(_LIST.decode(row["parts"]) if row else ()), *parts])


def _keep_parts(connection: Connection, name_id: int, image_id: int, parts: Sequence[list[Any]]) -> None:
    # From the row itself: nothing is kept where the class or tag is back, or forgotten.
    connection.execute(
        "INSERT INTO removed_parts SELECT id, ?, ? FROM removed_names WHERE id = ?"
        " ON CONFLICT (name_id, image_id) DO UPDATE SET parts = excluded.parts",
        (image_id, dump(parts), name_id),
    )


def _removal(connection: Connection, project_id: int, kind: NameKind, own_id: int) -> Row:
    query = "SELECT * FROM removed_names WHERE id = ? AND project_id = ? AND kind = ?"
    row: Row | None = connection.execute(query, (own_id, project_id, kind)).fetchone()
    if row is None:
        raise NotFoundError(f"Project {project_id} has no removed {_NOUN[kind]} {own_id}.")
    return row


def _inserted(tags: Sequence[Json], place: int, tag: Json) -> list[Json]:
    return [*tags[:place], tag, *tags[place:]]


def _with_class(tag: Json, before: Sequence[str] | None, former: str, name: str) -> Json:
    """Return a tag of a meta for a class again that it was for when that was removed."""
    if before is None:
        return tag
    given = classes_of(tag)
    place = list(before).index(former)
    return {**tag, "classes": [*given[:place], name, *given[place:]]}


def _ungroup(connection: Connection, project_id: int, tag_id: int) -> bool | None:
    """Let images stand alone if the tag that groups them is gone: the SDK cannot read such settings.

    Returns:
        Whether they were shown in groups; ``None`` where the tag groups nothing.
    """
    settings = parse_object(project_row(connection, project_id)["settings"])
    if settings.get("groupImagesByTagId") != tag_id:
        return None
    text = dump({**settings, "groupImages": False, "groupImagesByTagId": None})
    connection.execute("UPDATE projects SET settings = ? WHERE id = ?", (text, project_id))
    return bool(settings.get("groupImages"))


def _group(connection: Connection, project_id: int, tag_id: int, *, on: bool) -> None:
    """Group images by a tag again, unless another one does it meanwhile."""
    settings = parse_object(project_row(connection, project_id)["settings"])
    if settings.get("groupImagesByTagId") is None:
        text = dump({**settings, "groupImages": on, "groupImagesByTagId": tag_id})
        connection.execute("UPDATE projects SET settings = ? WHERE id = ?", (text, project_id))
