"""A plan as ``params.state`` of ``tasks.run.app``, and back (contract section 4).

Written exactly as the official SDK writes it. Read tolerantly: Supervisely's own app writes some words differently from
those it reads, and its ``app_state.json`` lacks the name and the start flag.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec import Meta, field

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import AgentId, CollectionId, DatasetId, ProjectId, TaskId, TeamId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    Side,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
    UntaggedAction,
)
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError, NotFoundError, issue_of
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ContractError, MissingError

# The JSON of ``params.state`` as it may come from any server or file.
#
# Checked by msgspec (core/traindash/supervisely/resources.py says why).


Id: TypeAlias = Annotated[int, Meta(gt=0)]
"""An id as any server hands it out."""


class Shape(msgspec.Struct):
    """Base: unknown keys are ignored, for apps add their own."""


class RandomShape(Shape):
    """``method: random``."""

    split: Side
    percent: Annotated[int, Meta(ge=1, le=99)]

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return RandomSplit(percent=self.percent, split=self.split)


class SeededShape(RandomShape):
    """``method: random`` as plan files know it beyond ``TrainApi``."""

    seed: Annotated[int, Meta(ge=0)] | None = None

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return RandomSplit(percent=self.percent, split=self.split, seed=self.seed)


class DatasetsShape(Shape):
    """``method: datasets``."""

    train_datasets: list[Id]
    val_datasets: list[Id]

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return DatasetsSplit(
            train_datasets=tuple(DatasetId(number) for number in self.train_datasets),
            val_datasets=tuple(DatasetId(number) for number in self.val_datasets),
        )


class TagsShape(Shape):
    """``method: tags``."""

    train_tag: str
    val_tag: str
    untagged_action: UntaggedAction

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return TagsSplit(train_tag=self.train_tag, val_tag=self.val_tag, untagged_action=self.untagged_action)


class CollectionsShape(Shape):
    """``method: collections``."""

    train_collections: list[Id]
    val_collections: list[Id]

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return CollectionsSplit(
            train_collections=tuple(CollectionId(number) for number in self.train_collections),
            val_collections=tuple(CollectionId(number) for number in self.val_collections),
        )


SPLITS: Mapping[str, type[RandomShape | DatasetsShape | TagsShape | CollectionsShape]] = {
    "random": RandomShape,
    "datasets": DatasetsShape,
    "tags": TagsShape,
    "collections": CollectionsShape,
}


class ModelShape(Shape):
    """``guiState.model``."""

    source: str
    model_name: str | None = None
    task_id: int | None = None
    checkpoint: str | None = None


class BenchmarkShape(Shape):
    """``guiState.options.model_benchmark``."""

    enable: bool = True
    speed_test: bool = False


class ExportShape(Shape):
    """``guiState.options.export``."""

    enable: bool = False
    onnx: bool = field(name="ONNXRuntime", default=False)
    tensorrt: bool = field(name="TensorRT", default=False)


class OptionsShape(Shape):
    """``guiState.options``."""

    convert_class_shapes: bool = True
    model_benchmark: BenchmarkShape = field(default_factory=BenchmarkShape)
    cache_project: bool = True
    export: ExportShape = field(default_factory=ExportShape)


class GuiShape(Shape):
    """``guiState``, or ``app_state.json``."""

    model: ModelShape
    train_val_split: dict[str, Any]
    classes: tuple[str, ...] | None = None
    hyperparameters: str | None = None
    options: OptionsShape = field(default_factory=OptionsShape)
    experiment_name: str | None = None
    start_training: bool = True


class StartShape(Shape):
    """``params.state`` of a training."""

    project_id: int = field(name="slyProjectId")
    gui_state: dict[str, Any] = field(name="guiState")


ShapeT = TypeVar("ShapeT", bound=Shape)


def checked(shape: type[ShapeT], state: Mapping[str, object]) -> ShapeT:
    """Check a state against a shape.

    Raises:
        InputError: A field is missing or has the wrong type; the first one is named.
    """
    try:
        return msgspec.convert(state, shape, strict=False)
    except msgspec.ValidationError as error:
        msg = f"The settings of this training cannot be read: {issue_of(error)}."
        raise InputError(msg, "Go through the steps and choose anew.") from error


# Where a custom checkpoint comes from: the experiment that made it.


_FOLDERS = {".pt": "checkpoints", ".pth": "checkpoints", ".onnx": "export", ".engine": "export"}
"""Kind of file → folder of an experiment that holds it (contract section 7.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOrigin:
    """A checkpoint with the experiment that made it.

    Attributes:
        file_name: Bare file name, as ``params.state`` wants it.
        experiment: The experiment's record.
    """

    file_name: str
    experiment: ExperimentInfo


def split_checkpoint_path(path: str) -> tuple[str, str]:
    """Return artifacts directory and bare file name of a checkpoint, by the official SDK's rules.

    Args:
        path: Path in Team Files; a leading slash may be missing.

    Raises:
        InputError: The path is not one of a checkpoint of an experiment.
    """
    absolute = path if path.startswith("/") else f"/{path}"
    folder = _FOLDERS.get(PurePosixPath(absolute).suffix)
    if folder is None:
        msg = f"{path} is not a checkpoint: its name must end with .pt, .pth, .onnx or .engine."
        raise InputError(msg, "Choose a checkpoint of an experiment.")
    parts = absolute.split(f"/{folder}/")
    if not absolute.startswith("/experiments/") or len(parts) != 2 or "/" in parts[1]:  # noqa: PLR2004 - before, after
        msg = f"{path} is not a checkpoint of an experiment."
        hint = f"Its path reads like /experiments/55_My project/456_YOLO/{folder}/{PurePosixPath(absolute).name}."
        raise InputError(msg, hint)
    return parts[0], parts[1]


def find_checkpoint(client: SuperviselyClient, team_id: TeamId, path: str) -> CheckpointOrigin:
    """Look a checkpoint up: in the project's team first, then in the other teams.

    Raises:
        InputError: The path is not one of a checkpoint of an experiment.
        NotFoundError: No team has the file, or its experiment has no readable record.
    """
    folder, file_name = split_checkpoint_path(path)
    absolute = path if path.startswith("/") else f"/{path}"
    team = _team_with(client, team_id, absolute)
    if team is None:
        msg = f"The checkpoint {path} does not exist in Team Files."
        raise NotFoundError(msg, "Choose another checkpoint.")
    try:
        return CheckpointOrigin(file_name=file_name, experiment=client.experiments.of_folder(team, folder))
    except (MissingError, ContractError) as error:
        msg = f"The experiment of {path} has no readable record: {error.message}"
        raise NotFoundError(msg, "Choose a checkpoint of another experiment.") from error


def _team_with(client: SuperviselyClient, first: TeamId, path: str) -> TeamId | None:
    if client.files.find(first, path) is not None:
        return first
    others = (team.id for team in client.teams.list() if team.id != first)
    return next((team for team in others if client.files.find(team, path) is not None), None)


PRETRAINED = "Pretrained models"
CUSTOM = "Custom models"

Locate = Callable[[TaskId, str], str | None]
"""Task id and bare file name of a checkpoint → its path in Team Files, ``None`` if it is not there any more."""

JsonObject = Mapping[str, object]


def chosen_classes(plan: TrainingPlan, meta: ProjectMeta) -> tuple[str, ...]:
    """Return the classes that will be trained: those of the plan that exist, in the project's order; none means all."""
    return tuple(item.name for item in meta.classes if not plan.classes or item.name in plan.classes)


def canonical(plan: TrainingPlan, meta: ProjectMeta) -> TrainingPlan:
    """Return the plan as a server understands it: classes spelled out, a speed test switches the benchmark on."""
    return replace(
        plan, classes=chosen_classes(plan, meta), enable_benchmark=plan.enable_benchmark or plan.enable_speedtest
    )


def start_state(plan: TrainingPlan, meta: ProjectMeta, origin: CheckpointOrigin | None = None) -> dict[str, object]:
    """Return ``params.state`` for a plan.

    Args:
        plan: The plan. Its agent and description are not part of the state.
        meta: Meta of the plan's project.
        origin: Where the plan's custom checkpoint comes from; ``None`` for a pretrained model.

    Raises:
        InputError: The plan names a custom checkpoint and there is no origin.
    """
    known = canonical(plan, meta)
    return {
        "slyProjectId": known.project_id,
        "guiState": {
            "model": _model_state(known.model, origin),
            "classes": list(known.classes or ()),
            "train_val_split": split_state(known.train_val_split),
            "hyperparameters": known.hyperparameters,
            "options": {
                "convert_class_shapes": known.convert_class_shapes,
                "model_benchmark": {"enable": known.enable_benchmark, "speed_test": known.enable_speedtest},
                "cache_project": known.cache_project,
                "export": {
                    "enable": known.export_onnx or known.export_tensorrt,
                    "ONNXRuntime": known.export_onnx,
                    "TensorRT": known.export_tensorrt,
                },
            },
            "experiment_name": known.experiment_name,
            "start_training": known.autostart,
        },
    }


def split_state(split: TrainValSplit) -> dict[str, object]:
    """Return a split as the state spells it; a plan file uses the same form.

    A seed is no part of it: who starts a plan with one freezes the split before (:mod:`traindash.plans.splits`).
    """
    match split:
        case RandomSplit(percent=percent, split=side):
            return {"method": "random", "split": side, "percent": percent}
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            return {"method": "datasets", "train_datasets": list(train), "val_datasets": list(val)}
        case TagsSplit(train_tag=train_tag, val_tag=val_tag, untagged_action=action):
            return {"method": "tags", "train_tag": train_tag, "val_tag": val_tag, "untagged_action": action}
        case CollectionsSplit(train_collections=train_sets, val_collections=val_sets):
            return {"method": "collections", "train_collections": list(train_sets), "val_collections": list(val_sets)}
        case _:
            assert_never(split)


def read_start_state(
    state: JsonObject,
    *,
    framework: str,
    locate: Locate,
    agent_id: AgentId | None = None,
    description: str | None = None,
) -> TrainingPlan:
    """Return the plan that a task was started with.

    Args:
        state: ``params.state`` of a training task.
        framework: Framework of the task's app; the state does not name it.
        locate: Finds custom checkpoints.
        agent_id: Agent for the plan.
        description: Description for the plan.

    Raises:
        InputError: The state has another form, or names what cannot be known any more.
    """
    shape = checked(StartShape, state)
    plan = read_gui_state(shape.gui_state, project_id=ProjectId(shape.project_id), framework=framework, locate=locate)
    return replace(plan, agent_id=agent_id, description=description)


def read_gui_state(gui_state: JsonObject, *, project_id: ProjectId, framework: str, locate: Locate) -> TrainingPlan:
    """Return the plan in a ``guiState``, or in the ``app_state.json`` of an experiment.

    Raises:
        InputError: As :func:`read_start_state`.
    """
    shape = checked(GuiShape, gui_state)
    options = shape.options
    return TrainingPlan(
        project_id=project_id,
        model=_model(shape.model, framework, locate),
        classes=shape.classes,
        train_val_split=read_split(shape.train_val_split),
        hyperparameters=shape.hyperparameters,
        experiment_name=shape.experiment_name,
        convert_class_shapes=options.convert_class_shapes,
        enable_benchmark=options.model_benchmark.enable,
        enable_speedtest=options.model_benchmark.speed_test,
        cache_project=options.cache_project,
        export_onnx=options.export.enable and options.export.onnx,
        export_tensorrt=options.export.enable and options.export.tensorrt,
        autostart=shape.start_training,
    )


def read_split(state: JsonObject) -> TrainValSplit:
    """Return the split in a state.

    Supervisely's app reads ``datasets`` and writes ``based on datasets``: both are understood.

    Raises:
        InputError: The method is not known, or its details are missing. The latter is what Supervisely's app leaves of
            a split by tags.
    """
    method = str(state.get("method", "")).lower().removeprefix("based on ").removeprefix("item ").strip()
    if method not in SPLITS:
        msg = f"The split method “{state.get('method')}” is not known."
        raise InputError(msg, "Choose the split again.")
    details = {key: value for key, value in state.items() if key != "method" and value is not None}
    try:
        return msgspec.convert(details, SPLITS[method], strict=False).value()
    except msgspec.ValidationError as error:
        msg = f"The split by {method} cannot be read: “{issue_of(error).field}” is missing or out of range."
        raise InputError(msg, "Choose the split again.") from error


def _model_state(model: ModelChoice, origin: CheckpointOrigin | None) -> dict[str, object]:
    match model:
        case PretrainedModel(name=name):
            return {"source": PRETRAINED, "model_name": name}
        case CustomCheckpoint(path=path):
            if origin is None:
                msg = f"The experiment that made {path} is not known."
                raise InputError(msg, "Choose a checkpoint of an experiment.")
            return {"source": CUSTOM, "task_id": origin.experiment.task_id, "checkpoint": origin.file_name}
        case _:
            assert_never(model)


def _model(shape: ModelShape, framework: str, locate: Locate) -> ModelChoice:
    match shape:
        case ModelShape(source="Pretrained models", model_name=str() as name):
            return PretrainedModel(framework=framework, name=name)
        case ModelShape(source="Custom models", task_id=int() as task_id, checkpoint=str() as checkpoint):
            path = locate(TaskId(task_id), checkpoint)
            if path is None:
                msg = f"The checkpoint {checkpoint} of task {task_id} is not there any more."
                raise InputError(msg, "Choose another model.")
            return CustomCheckpoint(path=path)
        case _:
            msg = f"The model source “{shape.source}” cannot be read."
            raise InputError(msg, "Choose the model again.")
