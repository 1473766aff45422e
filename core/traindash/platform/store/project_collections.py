"""Collections: named sets of images of a project."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, IntegrityError, Row

from traindash.domain.ids import CollectionId, ProjectId
from traindash.domain.project import Collection
from traindash.errors import InputError
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.listing import Clause, Column, IdPage, Listing, fetch_page, row_by_id, rows_by_id
from traindash.platform.store.projects import project_row

_COLLECTIONS = (
    "SELECT collections.*, (SELECT count(*) FROM collection_items i WHERE i.collection_id = collections.id)"
    " AS items_count FROM collections"
)
_COLUMNS = {
    "id": Column("id", "number"),
    "name": Column("name"),
    "description": Column("description"),
    "type": Column("type"),
    "createdAt": Column("created_at"),
    "updatedAt": Column("updated_at"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a change of a collection's members did.

    Attributes:
        changed: Images that were added or removed, each with the moment.
        missing: Images that do not exist in the project (or, when removing, in the collection).
    """

    changed: tuple[tuple[int, str], ...]
    missing: tuple[int, ...]


class Collections:
    """Collections of all projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, listing: Listing, project_id: int, kind: str | None) -> tuple[IdPage, list[Row]]:
        """Return a page of the collections of a project, of one type or (``None``) of all types.

        Raises:
            NotFoundError: There is no such project.
        """
        where = [Clause("project_id = ?", (project_id,))]
        if kind is not None:
            where.append(Clause("type = ?", (kind,)))
        with self._database.read() as connection:
            project_row(connection, project_id)
            page = fetch_page(connection, "collections", _COLUMNS, where, listing)
            return page, rows_by_id(connection, _COLLECTIONS, page.ids)

    def row(self, collection_id: int) -> Row:
        """Return a collection, with ``items_count``.

        Raises:
            NotFoundError: There is no such collection.
        """
        with self._database.read() as connection:
            return _row(connection, collection_id)

    def of_project(self, project_id: ProjectId) -> tuple[Collection, ...]:
        """Return the collections of a project, by id."""
        with self._database.read() as connection:
            query = f"{_COLLECTIONS} WHERE project_id = ? ORDER BY id"
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
            NotFoundError: There is no such project.
            InputError: The project has a collection with that name.
        """
        with self._database.write() as connection:
            return _row(connection, insert_collection(connection, project_id, name, kind, description))

    def add_items(self, collection_id: int, image_ids: Sequence[int]) -> Membership:
        """Add images; adding one again does nothing.

        Raises:
            NotFoundError: There is no such collection.
        """
        with self._database.write() as connection:
            collection = _row(connection, collection_id)
            return insert_items(connection, collection, image_ids)

    def remove_items(self, collection_id: int, image_ids: Sequence[int]) -> Membership:
        """Take images out.

        Raises:
            NotFoundError: There is no such collection.
        """
        now = now_text()
        wanted = tuple(dict.fromkeys(image_ids))
        with self._database.write() as connection:
            _row(connection, collection_id)
            query = (
                "DELETE FROM collection_items WHERE collection_id = ?"
                " AND image_id IN (SELECT value FROM json_each(?)) RETURNING image_id"
            )
            gone = {row[0] for row in connection.execute(query, (collection_id, json.dumps(wanted)))}
            _touch(connection, collection_id, now)
        return Membership(
            changed=tuple((image_id, now) for image_id in wanted if image_id in gone),
            missing=tuple(image_id for image_id in wanted if image_id not in gone),
        )

    def remove(self, collection_id: int) -> None:
        """Remove a collection; its images stay.

        Raises:
            NotFoundError: There is no such collection.
        """
        with self._database.write() as connection:
            _row(connection, collection_id)
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
        msg = f"The project already has a collection named {name!r}."
        raise InputError(msg, "Choose another name.") from error
    return int(cursor.lastrowid or 0)


def insert_items(connection: Connection, collection: Row, image_ids: Sequence[int]) -> Membership:
    """Add images to a collection inside a transaction."""
    now = now_text()
    wanted = tuple(dict.fromkeys(image_ids))
    query = "SELECT id FROM images WHERE project_id = ? AND id IN (SELECT value FROM json_each(?))"
    known = {row[0] for row in connection.execute(query, (collection["project_id"], json.dumps(wanted)))}
    added = [image_id for image_id in wanted if image_id in known]
    connection.executemany(
        "INSERT OR IGNORE INTO collection_items (collection_id, image_id, created_at) VALUES (?, ?, ?)",
        [(collection["id"], image_id, now) for image_id in added],
    )
    _touch(connection, collection["id"], now)
    return Membership(
        changed=tuple((image_id, now) for image_id in added),
        missing=tuple(image_id for image_id in wanted if image_id not in known),
    )


def _touch(connection: Connection, collection_id: int, now: str) -> None:
    connection.execute("UPDATE collections SET updated_at = ? WHERE id = ?", (now, collection_id))


def _row(connection: Connection, collection_id: int) -> Row:
    return row_by_id(connection, _COLLECTIONS, collection_id, "collection")
