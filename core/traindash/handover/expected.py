"""What a package proves itself with: an image of the evaluation and what the model found on it then."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hotcoco
import numpy as np

from traindash.evaluation.coco_files import CocoFile, WireDetection
from traindash.evaluation.masks import is_mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far what is found may be from what was found in the evaluation."""

    score: float
    iou: float  # of boxes and masks, at least


# A network that gets the very pixels which the checkpoint got answers alike to the fifth digit; another processor or
# another reader of JPEG files changes a little more
ALIKE = Tolerance(score=0.005, iou=0.95)
# Files with fixed sides have a border up to a square around other images, which moves scores by some hundredths; which
# queries a DETR decodes is a near tie in one that has learned little
CLOSE = Tolerance(score=0.05, iou=0.9)
_ENOUGH = 6  # objects on an image; more prove no more
_TRIED = 20
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedImage:
    """An image of the evaluation with what was found on it."""

    id: int  # on the server
    name: str
    objects: tuple[dict[str, Any], ...]  # `class`, `score`, `box`, and `mask` as COCO's plain run lengths


def telling_images(truth: Path, predictions: Path, threshold: float) -> Iterator[ExpectedImage]:
    """Yield images that prove most, the best first: several objects are found, few of them just at the threshold.

    The files are ``cocoGt.json`` and ``cocoDt.json`` of an evaluation.

    Raises:
        InputError: A file cannot be read.
    """
    said, found = CocoFile(truth).truth(), CocoFile(predictions).predictions()
    names = {category.id: category.name for category in said.categories}
    by_image: dict[object, list[WireDetection]] = {}
    for row in found.annotations:
        if row.score >= threshold - CLOSE.score and row.bbox is not None:
            by_image.setdefault(row.image_id, []).append(row)
    images = [image for image in said.images if image.sly_id is not None and image.id in by_image]
    images.sort(key=lambda image: _worth(by_image[image.id], threshold), reverse=True)
    for image in images[:_TRIED]:
        rows = sorted(by_image[image.id], key=lambda row: -row.score)
        yield ExpectedImage(
            id=image.sly_id or 0, name=image.file_name, objects=tuple(_object(row, names) for row in rows)
        )


def expected_json(
    image: ExpectedImage, file: str, threshold: float, source: str, tolerance: Tolerance
) -> dict[str, object]:
    """Return the content of ``expected.json``; ``source`` says where the objects come from."""
    return {
        "image": file,
        "name": image.name,
        "source": source,
        "threshold": threshold,
        "tolerance": asdict(tolerance),
        "objects": list(image.objects),
    }


def _worth(rows: Sequence[WireDetection], threshold: float) -> tuple[int, int]:
    clear = sum(row.score >= threshold + CLOSE.score for row in rows)
    return min(clear, _ENOUGH), clear - len(rows)


def _object(row: WireDetection, names: dict[Any, str]) -> dict[str, Any]:
    left, top, width, height = row.bbox or (0.0, 0.0, 0.0, 0.0)
    corners = [round(side, 3) for side in (left, top, left + width, top + height)]
    one: dict[str, Any] = {"class": names[row.category_id], "score": round(row.score, _DIGITS), "box": corners}
    if is_mask(row.segmentation) and isinstance(row.segmentation, dict):
        one["mask"] = {"size": list(row.segmentation["size"]), "counts": _counts(row.segmentation)}
    return one


def _counts(runs: Any) -> list[int]:  # noqa: ANN401 - run lengths of COCO, packed or not
    """Return the lengths of the runs, of which the first one is empty where the first pixel is set."""
    packed = runs if isinstance(runs["counts"], str) else hotcoco.mask.frPyObjects(runs, *runs["size"])
    flat = np.asarray(hotcoco.mask.decode(packed)).ravel(order="F") != 0
    ends = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *ends.tolist(), flat.size]).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths
