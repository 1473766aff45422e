"""Makes and edits projects and datasets. What is edited must exist, else :class:`NotFoundError`."""

from collections.abc import Container, Mapping
from sqlite3 import Connection, IntegrityError, Row
from typing import Any

from traindash.errors import InputError
from traindash.platform.store.accounts import require_workspace
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.project_changes import insert_version, note_change
from traindash.platform.store.projects import dataset_row, dump, parse_object, project_row
from traindash.platform.store.unanswered import note_made

_PROJECT_COLUMNS = frozenset({"name", "description", "readme", "custom_data", "settings"})
_DATASET_COLUMNS = frozenset({"name", "description", "custom_data"})
_ANOTHER = "Choose another name."


class ProjectEdits:
    """Writes projects and datasets; each method is one transaction and returns the row as clients see it then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, workspace_id: int, name: str, columns: Mapping[str, str]) -> Row:
        """Make an empty project; ``columns`` are those of :meth:`edit` and ``type``, as far as they are known.

        Raises:
            InputError: The workspace has a project of that name.
        """
        with self._database.write() as connection:
            note_made(connection)
            return project_row(connection, insert_project(connection, workspace_id, name, columns))

    def edit(self, project_id: int, changes: Mapping[str, str], *, silent: bool = False) -> Row:
        """Change columns of a project: ``name``, ``description``, ``readme``, ``custom_data``, ``settings``.

        ``silent`` keeps the moment of the last change as it is.

        Raises:
            InputError: Another project of the workspace has the name.
        """
        with self._database.write() as connection:
            project_row(connection, project_id)
            columns = dict(changes) if silent else {**changes, "updated_at": now_text()}
            try:
                _update(connection, "projects", project_id, columns, _PROJECT_COLUMNS)
            except IntegrityError as error:
                raise _taken("workspace", "project", changes.get("name")) from error
            return project_row(connection, project_id)

    def merge_settings(self, project_id: int, settings: Mapping[str, Any]) -> Row:
        """Change settings of a project; those that are not named stay."""
        with self._database.write() as connection:
            merged = parse_object(project_row(connection, project_id)["settings"]) | dict(settings)
            columns = {"settings": dump(merged), "updated_at": now_text()}
            _update(connection, "projects", project_id, columns, _PROJECT_COLUMNS)
            return project_row(connection, project_id)

    def move(self, project_id: int, workspace_id: int) -> Row:
        """Put a project into another workspace.

        Raises:
            InputError: That one is of another team, or has a project of that name.
        """
        with self._database.write() as connection:
            project, workspace = project_row(connection, project_id), require_workspace(connection, workspace_id)
            if workspace["team_id"] != project["team_id"]:
                msg = f"Workspace {workspace_id} belongs to another team than the project."
                raise InputError(msg, "Choose a workspace of the project's team, or clone the project.")
            try:
                connection.execute("UPDATE projects SET workspace_id = ? WHERE id = ?", (workspace_id, project_id))
            except IntegrityError as error:
                raise _taken("workspace", "project", project["name"]) from error
            return project_row(connection, project_id)

    def add_dataset(self, project_id: int, name: str, parent_id: int | None, columns: Mapping[str, str]) -> Row:
        """Make an empty dataset, inside another one if ``parent_id`` names it.

        Raises:
            InputError: There is one of that name, or the parent is of another project.
        """
        with self._database.write() as connection:
            dataset_id = insert_dataset(connection, project_row(connection, project_id), name, parent_id, columns)
            count_datasets(connection, project_id)
            note_change(connection, project_id)
            note_made(connection)
            return dataset_row(connection, dataset_id)

    def edit_dataset(self, dataset_id: int, changes: Mapping[str, str]) -> Row:
        """Change columns of a dataset: ``name``, ``description``, ``custom_data``.

        Raises:
            InputError: There is another one of that name beside it.
        """
        with self._database.write() as connection:
            dataset = dataset_row(connection, dataset_id)
            columns = {**changes, "updated_at": now_text()}
            try:
                _update(connection, "datasets", dataset_id, columns, _DATASET_COLUMNS)
            except IntegrityError as error:
                raise _taken("project", "dataset", changes.get("name")) from error
            if changes.get("name", dataset["name"]) != dataset["name"]:  # splits and reports name datasets
                note_change(connection, dataset["project_id"])
            return dataset_row(connection, dataset_id)

    def pin_dataset(self, dataset_id: int, *, pinned: bool) -> Row:
        """Mark a dataset as a favorite, or take the mark away. Its data stay as they are, and so does their version."""
        with self._database.write() as connection:
            dataset_row(connection, dataset_id)
            _update(connection, "datasets", dataset_id, {"is_favorite": pinned}, frozenset({"is_favorite"}))
            return dataset_row(connection, dataset_id)

    def move_dataset(self, dataset_id: int, parent_id: int | None) -> Row:
        """Put a dataset, with all that is in it, into another one of its project; ``None`` for the top.

        Raises:
            InputError: It would be inside itself, in another project, or beside one of its name.
        """
        with self._database.write() as connection:
            dataset = dataset_row(connection, dataset_id)
            if parent_id is not None:
                _check_parent(connection, parent_id, dataset["project_id"])
                if dataset_id in _upwards(connection, parent_id):
                    raise InputError("A dataset cannot be moved into itself.", "Choose one outside it.")
            try:
                _update(connection, "datasets", dataset_id, {"parent_id": parent_id}, frozenset({"parent_id"}))
            except IntegrityError as error:
                raise _taken("dataset", "dataset", dataset["name"]) from error
            note_change(connection, dataset["project_id"])
            return dataset_row(connection, dataset_id)


def insert_project(connection: Connection, workspace_id: int, name: str, columns: Mapping[str, str]) -> int:
    """Make an empty project inside a transaction and return its id; ``columns`` are further ones of its row.

    Raises:
        NotFoundError: There is no such workspace.
        InputError: It has a project of that name.
    """
    now, workspace = now_text(), require_workspace(connection, workspace_id)
    row = {
        **columns,
        "workspace_id": workspace_id,
        "team_id": workspace["team_id"],
        "user_id": connection.execute("SELECT min(id) FROM users").fetchone()[0],  # this server has one user
        "name": name,
        "created_at": now,
        "updated_at": now,
    }
    try:
        project_id = _insert(connection, "projects", row)
    except IntegrityError as error:
        raise _taken("workspace", "project", name) from error
    insert_version(connection, project_id, 1, "")
    return project_id


def free_name(connection: Connection, workspace_id: int, wanted: str) -> str:
    """Return a name, with a number if the workspace has a project of that name."""
    query = "SELECT name FROM projects WHERE workspace_id = ?"
    taken = {row["name"] for row in connection.execute(query, (workspace_id,))}
    return numbered(wanted, taken)


def numbered(wanted: str, taken: Container[str]) -> str:
    """Return a name that is not taken: the wanted one, or that one with the first number from 2 that is free."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name


