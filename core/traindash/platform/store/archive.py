"""Deletes projects and datasets: archives them first, brings them back, and after a while removes them for good.

What is archived is hidden by the tables' own ``visible`` conditions (:mod:`traindash.platform.store.projects`), so no
list and no training finds it. Its rows, annotations and image files stay as they are until they are removed for good.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection, Row

from traindash.errors import NotFoundError, StateError
from traindash.platform.store.database import Database, moment_text, now_text
from traindash.platform.store.image_changes import keep_loose
from traindash.platform.store.project_changes import note_change
from traindash.platform.store.project_edits import count_datasets, free_name, numbered
from traindash.platform.store.projects import dataset_row, dump, project_row
from traindash.steady_clock import CLOCK

KEPT_DAYS = 30
_BATCH = 500  # images that are removed in one transaction, so that others can write in between
_BELOW = (
    "WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT d.id FROM datasets d JOIN below ON d.parent_id = below.id)"
    " SELECT id FROM below"
)


def kept_until(moment: str) -> str:
    """Return when something that was deleted at a moment is removed for good; both as they are stored."""
    return moment_text(datetime.fromisoformat(moment) + timedelta(days=KEPT_DAYS))


class Archive:
    """Archived projects and datasets. What is named by an id must exist, else :class:`NotFoundError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_project(self, project_id: int) -> None:
        """Archive a project; one that is archived stays so. Its name is free for others from then on."""
        with self._database.write() as connection:
            row = _any_row(connection, "projects", "project", project_id)
            if row["archived_at"] is None:
                archive_projects(connection, [project_id], now_text())

    def restore_project(self, project_id: int) -> Row:
        """Bring a project back; one that is there stays as it is. It gets a number if its name is taken by now.

        Raises:
            NotFoundError: Its workspace is archived itself.
        """
        with self._database.write() as connection:
            row = _any_row(connection, "projects", "project", project_id)
            if row["archived_at"] is not None:
                query = "SELECT 1 FROM workspaces WHERE id = ? AND archived_at IS NULL"
                if connection.execute(query, (row["workspace_id"],)).fetchone() is None:
                    msg = f"The workspace of project {project_id} is deleted itself."
                    raise NotFoundError(msg, "Restore the workspace (traindash.workspaces.restore).")
                restore_projects(connection, [row])
            return project_row(connection, project_id)

    def put_dataset(self, dataset_id: int) -> None:
        """Archive a dataset with those inside it; one that is archived stays so."""
        with self._database.write() as connection:
            row = _any_row(connection, "datasets", "dataset", dataset_id)
            if row["archived_at"] is None:
                connection.execute(
                    f"UPDATE datasets SET archived_at = ? WHERE archived_at IS NULL AND id IN ({_BELOW})",  # noqa: S608 - constant
                    (now_text(), dataset_id),
                )
                count_datasets(connection, row["project_id"])
                note_change(connection, row["project_id"])

    def restore_dataset(self, dataset_id: int) -> Row:
        """Bring a dataset back, with those that were archived with it; one that is there stays as it is.

        Raises:
            NotFoundError: The dataset that it was in, or its project, is archived itself.
        """
        with self._database.write() as connection:
            row = _any_row(connection, "datasets", "dataset", dataset_id)
            project_row(connection, row["project_id"])
            if row["archived_at"] is not None:
                if row["parent_id"] is not None:
                    dataset_row(connection, row["parent_id"])
                name = _free_dataset_name(connection, row)
                connection.execute("UPDATE datasets SET name = ? WHERE id = ?", (name, dataset_id))
                connection.execute(
                    f"UPDATE datasets SET archived_at = NULL WHERE archived_at = ? AND id IN ({_BELOW})",  # noqa: S608 - constant
                    (row["archived_at"], dataset_id),
                )
                count_datasets(connection, row["project_id"])
                note_change(connection, row["project_id"])
            return dataset_row(connection, dataset_id)

    def projects(self) -> list[Row]:
        """Return archived projects, the latest first: ``id, workspace_id, archived_name, archived_at, items_count``.

        Without those of archived workspaces, which come back with these.
        """
        query = (
            "SELECT id, workspace_id, archived_name, archived_at, items_count FROM projects"
            " WHERE archived_at IS NOT NULL AND NOT removed"
            " AND workspace_id IN (SELECT id FROM workspaces WHERE archived_at IS NULL)"
            " ORDER BY archived_at DESC, id DESC"
        )
        with self._database.read() as connection:
            return connection.execute(query).fetchall()

    def datasets(self, project_id: int) -> list[Row]:
        """Return archived datasets of a project, the latest first.

        Their columns are ``id, parent_id, name, archived_at, images_count``.
        """
        query = (
            "SELECT id, parent_id, name, archived_at, images_count FROM datasets WHERE project_id = ?"
            " AND archived_at IS NOT NULL AND NOT removed ORDER BY archived_at DESC, id"
        )
        with self._database.read() as connection:
            project_row(connection, project_id)
            return connection.execute(query, (project_id,)).fetchall()

    def remove_projects(self, project_ids: Sequence[int]) -> None:
        """Remove projects for good, archived or not. Image files that nothing else uses go a while later.

        Raises:
            NotFoundError: One does not exist; none is removed then.
            StateError: A training on one is not over; none is removed then.
        """
        with self._database.write() as connection:
            for project_id in project_ids:
                _any_row(connection, "projects", "project", project_id)
                _refuse_with_open_tasks(connection, project_id)
            connection.execute(
                "UPDATE projects SET removed = 1, archived_at = coalesce(archived_at, ?),"
                " archived_name = coalesce(archived_name, name), name = char(31) || id"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (now_text(), dump(project_ids)),
            )
        self.finish_removals()

    def remove_datasets(self, dataset_ids: Sequence[int]) -> None:
        """Remove datasets for good, with those inside them; the rest as :meth:`remove_projects`."""
        with self._database.write() as connection:
            now, changed = now_text(), set[int]()
            for dataset_id in dataset_ids:
                row = _any_row(connection, "datasets", "dataset", dataset_id)
                _refuse_with_open_tasks(connection, row["project_id"])
                connection.execute(
                    f"UPDATE datasets SET removed = 1, archived_at = coalesce(archived_at, ?) WHERE id IN ({_BELOW})",  # noqa: S608 - constant
                    (now, dataset_id),
                )
                changed.add(row["project_id"])
            for project_id in changed:
                count_datasets(connection, project_id)
                note_change(connection, project_id)
        self.finish_removals()

    def expire(self) -> None:
        """Remove for good what was archived long ago; what a training that is not over may still need stays."""
        oldest = moment_text(CLOCK.now() - timedelta(days=KEPT_DAYS))
        no_tasks = "NOT EXISTS (SELECT 1 FROM tasks t WHERE t.project_id = {} AND t.finished_at IS NULL)"
        with self._database.write() as connection:
            for table, project in (("projects", "projects.id"), ("datasets", "datasets.project_id")):
                condition = no_tasks.format(project)
                connection.execute(
                    f"UPDATE {table} SET removed = 1 WHERE archived_at < ? AND {condition}",  # noqa: S608 - constants
                    (oldest,),
                )
            connection.execute("DELETE FROM removed_objects WHERE removed_at < ?", (oldest,))
        self.finish_removals()

    def finish_removals(self) -> None:
        """Delete the rows of what is being removed, some at a time; also what a killed server left of that."""
        while self._remove_some_images():
            pass
        with self._database.write() as connection:
            connection.execute("DELETE FROM projects WHERE removed")
            connection.execute("DELETE FROM datasets WHERE removed")

    def _remove_some_images(self) -> bool:
        query = (
            "SELECT * FROM images WHERE project_id IN (SELECT id FROM projects WHERE removed)"
            " OR dataset_id IN (SELECT id FROM datasets WHERE removed) LIMIT ?"
        )
        with self._database.write() as connection:
            rows = connection.execute(query, (_BATCH,)).fetchall()
            keep_loose(connection, rows, now_text())
            ids = dump([row["id"] for row in rows])
            connection.execute("DELETE FROM images WHERE id IN (SELECT value FROM json_each(?))", (ids,))
        return len(rows) == _BATCH


def archive_projects(connection: Connection, project_ids: Sequence[int], moment: str) -> None:
    """Archive projects inside a transaction; those that are archived stay as they are."""
    ids = dump(project_ids)
    # Datasets with the moment of the project, so that only these come back with it.
    connection.execute(
        "UPDATE datasets SET archived_at = ? WHERE archived_at IS NULL AND project_id IN"
        " (SELECT id FROM projects WHERE archived_at IS NULL AND id IN (SELECT value FROM json_each(?)))",
        (moment, ids),
    )
    connection.execute(
        # No name that a client can give has this character.
        "UPDATE projects SET archived_at = ?, archived_name = name, name = char(31) || id"
        " WHERE archived_at IS NULL AND id IN (SELECT value FROM json_each(?))",
        (moment, ids),
    )


def restore_projects(connection: Connection, rows: Sequence[Row]) -> None:
    """Bring projects back inside a transaction, from their rows; each gets a number if its name is taken by now."""
    for row in rows:
        connection.execute(
            "UPDATE datasets SET archived_at = NULL WHERE project_id = ? AND archived_at = ?",
            (row["id"], row["archived_at"]),
        )
        connection.execute(
            "UPDATE projects SET archived_at = NULL, archived_name = NULL, name = ? WHERE id = ?",
            (free_name(connection, row["workspace_id"], row["archived_name"]), row["id"]),
        )


def _any_row(connection: Connection, table: str, noun: str, wanted: int) -> Row:
    """Return a row, archived or not."""
    query = f"SELECT * FROM {table} WHERE id = ? AND NOT removed"  # noqa: S608 - constant names
    row: Row | None = connection.execute(query, (wanted,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no {noun} {wanted}.")
    return row


def _refuse_with_open_tasks(connection: Connection, project_id: int) -> None:
    query = "SELECT id FROM tasks WHERE project_id = ? AND finished_at IS NULL LIMIT 1"
    row = connection.execute(query, (project_id,)).fetchone()
    if row is not None:
        msg = f"Task {row['id']} is not over and uses project {project_id}."
        raise StateError(msg, "Stop it or wait for its end, or archive instead of removing for good.")


def _free_dataset_name(connection: Connection, row: Row) -> str:
    query = (
        "SELECT name FROM datasets WHERE project_id = ? AND coalesce(parent_id, 0) = coalesce(?, 0)"
        " AND archived_at IS NULL"
    )
    taken = {item["name"] for item in connection.execute(query, (row["project_id"], row["parent_id"]))}
    return numbered(row["name"], taken)
