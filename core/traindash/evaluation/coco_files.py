"""The two files of an evaluation as columns."""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypedDict, TypeVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from traindash.errors import InputError
from traindash.evaluation.coco_spellings import in_words, plainly_spelled, type_words
from traindash.text_files import as_utf8, decode_text

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
# what is compared: boxes or masks (COCO's words)
Kind = Literal["bbox", "segm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The evaluated images, by ascending id."""

    ids: IntArray  # (I,) ids in the files
    file_names: tuple[str, ...]  # I names
    datasets: tuple[str, ...]  # I dataset names; empty text where the file has none
    sly_ids: IntArray  # (I,) ids on the platform; -1 where the file has none
    sizes: IntArray  # (I, 2) width and height in pixels; 0 where the file has none

    def taken(self, rows: IntArray) -> "Images":
        """Return some of the images in the given order."""
        places = rows.tolist()
        return Images(
            ids=self.ids[rows],
            file_names=tuple(self.file_names[i] for i in places),
            datasets=tuple(self.datasets[i] for i in places),
            sly_ids=self.sly_ids[rows],
            sizes=self.sizes[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """The objects of ``cocoGt.json``, by image, class and place in the file."""

    ids: IntArray  # (G,) ids in the file
    image: IntArray  # (G,) row in `Images`
    category: IntArray  # (G,) index of the class
    boxes: FloatArray  # (G, 4) x, y, width, height in pixels
    area: FloatArray  # (G,) pixels, as the file says
    crowd: BoolArray  # (G,) true where the object stands for many and is not counted
    sly_ids: IntArray  # (G,) ids on the platform; -1 where the file has none

    def taken(self, rows: IntArray) -> "GroundTruth":
        """Return some of the objects in the given order."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The predictions of ``cocoDt.json``, by image, class and falling score, then by their place in the file."""

    place: IntArray  # (D,) position in the file's list, from 0
    image: IntArray  # (D,) row in `Images`
    category: IntArray  # (D,) index of the class
    boxes: FloatArray  # (D, 4) x, y, width, height in pixels
    area: FloatArray  # (D,) pixels of the box or of the mask
    scores: FloatArray  # (D,) 0..1
    sly_ids: IntArray  # (D,) ids on the platform; -1 where the file has none

    def taken(self, rows: IntArray) -> "Detections":
        """Return some of the predictions in the given order."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """N masks as COCO's run lengths."""

    runs: tuple[dict[str, Any], ...]  # N dictionaries `{"size": [height, width], "counts": bytes | str | list}`
    boxes: FloatArray  # (N, 4) x, y, width, height of the pixels that are set
    areas: FloatArray  # (N,) pixels that are set

    def taken(self, rows: IntArray) -> "Masks":
        """Return some of the masks in the given order."""
        return Masks(runs=tuple(self.runs[i] for i in rows.tolist()), boxes=self.boxes[rows], areas=self.areas[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoPair:
    """Ground truth and predictions of one evaluation, checked and sorted."""

    images: Images  # the images of the ground truth
    category_ids: IntArray  # (K,) ids in the files, ascending
    classes: tuple[str, ...]  # K names in the same order
    gt: GroundTruth  # objects
    dt: Detections  # predictions
    gt_masks: Masks | None = None  # (G) masks where the evaluation compares masks; `None` where it compares boxes
    dt_masks: Masks | None = None  # (D) masks, or `None`
    notes: tuple[str, ...] = ()  # sentences on what of the files was left out or read in another way than it stands


# The form of ``cocoGt.json`` and ``cocoDt.json``, and what a person reads when a file does not have it.
#
# Fields as Supervisely's Model Benchmark writes them: COCO's own (cocodataset.org, "Data format") plus ``sly_id`` and
# ``dataset``. Unknown fields are left out. Predictions may also be COCO results: the list of detections alone. What
# other tools write in other words becomes this form in `coco_spellings`.


# COCO counts no object above this area (``areaRng`` of pycocotools), so it would vanish without a word
LARGEST_AREA = 1e10
FURTHEST_PIXEL = 1_000_000
LARGEST_ID = 2**63 - 1  # columns of ids are int64

# Whole numbers in COCO; pandas and numpy make them 1.0, and tools that name images make them texts
Id: TypeAlias = Annotated[int, Meta(ge=-LARGEST_ID, le=LARGEST_ID)] | float | str
SlyId: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST_ID)]
# A bound on both sides keeps NaN out, too: no comparison with it is true
SideLength: TypeAlias = Annotated[int, Meta(ge=0, le=FURTHEST_PIXEL)]
Pixel: TypeAlias = Annotated[float, Meta(ge=-FURTHEST_PIXEL, le=FURTHEST_PIXEL)]
Polygon: TypeAlias = Annotated[list[Pixel], Meta(max_length=1_000_000)]


class RunLengths(TypedDict):
    """A mask as COCO's run lengths, a dictionary because hotcoco takes it as it is.

    ``size`` is height and width, ``counts`` a text (compressed) or numbers.
    """

    size: Annotated[list[Annotated[int, Meta(ge=1, le=FURTHEST_PIXEL)]], Meta(min_length=2, max_length=2)]
    counts: str | list[Annotated[int, Meta(ge=0, lt=2**32)]]


Segmentation: TypeAlias = RunLengths | list[Polygon]


class _Row(msgspec.Struct, kw_only=True, gc=False):
    """An entry of ``annotations`` in either file."""

    image_id: Id
    category_id: Id
    bbox: tuple[Pixel, Pixel, Pixel, Pixel] | None = None
    segmentation: Segmentation | None = None
    sly_id: SlyId | None = None


class WireObject(_Row, kw_only=True, gc=False):
    """An entry of ``annotations`` in the ground truth."""

    id: Id | None = None
    area: Annotated[float, Meta(ge=0, le=LARGEST_AREA)] | None = None
    iscrowd: Literal[0, 1] | bool = 0


class WireDetection(_Row, kw_only=True, gc=False):
    """An entry of ``annotations`` in the predictions."""

    score: Annotated[float, Meta(ge=0, le=1)]
    file_name: str | None = None  # of its image; Ultralytics writes it


class WireImage(msgspec.Struct, kw_only=True, gc=False):
    """An entry of ``images``."""

    id: Id
    file_name: str
    width: SideLength | None = None
    height: SideLength | None = None
    sly_id: SlyId | None = None
    dataset: str | None = None


class WireCategory(msgspec.Struct, kw_only=True, gc=False):
    """An entry of ``categories``."""

    id: Id
    name: str


class WireTruth(msgspec.Struct, kw_only=True):
    """``cocoGt.json``."""

    images: list[WireImage]
    categories: list[WireCategory]
    annotations: list[WireObject]


class WirePredictions(msgspec.Struct, kw_only=True):
    """``cocoDt.json``."""

    annotations: list[WireDetection]
    images: list[WireImage] | None = None
    categories: list[WireCategory] | None = None


_Parsed = TypeVar("_Parsed")
_BLANKS = 1000  # so many characters a file may begin with before its first bracket

_HINT = (
    "Give the ground truth in COCO's form, and the predictions as a list of COCO results or as Supervisely's Model "
    "Benchmark writes them."
)
# Both are msgspec's own words, for example "Expected `float` >= 0.0 - at `$.annotations[3].bbox[1]`"
_PLACE = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_STEP = re.compile(r"(\w+)|\[(\d+)\]")


class CocoFile:
    """One of the two files, read once.

    Raises:
        InputError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.content = as_utf8(path.read_bytes(), str(path))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error

    def truth(self) -> WireTruth:
        """Return the content as ground truth.

        Raises:
            InputError: It is none; names the file and the place.
        """
        if self._is_list():
            raise self.unusable(place="", reason="it is a list, as predictions are, and not a ground truth")
        return self._parsed(WireTruth)

    def predictions(self) -> WirePredictions:
        """Return the content as predictions.

        Raises:
            InputError: It is none; names the file and the place.
        """
        if self._is_list():
            return WirePredictions(annotations=self._parsed(list[WireDetection]))
        return self._parsed(WirePredictions)

    def unusable(self, *, place: str, reason: str) -> InputError:
        """Return the error for something wrong in this file.

        ``place`` leads to it, such as ``annotations[3].bbox``; empty for the whole file. No full stop after the reason.
        """
        return InputError(f"{self.path}: {place}: {reason}." if place else f"{self.path}: {reason}.", _HINT)

    def _is_list(self) -> bool:
        return self.content[:_BLANKS].lstrip().startswith(b"[")

    def _parsed(self, shape: type[_Parsed]) -> _Parsed:
        if not self.content.strip():
            raise InputError(f"{self.path} is empty.", _HINT)
        try:
            with _no_garbage_collection():
                return msgspec.json.decode(self.content, type=shape)
        except (msgspec.ValidationError, msgspec.DecodeError, RecursionError):
            # Only what the fast way refuses is looked at value by value
            content = self._untyped()
        plainly_spelled(content)
        try:
            return msgspec.convert(content, shape, strict=False)
        except msgspec.ValidationError as error:
            raise self._misshapen(error, content) from error

    def _untyped(self) -> Any:  # noqa: ANN401 - whatever the file holds
        try:
            return msgspec.json.decode(self.content)
        except RecursionError as error:
            raise self.unusable(place="", reason="its lists lie too deep in each other") from error
        except msgspec.DecodeError as error:
            decode_text(self.content, str(self.path))  # the encoding is the better reason
            try:
                # Python writes NaN and Infinity into its JSON, but JSON does not have them
                if b"NaN" in self.content or b"Infinity" in self.content:
                    return json.loads(self.content)
            except (ValueError, RecursionError):
                pass
            raise self.unusable(place="", reason=_no_json(str(error))) from error

    def _misshapen(self, error: msgspec.ValidationError, content: Any) -> InputError:  # noqa: ANN401 - whatever the file holds
        found = _PLACE.fullmatch(str(error))
        reason, place = (found["reason"], found["place"] or "") if found else (str(error), "")
        if missing := _MISSING.fullmatch(reason):
            return self.unusable(place=place, reason=f"{missing['name']} is missing")
        value = content
        for name, number in _STEP.findall(place):
            value = value[name] if name else value[int(number)]
        given = f"{value} was given" if isinstance(value, int | float) else f"{type_words(value)} was given"
        return self.unusable(place=place, reason=f"{in_words(reason)}; {given}")


def _no_json(reason: str) -> str:
    if "trailing" in reason:
        return "there is more after the end of its JSON; a file holds one JSON value, not one on each line"
    if "truncated" in reason:
        return "it ends in the middle, so it is not complete"
    return f"it is no JSON ({reason.removeprefix('JSON is malformed: ')})"


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
