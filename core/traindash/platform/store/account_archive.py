"""Deletes teams and workspaces as projects are deleted: archived first, with all projects in them, and brought back.

A team keeps its files while it is archived. When it is removed for good, they go with it, and with a workspace go its
tasks with their run folders; what these trainings have put into Team Files belongs to the team and stays.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection, Row

from traindash.domain.ids import TaskId, TeamId
from traindash.errors import NotFoundError, StateError
from traindash.platform.store.accounts import home_of
from traindash.platform.store.archive import KEPT_DAYS, Archive, archive_projects, restore_projects
from traindash.platform.store.database import Database, moment_text, now_text
from traindash.platform.store.files import TeamFiles
from traindash.platform.store.project_edits import numbered
from traindash.platform.store.projects import dump
from traindash.steady_clock import CLOCK

_PLACES = {"team": "teams", "workspace": "workspaces"}


@dataclass(frozen=True, slots=True)
class _Places:
    """Workspaces, and the team that goes with them if it is one that goes."""

    noun: str
    own_id: int
    workspaces: tuple[int, ...]  # of these, those that are archived or removed with it


class AccountArchive:
    """Archived teams and workspaces. What is named by an id must exist, else :class:`NotFoundError`.

    ``run`` gives the run folder of a task.
    """

    def __init__(self, database: Database, archive: Archive, files: TeamFiles, run: Callable[[TaskId], Path]) -> None:
        self._database = database
        self._archive = archive
        self._files = files
        self._run = run

    def put_workspace(self, workspace_id: int) -> None:
        """Archive a workspace with its projects; one that is archived stays so. Its name is free from then on.

        Raises:
            StateError: This server needs it, or a task in it is not over.
        """
        with self._database.write() as connection:
            row = _any_row(connection, "workspace", workspace_id)
            if row["archived_at"] is None:
                if row["hidden"]:
                    msg = f"The workspace {row['name']!r} holds what evaluations on this server compare."
                    raise StateError(msg, "Leave it where it is; the server removes from it what nothing needs.")
                _archive(connection, _Places("workspace", workspace_id, (workspace_id,)))

    def put_team(self, team_id: int) -> None:
        """Archive a team with its workspaces; the rest as :meth:`put_workspace`."""
        with self._database.write() as connection:
            if _any_row(connection, "team", team_id)["archived_at"] is None:
                query = "SELECT id FROM workspaces WHERE team_id = ? AND archived_at IS NULL"
                workspaces = tuple(row["id"] for row in connection.execute(query, (team_id,)))
                _archive(connection, _Places("team", team_id, workspaces))

    def restore_workspace(self, workspace_id: int) -> None:
        """Bring a workspace back with the projects that went with it; one that is there stays as it is.

        It gets a number if its name is taken by now.

        Raises:
            NotFoundError: Its team is archived itself.
        """
        with self._database.write() as connection:
            row = _any_row(connection, "workspace", workspace_id)
            if _any_row(connection, "team", row["team_id"])["archived_at"] is not None:
                msg = f"The team of workspace {workspace_id} is deleted itself."
                raise NotFoundError(msg, "Restore the team (traindash.teams.restore).")
            _restore_workspace(connection, row)

    def restore_team(self, team_id: int) -> None:
        """Bring a team back with the workspaces that went with it; the rest as :meth:`restore_workspace`."""
        with self._database.write() as connection:
            row = _any_row(connection, "team", team_id)
            if row["archived_at"] is not None:
                taken = {other["name"] for other in connection.execute("SELECT name FROM teams")}
                _name_again(connection, "team", row, numbered(row["archived_name"], taken))
                query = "SELECT * FROM workspaces WHERE team_id = ? AND archived_at = ?"
                for workspace in connection.execute(query, (team_id, row["archived_at"])).fetchall():
                    _restore_workspace(connection, workspace)

    def archived(self, noun: str) -> list[Row]:
        """Return archived teams or workspaces (``noun``), the latest first; these have ``team_id``, too."""
        query = (
            f"SELECT * FROM {_PLACES[noun]} WHERE archived_at IS NOT NULL AND NOT removed ORDER BY archived_at DESC, id"  # noqa: S608 - one of two names
        )
        with self._database.read() as connection:
            return connection.execute(query).fetchall()

    def remove_workspaces(self, workspace_ids: Sequence[int]) -> None:
        """Remove archived workspaces for good, with their projects and tasks.

        Raises:
            NotFoundError: One does not exist; none is removed then.
            StateError: One is not archived; none is removed then.
        """
        self._remove("workspace", workspace_ids)

    def remove_teams(self, team_ids: Sequence[int]) -> None:
        """Remove archived teams for good, with their workspaces and files; the rest as :meth:`remove_workspaces`."""
        self._remove("team", team_ids)

    def expire(self) -> None:
        """Remove for good what was archived long ago."""
        oldest = moment_text(CLOCK.now() - timedelta(days=KEPT_DAYS))
        with self._database.write() as connection:
            for table in _PLACES.values():
                connection.execute(f"UPDATE {table} SET removed = 1 WHERE archived_at < ?", (oldest,))  # noqa: S608 - constant names
        self.finish_removals()

    def finish_removals(self) -> None:
        """Delete the rows and files of what is being removed; also what a killed server left of that."""
        with self._database.write() as connection:
            query = "SELECT id FROM workspaces WHERE removed OR team_id IN (SELECT id FROM teams WHERE removed)"
            workspaces = dump([row["id"] for row in connection.execute(query)])
            projects = "UPDATE projects SET removed = 1 WHERE workspace_id IN (SELECT value FROM json_each(?))"
            connection.execute(projects, (workspaces,))
            teams = [row["id"] for row in connection.execute("SELECT id FROM teams WHERE removed")]
            query = "SELECT id FROM tasks WHERE workspace_id IN (SELECT value FROM json_each(?))"
            tasks = [row["id"] for row in connection.execute(query, (workspaces,))]
        self._archive.finish_removals()
        # Files before rows: what a killed server leaves is found again by its row.
        for task_id in tasks:
            shutil.rmtree(self._run(TaskId(task_id)), ignore_errors=True)
        for team_id in teams:
            self._files.remove_all(TeamId(team_id))
        with self._database.write() as connection:
            for table, column in (("tasks", "workspace_id"), ("workspaces", "id")):
                query = f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant names
                connection.execute(query, (workspaces,))
            connection.execute("DELETE FROM teams WHERE id IN (SELECT value FROM json_each(?))", (dump(teams),))

    def _remove(self, noun: str, ids: Sequence[int]) -> None:
        with self._database.write() as connection:
            for own_id in ids:
                if _any_row(connection, noun, own_id)["archived_at"] is None:
                    msg = f"The {noun} {own_id} is not archived."
                    raise StateError(msg, f"Archive it first ({_PLACES[noun]}.archive).")
            query = f"UPDATE {_PLACES[noun]} SET removed = 1 WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - one of two names
            connection.execute(query, (dump(ids),))
        self.finish_removals()


def _archive(connection: Connection, places: _Places) -> None:
    home, workspaces = home_of(connection), dump(places.workspaces)
    if home is not None and home.workspace_id in places.workspaces:
        msg = f"This {places.noun} is where this server puts what it brings in."
        raise StateError(msg, f"Archive another {places.noun}, or the projects in this one.")
    query = (
        "SELECT id FROM tasks WHERE workspace_id IN (SELECT value FROM json_each(?)) AND finished_at IS NULL LIMIT 1"
    )
    if (task := connection.execute(query, (workspaces,)).fetchone()) is not None:
        msg = f"Task {task['id']} in this {places.noun} is not over."
        raise StateError(msg, "Stop it or wait for its end.")
    now = now_text()
    # All with one moment, so that only these come back with it.
    query = "SELECT id FROM projects WHERE workspace_id IN (SELECT value FROM json_each(?))"
    archive_projects(connection, [row["id"] for row in connection.execute(query, (workspaces,))], now)
    _hide(connection, "workspaces", places.workspaces, now)
    if places.noun == "team":
        _hide(connection, "teams", (places.own_id,), now)


def _hide(connection: Connection, table: str, ids: Sequence[int], now: str) -> None:
    connection.execute(
        # No name that a client can give has this character.
        f"UPDATE {table} SET archived_at = ?, archived_name = name, name = char(31) || id"  # noqa: S608 - one of two names
        " WHERE id IN (SELECT value FROM json_each(?))",
        (now, dump(ids)),
    )


def _restore_workspace(connection: Connection, row: Row) -> None:
    if row["archived_at"] is None:
        return
    query = "SELECT name FROM workspaces WHERE team_id = ?"
    taken = {other["name"] for other in connection.execute(query, (row["team_id"],))}
    _name_again(connection, "workspace", row, numbered(row["archived_name"], taken))
    query = "SELECT * FROM projects WHERE workspace_id = ? AND archived_at = ? AND NOT removed"
    restore_projects(connection, connection.execute(query, (row["id"], row["archived_at"])).fetchall())


def _name_again(connection: Connection, noun: str, row: Row, name: str) -> None:
    query = f"UPDATE {_PLACES[noun]} SET archived_at = NULL, archived_name = NULL, name = ? WHERE id = ?"  # noqa: S608 - one of two names
    connection.execute(query, (name, row["id"]))


def _any_row(connection: Connection, noun: str, wanted: int) -> Row:
    """Return a row, archived or not."""
    query = f"SELECT * FROM {_PLACES[noun]} WHERE id = ? AND NOT removed"  # noqa: S608 - one of two names
    row: Row | None = connection.execute(query, (wanted,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no {noun} {wanted}.")
    return row
