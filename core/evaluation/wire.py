"""The wire shapes of ``cocoGt.json`` and ``cocoDt.json``, and what a person reads when a file does not fit them.

Fields as Supervisely's Model Benchmark writes them: COCO's own (cocodataset.org, "Data format") plus ``sly_id`` and
``dataset``. Unknown fields are left out.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Generic, NotRequired, TypeVar

from pydantic import FailFast, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from core.errors import InputError

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
