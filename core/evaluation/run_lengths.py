"""Masks of COCO files as run lengths: compressed, uncompressed or polygons.

hotcoco.mask does the rasterising and the overlaps (equal to pycocotools, the tests compare). Run lengths that do not
fill the image it takes without a word, so they are refused here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from core.evaluation.records import IntArray, Masks
from core.evaluation.run_lengths_check import runs_that_fill
from core.evaluation.wire import CocoFile


def masks_of(file: CocoFile[Any], segmentations: Sequence[Any], image_sizes: IntArray) -> Masks:
    """Return the masks of the annotations of a file.

    Args:
        file: For the errors.
        segmentations: N values of ``segmentation``: run lengths or a list of polygons.
        image_sizes: (N, 2) width and height; 0 where unknown.

    Raises:
        InputError: A mask cannot be used.
    """
    runs: list[dict[str, Any]] = []
    for place, (segmentation, (width, height)) in enumerate(zip(segmentations, image_sizes.tolist(), strict=True)):
        where = ("annotations", place, "segmentation")
        if isinstance(segmentation, list):
            if not width or not height:
                raise file.unusable(where, "a polygon needs width and height of its image")
            if not segmentation or any(len(polygon) % 2 for polygon in segmentation):
                raise file.unusable(where, "a polygon is a list of x, y, x, y, …")
            runs.append(coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width)))
            continue
        if width and height and tuple(segmentation["size"]) != (height, width):
            raise file.unusable(where, f"size is {list(segmentation['size'])}, the image has {[height, width]}")
        runs.append(segmentation)
    filled = runs_that_fill(runs)
    if not filled.all():
        place = int(np.argmin(filled))
        raise file.unusable(("annotations", place, "segmentation"), "the run lengths do not fill the image exactly")
    return Masks(
        runs=tuple(runs),
        boxes=np.asarray(coco_mask.toBbox(runs), dtype=np.float64).reshape(-1, 4),
        areas=np.asarray(coco_mask.area(runs), dtype=np.float64).reshape(-1),
    )
