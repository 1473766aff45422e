"""What was read of experiments once, kept on this machine; deleting it costs time, nothing else.

An experiment's record and settings are written once, when its training ends, and its folder's name holds the task's
id; so what was read from a folder stays true as long as the folder is there.
"""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from core.domain.experiment import ExperimentInfo
from core.domain.ids import TeamId

_RECORD: TypeAdapter[ExperimentInfo] = TypeAdapter(ExperimentInfo)
_SETTINGS: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])
_TABLES = """
CREATE TABLE IF NOT EXISTS records (
    server TEXT, team INTEGER, folder TEXT, record TEXT NOT NULL, PRIMARY KEY (server, team, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
    server TEXT, team INTEGER, folder TEXT, digest TEXT NOT NULL, PRIMARY KEY (server, team, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (digest TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
"""
_VERSION = 1
_BUSY_SECONDS = 10.0
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class RecordCache:
    """Records and hyperparameters by server, team and folder.

    A file that cannot be used is logged and left alone: everything is read from the server then.

    Args:
        path: The SQLite file; made when something is kept for the first time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def records(self, server: str, team: TeamId) -> dict[str, ExperimentInfo]:
        """Return what is kept of a team: folder → record."""
        return {
            row[0]: record
            for row in self._rows("SELECT folder, record FROM records WHERE server = ? AND team = ?", (server, team))
            if (record := _checked(_RECORD, row[1])) is not None
        }

    def keep_records(self, server: str, team: TeamId, records: Mapping[str, ExperimentInfo]) -> None:
        """Keep records by their folders."""
        rows = [(server, team, folder, _RECORD.dump_json(record).decode()) for folder, record in records.items()]
        self._write("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)

    def forget(self, server: str, team: TeamId, folders: Iterable[str]) -> None:
        """Forget what was kept of folders that are gone."""
        rows = [(server, team, folder) for folder in folders]
        for table in ("records", "settings"):
            self._write(f"DELETE FROM {table} WHERE server = ? AND team = ? AND folder = ?", rows)  # noqa: S608 - constant names

    def settings(self, server: str, team: TeamId) -> dict[str, Mapping[str, object]]:
        """Return the hyperparameters that are kept of a team: folder → names and values; equal ones are one object."""
        query = (
            "SELECT folder, digest, contents.settings FROM settings JOIN contents USING (digest)"
            " WHERE server = ? AND team = ?"
        )
        parsed: dict[str, Mapping[str, object] | None] = {}
        found = {}
        for folder, digest, text in self._rows(query, (server, team)):
            if digest not in parsed:
                parsed[digest] = _checked(_SETTINGS, text)
            if (values := parsed[digest]) is not None:
                found[folder] = values
        return found

    def keep_settings(self, server: str, team: TeamId, settings: Mapping[str, Mapping[str, object]]) -> None:
        """Keep hyperparameters by their folders; a series of equal ones is stored once."""
        texts = {folder: json.dumps(values, default=str) for folder, values in settings.items()}
        digests = {folder: hashlib.sha256(text.encode()).hexdigest() for folder, text in texts.items()}
        contents = {digests[folder]: text for folder, text in texts.items()}
        self._write("INSERT OR IGNORE INTO contents VALUES (?, ?)", list(contents.items()))
        self._write(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?)",
            [(server, team, folder, digest) for folder, digest in digests.items()],
        )

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        try:
            with self._open() as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            _log.warning("%s cannot be read and is left aside: %s", self._path, error)
            return []

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as connection:
                connection.executemany(statement, rows)
        except (OSError, sqlite3.Error) as error:
            _log.warning("Experiments cannot be kept in %s: %s", self._path, error)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("PRAGMA synchronous = NORMAL")
            with connection:
                yield connection
        finally:
            connection.close()


def _checked(adapter: TypeAdapter[_T], text: str) -> _T | None:
    try:
        return adapter.validate_json(text)
    except ValidationError:
        return None
