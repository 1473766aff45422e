"""In which order images are looked at."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np

from core.compare.agreement import disagreements
from core.compare.image_hits import Hits, find
from core.compare.image_query import ImageQuery, Outcome
from core.compare.image_set import ImageSet
from core.evaluation.records import IntArray


class ImageOrder(StrEnum):
    """What comes first."""

    ENTRIES = "Most of these"
    DISAGREEMENT = "Most disagreement"
    MISSES = "Most missed objects"
    FALSE_ALARMS = "Most false alarms"
    OBJECTS = "Most objects"
    NAME = "File name"


def ordered(hits: Hits, images: ImageSet, order: ImageOrder, confidence: float | None = None) -> IntArray:
    """Return the images of entries, each once; ties are in the order of the set.

    Args:
        hits: What the images are looked at for.
        images: The image set.
        order: What comes first.
        confidence: Threshold of the predictions; ``None`` for that of each evaluation.
    """
    found = np.unique(hits.image)
    if order is ImageOrder.ENTRIES:
        return hits.images
    if order is ImageOrder.NAME:
        return np.array(sorted(found.tolist(), key=images.name), dtype=np.int64)
    count = _COUNTS[order](images, confidence)[found]
    return found[np.argsort(-count, kind="stable")]


def _disputes(images: ImageSet, confidence: float | None) -> IntArray:
    """Return (N,) objects that some experiments find and others miss, and false alarms that not all of them raise."""
    disputed, spread = disagreements(images, confidence)
    number, image = _every_object(images)
    result: IntArray = np.bincount(image[disputed[number]], minlength=images.image_count) + spread
    return result


def _outcomes(outcome: Outcome) -> Callable[[ImageSet, float | None], IntArray]:
    def count(images: ImageSet, confidence: float | None) -> IntArray:
        query = ImageQuery(title="", outcomes=(outcome,), confidence=confidence)
        return np.bincount(find(query, images).image, minlength=images.image_count)

    return count


def _objects(images: ImageSet, confidence: float | None) -> IntArray:
    del confidence
    return np.bincount(_every_object(images)[1], minlength=images.image_count)


def _every_object(images: ImageSet) -> tuple[IntArray, IntArray]:
    """Return (M,) the numbers of all countable objects, each once, and (M,) the image each is on."""
    numbers, places = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for evaluation, place, number in zip(images.evaluations, images.places, images.objects, strict=True):
        counted = ~evaluation.table.gt_crowd
        numbers.append(number[counted])
        places.append(place[evaluation.table.gt_image[counted]])
    unique, first = np.unique(np.concatenate(numbers), return_index=True)
    return unique, np.concatenate(places)[first]


_COUNTS: Mapping[ImageOrder, Callable[[ImageSet, float | None], IntArray]] = {
    ImageOrder.DISAGREEMENT: _disputes,
    ImageOrder.MISSES: _outcomes(Outcome.MISSED),
    ImageOrder.FALSE_ALARMS: _outcomes(Outcome.FALSE_ALARM),
    ImageOrder.OBJECTS: _objects,
}
