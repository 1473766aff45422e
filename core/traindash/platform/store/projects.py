"""Projects, datasets and their counts."""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from sqlite3 import Connection, IntegrityError, Row
from typing import Any

import msgspec

from traindash.datasets.annotation_json import meta_from_json
from traindash.domain.ids import CollectionId, DatasetId, ProjectId, TeamId, WorkspaceId
from traindash.domain.project import Collection, Dataset, Project, ProjectMeta
from traindash.errors import InputError, NotFoundError
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.listing import Clause, Column, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.project_changes import use_version
from traindash.platform.store.unanswered import note_made

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_NAMED = numbers("id") | texts("name", "description", "created_at", "updated_at")
_PROJECTS = Table(
    name="projects",
    noun="project",
    columns=_NAMED
    | texts("type")
    | numbers("workspace_id", "team_id", "size", "items_count", "datasets_count")
    # Clients know the name as title too, and the items of a project of images as images.
    | {"title": Column("name"), "imagesCount": Column("items_count", "number")},
    computed=", (SELECT max(version) FROM project_versions v WHERE v.project_id = projects.id) AS version,"
    " (SELECT max(id) FROM project_versions v WHERE v.project_id = projects.id) AS version_id,"
    " (SELECT mime FROM images i WHERE i.hash = projects.reference_hash LIMIT 1) AS reference_mime",
    visible="projects.archived_at IS NULL",
)
_DATASETS = Table(
    name="datasets",
    noun="dataset",
    columns=_NAMED
    | numbers("project_id", "parent_id", "size", "images_count")
    | {"itemsCount": Column("images_count", "number")},
    computed=", (SELECT team_id FROM projects p WHERE p.id = datasets.project_id) AS team_id,"
    " (SELECT workspace_id FROM projects p WHERE p.id = datasets.project_id) AS workspace_id,"
    " (SELECT mime FROM images i WHERE i.hash = datasets.reference_hash LIMIT 1) AS reference_mime",
    visible="datasets.archived_at IS NULL",
)
_COLLECTIONS = Table(
    name="collections",
    noun="collection",
    columns=_NAMED | texts("type"),
    # Those of archived datasets are rare, so they are counted apart and not looked for among all.
    computed=", (SELECT count(*) FROM collection_items i WHERE i.collection_id = collections.id)"
    " - (SELECT count(*) FROM datasets d JOIN images m ON m.dataset_id = d.id JOIN collection_items i"
    " ON i.image_id = m.id AND i.collection_id = collections.id WHERE d.project_id = collections.project_id"
    " AND d.archived_at IS NOT NULL) AS items_count",
    visible="(SELECT archived_at FROM projects p WHERE p.id = collections.project_id) IS NULL",
)


