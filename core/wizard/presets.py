"""Hyperparameters that a person keeps under a name, per framework, on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from core.errors import InputError
from core.files import JsonFile

LONGEST_NAME = 60
_Kept: TypeAlias = Mapping[str, Mapping[str, str]]
_PRESETS = msgspec.json.Decoder(dict[str, dict[str, str]])


class PresetStore:
    """A person's own presets. Safe for use from several threads.

    Args:
        path: JSON file; one that is missing or damaged means that there are none.
    """

    def __init__(self, path: Path) -> None:
        self._file: JsonFile[_Kept] = JsonFile(path=path, decode=_PRESETS.decode, empty={}, noun="The presets")

    def of(self, framework: str) -> Mapping[str, str]:
        """Return name → YAML text of the presets for a framework, in the order they were made."""
        return self._file.read().get(framework, {})

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
        self._file.change(lambda kept: {**kept, framework: {**kept.get(framework, {}), title: text}})

    def remove(self, framework: str, name: str) -> None:
        """Forget a preset; one that is gone already is no error.

        Raises:
            StorageError: The file cannot be written.
        """

        def without(kept: _Kept) -> _Kept:
            return {
                **kept,
                framework: {title: text for title, text in kept.get(framework, {}).items() if title != name},
            }

        self._file.change(without)
