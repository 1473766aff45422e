"""The embedded platform as one object."""

from collections.abc import Mapping
from pathlib import Path

from core.local_platform.hardware import Hardware
from core.local_platform.parts import build_parts


class LocalPlatform:
    """Supervisely's API on this machine.

    Args:
        home: Data directory; made when it does not exist.
        address: Address of this server as clients see it, e.g. ``http://127.0.0.1:8501``.
        environment: Process environment that child processes start from.
        trainer: Trainer package that runs every training, for tests.
        hardware: What agents compute with, for tests.
    """

    def __init__(
        self,
        home: Path,
        *,
        address: str,
        environment: Mapping[str, str],
        trainer: str | None = None,
        hardware: Hardware | None = None,
    ) -> None:
        self.parts = build_parts(home, address=address, environment=environment, trainer=trainer, hardware=hardware)

    def open(self) -> None:
        """Prepare the data directory."""
        parts = self.parts
        for folder in parts.layout.folders():
            folder.mkdir(parents=True, exist_ok=True)
        parts.database.open()
        home = parts.accounts.ensure_home()
        parts.blobs.unlock(parts.accounts.secret("image_seal"))
        parts.agents.ensure(home)
        parts.modules.ensure()

    def close(self) -> None:
        """Release the data directory."""
        self.parts.database.close()
