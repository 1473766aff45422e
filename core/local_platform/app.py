"""The embedded platform as one object."""

from collections.abc import Mapping
from pathlib import Path

from core.local_platform.layout import HomeLayout
from core.local_platform.parts import Parts
from core.local_platform.store.database import Database
from core.local_platform.store.files import TeamFiles


class LocalPlatform:
    """Supervisely's API on this machine.

    Args:
        home: Data directory; made when it does not exist.
        address: Address of this server as clients see it, e.g. ``http://127.0.0.1:8501``.
        environment: Process environment that child processes start from.
        trainer: Trainer package that runs every training, for tests.
    """

    def __init__(self, home: Path, *, address: str, environment: Mapping[str, str], trainer: str | None = None) -> None:
        layout = HomeLayout(home.absolute())
        database = Database(layout.database)
        self.parts = Parts(
            layout=layout,
            database=database,
            files=TeamFiles(database, layout.team_files),
            address=address.rstrip("/"),
            environment=environment,
            trainer=trainer,
        )

    def open(self) -> None:
        """Prepare the data directory."""
        for folder in self.parts.layout.folders():
            folder.mkdir(parents=True, exist_ok=True)
        self.parts.database.open()

    def close(self) -> None:
        """Release the data directory."""
        self.parts.database.close()
