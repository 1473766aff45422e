"""The two files of an evaluation as columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


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
        scores: (D,) 0..1.
        sly_ids: (D,) ids on the platform; -1 where the file has none.
    """

    place: IntArray
    image: IntArray
    category: IntArray
    boxes: FloatArray
    scores: FloatArray
    sly_ids: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoPair:
    """Ground truth and predictions of one evaluation, checked and sorted.

    Attributes:
        images: The images of the ground truth.
        category_ids: (K,) ids in the files, ascending.
        classes: K names in the same order.
        gt: Objects.
        dt: Predictions.
    """

    images: Images
    category_ids: IntArray
    classes: tuple[str, ...]
    gt: GroundTruth
    dt: Detections
