"""Earlier experiments as a starting point: their record, their settings, their checkpoints."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from traindash.domain.experiment import ExperimentInfo, clean_record
from traindash.domain.ids import TaskId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.platform.services import Services
from traindash.platform.store.files import StoredFile

_EXPERIMENTS = "/experiments"
_RECORD = "experiment_info.json"
_WEIGHTS = (".pt", ".pth")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFile:
    """A checkpoint that a training can start from.

    Attributes:
        path: Where it is on this machine.
        name: Its file name.
        note: What to tell about the choice; empty when there is nothing to tell.
    """

    path: Path
    name: str
    note: str = ""


def find_experiment(parts: Services, team_id: TeamId, task_id: TaskId) -> ExperimentInfo:
    """Return the experiment that a task left in Team Files, with the folder that it really lies in.

    Raises:
        NotFoundError: The task left none.
        InputError: Its record cannot be read.
    """
    for project in parts.files.folders(team_id, _EXPERIMENTS):
        for folder in parts.files.folders(team_id, project):
            # <task id>_<framework>, docs/supervisely-api.md 7.1
            named = folder.removeprefix(f"{project}/").startswith(f"{task_id}_")
            if named and (file := parts.files.find(team_id, f"{folder}/{_RECORD}")) is not None:
                return replace(_read(file, task_id), task_id=task_id, artifacts_dir=folder)
    msg = f"Task {task_id} has no experiment in Team Files."
    raise NotFoundError(msg, "Choose a training that is finished.")


def settings_of(parts: Services, team_id: TeamId, source: ExperimentInfo) -> dict[str, object]:
    """Return the ``guiState`` that an experiment was really trained with; empty where it was not kept.

    Raises:
        InputError: The file cannot be read.
    """
    file = parts.files.find(team_id, f"{source.artifacts_dir}/{source.app_state or 'app_state.json'}")
    if file is None:
        return {}
    try:
        return msgspec.json.decode(file.local_path.read_bytes(), type=dict[str, object])
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(source.task_id, error) from error


def find_checkpoint(parts: Services, team_id: TeamId, source: ExperimentInfo, name: str) -> CheckpointFile:
    """Return a checkpoint of an experiment.

    Training starts from weights only. An exported model (ONNX, TensorRT) holds no weights that can be trained on, but
    it was made from the best checkpoint, so that one is taken, and said.

    Raises:
        NotFoundError: The experiment has no such checkpoint.
    """

    def stored(folder: str) -> dict[str, StoredFile]:
        files = parts.files.list(team_id, f"{source.artifacts_dir}/{folder}", recursive=False)
        return {file.name: file for file in files if file.local_path.is_file()}

    weights = stored("checkpoints")
    if (file := weights.get(name)) is not None and file.local_path.suffix.lower() in _WEIGHTS:
        return CheckpointFile(path=file.local_path, name=name)
    best = weights.get(source.best_checkpoint)
    if name in stored("export") and best is not None:
        note = f"Training cannot start from {name}; it starts from {best.name}, from which that file was exported."
        return CheckpointFile(path=best.local_path, name=best.name, note=note)
    msg = f"The experiment of task {source.task_id} has no checkpoint {name!r}."
    raise NotFoundError(msg, f"Choose one of: {', '.join(sorted(weights)) or 'it has none'}.")


def _read(file: StoredFile, task_id: TaskId) -> ExperimentInfo:
    try:
        # The standard library reads NaN, which training apps write for a metric that could not be computed.
        record = json.loads(file.local_path.read_bytes())
        known = clean_record(record) if isinstance(record, dict) else record
        return msgspec.convert(known, ExperimentInfo, strict=False)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise _unreadable(task_id, error) from error


def _unreadable(task_id: TaskId, error: Exception) -> InputError:
    return InputError(
        f"The record of the experiment of task {task_id} cannot be read: {error}", "Choose another experiment."
    )