class Projects:
    """Projects and datasets of the server. What is asked for by its id must exist, else :class:`NotFoundError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, listing: Listing, *, workspace_id: int | None = None, team_id: int | None = None
    ) -> tuple[IdPage, list[Row]]:
        """Return a page of projects of a workspace, or of a team or of all without those of hidden workspaces."""
        where = [
            Clause(f"{column} = ?", (value,))
            for column, value in (("workspace_id", workspace_id), ("team_id", team_id))
            if value is not None
        ]
        if workspace_id is None:
            where.append(Clause("workspace_id NOT IN (SELECT id FROM workspaces WHERE hidden)"))
        with self._database.read() as connection:
            return _PROJECTS.page(connection, listing, where)

    def row(self, project_id: int) -> Row:
        """Return a project as it is stored, with ``version``, ``version_id`` and ``reference_mime``."""
        with self._database.read() as connection:
            return project_row(connection, project_id)

    def get(self, project_id: ProjectId) -> Project:
        """Return a project."""
        row = self.row(project_id)
        return Project(
            id=ProjectId(row["id"]),
            name=row["name"],
            workspace_id=WorkspaceId(row["workspace_id"]),
            team_id=TeamId(row["team_id"]),
            description=row["description"],
            type=row["type"],
            items_count=row["items_count"],
            datasets_count=row["datasets_count"],
            size_bytes=row["size"],
            version=row["version"],
            custom_data=parse_object(row["custom_data"]),
        )

    def use(self, project_id: ProjectId) -> Mapping[str, int] | None:
        """Return ``{"id", "version"}`` of the data for a training, ``None`` if the project has no version.

        The first change from now on begins the next version.
        """
        with self._database.write() as connection:
            row = project_row(connection, project_id)
            use_version(connection, project_id)
        return None if row["version"] is None else {"id": int(row["version_id"]), "version": int(row["version"])}

    def meta_json(self, project_id: int) -> dict[str, Any]:
        """Return the project meta as the API gives it: classes and tags with ids."""
        return parse_object(self.row(project_id)["meta"])

    def meta(self, project_id: ProjectId) -> ProjectMeta:
        """Return the project meta."""
        return meta_from_json(self.meta_json(project_id))

    def dataset_page(
        self, listing: Listing, *, project_id: int | None, parent_id: int | None = None, recursive: bool = True
    ) -> tuple[IdPage, list[Row]]:
        """Return a page of the datasets of a project; ``None`` for the datasets of all projects.

        ``parent_id`` narrows to those inside that one; ``recursive`` takes nested ones, too, otherwise one level.
        """
        with self._database.read() as connection:
            where: list[Clause] = []
            if project_id is not None:
                project_row(connection, project_id)
                where.append(Clause("project_id = ?", (project_id,)))
            if parent_id is not None:
                dataset_row(connection, parent_id)
                where.append(_below(parent_id) if recursive else Clause("parent_id = ?", (parent_id,)))
            elif not recursive:  # the datasets at the top of the tree
                where.append(Clause("parent_id IS NULL"))
            return _DATASETS.page(connection, listing, where)

    def dataset_row(self, dataset_id: int) -> Row:
        """Return a dataset as it is stored, with ``team_id``, ``workspace_id`` and ``reference_mime``."""
        with self._database.read() as connection:
            return dataset_row(connection, dataset_id)

    def datasets(self, project_id: ProjectId) -> tuple[Dataset, ...]:
        """Return all datasets of a project, nested ones too, by id."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM datasets WHERE project_id = ? AND archived_at IS NULL ORDER BY id", (project_id,)
            ).fetchall()
        return tuple(
            Dataset(
                id=DatasetId(row["id"]),
                name=row["name"],
                project_id=project_id,
                items_count=row["images_count"],
                parent_id=None if row["parent_id"] is None else DatasetId(row["parent_id"]),
            )
            for row in rows
        )

    def class_counts(self, project_id: int) -> list[Row]:
        """Return rows ``dataset_id, name, images, objects`` of the classes of a project."""
        return self._counts("dataset_classes", "class_name", project_id)

    def tag_counts(self, project_id: int) -> list[Row]:
        """Return rows ``dataset_id, name, images, objects``: images with the tag, objects with the tag."""
        return self._counts("dataset_tags", "tag_name", project_id)

    def _counts(self, table: str, name: str, project_id: int) -> list[Row]:
        with self._database.read() as connection:
            project_row(connection, project_id)
            query = (
                f"SELECT dataset_id, {name} AS name, images, objects FROM {table}"  # noqa: S608 - constant names
                " WHERE dataset_id IN (SELECT id FROM datasets WHERE project_id = ? AND archived_at IS NULL)"
                " ORDER BY dataset_id"
            )
            return connection.execute(query, (project_id,)).fetchall()


def project_row(connection: Connection, project_id: int) -> Row:
    """Return a project inside a transaction.

    Raises:
        NotFoundError: There is none, or it was deleted.
    """
    rows = _PROJECTS.rows(connection, [project_id])
    if not rows:
        raise missing(connection, "projects", "project", project_id)
    return rows[0]


def dataset_row(connection: Connection, dataset_id: int) -> Row:
    """Return a dataset inside a transaction.

    Raises:
        NotFoundError: There is none, or it was deleted.
    """
    rows = _DATASETS.rows(connection, [dataset_id])
    if not rows:
        raise missing(connection, "datasets", "dataset", dataset_id)
    return rows[0]


def missing(connection: Connection, table: str, noun: str, wanted: int) -> NotFoundError:
    """Return the error for a row that clients cannot have; one that is archived is told apart from one that never was.

    ``table`` is the constant name of a table, ``noun`` what its rows are for people.
    """
    if table in {"projects", "datasets"}:
        query = f"SELECT archived_at, removed FROM {table} WHERE id = ?"  # noqa: S608 - one of two names
        row = connection.execute(query, (wanted,)).fetchone()
        if row is not None and row["archived_at"] is not None and not row["removed"]:
            msg = f"The {noun} {wanted} was deleted on {row['archived_at'][:10]}."
            return NotFoundError(msg, f"Restore it (traindash.{table}.restore), or name another one.")
    return NotFoundError(f"There is no {noun} {wanted}.")


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON column that holds an object."""
    return _OBJECT.decode(text)


def dump(value: object) -> str:
    """Write a JSON column. Numbers that are none (infinity by overflow) become null: SQLite reads no others."""
    return msgspec.json.encode(value).decode()


def _below(parent_id: int) -> Clause:
    return Clause(
        "id IN (WITH RECURSIVE below(id) AS (SELECT id FROM datasets WHERE parent_id = ?"
        " UNION SELECT d.id FROM datasets d JOIN below ON d.parent_id = below.id) SELECT id FROM below)",
        (parent_id,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a change of a collection's members did."""

    moment: str
    changed: tuple[int, ...]  # images that were added or removed
    missing: tuple[int, ...]  # images that do not exist in the project (or, when removing, in the collection)


