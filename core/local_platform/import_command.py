"""Brings a project into a data directory from outside a server, also while one runs on it."""

from pathlib import Path

from core.datasets.source import ProjectSource
from core.domain.ids import ProjectId
from core.local_platform.parts import build_parts


def import_project(home: Path, source: ProjectSource, *, name: str | None = None, description: str = "") -> ProjectId:
    """Import a project; a running server shows it at once.

    Args:
        home: Data directory; made when it does not exist.
        source: What to import; its files are copied.
        name: Its name instead of the source's; a number is added when it is taken.
        description: Text for people.

    Raises:
        InputError: Something in the source is not usable; names it. Nothing is left behind.
        StorageError: The data directory does not work.
    """
    parts = build_parts(home, address="", environment={})
    for folder in parts.layout.folders():
        folder.mkdir(parents=True, exist_ok=True)
    parts.database.open()
    try:
        return parts.imports.run(source, parts.accounts.ensure_home(), name=name, description=description)
    finally:
        parts.database.close()
