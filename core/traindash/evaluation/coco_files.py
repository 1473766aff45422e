"""The two files of an evaluation as columns."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import FailFast, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from traindash.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
# what is compared: boxes or masks (COCO's words)
Kind = Literal["bbox", "segm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The evaluated images, by ascending id.

    Attributes:
        ids: (I,) ids in the files.
        file_names: I names.
        datasets: I dataset names; empty text where the file has none.
        sly_ids: (I,) ids on the platform; -1 where the file has none.
        sizes: (I, 2) width and height in pixels; 0 where the file has none.
    """

    ids: IntArray
    file_names: tuple[str, ...]
    datasets: tuple[str, ...]
    sly_ids: IntArray
    sizes: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """The objects of ``cocoGt.json``, by image, class and place in the file.

    Attributes:
        ids: (G,) ids in the file.
        image: (G,) row in ``Images``.
        category: (G,) index of the class.
        boxes: (G, 4) x, y, width, height in pixels.
        area: (G,) pixels, as the file says.
        crowd: (G,) true where the object stands for many and is not counted.
        sly_ids: (G,) ids on the platform; -1 where the file has none.
    """

    ids: IntArray
    image: IntArray
    category: IntArray
    boxes: FloatArray
    area: FloatArray
    crowd: BoolArray
    sly_ids: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The predictions of ``cocoDt.json``, by image, class and falling score (place in the file where scores are equal).

    Attributes:
        place: (D,) position in the file's list, from 0.
        image: (D,) row in ``Images``.
        category: (D,) index of the class.
        boxes: (D, 4) x, y, width, height in pixels.
        area: (D,) pixels of the box or of the mask.
        scores: (D,) 0..1.
        sly_ids: (D,) ids on the platform; -1 where the file has none.
    """

    place: IntArray
    image: IntArray
    category: IntArray
    boxes: FloatArray
    area: FloatArray
    scores: FloatArray
    sly_ids: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """N masks as COCO's run lengths.

    Attributes:
        runs: N dictionaries ``{"size": [height, width], "counts": bytes | str | list}``.
        boxes: (N, 4) x, y, width, height of the pixels that are set.
        areas: (N,) pixels that are set.
    """

    runs: tuple[dict[str, Any], ...]
    boxes: FloatArray
    areas: FloatArray

    def taken(self, rows: IntArray) -> "Masks":
        """Return some of the masks in the given order."""
        return Masks(runs=tuple(self.runs[i] for i in rows.tolist()), boxes=self.boxes[rows], areas=self.areas[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoPair:
    """Ground truth and predictions of one evaluation, checked and sorted.

    Attributes:
        images: The images of the ground truth.
        category_ids: (K,) ids in the files, ascending.
        classes: K names in the same order.
        gt: Objects.
        dt: Predictions.
        gt_masks: (G) masks where the evaluation compares masks; ``None`` where it compares boxes.
        dt_masks: (D) masks, or ``None``.
    """

    images: Images
    category_ids: IntArray
    classes: tuple[str, ...]
    gt: GroundTruth
    dt: Detections
    gt_masks: Masks | None = None
    dt_masks: Masks | None = None


# The wire shapes of ``cocoGt.json`` and ``cocoDt.json``, and what a person reads when a file does not fit them.
#
# Fields as Supervisely's Model Benchmark writes them: COCO's own (cocodataset.org, "Data format") plus ``sly_id`` and
# ``dataset``. Unknown fields are left out.


# COCO counts no object above this area (``areaRng`` of pycocotools), so it would vanish without a word
LARGEST_AREA = 1e10
FURTHEST_PIXEL = 1e6

Id = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Pixel = Annotated[float, Field(strict=True, ge=-FURTHEST_PIXEL, le=FURTHEST_PIXEL, allow_inf_nan=False)]
Length = Annotated[float, Field(strict=True, ge=0, le=FURTHEST_PIXEL, allow_inf_nan=False)]
Score = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Box = tuple[Pixel, Pixel, Length, Length]
Polygon = Annotated[list[Pixel], Field(min_length=6, max_length=1_000_000)]


class RunLengths(TypedDict):
    """A mask as COCO's run lengths: ``size`` is height and width, ``counts`` a text (compressed) or numbers."""

    size: tuple[Annotated[int, Field(ge=1, le=FURTHEST_PIXEL)], Annotated[int, Field(ge=1, le=FURTHEST_PIXEL)]]
    counts: str | list[Annotated[int, Field(ge=0, lt=2**32)]]


