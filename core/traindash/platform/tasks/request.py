"""What a client asks for: the body of ``tasks.run.app`` and the states of our apps, from JSON to types.

Source: contract sections 3.2 and 4; rules of the server for the body as in the public REST reference (``description``
at most 255 characters, log levels, restart policies).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from traindash.domain.ids import AgentId, CollectionId, DatasetId, ModuleId, TaskId, WorkspaceId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, TagsSplit, TrainValSplit
from traindash.errors import InputError

_MAX_YAML_CHARACTERS = 1_000_000
_MAX_NAME_CHARACTERS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentCheckpoint:
    """A checkpoint of an earlier experiment, as a training app names it.

    Attributes:
        task_id: Task of the experiment.
        checkpoint: Bare file name.
    """

    task_id: TaskId
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """A ``guiState``, checked for form only.

    Attributes:
        model: Catalogue name, or a checkpoint of an earlier experiment.
        hyperparameters: YAML text of a mapping; ``None`` means the framework's defaults.
        experiment_name: ``None`` means the default name.
        autostart: ``False``: the training waits for its start button.
        state: The same as JSON, for the record: without ``start_training`` and ``experiment_name``.
    """

    model: str | ExperimentCheckpoint
    classes: tuple[str, ...]
    split: TrainValSplit
    hyperparameters: str | None
    convert_class_shapes: bool
    enable_benchmark: bool
    enable_speedtest: bool
    cache_project: bool
    export_onnx: bool
    export_tensorrt: bool
    experiment_name: str | None
    autostart: bool
    state: Mapping[str, object]


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Pretrained(_Wire):
    source: Literal["Pretrained models"]
    model_name: str = Field(min_length=1)


class _Custom(_Wire):
    source: Literal["Custom models"]
    task_id: int
    checkpoint: str = Field(min_length=1)


class _Random(_Wire):
    method: Literal["random"]
    split: Literal["train", "val"]
    percent: int = Field(ge=1, le=99)


class _Datasets(_Wire):
    method: Literal["datasets"]
    train_datasets: list[int] = Field(min_length=1)
    val_datasets: list[int] = Field(min_length=1)


class _Tags(_Wire):
    method: Literal["tags"]
    train_tag: str = Field(min_length=1)
    val_tag: str = Field(min_length=1)
    untagged_action: Literal["train", "val", "ignore"]


class _Collections(_Wire):
    method: Literal["collections"]
    train_collections: list[int] = Field(min_length=1)
    val_collections: list[int] = Field(min_length=1)


class _Benchmark(_Wire):
    enable: bool = True
    speed_test: bool = False


class _Export(_Wire):
    enable: bool = False
    onnx: bool = Field(default=False, alias="ONNXRuntime")
    tensorrt: bool = Field(default=False, alias="TensorRT")


class _Options(_Wire):
    convert_class_shapes: bool = True
    model_benchmark: _Benchmark = _Benchmark()
    cache_project: bool = True
    export: _Export = _Export()


class _GuiState(_Wire):
    model: Annotated[_Pretrained | _Custom, Field(discriminator="source")]
    classes: list[str]
    train_val_split: Annotated[_Random | _Datasets | _Tags | _Collections, Field(discriminator="method")]
    hyperparameters: str | None = None
    options: _Options = _Options()
    experiment_name: str | None = None
    start_training: bool = True


class FreshState(_Wire):
    """State of a new training."""

    project_id: int = Field(alias="slyProjectId")
    gui_state: dict[str, object] = Field(alias="guiState")


class RepeatState(_Wire):
    """State of a training with an earlier one's settings (``finetune`` and ``rerun_from_task_id`` of the SDK).

    The mode ``resume`` is ours: it goes on with the epochs that an earlier training did not get to.
    """

    project_id: int = Field(alias="slyProjectId")
    task_id: int = Field(alias="trainTaskId")
    mode: Literal["continue", "new", "resume"] = Field(alias="trainMode")


class CompareState(_Wire):
    """State of a model comparison."""

    eval_dirs: list[str] = Field(min_length=1)


class _Params(_Wire):
    state: dict[str, object]


class RunAppBody(_Wire):
    """The body of ``tasks.run.app``; keys that only matter to a cluster are ignored."""

    agent_id: int | None = Field(None, alias="agentId")
    workspace_id: int = Field(alias="workspaceId")
    module_id: int | None = Field(None, alias="moduleId")
    app_id: int | None = Field(None, alias="appId")
    description: str = Field("", max_length=_MAX_NAME_CHARACTERS)
    name: str = Field("", alias="taskName")
    app_version: str = Field("", alias="appVersion")
    log_level: Literal["info", "debug", "trace", "warning", "error"] = Field("info", alias="logLevel")
    restart_policy: Literal["never", "on_error", "on_startup"] = Field("never", alias="restartPolicy")
    params: _Params

    @property
    def module(self) -> ModuleId:
        """Return the module that shall run; the apps of this server have the ids of their modules.

        Raises:
            InputError: None is named.
        """
        wanted = self.module_id if self.module_id is not None else self.app_id
        if wanted is None:
            msg = "Neither 'moduleId' nor 'appId' is given."
            raise InputError(msg, "Name the app that shall run; ecosystem.list knows its id.")
        return ModuleId(wanted)

    @property
    def agent(self) -> AgentId | None:
        """Return the wanted agent, ``None`` for any."""
        return None if self.agent_id is None else AgentId(self.agent_id)

    @property
    def workspace(self) -> WorkspaceId:
        """Return the workspace the task belongs to."""
        return WorkspaceId(self.workspace_id)


_Shape = TypeVar("_Shape")
_BODY = TypeAdapter(RunAppBody)
_GUI_STATE = TypeAdapter(_GuiState)
_COMPARE_STATE = TypeAdapter(CompareState)


def parse_body(body: object) -> RunAppBody:
    """Read the body of ``tasks.run.app``.

    Raises:
        InputError: A key is missing or not usable; names it.
    """
    return _validated(_BODY, body, "tasks.run.app")


def parse_train_state(state: Mapping[str, object]) -> FreshState | RepeatState:
    """Read the state of a training.

    Raises:
        InputError: It is neither a new training nor a repetition.
    """
    shape = TypeAdapter[FreshState | RepeatState](RepeatState if "trainTaskId" in state else FreshState)
    return _validated(shape, dict(state), "params.state")


def parse_compare_state(state: Mapping[str, object]) -> CompareState:
    """Read the state of a comparison.

    Raises:
        InputError: ``eval_dirs`` is missing or empty.
    """
    return _validated(_COMPARE_STATE, dict(state), "params.state")


def parse_gui_state(gui_state: Mapping[str, object]) -> TrainingRequest:
    """Read a ``guiState``.

    Raises:
        InputError: Something in it cannot be used; names it.
    """
    wire = _validated(_GUI_STATE, dict(gui_state), "guiState")
    options = wire.options
    dropped = {"start_training", "experiment_name"}
    return TrainingRequest(
        model=_model(wire.model),
        classes=tuple(dict.fromkeys(wire.classes)),
        split=_split(wire.train_val_split),
        hyperparameters=_hyperparameters(wire.hyperparameters),
        convert_class_shapes=options.convert_class_shapes,
        enable_benchmark=options.model_benchmark.enable or options.model_benchmark.speed_test,
        enable_speedtest=options.model_benchmark.speed_test,
        cache_project=options.cache_project,
        export_onnx=options.export.onnx,
        export_tensorrt=options.export.tensorrt,
        experiment_name=_experiment_name(wire.experiment_name),
        autostart=wire.start_training,
        state={key: value for key, value in gui_state.items() if key not in dropped},
    )


def _model(wire: _Pretrained | _Custom) -> str | ExperimentCheckpoint:
    match wire:
        case _Pretrained():
            return wire.model_name
        case _Custom():
            if {"/", "\\"} & set(wire.checkpoint) or wire.checkpoint in {".", ".."}:
                msg = f"The checkpoint {wire.checkpoint!r} is not a file name."
                raise InputError(msg, "Name a checkpoint file of the experiment, such as best.pt.")
            return ExperimentCheckpoint(task_id=TaskId(wire.task_id), checkpoint=wire.checkpoint)


def _split(wire: _Random | _Datasets | _Tags | _Collections) -> TrainValSplit:
    match wire:
        case _Random():
            return RandomSplit(percent=wire.percent, split=wire.split)
        case _Datasets():
            return DatasetsSplit(
                train_datasets=tuple(map(DatasetId, wire.train_datasets)),
                val_datasets=tuple(map(DatasetId, wire.val_datasets)),
            )
        case _Tags():
            return TagsSplit(train_tag=wire.train_tag, val_tag=wire.val_tag, untagged_action=wire.untagged_action)
        case _Collections():
            return CollectionsSplit(
                train_collections=tuple(map(CollectionId, wire.train_collections)),
                val_collections=tuple(map(CollectionId, wire.val_collections)),
            )


def _hyperparameters(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > _MAX_YAML_CHARACTERS:
        msg = f"The hyperparameters are longer than {_MAX_YAML_CHARACTERS:,} characters."
        raise InputError(msg, "Keep only the settings that differ from the defaults.")
    try:
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        msg = f"The hyperparameters are not valid YAML{line}: {error.problem or error.context}."
        raise InputError(msg, "Correct that line; a setting looks like “epochs: 20”.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        msg = f"The hyperparameters are not valid YAML: {str(error).splitlines()[0]}."
        raise InputError(msg, "A setting looks like “epochs: 20”, one to a line.") from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        msg = "The hyperparameters are not a list of “name: value” settings."
        raise InputError(msg, "Write one setting to a line, like “epochs: 20”; send null for the defaults.")
    return text


def _experiment_name(name: str | None) -> str | None:
    if name is None or not name.strip():
        return None
    if {"/", "\\"} & set(name) or not name.isprintable():
        msg = f"The experiment name {name!r} contains a slash, a backslash or a control character."
        raise InputError(msg, "Use letters, digits, spaces, dots, dashes and underscores.")
    if len(name) > _MAX_NAME_CHARACTERS:
        msg = f"The experiment name is longer than {_MAX_NAME_CHARACTERS} characters."
        raise InputError(msg, "Shorten it.")
    return name.strip()


def _validated(adapter: TypeAdapter[_Shape], value: object, where: str) -> _Shape:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        # pydantic puts the branch of a union into the path; people know only the keys they sent.
        path = ".".join(str(part) for part in first["loc"] if part not in _BRANCHES)
        msg = f"{where}{'.' if path else ''}{path}: {first['msg']}."
        raise InputError(msg, "Correct this value and send the request again.") from error


_BRANCHES = {"Pretrained models", "Custom models", "random", "datasets", "tags", "collections"}
