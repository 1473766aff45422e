"""The settings of a training as they were frozen when the task was taken in: what is shown is what runs."""

import hashlib
import json
from collections.abc import Mapping

from traindash.platform.store.tasks import TaskRecord


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
