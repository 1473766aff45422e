"""States of Supervisely's apps: ``params.state`` of ``tasks.run.app`` and its ``guiState`` (docs/supervisely-api.md 4).

Client and platform read and write it here and nowhere else. Written exactly as the official SDK writes it. Read
tolerantly: Supervisely's own app writes some words differently from those it reads, and the ``app_state.json`` that it
leaves with an experiment lacks the name and the start flag.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from traindash.domain.ids import AgentId, ModuleId, ProjectId, TaskId, WorkspaceId
from traindash.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    ModelChoice,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.errors import InputError, issue_of

JsonObject: TypeAlias = Mapping[str, object]

PRETRAINED = "Pretrained models"
CUSTOM = "Custom models"

# field of a plan → its place in the state, in the SDK's order. Project, agent and description are not in it
_PLACES: Mapping[str, str] = {
    "classes": "classes",
    "train_val_split": "train_val_split",
    "hyperparameters": "hyperparameters",
    "convert_class_shapes": "options.convert_class_shapes",
    "enable_benchmark": "options.model_benchmark.enable",
    "enable_speedtest": "options.model_benchmark.speed_test",
    "cache_project": "options.cache_project",
    "export_onnx": "options.export.ONNXRuntime",
    "export_tensorrt": "options.export.TensorRT",
    "experiment_name": "experiment_name",
    "autostart": "start_training",
}

# method, as plan files and states name it → the split
SPLITS: Mapping[str, type[RandomSplit | DatasetsSplit | TagsSplit | CollectionsSplit]] = {
    "random": RandomSplit,
    "datasets": DatasetsSplit,
    "tags": TagsSplit,
    "collections": CollectionsSplit,
}

# description that the official SDK gives a task where its caller gives none (``TaskApi.start``)
SDK_DESCRIPTION = "application description"

_AGAIN = "Correct this value and send the request again, or go through the steps and choose anew."


class StartParams(Struct, frozen=True):
    """``params`` of a start: the state of the app."""

    state: dict[str, object]


class StartRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of ``tasks.run.app``, its keys in the order of the official SDK (docs/supervisely-api.md 3.2)."""

    agent_id: AgentId | None = None  # `None` lets the server take any available agent
    workspace_id: WorkspaceId
    description: Annotated[str, Meta(max_length=255)] = ""  # longer ones are refused by Supervisely
    params: StartParams
    log_level: Literal["info", "debug", "trace", "warning", "error"] = "info"
    users_ids: object = ()  # this and the other untyped fields matter to a cluster only; our platform passes them over
    app_version: str = ""
    is_branch: object = False
    name: str = field(name="taskName", default="")
    restart_policy: Literal["never", "on_error", "on_startup"] = "never"
    proxy_keep_url: object = False
    advanced_settings: object = field(default_factory=lambda: {"limitByWorkspace": False})
    module_id: ModuleId | None = None  # the app; without it `app_id` names it
    app_id: ModuleId | UnsetType | None = UNSET  # never sent: the SDK names the module

    @property
    def state(self) -> dict[str, object]:
        """The state of the app."""
        return self.params.state


class StartState(Struct, frozen=True, kw_only=True):
    """State of a new training; ``gui_state`` is read with :func:`read_gui_state`."""

    project_id: ProjectId = field(name="slyProjectId")
    gui_state: dict[str, object] = field(name="guiState")


class OpenState(Struct, frozen=True, kw_only=True):
    """State of a training app that is opened on a project and waits for its settings (``train_from_api``)."""

    project_id: ProjectId = field(name="slyProjectId")


class RepeatState(Struct, frozen=True, kw_only=True):
    """State of a training with an earlier one's settings (``finetune`` and ``rerun_from_task_id`` of the SDK).

    The mode ``resume`` is ours: it goes on with the epochs that an earlier training did not get to.
    """

    task_id: TaskId = field(name="trainTaskId")
    mode: Literal["continue", "new", "resume"] = field(name="trainMode")
    project_id: ProjectId = field(name="slyProjectId")


class CompareState(Struct, frozen=True, kw_only=True):
    """State of a model comparison."""

    eval_dirs: Annotated[tuple[str, ...], Meta(min_length=1, max_length=1000)]


class CatalogueName(Struct, frozen=True, kw_only=True, tag_field="source", tag=PRETRAINED):
    """A model of the catalogue as the state names it; the framework is that of the app."""

    model_name: Annotated[str, Meta(min_length=1)]


class CheckpointName(Struct, frozen=True, kw_only=True, tag_field="source", tag=CUSTOM):
    """A checkpoint as the state names it: by the task of its experiment and its bare file name."""

    task_id: TaskId
    checkpoint: Annotated[str, Meta(min_length=1)]


StatedModel: TypeAlias = CatalogueName | CheckpointName


