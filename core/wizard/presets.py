"""Hyperparameters that a person keeps under a name, per framework, on this machine."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.errors import InputError, StorageError

LONGEST_NAME = 60
_ADAPTER: TypeAdapter[dict[str, dict[str, str]]] = TypeAdapter(dict[str, dict[str, str]])
_log = logging.getLogger(__name__)


class PresetStore:
    """A person's own presets. Safe for use from several threads.

    Args:
        path: JSON file; one that is missing or damaged means that there are none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def of(self, framework: str) -> Mapping[str, str]:
        """Return name → YAML text of the presets for a framework, in the order they were made."""
        return self._read().get(framework, {})

    def save(self, framework: str, name: str, text: str) -> None:
        """Keep a text; one that has the name already is replaced.

        Raises:
            InputError: The name is empty or too long.
            StorageError: The file cannot be written.
        """
        title = " ".join(name.split())
        if not title:
            msg = "The preset has no name."
            raise InputError(msg, "Write a name for it.")
        if len(title) > LONGEST_NAME:
            msg = f"The name has {len(title)} characters."
            raise InputError(msg, f"Use at most {LONGEST_NAME}.")
        with self._lock:
            kept = self._read()
            self._write({**kept, framework: {**kept.get(framework, {}), title: text}})

    def remove(self, framework: str, name: str) -> None:
        """Forget a preset; one that is gone already is no error.

        Raises:
            StorageError: The file cannot be written.
        """
        with self._lock:
            kept = self._read()
            left = {title: text for title, text in kept.get(framework, {}).items() if title != name}
            self._write({**kept, framework: left})

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            return _ADAPTER.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            _log.warning("%s cannot be read and is left aside: %s", self._path, error)
            return {}

    def _write(self, presets: dict[str, dict[str, str]]) -> None:
        partial = self._path.with_name(f"{self._path.name}.partial")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(_ADAPTER.dump_json(presets, indent=2))
            partial.replace(self._path)
        except OSError as error:
            msg = f"The presets cannot be stored in {self._path}: {error.strerror or error}."
            raise StorageError(msg, "Check free space and permissions of the data directory.") from error
