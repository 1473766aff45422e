"""Earlier experiments as a starting point: their record, their settings, their checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.platform.services import Services
from traindash.platform.store.files import StoredFile

_EXPERIMENTS = "/experiments"
_RECORD = "experiment_info.json"
_WEIGHTS = (".pt", ".pth")


class _Record(Struct, frozen=True, kw_only=True):
    """The keys of ``experiment_info.json`` that a new training needs."""

    framework_name: str
    model_name: str
    task_type: str
    project_id: int
    artifacts_dir: str
    best_checkpoint: str
    app_state: str | None = None
    hyperparameters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceExperiment:
    """An earlier experiment.

    Attributes:
        artifacts_dir: Its folder in Team Files, no slash at the end.
        app_state: Its ``guiState`` as really used.
    """

    task_id: TaskId
    team_id: TeamId
    framework: str
    model_name: str
    task_type: str
    project_id: ProjectId
    artifacts_dir: str
    best_checkpoint: str
    app_state: Mapping[str, object]


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


def find_experiment(parts: Services, team_id: TeamId, task_id: TaskId) -> SourceExperiment:
    """Return the experiment that a task left in Team Files.

    Raises:
        NotFoundError: The task left none.
        InputError: Its record cannot be read.
    """
    pattern = f"{task_id}_"
    for file in parts.files.list(team_id, _EXPERIMENTS, recursive=True):
        folder = PurePosixPath(file.path).parent
        if file.name == _RECORD and folder.name.startswith(pattern):
            return _read(parts, file, task_id)
    msg = f"Task {task_id} has no experiment in Team Files."
    raise NotFoundError(msg, "Choose a training that is finished.")


def find_checkpoint(parts: Services, source: SourceExperiment, name: str) -> CheckpointFile:
    """Return a checkpoint of an experiment.

    Training starts from weights only. An exported model (ONNX, TensorRT) holds no weights that can be trained on, but
    it was made from the best checkpoint, so that one is taken, and said.

    Raises:
        NotFoundError: The experiment has no such checkpoint.
    """
    weights = _stored(parts, source, "checkpoints")
    if (file := weights.get(name)) is not None and file.local_path.suffix.lower() in _WEIGHTS:
        return CheckpointFile(path=file.local_path, name=name)
    best = weights.get(source.best_checkpoint)
    if name in _stored(parts, source, "export") and best is not None:
        note = f"Training cannot start from {name}; it starts from {best.name}, from which that file was exported."
        return CheckpointFile(path=best.local_path, name=best.name, note=note)
    msg = f"The experiment of task {source.task_id} has no checkpoint {name!r}."
    raise NotFoundError(msg, f"Choose one of: {', '.join(sorted(weights)) or 'it has none'}.")


def _stored(parts: Services, source: SourceExperiment, folder: str) -> dict[str, StoredFile]:
    files = parts.files.list(source.team_id, f"{source.artifacts_dir}/{folder}", recursive=False)
    return {file.name: file for file in files if file.local_path.is_file()}


def _read(parts: Services, file: StoredFile, task_id: TaskId) -> SourceExperiment:
    folder = str(PurePosixPath(file.path).parent)
    try:
        record = msgspec.json.decode(file.local_path.read_bytes(), type=_Record)
        state = _state(parts, file.team_id, folder, record)
    except (OSError, msgspec.MsgspecError) as error:
        msg = f"The record of the experiment of task {task_id} cannot be read: {error}"
        raise InputError(msg, "Choose another experiment.") from error
    return SourceExperiment(
        task_id=task_id,
        team_id=file.team_id,
        framework=record.framework_name,
        model_name=record.model_name,
        task_type=record.task_type,
        project_id=ProjectId(record.project_id),
        artifacts_dir=folder,
        best_checkpoint=record.best_checkpoint,
        app_state=state,
    )


def _state(parts: Services, team_id: TeamId, folder: str, record: _Record) -> dict[str, object]:
    file = parts.files.find(team_id, f"{folder}/{record.app_state or 'app_state.json'}")
    if file is None:
        return {}
    return msgspec.json.decode(file.local_path.read_bytes(), type=dict[str, object])