def write_gui_state(plan: TrainingPlan, model: StatedModel) -> dict[str, Any]:
    """Return ``guiState`` for a plan, whose classes are spelled out, its keys in the SDK's order."""
    state: dict[str, Any] = {"model": msgspec.to_builtins(model)}
    # Keys come in the order of the table: the same plan gives the bytes that the SDK sends.
    for name, place in _PLACES.items():
        *folders, key = place.split(".")
        inner = state
        for folder in folders:
            inner = inner.setdefault(folder, {})
        value = getattr(plan, name)
        match value:
            case tuple():
                inner[key] = list(value)
            case RandomSplit() | DatasetsSplit() | TagsSplit() | CollectionsSplit():
                inner[key] = write_split(value)
            case _:
                inner[key] = value
    # Derived: no parameter of TrainApi.run stands behind it.
    state["options"]["export"] = {"enable": plan.export_onnx or plan.export_tensorrt, **state["options"]["export"]}
    return state


def write_split(split: TrainValSplit) -> dict[str, Any]:
    """Return a split as the state spells it; a plan file uses the same form.

    A seed is no part of it: who starts a plan with one freezes the split before (:mod:`traindash.plans.splits`).
    """
    content = msgspec.to_builtins(split)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in content.items() if key != "seed"}


def read_model(gui_state: JsonObject, *, strict: bool = True) -> StatedModel:
    """Return the model that a state names; ``strict``: a number in a text is no number.

    Raises:
        InputError: It names none, or in a way that is not known.
    """
    model = gui_state.get("model")
    source = model.get("source") if isinstance(model, Mapping) else None
    if isinstance(model, Mapping) and source not in {PRETRAINED, CUSTOM}:
        msg = f"The settings of this training cannot be read: model.source “{source}” is not known."
        raise InputError(msg, "Choose the model again.")
    try:
        stated: StatedModel = msgspec.convert(model, StatedModel, strict=strict)
    except msgspec.ValidationError as error:
        raise _unreadable(error, "model") from error
    return stated


def read_gui_state(
    gui_state: JsonObject, *, project_id: ProjectId, model: ModelChoice, strict: bool = True
) -> TrainingPlan:
    """Return the plan in a ``guiState``, or in the ``app_state.json`` of an experiment. Missing keys are the defaults.

    The project is the plan's, which the state does not name; ``model`` is what :func:`read_model` found, looked up;
    ``strict`` as there.

    Raises:
        InputError: The state has another form; the first wrong key is named.
    """
    values: dict[str, object] = {"project_id": project_id, "model": model}
    # What is missing keeps the plan's default: older apps wrote fewer options.
    for name, place in _PLACES.items():
        inner: object = gui_state
        for key in place.split("."):
            if not isinstance(inner, Mapping):
                raise InputError(f"The settings of this training cannot be read: {place} is not in an object.", _AGAIN)
            inner = inner.get(key, msgspec.UNSET)
            if inner is msgspec.UNSET:
                break
        else:
            values[name] = inner
    split = values.get("train_val_split")
    if not isinstance(split, Mapping):
        raise InputError("The settings of this training cannot be read: train_val_split is missing.", _AGAIN)
    values["train_val_split"] = read_split(split, strict=strict)
    try:
        plan = msgspec.convert(values, TrainingPlan, strict=strict)
    except msgspec.ValidationError as error:
        raise _unreadable(error) from error
    options = gui_state.get("options")
    export = options.get("export") if isinstance(options, Mapping) else None
    if isinstance(export, Mapping) and export.get("enable") is False:
        return replace(plan, export_onnx=False, export_tensorrt=False)  # the app keeps the formats ticked
    return plan


def read_split(state: JsonObject, *, strict: bool = True) -> TrainValSplit:
    """Return the split in a state; ``strict`` as in :func:`read_model`.

    Supervisely's app reads ``datasets`` and writes ``based on datasets``: both are understood.

    Raises:
        InputError: The method is not known, or its details are missing. The latter is what Supervisely's app leaves of
            a split by tags.
    """
    # The app writes “based on item tags” where it reads “tags”.
    method = str(state.get("method", "")).lower().removeprefix("based on ").removeprefix("item ").strip()
    variant = SPLITS.get(method)
    if variant is None:
        msg = f"train_val_split: the split method “{state.get('method')}” is not known."
        raise InputError(msg, "Choose the split again.")
    details = {key: value for key, value in state.items() if key not in {"method", "seed"} and value is not None}
    # Plan files may leave keys out; a state that does is damaged, and a default would train on other images.
    wrong = next((key for key in variant.__struct_fields__ if key not in details and key != "seed"), None)
    try:
        split = msgspec.convert(details, variant, strict=strict)
    except msgspec.ValidationError as error:
        wrong = issue_of(error).field
    else:
        if wrong is None:
            return split
    msg = f"train_val_split: the split by {method} cannot be read: “{wrong}” is missing or out of range."
    raise InputError(msg, "Choose the split again.")


def _unreadable(error: msgspec.ValidationError, prefix: str = "") -> InputError:
    issue = issue_of(error)
    first, *rest = issue.path or ("",)
    place = ".".join(part for part in (prefix, _PLACES.get(first, first), *rest) if part)
    why = issue.reason if issue.kind == "missing" else f"is not usable: {issue.reason}"
    return InputError(f"The settings of this training cannot be read: {place} {why}.", _AGAIN)
