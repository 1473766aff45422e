"""Images and what is drawn on them."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection, Row
from typing import Any

from msgspec import field

from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId
from traindash.domain.plan import Side, SideCounts, SplitContent
from traindash.errors import InputError, NotFoundError
from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database
from traindash.platform.store.inner_ids import images_with
from traindash.platform.store.listing import Clause, Column, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.projects import missing, parse_object
from traindash.platform.wire import Body, Count, Id, Word
from traindash.training.runs.spec import RunImage

_STORED = ("id", "dataset_id", "project_id", "labels_count", "size", "width", "height")
_IMAGES = Table(
    name="images",
    noun="image",
    columns=numbers(*_STORED)
    | texts("name", "hash", "mime", "created_at", "updated_at", "description")
    | {"customSort": Column("coalesce(json_extract(meta, '$.customSort'), '')")},
    visible="images.dataset_id NOT IN (SELECT id FROM datasets WHERE archived_at IS NOT NULL)",
)
_WITH_ANNOTATION = replace(
    _IMAGES,
    computed=", (SELECT annotation FROM annotations a WHERE a.image_id = images.id) AS annotation,"
    " (SELECT name FROM datasets d WHERE d.id = images.dataset_id) AS dataset_name",
)
_COUNTS_BY_CLASS = (
    "SELECT class_name, count(*), sum(objects) FROM image_classes"
    " WHERE image_id IN (SELECT value FROM json_each(?)) GROUP BY class_name"
)
# The first image of each content on one side, beside the last of the same content on the other: where these are two
# images, a model is judged by what it was trained on.
_SHARED_CONTENTS = (
    "WITH t AS (SELECT hash, min(id) AS id, min(name) AS name FROM images"
    " WHERE id IN (SELECT value FROM json_each(?)) GROUP BY hash),"
    " v AS (SELECT hash, max(id) AS id, max(name) AS name FROM images"
    " WHERE id IN (SELECT value FROM json_each(?)) GROUP BY hash)"
    " SELECT t.name, v.name FROM t JOIN v ON v.hash = t.hash WHERE v.id <> t.id"
)
_BATCH = 500
_MOST_OBJECTS = 9999  # what the SDK sends as "no limit"


class ContentData(Body):
    """What a content filter asks for."""

    collection_id: Id | None = None
    user_id: Id | None = None  # who drew objects, `None` for anybody
    class_id: Id | None = None  # class, `None` for any; the same holds for the tag
    tag_id: Id | None = None
    value: Word | int | float | None = None  # part of the file name
    include: bool = True  # `False` turns the condition round
    lowest: Count | None = field(default=None, name="from")  # fewest objects of the class
    highest: Count | None = field(default=None, name="to")  # most objects of the class


class ContentFilter(Body):
    """One entry of a request's ``filters``: images by what is on them (docs/supervisely-api.md 2)."""

    type: Word  # what is looked at, one of the words of :func:`content_clause`
    data: ContentData = field(default_factory=ContentData)


