"""Experiments: what finished trainings leave behind."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, ValidationError, convert

from traindash.domain.annotation import Point
from traindash.domain.ids import CollectionId, FileId, ImageId, ProjectId, TaskId

_TASK_FOLDER = re.compile(r"(?P<task>[0-9]{1,18})_(?P<framework>.+)")
_PROJECT_FOLDER = re.compile(r"[0-9]{1,18}_(?P<name>.+)")


SEMANTIC = "semantic segmentation"  # task type of models that give every pixel a class
MEAN_IOU = "mIoU"  # the figure that they are measured by, as `mAP` is that of all others

# Validation images that an exported file is scored on at most: on a processor an image takes its time, and so many tell
# half a point from noise
MOST_SCORED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportScore:
    """How well an exported file works: the same figure of it and of the checkpoint, on the same validation images."""

    metric: str  # which figure, e.g. `mAP`
    score: float  # of the exported file, 0 to 1
    checkpoint_score: float  # of the checkpoint it was exported from
    images: int  # number of the validation images that both were scored on
    # how both got these images where the evaluation gives them otherwise; of files with fixed sides, made no more
    given: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentInfo:
    """The record of a finished training: ``experiment_info.json`` and ``meta.output.experiment.data``.

    Names and meanings as in ``supervisely.nn.experiments.ExperimentInfo``; keys that class drops (``primary_metric``,
    ``device``, ``training_duration``, ``random_initialization``, ``export_scores``) are kept here.
    """

    experiment_name: str
    framework_name: str
    model_name: str
    task_type: str  # `object detection`, `instance segmentation` or `semantic segmentation`
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
    # runtime of `export` → how well that file works; those that were not scored are not in it
    export_scores: Mapping[str, ExportScore] = field(default_factory=dict)

    @property
    def is_semantic(self) -> bool:
        """Whether its model gives every pixel a class, so that nothing is found and matched."""
        return self.task_type == SEMANTIC or (self.primary_metric == MEAN_IOU and "mAP" not in self.evaluation_metrics)

    @property
    def score(self) -> tuple[str, float] | None:
        """The figure that says most, as :func:`score_of` finds it."""
        return score_of(self.evaluation_metrics, self.primary_metric)


def score_of(metrics: Mapping[str, float], primary: str | None = None) -> tuple[str, float] | None:
    """Return name and value of the figure that says most; ``None`` without any.

    ``primary`` is the app's own word on it. Frameworks differ: detectors have a mAP, semantic segmentation a mIoU.
    """
    names = (primary, "mAP", MEAN_IOU)
    return next(((name, metrics[name]) for name in names if name is not None and name in metrics), None)


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
    scores = known.pop("export_scores", None)
    if isinstance(scores, dict):  # apps of others know no such key; what is written there otherwise is no score
        known["export_scores"] = {name: score for name, score in scores.items() if _is_score(score)}
    if not isinstance(known.get("project_version"), dict):  # what is no object cannot be compared with another one
        known.pop("project_version", None)
    return known


def _is_score(value: object) -> bool:
    try:
        convert(value, ExportScore)
    except ValidationError:
        return False
    return True


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
