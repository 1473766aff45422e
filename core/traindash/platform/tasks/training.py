"""A training that can be done: the request brought together with the project, the catalogue and earlier experiments.

The same checks run twice: when a task is taken in, so that a mistake is answered at once, and when its turn comes,
because the project may have changed while it waited.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import assert_never

import msgspec

from traindash.datasets.shape_fit import SEGMENTATION, default_classes, unsuitable_shapes
from traindash.domain.app_state import CatalogueName, CheckpointName, RepeatState, StatedModel
from traindash.domain.experiment import ExperimentInfo, clean_record
from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.domain.plan import CustomCheckpoint, ModelChoice, PretrainedModel, TrainingPlan
from traindash.domain.project import Project, ProjectMeta
from traindash.errors import InputError, NotFoundError
from traindash.frameworks.hyperparameter_text import compose_hyperparameters, leaves, numbers_read_as_text, read_mapping
from traindash.frameworks.reference import Hyperparameter, Reference, entry_for
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import Framework
from traindash.platform.services import Services
from traindash.platform.store.files import StoredFile
from traindash.platform.tasks.frozen import FrozenTraining
from traindash.platform.tasks.request import parse_gui_state, parse_model
from traindash.platform.tasks.splits import Sides, resolve_split

# Earlier experiments as a starting point: their record, their settings, their checkpoints.

_EXPERIMENTS = "/experiments"
_RECORD = "experiment_info.json"
# The official SDK takes no other names of weights than the first two (``get_artifacts_dir_and_checkpoint_name``)
_SDK_WEIGHTS = (".pt", ".pth")
_WEIGHTS = (*_SDK_WEIGHTS, ".safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFile:
    """A checkpoint that a training can start from."""

    path: Path  # where it is on this machine
    name: str  # its file name
    note: str = ""  # what to tell about the choice; empty when there is nothing to tell


def find_experiment(services: Services, team_id: TeamId, task_id: TaskId) -> ExperimentInfo:
    """Return the experiment that a task left in Team Files, with the folder that it really lies in.

    Raises:
        NotFoundError: The task left none.
        InputError: Its record cannot be read.
    """
    for project in services.files.folders(team_id, _EXPERIMENTS):
        for folder in services.files.folders(team_id, project):
            # <task id>_<framework>, docs/supervisely-api.md 7.1
            named = folder.removeprefix(f"{project}/").startswith(f"{task_id}_")
            if named and (found := _experiment_in(services, team_id, folder)) is not None:
                return replace(found, task_id=task_id)
    raise NotFoundError(f"Task {task_id} has no experiment in Team Files.", "Choose a training that is finished.")


def experiment_at(services: Services, team_id: TeamId, folder: str) -> ExperimentInfo:
    """Return the experiment whose artifacts lie in a folder of Team Files, with that folder.

    Raises:
        NotFoundError: There is none.
        InputError: Its record cannot be read.
    """
    if (found := _experiment_in(services, team_id, folder)) is None:
        raise NotFoundError(f"There is no experiment in {folder}.", "Choose a folder that a training has left.")
    return found


def _experiment_in(services: Services, team_id: TeamId, folder: str) -> ExperimentInfo | None:
    file = services.files.find(team_id, f"{folder}/{_RECORD}")
    return None if file is None else replace(_read(file), artifacts_dir=folder)


def _settings_of(services: Services, team_id: TeamId, source: ExperimentInfo) -> dict[str, object]:
    """Return the ``guiState`` that an experiment was really trained with; empty where it was not kept.

    Raises:
        InputError: The file cannot be read.
    """
    file = services.files.find(team_id, f"{source.artifacts_dir}/{source.app_state or 'app_state.json'}")
    if file is None:
        return {}
    try:
        return msgspec.json.decode(file.local_path.read_bytes(), type=dict[str, object])
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(file.path, error) from error


def find_checkpoint(services: Services, team_id: TeamId, source: ExperimentInfo, name: str) -> CheckpointFile:
    """Return a checkpoint of an experiment.

    Training starts from weights only. A file of safetensors may be asked for as ``.pt`` or ``.pth``, for the official
    SDK refuses its own name. An exported model (ONNX, TensorRT) holds no weights that can be trained on, but
    it was made from the best checkpoint, so that one is taken, and said.

    Raises:
        NotFoundError: The experiment has no such checkpoint.
    """

    def stored(folder: str) -> dict[str, StoredFile]:
        files = services.files.list(team_id, f"{source.artifacts_dir}/{folder}", recursive=False)
        return {file.name: file for file in files if file.local_path.is_file()}

    weights = stored("checkpoints")
    if (file := weights.get(name)) is not None and file.local_path.suffix.lower() in _WEIGHTS:
        return CheckpointFile(path=file.local_path, name=name)
    path = PurePosixPath(name)
    if path.suffix in _SDK_WEIGHTS and (file := weights.get(f"{path.stem}.safetensors")) is not None:
        return CheckpointFile(path=file.local_path, name=file.name)
    best = weights.get(source.best_checkpoint)
    if name in stored("export") and best is not None:
        note = f"Training cannot start from {name}; it starts from {best.name}, from which that file was exported."
        return CheckpointFile(path=best.local_path, name=best.name, note=note)
    msg = f"The experiment of task {source.task_id} has no checkpoint {name!r}."
    raise NotFoundError(msg, f"Choose one of: {', '.join(sorted(weights)) or 'it has none'}.")


def _read(file: StoredFile) -> ExperimentInfo:
    try:
        # The standard library reads NaN, which training apps write for a metric that could not be computed.
        record = json.loads(file.local_path.read_bytes())
        known = clean_record(record) if isinstance(record, dict) else record
        return msgspec.convert(known, ExperimentInfo, strict=False)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise _unreadable(file.path, error) from error


def _unreadable(path: str, error: Exception) -> InputError:
    return InputError(f"The record {path} cannot be read: {error}", "Choose another experiment.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a training starts from."""

    choice: ModelChoice  # the model, as a plan names it
    stated: StatedModel  # the same as `guiState` names it, in the catalogue's spelling
    model_name: str
    task_type: str  # `object detection` or `instance segmentation`
    custom: CheckpointFile | None  # the checkpoint; `None` for a catalogue model
    base_checkpoint: str | None  # its name, for the record; `None` where nobody published weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Everything about a training that does not depend on the agent."""

    framework: Framework
    plan: TrainingPlan  # complete, its classes in the order of the project meta
    start: Start
    project: Project
    meta: ProjectMeta
    sides: Sides  # image id → sides
    left_out: tuple[str, ...] = ()  # classes of key points that were asked for and have no outline to learn

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes to train on."""
        return self.plan.classes or ()


def resolve_training(services: Services, team_id: TeamId, project_id: ProjectId, frozen: FrozenTraining) -> Training:
    """Check a training and find everything it names.

    Raises:
        NotFoundError: The project, the model or the checkpoint does not exist.
        InputError: Something in the state cannot be used.
    """
    project = check_project(services, team_id, project_id)
    asked = framework(frozen.framework)
    start = _start(services, team_id, asked, parse_model(frozen.gui_state))
    plan = parse_gui_state(frozen.gui_state, project_id=project_id, model=start.choice)
    # A trainer of tests has keys of its own.
    if plan.hyperparameters is not None and services.trainer is None:
        _check_values(plan.hyperparameters, asked.reference)
    meta = services.projects.meta(project_id)
    asked_for = _check_classes(meta, plan.classes or ())
    classes = _without_key_points(meta, asked_for, start.task_type)
    _check_shapes(meta, classes, start.task_type, convert=plan.convert_class_shapes)
    return Training(
        framework=asked,
        plan=replace(plan, classes=classes),
        left_out=tuple(name for name in asked_for if name not in classes),
        start=start,
        project=project,
        meta=meta,
        sides=resolve_split(services, project_id, plan.train_val_split, draw=frozen.draw),
    )


def check_project(services: Services, team_id: TeamId, project_id: ProjectId) -> Project:
    """Return a project of a team.

    Raises:
        NotFoundError: It does not exist.
        InputError: It belongs to another team.
    """
    project = services.projects.get(project_id)
    # The SDK starts in any workspace it is given; images of another team must not leave it that way.
    if project.team_id != team_id:
        msg = f"Project {project_id} belongs to another team than the workspace of the task."
        raise InputError(msg, "Start the training in a workspace of the project's team.")
    return project


def repeated_state(services: Services, team_id: TeamId, framework: Framework, state: RepeatState) -> dict[str, object]:
    """Return the ``guiState`` of a training that repeats an earlier one.

    The real training app only opens with these settings and waits for its start button; here the training starts,
    because no button comes with the API call. ``team_id`` is the team of the new task, ``framework`` that of the app
    that was asked. ``trainMode`` ``continue`` starts from the earlier one's best checkpoint, ``new`` as it did.

    Raises:
        NotFoundError: The earlier task left no experiment.
        InputError: It was made by another framework, or its settings were not kept.
    """
    source = find_experiment(services, team_id, state.task_id)
    _check_framework(framework, source)
    settings = _settings_of(services, team_id, source)
    if not settings:
        msg = f"The experiment of task {source.task_id} kept no settings."
        raise InputError(msg, "Start a new training and choose the settings.")
    # Name and start flag belong to a task, not to its settings (docs/supervisely-api.md 7.1).
    kept = {key: value for key, value in settings.items() if key not in {"experiment_name", "start_training"}}
    if state.mode == "continue":
        best = CheckpointName(task_id=source.task_id, checkpoint=source.best_checkpoint)
        kept["model"] = msgspec.to_builtins(best)
    return kept


def _start(services: Services, team_id: TeamId, framework: Framework, stated: StatedModel) -> Start:
    match stated:
        case CheckpointName(task_id=task_id, checkpoint=name):
            source = find_experiment(services, team_id, task_id)
            _check_framework(framework, source)
            file = find_checkpoint(services, team_id, source, name)
            return Start(
                choice=CustomCheckpoint(path=f"{source.artifacts_dir}/checkpoints/{file.name}"),
                stated=stated,
                model_name=source.model_name,
                task_type=source.task_type,
                custom=file,
                base_checkpoint=file.name,
            )
        case CatalogueName(model_name=name):
            model = framework.model(name)
            return Start(
                choice=PretrainedModel(framework=framework.name, name=model.name),
                stated=CatalogueName(model_name=model.name),
                model_name=model.name,
                task_type=model.task_type,
                custom=None,
                base_checkpoint=model.weights_file,
            )
        case _:
            assert_never(stated)


def _check_framework(framework: Framework, source: ExperimentInfo) -> None:
    trained_with = source.framework_name
    if trained_with.casefold() != framework.name.casefold():
        msg = f"The experiment of task {source.task_id} was trained with {trained_with}, not with {framework.name}."
        raise InputError(msg, f"Start it with the training app of {trained_with}.")


def _check_classes(meta: ProjectMeta, wanted: Iterable[str]) -> tuple[str, ...]:
    names = [item.name for item in meta.classes]
    chosen = set(wanted)
    if unknown := sorted(chosen - set(names)):
        msg = f"The project has no class {', '.join(map(repr, unknown))}."
        raise InputError(msg, f"Choose from: {', '.join(names) or 'the project has no classes'}.")
    if not chosen:
        msg = "No class is chosen to train on."
        raise InputError(msg, f"Choose at least one of: {', '.join(names) or 'the project has no classes'}.")
    return tuple(name for name in names if name in chosen)


def _without_key_points(meta: ProjectMeta, classes: tuple[str, ...], task_type: str) -> tuple[str, ...]:
    """Leave classes of key points out of a segmentation that has others: the SDK asks for all classes by itself."""
    if task_type != SEGMENTATION:
        return classes
    others = default_classes(meta)
    return tuple(name for name in classes if name in others) or classes


def _check_shapes(meta: ProjectMeta, classes: tuple[str, ...], task_type: str, *, convert: bool) -> None:
    if bad := unsuitable_shapes(meta, classes, task_type, convert=convert):
        listed = ", ".join(f"{item.name} ({item.shape})" for item in bad)
        msg = f"These classes have a shape that {task_type} cannot use{'' if convert else ' as it is'}: {listed}."
        raise InputError(
            msg,
            "Leave these classes out." if convert else "Switch “Convert class shapes” on, or leave these classes out.",
        )


_LONGEST = 60


def _check_values(text: str, reference: Reference) -> None:
    """Check keys and values of a text that can be read.

    Raises:
        InputError: A key is unknown or refused, or its value is not possible; names the first one.
    """
    for key, value in leaves(read_mapping(text)).items():
        known = reference.keys.get(key)
        if known is not None and not known.accepts(value):
            raise _impossible(known, value)
        if known is None and (misplaced := reference.misplaced(key, value)) is not None:
            name, wrong = misplaced
            raise InputError(f"The hyperparameter “{name}” {wrong}.", "Write it as the framework's defaults do.")
        if value and (instead := entry_for(key, reference.refused)) is not None:
            raise InputError(f"The hyperparameter “{key}” cannot be used here.", instead)
        if not reference.knows(key) and not reference.is_group(key):
            near = reference.nearest(key)
            hint = (
                f"Did you mean “{near}”?" if near else "Leave it out, or look it up in the framework's documentation."
            )
            raise InputError(f"The hyperparameter “{key}” is not known to {reference.title}.", hint)


def _impossible(known: Hyperparameter, value: object) -> InputError:
    shown = "empty" if value is None else repr(value)[:_LONGEST]
    msg = f"The hyperparameter “{known.name}” is {shown}; it has to be {known.expected}."
    number = next(numbers_read_as_text(compose_hyperparameters(f"{known.name}: {value}")), None)
    if isinstance(value, str) and number is not None:
        return InputError(msg, f"YAML reads {value} as text, for it has no decimal point: write {number.better}.")
    return InputError(msg, known.meaning)
