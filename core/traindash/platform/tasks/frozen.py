"""The settings of a training as they were frozen when the task was taken in: what is shown is what runs."""

import hashlib
import json
import secrets
from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from traindash.domain.ids import TaskId
from traindash.platform.store.task_records import TaskRecord


class FrozenTraining(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task keeps of the training it was taken in for."""

    framework: str  # name of the framework
    # the `guiState` with everything filled in that its request left to another task or to a default
    gui_state: dict[str, object] = field(name="guiState")
    # number that a random split is drawn with: its images are chosen once, when the task is taken in, and the same
    # images are trained on when its turn comes. `None` in tasks of earlier versions
    draw: int | None = None
    resumes: TaskId | None = None  # the task that it goes on with

    def to_json(self) -> dict[str, object]:
        """Return the settings of the task."""
        settings: dict[str, object] = msgspec.to_builtins(self)
        return settings


def new_draw() -> int:
    """Return a number to draw a random split with, another one for every training as in Supervisely's app."""
    # Supervisely's app draws without a seed, so no two trainings share a side (docs/supervisely-api.md 4).
    return secrets.randbits(32)


def frozen_training(settings: Mapping[str, object]) -> FrozenTraining:
    """Return what a training task keeps, from its settings."""
    return msgspec.convert(settings, FrozenTraining)


def frozen_settings(task: TaskRecord) -> dict[str, object] | None:
    """Return the start state of a training with everything that its request left to another task filled in.

    Returns:
        ``slyProjectId`` and ``guiState``; ``None`` for a task that is no training.
    """
    if task.kind != "train":
        return None
    project = None if task.project_id is None else int(task.project_id)
    return {"slyProjectId": project, "guiState": task.settings.get("guiState")}


def config_hash(settings: Mapping[str, object]) -> str:
    """Return the SHA-256 of settings in hexadecimal; the order of keys does not matter."""
    text = json.dumps(settings, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
