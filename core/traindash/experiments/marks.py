"""What people note about experiments: stars, tags, notes, what they hide, and views they saved.

It is kept on this machine, per server, in one SQLite file: two tabs never overwrite each other's changes, because each
changes rows and none writes a whole file, and a change that was shown has been committed, whatever ends the process.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from traindash.domain.ids import TaskId
from traindash.errors import InputError, StorageError, reason_of
from traindash.formatting import count
from traindash.language import N_
from traindash.language import gettext as _

LONGEST_NOTE, LONGEST_TAG, LONGEST_VIEW, LONGEST_NAME = 2000, 60, 80, 80
_TABLES = """
CREATE TABLE IF NOT EXISTS marks (
    server TEXT, task INTEGER, starred INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '', PRIMARY KEY (server, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
    server TEXT, task INTEGER, tag TEXT, PRIMARY KEY (server, task, tag)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    server TEXT, task INTEGER, name TEXT NOT NULL, PRIMARY KEY (server, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removed (
    server TEXT, task INTEGER, PRIMARY KEY (server, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removed_tasks (
    server TEXT, task INTEGER, PRIMARY KEY (server, task)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS views (
    server TEXT, name TEXT, query TEXT NOT NULL, PRIMARY KEY (server, name)
) WITHOUT ROWID;
"""
_VERSION = 3
_BUSY_SECONDS = 10.0  # another tab, or a second dashboard on the same data directory, is writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is noted about an experiment."""

    starred: bool = False
    hidden: bool = False
    note: str = ""
    tags: tuple[str, ...] = ()  # alphabetical
    name: str = ""  # what a person calls it; empty where its own name stands
    removed: bool = False  # deleted here; its files are there until they are deleted for good


UNMARKED = Mark()


class Marks:
    """The marks and views of one server, in a SQLite file made when something is noted for the first time.

    Every change is one transaction; a :class:`traindash.errors.StorageError` says that it was not stored.
    """

    def __init__(self, path: Path, server: str) -> None:
        self._path = path
        self._server = server

    def all(self) -> dict[TaskId, Mark]:
        """Return all marks; experiments without any are left out."""
        if not self._path.exists():
            return {}
        with self._open() as connection:
            tags: dict[int, list[str]] = {}
            for task, tag in connection.execute(
                "SELECT task, tag FROM tags WHERE server = ? ORDER BY tag", (self._server,)
            ):
                tags.setdefault(task, []).append(tag)
            rows = connection.execute(
                "SELECT task, starred, hidden, note FROM marks WHERE server = ?", (self._server,)
            ).fetchall()
            names = dict(connection.execute("SELECT task, name FROM names WHERE server = ?", (self._server,)))
            gone = connection.execute("SELECT task FROM removed WHERE server = ?", (self._server,)).fetchall()
        plain = {task: (bool(starred), bool(hidden), note) for task, starred, hidden, note in rows}
        removed = {task for (task,) in gone}
        marks: dict[TaskId, Mark] = {}
        for task in plain.keys() | tags.keys() | names.keys() | removed:
            starred, hidden, note = plain.get(task, (False, False, ""))
            marks[TaskId(task)] = Mark(
                starred=starred,
                hidden=hidden,
                note=note,
                tags=tuple(tags.get(task, ())),
                name=names.get(task, ""),
                removed=task in removed,
            )
        return marks

    def star(self, tasks: Collection[TaskId], *, starred: bool) -> None:
        """Put a star on experiments, or take it away."""
        self._set("starred", tasks, int(starred))

    def hide(self, tasks: Collection[TaskId], *, hidden: bool) -> None:
        """Leave experiments out of the list, or put them back."""
        self._set("hidden", tasks, int(hidden))

    def rename(self, task: TaskId, name: str) -> None:
        """Call an experiment otherwise on this machine; an empty name gives it its own back.

        Raises:
            InputError: It is too long.
        """
        clean = _clean_name(name, N_("name"), LONGEST_NAME) if name.strip() else ""
        with self._open() as connection:
            connection.execute("DELETE FROM names WHERE server = ? AND task = ?", (self._server, task))
            if clean:
                connection.execute("INSERT INTO names VALUES (?, ?, ?)", (self._server, task, clean))

    def remove(self, task: TaskId, *, removed: bool) -> None:
        """Take an experiment out of all lists, or bring it back; its files stay."""
        with self._open() as connection:
            if removed:
                connection.execute("INSERT OR IGNORE INTO removed VALUES (?, ?)", (self._server, task))
            else:
                connection.execute("DELETE FROM removed WHERE server = ? AND task = ?", (self._server, task))

    def removed_tasks(self) -> frozenset[TaskId]:
        """Return the tasks that were taken out of the lists of tasks; of experiments, see :meth:`remove`."""
        if not self._path.exists():
            return frozenset()
        with self._open() as connection:
            rows = connection.execute("SELECT task FROM removed_tasks WHERE server = ?", (self._server,)).fetchall()
        return frozenset(TaskId(task) for (task,) in rows)

    def remove_tasks(self, tasks: Collection[TaskId], *, removed: bool) -> None:
        """Take tasks out of the lists of tasks, or bring them back; what they left stays where it is."""
        change = (
            "INSERT OR IGNORE INTO removed_tasks VALUES (?, ?)"
            if removed
            else "DELETE FROM removed_tasks WHERE server = ? AND task = ?"
        )
        with self._open() as connection:
            connection.executemany(change, [(self._server, task) for task in tasks])

    def note(self, task: TaskId, text: str) -> None:
        """Set the note of an experiment; an empty one removes it.

        Raises:
            InputError: It is too long.
        """
        clean = text.strip()
        if len(clean) > LONGEST_NOTE:
            raise InputError(_too_long(N_("note"), clean, LONGEST_NOTE), _("Shorten it."))
        self._set("note", [task], clean)

    def tag(self, tasks: Collection[TaskId], *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Add tags to experiments and take others away.

        Raises:
            InputError: A tag is empty or too long.
        """
        added = [_clean_name(tag, N_("tag"), LONGEST_TAG) for tag in add]
        with self._open() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO tags VALUES (?, ?, ?)",
                [(self._server, task, tag) for task in tasks for tag in added],
            )
            connection.executemany(
                "DELETE FROM tags WHERE server = ? AND task = ? AND tag = ?",
                [(self._server, task, tag) for task in tasks for tag in remove],
            )

    def views(self) -> Mapping[str, str]:
        """Return the saved views: name → query string, by name."""
        if not self._path.exists():
            return {}
        with self._open() as connection:
            rows = connection.execute(
                "SELECT name, query FROM views WHERE server = ? ORDER BY name COLLATE NOCASE", (self._server,)
            )
            return dict(rows.fetchall())

    def save_view(self, name: str, query: str) -> str:
        """Save a view under a name, in place of one that had it, and return the name as it was stored.

        Raises:
            InputError: The name is empty or too long.
        """
        clean = _clean_name(name, N_("name of the view"), LONGEST_VIEW)
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO views VALUES (?, ?, ?)", (self._server, clean, query))
        return clean

    def remove_view(self, name: str) -> None:
        """Remove a saved view; one that is gone already is no error."""
        with self._open() as connection:
            connection.execute("DELETE FROM views WHERE server = ? AND name = ?", (self._server, name))

    # Each column by itself: a note that is being written must not undo a star that another tab has set meanwhile.
    def _set(self, column: str, tasks: Collection[TaskId], value: int | str) -> None:
        with self._open() as connection:
            connection.executemany(
                f"INSERT INTO marks (server, task, {column}) VALUES (?, ?, ?)"  # noqa: S608 - constant names
                f" ON CONFLICT (server, task) DO UPDATE SET {column} = excluded.{column}",
                [(self._server, task, value) for task in tasks],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with open_tables(self._path, _TABLES) as connection:
                yield connection
        except (OSError, sqlite3.Error) as error:
            said = reason_of(error) if isinstance(error, OSError) else error
            msg = _("Stars, tags and notes cannot be kept: {reason}.").format(reason=said)
            raise StorageError(
                msg, _("Check free space and permissions of the data directory, then try again.")
            ) from error


@contextmanager
def open_tables(path: Path, tables: str) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file of this machine's own, made when it is not there; one transaction.

    ``tables`` are statements that make its tables where they are missing.

    Raises:
        OSError: Its folder cannot be made.
        sqlite3.Error: The file cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A connection for each use: those of SQLite belong to the thread that made them, and pages run in many.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            connection.execute("PRAGMA journal_mode = WAL")  # readers never wait for the one who writes
            connection.executescript(tables)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        with connection:
            yield connection
    finally:
        connection.close()


def _clean_name(text: str, what: str, longest: int) -> str:
    """Return a name without blanks around it; ``what`` it names is a message.

    Raises:
        InputError: It is empty or too long.
    """
    clean = " ".join(text.split())
    if not clean:
        raise InputError(_("The {what} is empty.").format(what=_(what)), _("Type at least one letter."))
    if len(clean) > longest:
        raise InputError(_too_long(what, clean, longest), _("Shorten it."))
    return clean


def _too_long(what: str, text: str, longest: int) -> str:
    return _("The {what} has {count} characters; {most} is the most.").format(
        what=_(what), count=count(len(text)), most=count(longest)
    )
