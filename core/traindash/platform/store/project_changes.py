"""What every change of a project does besides: its moment, and the version of its data.

A version is a number for what the data was like when trainings looked at it. It goes up with the first change after a
training was started, and not with every change: an upload of thousands of images is one step. So whoever compares the
version of an experiment with that of the project knows whether anything has changed since, even when all counts are the
same.
"""

from sqlite3 import Connection

from traindash.platform.store.database import now_text


def note_change(connection: Connection, project_id: int) -> None:
    """Say inside a transaction that a project changed: images, annotations, datasets, classes or tags."""
    now = now_text()
    connection.execute("UPDATE projects SET updated_at = ? WHERE id = ?", (now, project_id))
    newest = connection.execute(
        "SELECT version, used FROM project_versions WHERE project_id = ? ORDER BY version DESC LIMIT 1", (project_id,)
    ).fetchone()
    if newest is None or newest["used"]:
        insert_version(connection, project_id, 1 if newest is None else newest["version"] + 1, "")


def insert_version(connection: Connection, project_id: int, version: int, name: str) -> int:
    """Begin a version that no training has looked at yet, and return its id."""
    cursor = connection.execute(
        "INSERT INTO project_versions (project_id, version, name, used, created_at) VALUES (?, ?, ?, 0, ?)",
        (project_id, version, name, now_text()),
    )
    return int(cursor.lastrowid or 0)


def use_version(connection: Connection, project_id: int) -> None:
    """Say that a training looks at the data as it is now."""
    connection.execute(
        "UPDATE project_versions SET used = 1 WHERE used = 0 AND project_id = ?"
        " AND version = (SELECT max(version) FROM project_versions WHERE project_id = ?)",
        (project_id, project_id),
    )
