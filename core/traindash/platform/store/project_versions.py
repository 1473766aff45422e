"""Versions of projects. Clients keep copies of some: reserved while made, committed when they lie in Team Files.

The official SDK makes the copy itself (``DataVersion.create``); here is which state of the data it is a copy of.
"""

import secrets
from datetime import timedelta
from sqlite3 import Connection, Row

from traindash.errors import InputError, NotFoundError
from traindash.platform.store.database import Database, moment_text, now_text
from traindash.platform.store.listing import Clause, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.project_changes import insert_version
from traindash.platform.store.projects import project_row
from traindash.platform.wire import DetailedError
from traindash.steady_clock import CLOCK

_VERSIONS = Table(
    name="project_versions",
    noun="version",
    columns=numbers("id", "project_id", "version") | texts("name", "description", "created_at"),
)
_HELD = timedelta(hours=1)  # for which a reservation keeps others away, if whoever made it is gone


class ProjectVersions:
    """Lists, reserves, commits and names versions of projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, listing: Listing, project_id: int) -> tuple[IdPage, list[Row]]:
        """Return a page of the versions of a project's data."""
        with self._database.read() as connection:
            project_row(connection, project_id)
            return _VERSIONS.page(connection, listing, [Clause("project_id = ?", (project_id,))])

    def reserve(self, project_id: int) -> tuple[int, str]:
        """Reserve the version of a project's data as they are now; return its id and the token to commit it with.

        Raises:
            NotFoundError: There is no such project.
            DetailedError: Nothing has changed since the last copy; its version is in the details.
            InputError: Somebody else makes a copy of it.
        """
        token, now = secrets.token_hex(16), CLOCK.now()
        with self._database.write() as connection:
            project = project_row(connection, project_id)
            newest = _newest(connection, project_id)
            if newest is not None and newest["project_updated_at"] == project["updated_at"]:
                details = {"useExistingVersion": True, "version": {"id": newest["id"], "version": newest["version"]}}
                raise DetailedError("Nothing has changed since the newest version.", "Use that version.", details)
            query = (
                "SELECT 1 FROM project_versions WHERE project_id = ? AND commit_token IS NOT NULL AND reserved_at > ?"
            )
            if connection.execute(query, (project_id, moment_text(now - _HELD))).fetchone() is not None:
                # The SDK waits at these words (`DataVersion.reserve`).
                raise InputError("A version of this project is already committing.", "Try again in a while.")
            if newest is None or newest["team_file_id"] is not None:
                number = 1 if newest is None else newest["version"] + 1
                version_id = insert_version(connection, project_id, number, "")
            else:
                version_id = int(newest["id"])
            # Used, so that the next change begins another version.
            connection.execute(
                "UPDATE project_versions SET commit_token = ?, reserved_at = ?, used = 1 WHERE id = ?",
                (token, moment_text(now), version_id),
            )
        return version_id, token

    def commit(
        self, version_id: int, token: str, *, file_id: int, updated_at: str, texts: tuple[str | None, str | None]
    ) -> None:
        """Note the copy of a reserved version: a file in Team Files, of a project that was last changed at a moment.

        ``texts`` are its name and description; ``None`` leaves them as they are.

        Raises:
            NotFoundError: There is no such reservation, or no such file.
        """
        with self._database.write() as connection:
            _reserved(connection, version_id, token)
            if connection.execute("SELECT 1 FROM team_files WHERE id = ?", (file_id,)).fetchone() is None:
                raise NotFoundError(f"There is no file {file_id} in Team Files.")
            connection.execute(
                "UPDATE project_versions SET team_file_id = ?, project_updated_at = ?, updated_at = ?,"
                " name = coalesce(?, name), description = coalesce(?, description), commit_token = NULL,"
                " reserved_at = NULL WHERE id = ?",
                (file_id, updated_at, now_text(), *texts, version_id),
            )

    def cancel(self, version_id: int, token: str) -> None:
        """Give a reservation up.

        Raises:
            NotFoundError: There is no such reservation.
        """
        with self._database.write() as connection:
            _reserved(connection, version_id, token)
            query = "UPDATE project_versions SET commit_token = NULL, reserved_at = NULL WHERE id = ?"
            connection.execute(query, (version_id,))

    def edit(
        self, version_id: int, *, name: str | None, description: str | None, preview_project_id: int | None
    ) -> None:
        """Change what is given of a version.

        Raises:
            NotFoundError: There is no such version, or no such project.
        """
        with self._database.write() as connection:
            if preview_project_id is not None:
                project_row(connection, preview_project_id)
            changed = connection.execute(
                "UPDATE project_versions SET name = coalesce(?, name), description = coalesce(?, description),"
                " preview_project_id = coalesce(?, preview_project_id), updated_at = ? WHERE id = ?",
                (name, description, preview_project_id, now_text(), version_id),
            )
            if not changed.rowcount:
                raise NotFoundError(f"There is no version {version_id}.")


def _newest(connection: Connection, project_id: int) -> Row | None:
    query = "SELECT * FROM project_versions WHERE project_id = ? ORDER BY version DESC LIMIT 1"
    row: Row | None = connection.execute(query, (project_id,)).fetchone()
    return row


def _reserved(connection: Connection, version_id: int, token: str) -> None:
    row = connection.execute("SELECT commit_token FROM project_versions WHERE id = ?", (version_id,)).fetchone()
    kept = "" if row is None else row["commit_token"] or ""
    # bytes: texts are compared only where both are ASCII
    if not kept or not secrets.compare_digest(kept.encode(), token.encode()):
        raise NotFoundError(f"There is no reservation of version {version_id} with this token.")