def insert_dataset(
    connection: Connection, project: Row, name: str, parent_id: int | None, columns: Mapping[str, str]
) -> int:
    """Make an empty dataset inside a transaction and return its id; ``columns`` are further ones of its row.

    Raises:
        NotFoundError: There is no such parent.
        InputError: The parent is of another project, or has a dataset of that name.
    """
    if parent_id is not None:
        _check_parent(connection, parent_id, project["id"])
    now = now_text()
    row = {
        **columns,
        "project_id": project["id"],
        "parent_id": parent_id,
        "user_id": project["user_id"],
        "name": name,
        "created_at": now,
        "updated_at": now,
    }
    try:
        return _insert(connection, "datasets", row)
    except IntegrityError as error:
        raise _taken("project" if parent_id is None else "dataset", "dataset", name) from error


def count_datasets(connection: Connection, project_id: int) -> None:
    """Count a project anew from the counts of its datasets, when some came or went."""
    connection.execute(
        "UPDATE projects SET (datasets_count, items_count, size) = ("
        "SELECT count(*), coalesce(sum(images_count), 0), coalesce(sum(size), 0) FROM datasets"
        " WHERE project_id = projects.id AND archived_at IS NULL),"
        " reference_hash = (SELECT reference_hash FROM datasets WHERE project_id = projects.id"
        " AND archived_at IS NULL AND reference_hash IS NOT NULL ORDER BY id LIMIT 1) WHERE id = ?",
        (project_id,),
    )


def _check_parent(connection: Connection, parent_id: int, project_id: int) -> None:
    if dataset_row(connection, parent_id)["project_id"] != project_id:
        msg = f"Dataset {parent_id} belongs to another project."
        raise InputError(msg, "Choose a dataset of the same project.")


def _upwards(connection: Connection, dataset_id: int) -> frozenset[int]:
    query = (
        "WITH RECURSIVE up(id, parent_id) AS (SELECT id, parent_id FROM datasets WHERE id = ?"
        " UNION SELECT d.id, d.parent_id FROM datasets d JOIN up ON d.id = up.parent_id) SELECT id FROM up"
    )
    return frozenset(row[0] for row in connection.execute(query, (dataset_id,)))


def _insert(connection: Connection, table: str, columns: Mapping[str, object]) -> int:
    marks = ", ".join("?" for _ in columns)
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
    return int(connection.execute(query, tuple(columns.values())).lastrowid or 0)


def _update(
    connection: Connection, table: str, own_id: int, columns: Mapping[str, object], allowed: frozenset[str]
) -> None:
    if unknown := set(columns) - allowed - {"updated_at"}:
        raise AssertionError(unknown)
    if columns:
        changed = ", ".join(f"{name} = ?" for name in columns)
        connection.execute(f"UPDATE {table} SET {changed} WHERE id = ?", (*columns.values(), own_id))  # noqa: S608 - names checked above


def _taken(place: str, noun: str, name: object) -> InputError:
    return InputError(f"The {place} already has a {noun} named {name!r}.", _ANOTHER)
