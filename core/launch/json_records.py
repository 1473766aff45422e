"""Records on disk: one JSON file each, written in one step, so that no refresh, crash or second tab loses anything."""

import contextlib
import logging
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import InputError, NotFoundError, StorageError

_Record = TypeVar("_Record")
_ID = re.compile(r"[a-z0-9]{6,32}")
_REMOVED = ".deleted"
_KEPT_REMOVED = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JsonRecords(Generic[_Record]):
    """Files of one kind of record. Safe for use from several threads.

    Attributes:
        folder: Where the files are; made when the first one is written.
        adapter: Reads and writes a record.
        noun: What people call such a record.
        way_out: What to do when one cannot be used.
    """

    folder: Path
    adapter: TypeAdapter[_Record]
    noun: str
    way_out: str
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def load(self, record_id: str) -> _Record:
        """Return a record.

        Raises:
            NotFoundError: There is no such record.
            InputError: Its file is damaged.
            StorageError: The disk does not give it.
        """
        path = self._path(record_id)
        try:
            return self.adapter.validate_json(path.read_bytes())
        except FileNotFoundError as error:
            msg = f"There is no {self.noun} “{record_id}” on this machine."
            raise NotFoundError(msg, self.way_out) from error
        except ValidationError as error:
            _log.warning("File %s cannot be read: %s", path, error)
            msg = f"The file of {self.noun} “{record_id}” is damaged and cannot be read."
            raise InputError(msg, f"{self.way_out} The damaged file stays where it is: {path}") from error
        except OSError as error:
            raise self._storage_error(path, error) from error

    def all(self) -> tuple[_Record, ...]:
        """Return all readable records, in no order; damaged files are left out and logged."""
        found: list[_Record] = []
        for path in self.folder.glob("*.json") if self.folder.is_dir() else ():
            with contextlib.suppress(InputError, NotFoundError):
                found.append(self.load(path.stem))
        return tuple(found)

    def add(self, record_id: str, record: _Record) -> _Record:
        """Write a new record; one that is there already is left as it is, and returned."""
        with self._lock:
            if self._path(record_id).exists():
                return self.load(record_id)
            self._write(record_id, record)
            return record

    def update(self, record_id: str, change: Callable[[_Record], _Record]) -> _Record:
        """Apply a change to what is stored, not to what a caller has seen, and return the result.

        Raises:
            NotFoundError: The record was deleted meanwhile.
            InputError: Its file is damaged.
            StorageError: The disk does not take it.
        """
        with self._lock:
            current = self.load(record_id)
            changed = change(current)
            if changed != current:
                self._write(record_id, changed)
            return changed

    def remove(self, record_id: str) -> None:
        """Delete a record; one that is gone already is no error. :meth:`restore` brings the latest ones back.

        Raises:
            StorageError: The disk does not do it.
        """
        path = self._path(record_id)
        with self._lock:
            try:
                path.replace(path.with_suffix(_REMOVED))
                for old in sorted(self.folder.glob(f"*{_REMOVED}"), key=_age)[_KEPT_REMOVED:]:
                    old.unlink(missing_ok=True)
            except FileNotFoundError:
                return
            except OSError as error:
                raise self._storage_error(path, error) from error

    def restore(self, record_id: str) -> _Record:
        """Bring a deleted record back.

        Raises:
            NotFoundError: It is gone for good.
            StorageError: The disk does not do it.
        """
        path = self._path(record_id)
        with self._lock:
            try:
                path.with_suffix(_REMOVED).replace(path)
            except FileNotFoundError as error:
                msg = f"The deleted {self.noun} is gone for good."
                raise NotFoundError(msg, self.way_out) from error
            except OSError as error:
                raise self._storage_error(path, error) from error
            return self.load(record_id)

    def _path(self, record_id: str) -> Path:
        if not _ID.fullmatch(record_id):
            msg = f"“{record_id}” is not the id of a {self.noun}."
            raise NotFoundError(msg, self.way_out)
        return self.folder / f"{record_id}.json"

    def _write(self, record_id: str, record: _Record) -> None:
        path = self._path(record_id)
        partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(self.adapter.dump_json(record, indent=2))
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise self._storage_error(path, error) from error

    def _storage_error(self, path: Path, error: OSError) -> StorageError:
        msg = f"The {self.noun} file {path} cannot be used: {error.strerror or error}."
        return StorageError(msg, "Check free space and permissions of the data directory, then try again.")


def _age(path: Path) -> float:
    return -path.stat().st_mtime
