"""What Supervisely's benchmark of a semantic segmentation leaves: figures of every class, counted in pixels.

Such an evaluation has no COCO files, since nothing is matched. ``eval_data.zip`` holds tables and arrays
(``SemanticSegmentationEvaluator`` of the official SDK 6.74.51 and ``BaseEvaluator._dump_eval_results_archive``):
``result.csv`` with a row for each class and one called ``mean``, ``per_image_metrics.csv`` with the names of the
images. The pickle beside it is never read.
"""

import csv
import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from traindash.errors import InputError

ARCHIVE = "eval_data.zip"
BACKGROUNDS = frozenset({"background", "bg", "unlabeled", "neutral", "__bg__"})  # as the SDK names them
_MEAN = "mean"
_RESULT, _IMAGES = "result.csv", "per_image_metrics.csv"
_LARGEST = 32_000_000  # bytes of a table: a hundred thousand images
_MOST_CLASSES = 10_000
# Keys of the experiment's record (``MetricProvider.json_metrics``) → columns of the table
FIGURES: Mapping[str, str] = {
    "mIoU": "IoU",
    "mBoundaryIoU": "boundary_IoU",
    "mPrecision": "precision",
    "mRecall": "recall",
    "mF1_score": "F1_score",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOverlap:
    """How well one class is told from the others, by its pixels. Shares of 0 to 1; NaN where there are none."""

    name: str
    iou: float  # intersection over union of what is annotated and what is predicted
    boundary_iou: float  # the same along the borders
    precision: float  # share of the predicted pixels that are right
    recall: float  # share of the annotated pixels that are found
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticEvaluation:
    """The evaluation of one semantic segmentation model."""

    classes: tuple[ClassOverlap, ...]  # in the order of the benchmark
    figures: Mapping[str, float]  # means over the classes by the names of a record, e.g. `mIoU`; `PixelAcc`
    images: tuple[str, ...]  # names of the images it was measured on; empty where the archive does not say

    @property
    def counted(self) -> int:
        """Number of classes in the means: those that are annotated or predicted anywhere."""
        return sum(math.isfinite(one.iou) for one in self.classes)

    @property
    def background(self) -> str | None:
        """The class of what belongs to nothing, which counts in the means as any other; ``None`` without one."""
        return next((one.name for one in self.classes if one.name in BACKGROUNDS), None)


def read_semantic(path: Path) -> SemanticEvaluation:
    """Read :data:`ARCHIVE`.

    Raises:
        InputError: It is no such archive, damaged, or larger than anything that is read here.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            rows = list(_table(archive, _RESULT))
            images = tuple(_image_names(archive))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError, csv.Error) as error:
        raise InputError(f"{ARCHIVE} cannot be read: {error}") from error
    classes = tuple(_overlap(row) for row in rows if row.get("") != _MEAN)
    if not classes:
        raise InputError(f"{ARCHIVE} holds no figures of classes.")
    figures = {key: _mean(rows, column, classes) for key, column in FIGURES.items()}
    right = math.fsum(_number(row.get("TP")) for row in rows if row.get("") != _MEAN)
    missed = math.fsum(_number(row.get("FN")) for row in rows if row.get("") != _MEAN)
    figures["PixelAcc"] = right / (right + missed) if right + missed > 0 else math.nan
    return SemanticEvaluation(classes=classes, figures=figures, images=images)


def _mean(rows: list[dict[str, str]], column: str, classes: tuple[ClassOverlap, ...]) -> float:
    """Return the mean as the benchmark wrote it; over the classes that have a figure where it did not."""
    written = next((_number(row.get(column)) for row in rows if row.get("") == _MEAN), math.nan)
    if math.isfinite(written):
        return written
    known = [value for row in rows[: len(classes)] if math.isfinite(value := _number(row.get(column)))]
    return fmean(known) if known else math.nan


def _overlap(row: Mapping[str, str]) -> ClassOverlap:
    return ClassOverlap(
        name=row.get("", ""),
        iou=_share(row.get("IoU")),
        boundary_iou=_share(row.get("boundary_IoU")),
        precision=_share(row.get("precision")),
        recall=_share(row.get("recall")),
        f1=_share(row.get("F1_score")),
    )


def _image_names(archive: zipfile.ZipFile) -> Iterator[str]:
    if _IMAGES in archive.namelist():
        for row in _table(archive, _IMAGES, most=1_000_000):
            yield row.get("img_names") or row.get("", "")


def _table(archive: zipfile.ZipFile, name: str, most: int = _MOST_CLASSES) -> Iterator[dict[str, str]]:
    """Yield the rows of a tab separated table; the first column has no name.

    Raises:
        ValueError: It is missing or too large.
    """
    if name not in archive.namelist():
        raise ValueError(f"it has no {name}")
    with archive.open(name) as file:
        # Not by the size that the archive claims: what is unpacked is counted
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{name} is larger than {_LARGEST} bytes")
    for number, row in enumerate(csv.DictReader(io.StringIO(content.decode("utf-8")), delimiter="\t")):
        if number >= most:
            raise ValueError(f"{name} has more than {most} rows")
        yield {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _share(text: str | None) -> float:
    value = _number(text)
    return value if 0 <= value <= 1 else math.nan
