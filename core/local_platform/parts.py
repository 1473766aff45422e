"""What the embedded server is made of, handed to routes and tasks as one value."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.local_platform.layout import HomeLayout
from core.local_platform.store.database import Database
from core.local_platform.store.files import TeamFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a running platform.

    Attributes:
        address: Address of this server without a slash at the end, e.g. ``http://127.0.0.1:8501``.
        environment: Process environment that child processes start from.
        trainer: Trainer package that runs every training, whatever the framework says; ``None`` outside tests.
    """

    layout: HomeLayout
    database: Database
    files: TeamFiles
    address: str
    environment: Mapping[str, str]
    trainer: str | None = None
