"""A small JSON file that several threads and tabs share: read tolerantly, written in one step."""

import logging
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import StorageError

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class JsonFile(Generic[_T]):
    """One value in one file.

    Args:
        path: The file; one that is missing or damaged means ``empty``.
        adapter: Form of the value.
        empty: Makes the value that stands for nothing.
        what: What is kept in it, for messages, e.g. ``The presets``.
    """

    def __init__(self, path: Path, adapter: TypeAdapter[_T], empty: Callable[[], _T], what: str) -> None:
        self._path = path
        self._adapter = adapter
        self._empty = empty
        self._what = what
        self._lock = threading.Lock()

    def read(self) -> _T:
        """Return the value."""
        try:
            return self._adapter.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return self._empty()
        except (OSError, ValidationError) as error:
            _log.warning("%s cannot be read and is left aside: %s", self._path, error)
            return self._empty()

    def change(self, change: Callable[[_T], _T]) -> None:
        """Apply a change to what is stored.

        Raises:
            StorageError: The file cannot be written.
        """
        with self._lock:
            partial = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.partial")
            content = self._adapter.dump_json(change(self.read()), indent=2)
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(content)
                partial.replace(self._path)
            except OSError as error:
                msg = f"{self._what} cannot be stored in {self._path}: {error.strerror or error}."
                raise StorageError(msg, "Check free space and permissions of the data directory.") from error
