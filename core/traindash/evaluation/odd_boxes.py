"""Boxes that other tools count in another way than COCO: told, never turned into what they may have meant.

COCO has the left upper corner, width and height in pixels. Predictions as two corners, as centre and size, or in shares
of the image find next to nothing, and an average precision of 0 does not say why.
"""

from collections.abc import Iterator

import numpy as np

from traindash.evaluation.coco_files import Detections, FloatArray, GroundTruth
from traindash.evaluation.matching import box_ious

_LOOKED_AT = 300  # of the surest predictions
_OVERLAP = 0.5  # intersection over union from which on a prediction finds an object
_LARGEST_SHARE = 1.5  # boxes may reach over the border
_FEWEST = 3  # objects found in another way of counting, so that it is no chance
_LEAST_FOUND = 0.4  # share of predictions that the other way lets find something
_TIMES_MORE = 4
_CORNERS, _CENTRE = "two corners (x1, y1, x2, y2)", "centre, width and height"
_AS_COCO = "COCO has x and y of the left upper corner, width and height in pixels; they were compared as they stand."


def odd_boxes(gt: GroundTruth, dt: Detections) -> Iterator[str]:
    """Yield a sentence where the boxes of one file look like another way of counting.

    Both sides are sorted by image.
    """
    if not len(gt.boxes) or not len(dt.boxes):
        return
    if _are_shares(dt.boxes) and not _are_shares(gt.boxes):
        yield f"All boxes of the predictions look like shares of the image (0 to 1). {_AS_COCO}"
    elif _are_shares(gt.boxes) and not _are_shares(dt.boxes):
        yield f"All boxes of the ground truth look like shares of the image (0 to 1). {_AS_COCO}"
    elif meant := _meant(gt, dt):
        yield f"The boxes of the predictions look like {meant}. {_AS_COCO}"


def _are_shares(boxes: FloatArray) -> bool:
    return bool(np.abs(boxes).max() <= _LARGEST_SHARE)


def _meant(gt: GroundTruth, dt: Detections) -> str:
    """The way of counting in which predictions find objects, if they find hardly any as they stand; else empty."""
    # Not more than there are objects: of a thousand guesses most find nothing, however they are counted
    rows = np.argsort(-dt.scores, kind="stable")[: min(_LOOKED_AT, len(gt.boxes))]
    boxes = dt.boxes[rows]
    # Each prediction beside each object of its image, whatever their classes are
    first, last = (np.searchsorted(gt.image, dt.image[rows], side=side) for side in ("left", "right"))
    which = np.repeat(np.arange(len(rows)), last - first)
    wanted = np.concatenate([np.arange(start, end) for start, end in zip(first, last, strict=True)])

    def found(boxes: FloatArray) -> int:
        meet = (box_ious(boxes[which], gt.boxes[wanted]) >= _OVERLAP) & (boxes[which, 2:] > 0).all(axis=1)
        return min(len(np.unique(which[meet])), len(np.unique(wanted[meet])))

    at, size = boxes[:, :2], boxes[:, 2:]
    readings = {_CORNERS: np.hstack((at, size - at)), _CENTRE: np.hstack((at - size / 2, size))}
    numbers = {name: found(turned) for name, turned in readings.items()}
    best = max(numbers, key=lambda name: numbers[name])
    least = max(_FEWEST, _LEAST_FOUND * len(rows), _TIMES_MORE * found(boxes))
    return best if numbers[best] >= least else ""
