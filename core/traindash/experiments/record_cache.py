"""What was read of experiments once, kept on this machine; deleting it costs time, nothing else.

An experiment's record and settings are written once, when its training ends, and its folder's name holds the task's
id; so what was read from a folder stays true as long as the folder is there.
"""

import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from traindash.comparison.experiment import Missing, parse_hyperparameters
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TeamId
from traindash.errors import AppError
from traindash.experiments.marks import open_tables
from traindash.frameworks.hyperparameter_text import leaves
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ContractError, MissingError

_RECORD = msgspec.json.Decoder(ExperimentInfo)
_SETTINGS = msgspec.json.Decoder(dict[str, object])
_TABLES = """
CREATE TABLE IF NOT EXISTS records (
    server TEXT, team INTEGER, folder TEXT, record TEXT NOT NULL, PRIMARY KEY (server, team, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
    server TEXT, team INTEGER, folder TEXT, digest TEXT NOT NULL, PRIMARY KEY (server, team, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (digest TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
"""
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class RecordCache:
    """Records and hyperparameters by server, team and folder, in a SQLite file made when something is first kept.

    A file that cannot be used is logged and left alone: everything is read from the server then.
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
        rows = [(server, team, folder, msgspec.json.encode(record).decode()) for folder, record in records.items()]
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
        # Thousands of experiments share a few dozen contents: each is parsed once, and held in memory once.
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
        if not self._path.exists():  # looking makes no file
            return []
        try:
            with open_tables(self._path, _TABLES) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            _log.warning("%s cannot be read and is left aside: %s", self._path, error)
            return []

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            with open_tables(self._path, _TABLES) as connection:
                connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read again
                connection.executemany(statement, rows)
        except (OSError, sqlite3.Error) as error:
            _log.warning("Experiments cannot be kept in %s: %s", self._path, error)


def _checked(decoder: msgspec.json.Decoder[_T], text: str) -> _T | None:
    # An earlier version may have kept a record that lacks something; it is read from the server again then.
    try:
        return decoder.decode(text)
    except msgspec.MsgspecError:
        return None


# Hyperparameters of many experiments, read in the background for those that somebody looks at, each once.

_AT_ONCE = 8
_PER_STEP = 32

Settings = Mapping[str, object]  # dotted name → value
_NONE: Mapping[str, Settings] = {}


class SettingsReader:
    """Reads ``hyperparameters.yaml``. Safe to share between threads.

    The cache keeps what was read on this machine; equal contents once.
    """

    def __init__(self, client: SuperviselyClient, team: TeamId, cache: RecordCache) -> None:
        self._client, self._team, self._cache = client, team, cache
        self._changed = threading.Condition()
        self._queue: list[ExperimentInfo] = []
        self._known: dict[str, Settings] | None = None
        self._parsed: dict[str, Settings] = {}
        self._running = False
        self._error: AppError | None = None

    @property
    def error(self) -> AppError | None:
        """Why the last reading broke off."""
        return self._error

    def known(self) -> Mapping[str, Settings]:
        """Return folder → settings that were read, empty ones where a training left none.

        Never changed in place: when more were read, it is another mapping.
        """
        return _NONE if self._known is None else self._known

    def names(self) -> tuple[str, ...]:
        """Return all names that were met so far, alphabetical."""
        distinct = {id(settings): settings for settings in self.known().values()}
        return tuple(sorted({name for settings in distinct.values() for name in settings}))

    def waiting(self) -> int:
        """Return how many are still to be read."""
        with self._changed:
            return len(self._queue) + self._running

    def want(self, infos: Sequence[ExperimentInfo]) -> None:
        """Read the settings of these, in this order; what was wanted before and is not among them is given up."""
        if self._known is None:
            kept = self._cache.settings(self._client.address, self._team)
            self._known = {folder: dict(settings) for folder, settings in kept.items()}
        with self._changed:
            # The page of the list that somebody has left is not waited for.
            self._queue = [info for info in infos if folder_of(info) not in self._known]
            if self._queue and not self._running:
                self._running, self._error = True, None
                threading.Thread(target=self._work, name="traindash-settings", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Return when all that is wanted was read, or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._running, seconds)

    def _work(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="traindash-settings") as pool:
            while step := self._next():
                try:
                    found = dict(zip(map(folder_of, step), pool.map(self._read, step), strict=True))
                except AppError as error:
                    self._give_up(error)
                    return
                self._cache.keep_settings(self._client.address, self._team, found)
                with self._changed:
                    self._known = {**(self._known or {}), **found}
                    self._changed.notify_all()

    def _next(self) -> list[ExperimentInfo]:
        with self._changed:
            step, self._queue = self._queue[:_PER_STEP], self._queue[_PER_STEP:]
            self._running = bool(step)
            self._changed.notify_all()
            return step

    def _give_up(self, error: AppError) -> None:
        with self._changed:
            self._queue, self._running, self._error = [], False, error
            self._changed.notify_all()

    def _read(self, info: ExperimentInfo) -> Settings:
        try:
            content = self._client.files.read(self._team, f"{folder_of(info)}/{info.hyperparameters}")
        except (MissingError, ContractError):  # kept as empty, or it would be asked for with every look
            return {}
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._parsed:
            self._parsed[digest] = _flat(content)
        return self._parsed[digest]


def _flat(content: bytes) -> Settings:
    values = parse_hyperparameters(content)
    return {} if isinstance(values, Missing) else leaves(values)


def folder_of(info: ExperimentInfo) -> str:
    """Return the path of an experiment's folder, by which its settings are found."""
    return info.artifacts_dir.rstrip("/")
