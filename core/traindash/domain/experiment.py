"""Experiments: what finished trainings leave behind."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from traindash.domain.annotation import Point
from traindash.domain.ids import CollectionId, FileId, ImageId, ProjectId, TaskId

_TASK_FOLDER = re.compile(r"(?P<task>[0-9]{1,18})_(?P<framework>.+)")
_PROJECT_FOLDER = re.compile(r"[0-9]{1,18}_(?P<name>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentInfo:
    """The record of a finished training: ``experiment_info.json`` and ``meta.output.experiment.data``.

    Names and meanings as in ``supervisely.nn.experiments.ExperimentInfo``; keys that class drops (``primary_metric``,
    ``device``, ``training_duration``, ``random_initialization``) are kept here.
    """

    experiment_name: str
    framework_name: str
    model_name: str
    task_type: str  # `object detection` or `instance segmentation`
    project_id: ProjectId
    task_id: TaskId
    model_files: Mapping[str, str]
    model_meta: str
    checkpoints: tuple[str, ...]  # paths relative to `artifacts_dir`
    best_checkpoint: str  # bare file name of the best checkpoint
    hyperparameters: str
    artifacts_dir: str  # absolute path in Team Files
    base_checkpoint: str | None = None
    base_checkpoint_link: str | None = None
    project_version: Mapping[str, object] | None = None
    # runtime (`ONNXRuntime`, `TensorRT`) → path relative to `artifacts_dir`
    export: Mapping[str, str] = field(default_factory=dict)
    app_state: str | None = None
    datetime: str | None = None
    # team Files id of the report's `template.vue`; `None` if there was no benchmark
    evaluation_report_id: FileId | None = None
    evaluation_report_link: str | None = None
    # Supervisely metric name → value, 0 to 1; empty without benchmark
    evaluation_metrics: Mapping[str, float] = field(default_factory=dict)
    primary_metric: str | None = None
    logs: Mapping[str, str] | None = None
    device: str | None = None
    training_duration: float | None = None  # seconds
    train_collection_id: CollectionId | None = None
    val_collection_id: CollectionId | None = None
    train_val_split: str | None = None
    train_size: int | None = None
    val_size: int | None = None
    # the training started from random weights; `None` where the record does not say
    random_initialization: bool | None = None


_TABLES: Mapping[str, tuple[type, ...]] = {
    "model_files": (str,),
    "export": (str,),
    "logs": (str,),
    "evaluation_metrics": (int, float),
}


def clean_record(record: Mapping[str, object]) -> dict[str, object]:
    """Return a record of whatever app as :class:`ExperimentInfo` can be read from it.

    Apps write other things into its tables, too, and null for what they do not know or did not measure.
    """
    known = {key: value for key, value in record.items() if value is not None}
    for key, kinds in _TABLES.items():
        table = known.pop(key, None)
        if isinstance(table, dict):
            known[key] = {name: item for name, item in table.items() if type(item) in kinds}  # True is no number
    if not isinstance(known.get("project_version"), dict):  # what is no object cannot be compared with another one
        known.pop("project_version", None)
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentFolder:
    """Where the artifacts of an experiment are; its path alone says something of it (docs/supervisely-api.md 7.1)."""

    # `/experiments/<project id>_<project name>/<task id>_<framework>` without a slash at the end; `_NNN` is added to
    # the framework where the name was taken
    path: str

    @property
    def task_id(self) -> TaskId | None:
        """The task; ``None`` where the folder is named otherwise."""
        found = _TASK_FOLDER.fullmatch(PurePosixPath(self.path).name)
        return TaskId(int(found["task"])) if found else None

    @property
    def framework(self) -> str:
        """The framework; empty where the folder is named otherwise."""
        found = _TASK_FOLDER.fullmatch(PurePosixPath(self.path).name)
        return found["framework"] if found else ""

    @property
    def project_name(self) -> str:
        """The project; its folder's name where that is named otherwise."""
        name = PurePosixPath(self.path).parent.name
        found = _PROJECT_FOLDER.fullmatch(name)
        return found["name"] if found else name


# Sample predictions: what a model finds on the same few validation images while it learns.


# A log holds many of them, so a box is a row without keys: [class, left, top, width, height, score, borders].
_Number: TypeAlias = Annotated[float, Meta(ge=-1e9, le=1e9)]  # neither NaN nor infinite


class SampleBox(Struct, frozen=True, kw_only=True, array_like=True):
    """An object on a sample image, annotated or found, as an upright box in pixels of the image."""

    class_name: str  # its object class
    left: _Number
    top: _Number
    width: _Number
    height: _Number
    # confidence 0 to 1 of what was found; `None` for what was annotated
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    # borders of its mask as `x, y, x, y, …`, those of holes, too; empty where there is only the box
    borders: tuple[Annotated[tuple[_Number, ...], Meta(min_length=6)], ...] = ()

    @property
    def outlines(self) -> tuple[tuple[Point, ...], ...]:
        """The borders as points."""
        return tuple(tuple(zip(flat[::2], flat[1::2], strict=False)) for flat in self.borders)


def flat_borders(outlines: Iterable[Iterable[Point]]) -> tuple[tuple[float, ...], ...]:
    """Return outlines as a box keeps them."""
    return tuple(tuple(side for point in outline for side in point) for outline in outlines)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleImage:
    """A validation image that is looked at again and again."""

    id: ImageId
    name: str  # file name
    width: Annotated[int, Meta(gt=0)]  # pixels
    height: Annotated[int, Meta(gt=0)]  # pixels
    objects: tuple[SampleBox, ...] = ()  # what is annotated on it, of the classes that are trained


# Team Files: the file storage of a team.


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFile:
    """A file or folder in Team Files."""

    id: FileId  # 0 where the server gives none, as for folders
    path: str  # absolute, starts with `/`, raw names (spaces and unicode as they are)
    size_bytes: int = field(default=0, metadata={"json": "size"})
    hash: str = ""  # base64 of the SHA-256 of the content
    is_dir: bool = False
