"""Agents: the machines (or slices of one) that run tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias, get_args

from traindash.domain.ids import AgentId, ModuleId, TeamId
from traindash.domain.plan import SplitMethod

ExportFormat: TypeAlias = Literal["ONNX", "TensorRT"]
EVERY_SPLIT: frozenset[SplitMethod] = frozenset(get_args(SplitMethod))
EVERY_EXPORT: frozenset[ExportFormat] = frozenset(get_args(ExportFormat))

# Names of what an app says it can beyond the training apps of Supervisely (docs/supervisely-api.md 9).
ANY_SHAPE = "traindash.any_shape"  # it trains classes of every shape that its task can use
KNOWS_ITS_KEYS = "traindash.knows_its_keys"  # a hyperparameter that it does not know is refused
STARTS_FROM_EXPORTS = "traindash.starts_from_exports"  # for an exported model it takes the checkpoint behind it


class AgentStatus(StrEnum):
    """Status words of the Supervisely agent API (``AgentApi.Status``): connected or not.

    ``unknown`` stands for a word that a newer server invents.
    """

    RUNNING = "running"
    WAITING = "waiting"
    UNKNOWN = "unknown"

    # Both enum and msgspec ask this for a word that is not listed.
    @classmethod
    def _missing_(cls, _value: object) -> "AgentStatus":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A compute device of an agent."""

    name: str  # e.g. `NVIDIA RTX 4090` or the CPU's model name
    total_bytes: float | None  # memory it has
    available_bytes: float | None  # memory that is free now


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent."""

    id: AgentId
    name: str
    type: str = "sly_agent"  # `sly_agent` or `kubernetes`
    status: AgentStatus = AgentStatus.UNKNOWN
    team_id: TeamId | None = None
    # whether its devices are CUDA devices; CPU-only agents of the embedded platform report RAM instead
    is_gpu: bool = False
    devices: tuple[Device, ...] = ()  # first device first
    # Only the embedded platform says these two.
    threads: int | None = None  # CPU threads that a task may use; `None` where the server does not say
    queue_paused: bool | None = None  # it takes no further task for now; `None` on servers that cannot hold a queue


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """How a machine is divided into agents."""

    count: int  # number of agents
    threads: int  # CPU threads that a task of each may use
    max_count: int  # largest possible number
    max_threads: int  # largest possible number


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEngine:
    """Why an app of the embedded platform cannot train: its engine is not installed on this machine."""

    message: str  # what is missing, a sentence
    hint: str  # how to get it


@dataclass(frozen=True, slots=True, kw_only=True)
class AppModule:
    """An app of the ecosystem."""

    id: ModuleId
    slug: str = ""  # unique path-like name, e.g. `supervisely-ecosystem/yolo/supervisely_integration/train`
    name: str  # title, e.g. `Train YOLO v8 - 26`
    categories: tuple[str, ...] = ()  # words it is filed under; a training app has `train` and `framework:<name>`
    # Key → path of a file in the app's repository, e.g. `models`, `hyperparameters`
    files: Mapping[str, str] = field(default_factory=dict)
    exports: frozenset[ExportFormat] | None = None  # what it can export to; `None` where it does not say
    needs_gpu: bool | None = None  # it runs on agents with a GPU only; `None` where it does not say
    abilities: frozenset[str] = frozenset()  # such as :data:`ANY_SHAPE`
    licence: str = ""  # of the app and its models, e.g. `Apache-2.0`; empty where it does not say
    missing: MissingEngine | None = None  # `None` when it can train, and on servers that do not say

    @property
    def framework(self) -> str | None:
        """Framework that this app trains, ``None`` if it is no training app."""
        # By this category the SDK, too, finds the app for a framework.
        prefix = "framework:"
        return next((word.removeprefix(prefix) for word in self.categories if word.startswith(prefix)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppOptions:
    """What a training app takes of a plan: its ``app_options.yaml``, and the rules of the official SDK's ``TrainApp``.

    The defaults are an app that takes everything.
    """

    # tasks of all its models: classes whose shapes fit none of them are not even listed. `None`: every shape is taken
    task_types: frozenset[str] | None = None
    exports: frozenset[ExportFormat] = EVERY_EXPORT
    split_methods: frozenset[SplitMethod] = EVERY_SPLIT
    has_benchmark: bool = True  # it evaluates afterwards
    takes_checkpoints: bool = True  # it trains on from checkpoints of earlier experiments
    takes_exports: bool = True  # it also takes their exported models as a start
    refuses_unknown_keys: bool = False  # hyperparameters beyond those of the framework's reference are refused
    wants_tags: bool = False  # it has a step for tags, and begins only with some
    needs_gpu: bool | None = None  # as of :class:`AppModule`
    licence: str = ""  # as of :class:`AppModule`
    missing: MissingEngine | None = None  # as of :class:`AppModule`

    @property
    def export_is_settable(self) -> bool:
        """Whether a state may have ``options.export``: the panel sets both switches, and fails where one is missing."""
        # HyperparametersSelector.set_export_tensorrt_checkbox_value of the official SDK 6.74.51
        return self.exports == EVERY_EXPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueModel:
    """A row of a framework's model table."""

    framework: str  # e.g. `YOLO`
    name: str  # e.g. `YOLO26s-det`; unique within the framework
    task_type: str  # `object detection`, `instance segmentation` or another word of its app
    # further columns as the framework gives them (`Size (pixels)`, `mAP`, `Params (M)`, …). Frameworks differ in names
    # and types, so they are shown as they are
    columns: Mapping[str, str | float | None]
    # whether the server can start this model from published weights right now; `None` if unknown. Where it cannot,
    # training starts from random initialisation
    pretrained: bool | None = None
    note: str = ""  # one sentence a person should know before choosing it; empty when there is none