Segmentation = RunLengths | list[Polygon]


class WireImage(TypedDict):
    """An entry of ``images``."""

    id: Id
    file_name: str
    width: NotRequired[Annotated[int, Field(ge=0, le=FURTHEST_PIXEL)] | None]
    height: NotRequired[Annotated[int, Field(ge=0, le=FURTHEST_PIXEL)] | None]
    sly_id: NotRequired[Id | None]
    dataset: NotRequired[str | None]


class WireCategory(TypedDict):
    """An entry of ``categories``."""

    id: Id
    name: str


class WireObject(TypedDict):
    """An entry of ``annotations`` in the ground truth."""

    id: Id
    image_id: Id
    category_id: Id
    bbox: NotRequired[Box]
    segmentation: NotRequired[Segmentation]
    area: NotRequired[Annotated[float, Field(strict=True, ge=0, le=LARGEST_AREA, allow_inf_nan=False)]]
    iscrowd: NotRequired[Annotated[int, Field(ge=0, le=1)]]
    sly_id: NotRequired[Id | None]


class WireDetection(TypedDict):
    """An entry of ``annotations`` in the predictions."""

    id: NotRequired[Id]
    image_id: Id
    category_id: Id
    score: Score
    bbox: NotRequired[Box]
    segmentation: NotRequired[Segmentation]
    sly_id: NotRequired[Id | None]


class WireTruth(TypedDict):
    """``cocoGt.json``."""

    images: Annotated[list[WireImage], FailFast()]
    categories: Annotated[list[WireCategory], FailFast()]
    annotations: Annotated[list[WireObject], FailFast()]


class WirePredictions(TypedDict):
    """``cocoDt.json``."""

    images: NotRequired[Annotated[list[WireImage], FailFast()]]
    categories: NotRequired[Annotated[list[WireCategory], FailFast()]]
    annotations: Annotated[list[WireDetection], FailFast()]


Shape = TypeVar("Shape")


class CocoFile(Generic[Shape]):
    """One of the two files, read once.

    Args:
        path: Where it is; errors name it.

    Raises:
        InputError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.content = path.read_bytes()
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror or error}."
            raise InputError(message, "Check the path.") from error

    def parsed(self, shape: type[Shape]) -> Shape:
        """Return the content.

        Raises:
            InputError: The content is not what the shape says.
        """
        if not self.content.strip():
            message = f"{self.path} is empty."
            raise InputError(message, HINT)
        try:
            with _no_garbage_collection():
                return TypeAdapter(shape).validate_json(self.content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise self.unusable(first["loc"], first["msg"]) from error

    def unusable(self, place: tuple[int | str, ...], reason: str) -> InputError:
        """Return the error for something wrong in this file.

        Args:
            place: Keys and positions that lead to it.
            reason: What is wrong, without a full stop.
        """
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place if _is_key(part))
        return InputError(f"{self.path}: {where.lstrip('.')}: {reason}." if where else f"{self.path}: {reason}.", HINT)


HINT = "Both files must be COCO JSON as Supervisely's Model Benchmark writes it; let the evaluation write them again."


def _is_key(part: int | str) -> bool:
    """Return whether a part of pydantic's location is in the file; names of types are not."""
    return isinstance(part, int) or (part.isidentifier() and part not in {"RunLengths", "str"})


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Hold the collector back while a large file becomes hundreds of thousands of objects (it doubles the time)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
