"""One value in one JSON file, for what is remembered between starts and may be lost without harm."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import StorageError

_Value = TypeVar("_Value")
_OWNER_ONLY = 0o600
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFile(Generic[_Value]):
    """A value that is kept. Safe for use from several threads; the file is always whole, the old one or the new one.

    Attributes:
        path: The file; one that is missing or damaged holds ``empty``.
        adapter: Reads and writes the value.
        empty: What there is before anything was kept.
        noun: What people call it, with its article, as the beginning of a sentence: ``The presets``.
        private: Only the owner may read the file.
    """

    path: Path
    adapter: TypeAdapter[_Value]
    empty: _Value
    noun: str
    private: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> _Value:
        """Return what is kept."""
        return self.look()[0]

    def look(self) -> tuple[_Value, bool]:
        """Return what is kept, and whether the file is damaged."""
        try:
            return self.adapter.validate_json(self.path.read_bytes()), False
        except FileNotFoundError:
            return self.empty, False
        except (OSError, ValidationError) as error:
            _log_damage(self.path, type(error).__name__)
            return self.empty, True

    def change(self, change: Callable[[_Value], _Value]) -> None:
        """Apply a change to what is stored, not to what a caller has seen; nothing to keep leaves no file.

        Raises:
            StorageError: The file cannot be written; the old value stays.
        """
        with self._lock:
            known, is_damaged = self.look()
            changed = change(known)
            if changed != known or is_damaged:
                self._write(changed)

    def _write(self, value: _Value) -> None:
        partial = self.path.with_name(f"{self.path.name}.partial")
        try:
            if value == self.empty:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)  # whoever could read an old one shall not read a private new one
            partial.touch(mode=_OWNER_ONLY if self.private else 0o666, exist_ok=False)
            partial.write_bytes(self.adapter.dump_json(value, indent=2))
            partial.replace(self.path)
        except OSError as error:
            msg = f"{self.noun} cannot be stored in {self.path}: {error.strerror or error}."
            raise StorageError(msg, "Check free space and permissions of the data directory.") from error


@lru_cache(maxsize=100)
def _log_damage(path: Path, reason: str) -> None:
    """Log that a file is damaged: once, since some are read every second.

    Args:
        path: The file.
        reason: Type of the error; not the error itself, which would quote what the file holds.
    """
    _log.warning("%s cannot be read and is left aside (%s)", path, reason)
