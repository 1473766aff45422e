"""The two files of an evaluation as columns."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

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