class Collections:
    """Named sets of images of projects. What is asked for by its id must exist, else :class:`NotFoundError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, listing: Listing, project_id: int, kind: str | None) -> tuple[IdPage, list[Row]]:
        """Return a page of the collections of a project, of one type or (``None``) of all types."""
        where = [Clause("project_id = ?", (project_id,))]
        if kind is not None:
            where.append(Clause("type = ?", (kind,)))
        with self._database.read() as connection:
            project_row(connection, project_id)
            return _COLLECTIONS.page(connection, listing, where)

    def row(self, collection_id: int) -> Row:
        """Return a collection, with ``items_count``."""
        with self._database.read() as connection:
            return _COLLECTIONS.row(connection, collection_id)

    def of_project(self, project_id: ProjectId) -> tuple[Collection, ...]:
        """Return the collections of a project, by id."""
        with self._database.read() as connection:
            query = f"{_COLLECTIONS.select} WHERE project_id = ? ORDER BY id"
            rows = connection.execute(query, (project_id,)).fetchall()
        return tuple(
            Collection(
                id=CollectionId(row["id"]),
                name=row["name"],
                project_id=project_id,
                type=row["type"],
                items_count=row["items_count"],
            )
            for row in rows
        )

    def add(self, project_id: int, name: str, *, kind: str = "default", description: str = "") -> Row:
        """Make an empty collection.

        Raises:
            InputError: The project has a collection with that name.
        """
        with self._database.write() as connection:
            note_made(connection)
            return _COLLECTIONS.row(connection, insert_collection(connection, project_id, name, kind, description))

    def edit(self, collection_id: int, name: str | None, description: str | None) -> Row:
        """Change name and description of a collection, as far as they are given.

        Raises:
            InputError: Another collection of the project has the name.
        """
        query = (
            "UPDATE collections SET name = coalesce(?, name), description = coalesce(?, description), updated_at = ?"
            " WHERE id = ?"
        )
        with self._database.write() as connection:
            _COLLECTIONS.row(connection, collection_id)
            try:
                connection.execute(query, (name, description, now_text(), collection_id))
            except IntegrityError as error:
                raise _taken_collection(name) from error
            return _COLLECTIONS.row(connection, collection_id)

    def add_items(self, collection_id: int, image_ids: Sequence[int]) -> Membership:
        """Add images; adding one again does nothing."""
        with self._database.write() as connection:
            collection = _COLLECTIONS.row(connection, collection_id)
            return insert_items(connection, collection, image_ids)

    def remove_items(self, collection_id: int, image_ids: Sequence[int]) -> Membership:
        """Take images out."""
        now = now_text()
        wanted = tuple(dict.fromkeys(image_ids))
        with self._database.write() as connection:
            _COLLECTIONS.row(connection, collection_id)
            query = (
                "DELETE FROM collection_items WHERE collection_id = ?"
                " AND image_id IN (SELECT value FROM json_each(?)) RETURNING image_id"
            )
            # RETURNING tells what was in it: the answer names the others as missing.
            gone = {row[0] for row in connection.execute(query, (collection_id, json.dumps(wanted)))}
            _touch(connection, collection_id, now)
        return _membership(now, wanted, gone)

    def remove(self, collection_id: int) -> None:
        """Remove a collection; its images stay."""
        with self._database.write() as connection:
            _COLLECTIONS.row(connection, collection_id)
            connection.execute("DELETE FROM collections WHERE id = ?", (collection_id,))


def insert_collection(connection: Connection, project_id: int, name: str, kind: str, description: str) -> int:
    """Make a collection inside a transaction and return its id."""
    now = now_text()
    project = project_row(connection, project_id)
    try:
        cursor = connection.execute(
            "INSERT INTO collections (project_id, team_id, name, description, type, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (project_id, project["team_id"], name, description, kind, now, now),
        )
    except IntegrityError as error:
        raise _taken_collection(name) from error
    return int(cursor.lastrowid or 0)


def _taken_collection(name: str | None) -> InputError:
    return InputError(f"The project already has a collection named {name!r}.", "Choose another name.")


def insert_items(connection: Connection, collection: Row, image_ids: Sequence[int]) -> Membership:
    """Add images to a collection inside a transaction."""
    now = now_text()
    wanted = tuple(dict.fromkeys(image_ids))
    # Only images of the same project: a collection of Supervisely never reaches beyond it.
    query = "SELECT id FROM images WHERE project_id = ? AND id IN (SELECT value FROM json_each(?))"
    known = {row[0] for row in connection.execute(query, (collection["project_id"], json.dumps(wanted)))}
    connection.executemany(
        # One that is in it already keeps its moment, and counts as added: whoever asks again wants the same.
        "INSERT OR IGNORE INTO collection_items (collection_id, image_id, created_at) VALUES (?, ?, ?)",
        [(collection["id"], image_id, now) for image_id in wanted if image_id in known],
    )
    _touch(connection, collection["id"], now)
    return _membership(now, wanted, known)


def _membership(moment: str, wanted: Sequence[int], found: AbstractSet[int]) -> Membership:
    return Membership(
        moment=moment,
        changed=tuple(image_id for image_id in wanted if image_id in found),
        missing=tuple(image_id for image_id in wanted if image_id not in found),
    )


def _touch(connection: Connection, collection_id: int, now: str) -> None:
    connection.execute("UPDATE collections SET updated_at = ? WHERE id = ?", (now, collection_id))