class Images:
    """The images of all projects: rows and annotations in the database, files among the blobs."""

    def __init__(self, database: Database, blobs: ImageBlobs) -> None:
        self._database = database
        self.blobs = blobs

    def page(
        self,
        listing: Listing,
        *,
        project_id: int | None = None,
        dataset_id: int | None = None,
        recursive: bool = False,
        filters: Sequence[ContentFilter] = (),
    ) -> tuple[IdPage, list[Row]]:
        """Return a page of the images of a dataset or, if none is named, of a whole project.

        ``recursive`` takes the datasets inside the dataset, too; ``filters`` are conditions beside those of the
        listing.

        Raises:
            NotFoundError: The project, dataset, class, tag or collection does not exist.
            InputError: Neither a project nor a dataset is named.
        """
        with self._database.read() as connection:
            scope = scope_of(connection, project_id, dataset_id, recursive=recursive)
            where = [scope.clause, *(content_clause(connection, entry, scope) for entry in filters)]
            # The number of all images is known from the import; counting them would read a whole index for every page.
            total = None if filters else scope.images
            return _IMAGES.page(connection, listing, where, known_total=total)

    def row(self, image_id: int) -> Row:
        """Return an image.

        Raises:
            NotFoundError: There is no such image.
        """
        return self.rows([image_id])[0]

    def rows(self, image_ids: Sequence[int], dataset_id: int | None = None) -> list[Row]:
        """Return images in the order asked for, each once.

        Raises:
            NotFoundError: One does not exist, or is not in the dataset; names it.
        """
        wanted = tuple(dict.fromkeys(image_ids))
        rows = self._rows_of(wanted)
        if dataset_id is not None:
            rows = [row for row in rows if row["dataset_id"] == dataset_id]
        if len(rows) < len(wanted):
            found = {row["id"] for row in rows}
            missing = next(image_id for image_id in wanted if image_id not in found)
            where = "" if dataset_id is None else f" in dataset {dataset_id}"
            raise NotFoundError(f"There is no image {missing}{where}.")
        return rows

    def size_of_content(self, digest: bytes) -> tuple[int, int] | None:
        """Return width and height that the annotation of an image with this content counts in; ``None`` if unknown."""
        query = "SELECT width, height FROM images WHERE hash = ? ORDER BY id LIMIT 1"
        with self._database.read() as connection:
            row = connection.execute(query, (base64.b64encode(digest).decode(),)).fetchone()
        return None if row is None else (row["width"], row["height"])

    def annotations(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Return image id → annotation as JSON text."""
        with self._database.read() as connection:
            query = "SELECT image_id, annotation FROM annotations WHERE image_id IN (SELECT value FROM json_each(?))"
            return {row["image_id"]: row["annotation"] for row in connection.execute(query, (json.dumps(image_ids),))}

    def alpha_masks(self, object_ids: Sequence[int]) -> dict[int, str]:
        """Return object id → JSON text of its ``bitmap``, for those of the objects that are alpha masks."""
        query = (
            "SELECT json_extract(o.value, '$.id') AS id, json_extract(o.value, '$.bitmap') AS bitmap"
            " FROM annotations a, json_each(a.annotation, '$.objects') o"
            " WHERE a.image_id IN (SELECT value FROM json_each(?))"
            " AND json_extract(o.value, '$.geometryType') = 'alpha_mask'"
        )
        with self._database.read() as connection:
            images = json.dumps(sorted(set(images_with(connection, object_ids).values())))
            masks = {row["id"]: row["bitmap"] for row in connection.execute(query, (images,))}
        return {number: masks[number] for number in object_ids if masks.get(number) is not None}

    def ids(
        self,
        project_id: ProjectId,
        *,
        datasets: Sequence[DatasetId] | None = None,
        collections: Sequence[CollectionId] | None = None,
        tag: str | None = None,
    ) -> tuple[ImageId, ...]:
        """Return the ids of a project's images, sorted; each condition that is given narrows them.

        Images are directly in one of the datasets, members of at least one of the collections, and have the image tag.
        """
        clauses = [Clause("project_id = ?", (project_id,)), Clause(_IMAGES.visible)]
        if datasets is not None:
            clauses.append(Clause("dataset_id IN (SELECT value FROM json_each(?))", (json.dumps(datasets),)))
        if collections is not None:
            members = (
                "id IN (SELECT image_id FROM collection_items WHERE collection_id IN (SELECT value FROM json_each(?)))"
            )
            clauses.append(Clause(members, (json.dumps(collections),)))
        if tag is not None:
            tagged = (
                "id IN (SELECT image_id FROM image_tags WHERE tag_name = ?"
                " AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?))"
            )
            clauses.append(Clause(tagged, (tag, project_id)))
        condition = " AND ".join(clause.sql for clause in clauses)
        values = [value for clause in clauses for value in clause.values]
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT id FROM images WHERE {condition} ORDER BY id", values)  # noqa: S608 - constant conditions
            return tuple(ImageId(row[0]) for row in rows)

    def split_content(self, train: Sequence[ImageId], val: Sequence[ImageId], *, examples: int = 5) -> SplitContent:
        """Count what two sets of images hold; no samples of them are taken."""
        sides = json.dumps(train), json.dumps(val)
        with self._database.read() as connection:
            counts = [
                {row[0]: (row[1], row[2]) for row in connection.execute(_COUNTS_BY_CLASS, (ids,))} for ids in sides
            ]
            shared = connection.execute(_SHARED_CONTENTS, sides).fetchall()
        nothing = (0, 0)
        return SplitContent(
            classes={
                name: SideCounts(
                    train_images=counts[0].get(name, nothing)[0],
                    train_objects=counts[0].get(name, nothing)[1],
                    val_images=counts[1].get(name, nothing)[0],
                    val_objects=counts[1].get(name, nothing)[1],
                )
                for name in sorted(counts[0].keys() | counts[1].keys())
            },
            shared_contents=len(shared),
            shared_examples=tuple((row[0], row[1]) for row in shared[:examples]),
        )

    def of_run(self, sides: Mapping[ImageId, tuple[Side, ...]]) -> Iterator[RunImage]:
        """Yield the images of a run with their annotations, in the order of ``sides``; those gone are left out."""
        image_ids = tuple(sides)
        # In batches: a snapshot that stays open for long keeps SQLite's write-ahead log growing.
        for start in range(0, len(image_ids), _BATCH):
            with self._database.read() as connection:
                rows = _WITH_ANNOTATION.rows(connection, image_ids[start : start + _BATCH])
            for row in rows:
                yield RunImage(
                    id=ImageId(row["id"]),
                    name=row["name"],
                    dataset_id=DatasetId(row["dataset_id"]),
                    dataset_name=row["dataset_name"],
                    path=str(self.blobs.path(row["hash"], row["mime"])),
                    width=row["width"],
                    height=row["height"],
                    hash=row["hash"],
                    sides=sides[ImageId(row["id"])],
                    annotation=annotation_of(row, row["annotation"]),
                )

    def paths(self, image_ids: Sequence[ImageId]) -> dict[int, str]:
        """Return image id → path of its file; the file may be gone."""
        rows = self._rows_of(image_ids)
        return {int(row["id"]): str(self.blobs.path(row["hash"], row["mime"])) for row in rows}

    def known(self, image_ids: Sequence[int]) -> list[Row]:
        """Return images in the order asked for; those that are gone are left out."""
        return [
            row
            for start in range(0, len(image_ids), _BATCH)
            for row in self._rows_of(image_ids[start : start + _BATCH])
        ]

    def _rows_of(self, image_ids: Sequence[int]) -> list[Row]:
        with self._database.read() as connection:
            return _IMAGES.rows(connection, image_ids)


def annotation_of(row: Row, text: str | None) -> dict[str, Any]:
    """Return the annotation of an image row in Supervisely's JSON; an image without one has an empty annotation."""
    if text is not None:
        return parse_object(text)
    size = {"width": int(row["width"]), "height": int(row["height"])}
    return {"description": "", "tags": [], "size": size, "objects": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a list looks."""

    clause: Clause  # condition on the table of images
    datasets: Clause  # query for the ids of the datasets, so that the counts per class and tag are found by their keys
    images: int | None  # number of images there, `None` if it must be counted


def scope_of(connection: Connection, project_id: int | None, dataset_id: int | None, *, recursive: bool) -> Scope:
    """Return where to look for the images of a dataset or, if none is named, of a project.

    Raises:
        NotFoundError: It does not exist.
        InputError: Neither is named.
    """
    if dataset_id is not None:
        dataset = require_row(connection, "datasets", "dataset", dataset_id)
        if not recursive:
            own = Clause("SELECT ?", (dataset_id,))
            return Scope(clause=Clause("dataset_id = ?", own.values), datasets=own, images=dataset["images_count"])
        below = Clause(
            "WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT d.id FROM datasets d"
            " JOIN below ON d.parent_id = below.id WHERE d.archived_at IS NULL) SELECT id FROM below",
            (dataset_id,),
        )
        return Scope(clause=Clause(f"dataset_id IN ({below.sql})", below.values), datasets=below, images=None)
    if project_id is None:
        msg = "Neither 'projectId' nor 'datasetId' is given."
        raise InputError(msg, "Name the project or the dataset whose images are wanted.")
    project = require_row(connection, "projects", "project", project_id)
    return Scope(
        clause=Clause("project_id = ?", (project_id,)),
        datasets=Clause("SELECT id FROM datasets WHERE project_id = ? AND archived_at IS NULL", (project_id,)),
        images=project["items_count"],
    )


def content_clause(connection: Connection, entry: ContentFilter, scope: Scope) -> Clause:
    """Return a condition on images.

    Raises:
        NotFoundError: The class, tag or collection that it names does not exist.
        InputError: There is no such filter.
    """
    data = entry.data
    negation = "" if data.include else "NOT "
    match entry.type:
        case "entities_collection":
            require_row(connection, "collections", "collection", data.collection_id or 0)
            inner = "SELECT image_id FROM collection_items WHERE collection_id = ?"
            return Clause(f"id {negation}IN ({inner})", (data.collection_id,))
        case "objects_class":
            return _class_clause(connection, data, scope, negation)
        case "images_tag":
            return _tag_clause(connection, data, scope, negation)
        case "objects_tag":
            tag = None if data.tag_id is None else _meta_name(connection, "tags", "name", data.tag_id)
            inner = (
                "SELECT 1 FROM annotations a, json_each(a.annotation, '$.objects') o, json_each(o.value, '$.tags') t"
                " WHERE a.image_id = images.id AND (? IS NULL OR json_extract(t.value, '$.name') = ?)"
            )
            return Clause(f"{negation}EXISTS ({inner})", (tag, tag))
        case "objects_annotator":
            # One person works here: the others have drawn nothing.
            own = "labels_count > 0 AND (? IS NULL OR ? IN (SELECT id FROM users))"
            return Clause(f"{negation}({own})", (data.user_id, data.user_id))
        case "images_filename":
            text = "" if data.value is None else str(data.value)
            return Clause(f"{negation}instr(lower(name), lower(?)) > 0", (text,))
        case _:
            msg = f"The image filter {entry.type!r} does not exist here."
            known = "entities_collection, objects_class, images_tag, objects_tag, objects_annotator, images_filename"
            raise InputError(msg, f"Use one of: {known}.")


def _tag_clause(connection: Connection, data: ContentData, scope: Scope, negation: str) -> Clause:
    inner = f"SELECT image_id FROM image_tags WHERE dataset_id IN ({scope.datasets.sql})"  # noqa: S608 - constant
    if data.tag_id is None:
        return Clause(f"id {negation}IN ({inner})", scope.datasets.values)
    name = _meta_name(connection, "tags", "name", data.tag_id)
    return Clause(f"id {negation}IN ({inner} AND tag_name = ?)", (*scope.datasets.values, name))


def _class_clause(connection: Connection, data: ContentData, scope: Scope, negation: str) -> Clause:
    span = (1 if data.lowest is None else data.lowest, _MOST_OBJECTS if data.highest is None else data.highest)
    if data.class_id is None:
        return Clause(f"{negation}labels_count BETWEEN ? AND ?", span)
    name = _meta_name(connection, "classes", "title", data.class_id)
    inner = (
        f"SELECT image_id FROM image_classes WHERE dataset_id IN ({scope.datasets.sql})"  # noqa: S608 - constant
        " AND class_name = ? AND objects BETWEEN ? AND ?"
    )
    return Clause(f"id {negation}IN ({inner})", (*scope.datasets.values, name, *span))


def _meta_name(connection: Connection, part: str, key: str, wanted: int) -> str:
    query = (
        f"SELECT json_extract(entry.value, '$.{key}') FROM projects, json_each(projects.meta, '$.{part}') AS entry"  # noqa: S608 - constant names
        " WHERE json_extract(entry.value, '$.id') = ?"
    )
    row = connection.execute(query, (wanted,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no {'object class' if part == 'classes' else 'tag'} {wanted}.")
    return str(row[0])


def require_row(connection: Connection, table: str, kind: str, wanted: int) -> Row:
    """Return the row of a table with an id, inside a transaction.

    Raises:
        NotFoundError: There is none.
    """
    row: Row | None = connection.execute(f"SELECT * FROM {table} WHERE id = ?", (wanted,)).fetchone()  # noqa: S608 - constant names
    if row is None or ("archived_at" in row.keys() and row["archived_at"] is not None):  # noqa: SIM118 - of a row
        raise missing(connection, table, kind, wanted)
    return row
