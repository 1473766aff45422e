"""Projects, datasets and their counts."""

from collections.abc import Mapping
from sqlite3 import Connection, IntegrityError, Row
from typing import Any

import msgspec

from traindash.datasets.annotation_json import meta_from_json
from traindash.domain.ids import DatasetId, ProjectId, TeamId, WorkspaceId
from traindash.domain.project import Dataset, Project, ProjectMeta
from traindash.errors import InputError
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.listing import Clause, Column, IdPage, Listing, fetch_page, row_by_id, rows_by_id

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_PROJECTS = (
    "SELECT projects.*, (SELECT max(version) FROM project_versions v WHERE v.project_id = projects.id) AS version,"
    " (SELECT max(id) FROM project_versions v WHERE v.project_id = projects.id) AS version_id,"
    " (SELECT mime FROM images i WHERE i.hash = projects.reference_hash LIMIT 1) AS reference_mime FROM projects"
)
_DATASETS = (
    "SELECT datasets.*, (SELECT team_id FROM projects p WHERE p.id = datasets.project_id) AS team_id,"
    " (SELECT workspace_id FROM projects p WHERE p.id = datasets.project_id) AS workspace_id,"
    " (SELECT mime FROM images i WHERE i.hash = datasets.reference_hash LIMIT 1) AS reference_mime FROM datasets"
)
_TIMES = {"createdAt": Column("created_at"), "updatedAt": Column("updated_at")}
_NAMED = {"id": Column("id", "number"), "name": Column("name"), "description": Column("description"), **_TIMES}
_PROJECT_COLUMNS = {
    **_NAMED,
    "title": Column("name"),
    "type": Column("type"),
    "workspaceId": Column("workspace_id", "number"),
    "teamId": Column("team_id", "number"),
    "size": Column("size", "number"),
    "itemsCount": Column("items_count", "number"),
    "imagesCount": Column("items_count", "number"),
    "datasetsCount": Column("datasets_count", "number"),
}
_DATASET_COLUMNS = {
    **_NAMED,
    "projectId": Column("project_id", "number"),
    "parentId": Column("parent_id", "number"),
    "size": Column("size", "number"),
    "itemsCount": Column("images_count", "number"),
    "imagesCount": Column("images_count", "number"),
}


class Projects:
    """Projects and datasets of the server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, listing: Listing, *, workspace_id: int | None = None, team_id: int | None = None
    ) -> tuple[IdPage, list[Row]]:
        """Return a page of projects of a workspace, of a team, or of all."""
        where = [
            Clause(f"{column} = ?", (value,))
            for column, value in (("workspace_id", workspace_id), ("team_id", team_id))
            if value is not None
        ]
        with self._database.read() as connection:
            page = fetch_page(connection, "projects", _PROJECT_COLUMNS, where, listing)
            return page, rows_by_id(connection, _PROJECTS, page.ids)

    def row(self, project_id: int) -> Row:
        """Return a project as it is stored, with ``version``, ``version_id`` and ``reference_mime``.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._database.read() as connection:
            return project_row(connection, project_id)

    def get(self, project_id: ProjectId) -> Project:
        """Return a project.

        Raises:
            NotFoundError: There is no such project.
        """
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

    def version(self, project_id: ProjectId) -> Mapping[str, int] | None:
        """Return ``{"id", "version"}`` of the newest version, ``None`` if the project has none."""
        row = self.row(project_id)
        return None if row["version"] is None else {"id": int(row["version_id"]), "version": int(row["version"])}

    def meta_json(self, project_id: int) -> dict[str, Any]:
        """Return the project meta as the API gives it: classes and tags with ids.

        Raises:
            NotFoundError: There is no such project.
        """
        return parse_object(self.row(project_id)["meta"])

    def meta(self, project_id: ProjectId) -> ProjectMeta:
        """Return the project meta.

        Raises:
            NotFoundError: There is no such project.
        """
        return meta_from_json(self.meta_json(project_id))

    def edit(self, project_id: int, changes: Mapping[str, str], *, silent: bool = False) -> Row:
        """Change columns of a project.

        Args:
            project_id: The project.
            changes: Column (``name``, ``description``, ``readme``, ``custom_data``, ``settings``) → new value.
            silent: Keep the moment of the last change as it is.

        Raises:
            NotFoundError: There is no such project.
            InputError: Another project of the workspace has the name.
        """
        if unknown := set(changes) - {"name", "description", "readme", "custom_data", "settings"}:
            raise AssertionError(unknown)
        columns = dict(changes) if silent else {**changes, "updated_at": now_text()}
        with self._database.write() as connection:
            project_row(connection, project_id)
            for column, value in columns.items():
                try:
                    connection.execute(f"UPDATE projects SET {column} = ? WHERE id = ?", (value, project_id))  # noqa: S608 - names checked above
                except IntegrityError as error:
                    msg = f"The workspace already has a project named {value!r}."
                    raise InputError(msg, "Choose another name.") from error
            return project_row(connection, project_id)

    def dataset_page(
        self, listing: Listing, *, project_id: int | None, parent_id: int | None = None, recursive: bool = True
    ) -> tuple[IdPage, list[Row]]:
        """Return a page of datasets.

        Args:
            listing: The client's wishes.
            project_id: Project they belong to; ``None`` for the datasets of all projects.
            parent_id: Only datasets inside this one.
            recursive: Nested ones too; otherwise one level.

        Raises:
            NotFoundError: There is no such project or parent.
        """
        with self._database.read() as connection:
            where: list[Clause] = []
            if project_id is not None:
                project_row(connection, project_id)
                where.append(Clause("project_id = ?", (project_id,)))
            if parent_id is not None:
                _dataset_row(connection, parent_id)
                where.append(_below(parent_id) if recursive else Clause("parent_id = ?", (parent_id,)))
            elif not recursive:
                where.append(Clause("parent_id IS NULL"))
            page = fetch_page(connection, "datasets", _DATASET_COLUMNS, where, listing)
            return page, rows_by_id(connection, _DATASETS, page.ids)

    def dataset_row(self, dataset_id: int) -> Row:
        """Return a dataset as it is stored, with ``team_id``, ``workspace_id`` and ``reference_mime``.

        Raises:
            NotFoundError: There is no such dataset.
        """
        with self._database.read() as connection:
            return _dataset_row(connection, dataset_id)

    def datasets(self, project_id: ProjectId) -> tuple[Dataset, ...]:
        """Return all datasets of a project, nested ones too, by id."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM datasets WHERE project_id = ? ORDER BY id", (project_id,)
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
                " WHERE dataset_id IN (SELECT id FROM datasets WHERE project_id = ?) ORDER BY dataset_id"
            )
            return connection.execute(query, (project_id,)).fetchall()


def project_row(connection: Connection, project_id: int) -> Row:
    """Return a project inside a transaction.

    Raises:
        NotFoundError: There is no such project.
    """
    return row_by_id(connection, _PROJECTS, project_id, "project")


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON column that holds an object."""
    return _OBJECT.decode(text)


def dump(value: object) -> str:
    """Write a JSON column."""
    return msgspec.json.encode(value).decode()


def _dataset_row(connection: Connection, dataset_id: int) -> Row:
    return row_by_id(connection, _DATASETS, dataset_id, "dataset")


def _below(parent_id: int) -> Clause:
    return Clause(
        "id IN (WITH RECURSIVE below(id) AS (SELECT id FROM datasets WHERE parent_id = ?"
        " UNION SELECT d.id FROM datasets d JOIN below ON d.parent_id = below.id) SELECT id FROM below)",
        (parent_id,),
    )
