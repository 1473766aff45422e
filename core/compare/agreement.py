"""Which experiments of a comparison say the same about an object or a false alarm."""

import numpy as np

from core.compare.image_set import ImageSet
from core.evaluation import Evaluation
from core.evaluation.alignment import aligned_objects
from core.evaluation.false_alarms import unshared_alarms
from core.evaluation.records import BoolArray, IntArray


def finders_of(images: ImageSet, confidence: float | None = None) -> tuple[IntArray, IntArray]:
    """Return (M,) how many experiments find each object and (M,) how many were measured on it.

    Args:
        images: The image set.
        confidence: Threshold of the predictions; ``None`` for that of each evaluation.
    """
    finders, measured = np.zeros((2, images.object_count), dtype=np.int64)
    for evaluation, number in zip(images.evaluations, images.objects, strict=True):
        counted = ~evaluation.table.gt_crowd
        finders[number[counted & evaluation.view.found(_threshold(evaluation, confidence))]] += 1
        measured[number[counted]] += 1
    return finders, measured


def raisers_of(images: ImageSet, experiment: int, confidence: float | None = None) -> IntArray:
    """Return (D,) how many other experiments raise the same false alarm; 0 for rows that are none.

    Args:
        images: The image set.
        experiment: Position of the one whose rows they are.
        confidence: Threshold of the predictions; ``None`` for that of each evaluation.

    Raises:
        InputError: The experiments were not measured on the same images and objects.
    """
    own, *others = (
        evaluation if confidence is None else evaluation.at(confidence)
        for evaluation in (
            images.evaluations[experiment],
            *images.evaluations[:experiment],
            *images.evaluations[experiment + 1 :],
        )
    )
    alarms = own.view.accepted(own.confidence) & ~own.view.right
    raisers = np.zeros(alarms.size, dtype=np.int64)
    for other in others:
        aligned_objects(own, other)
        shared = alarms.copy()
        shared[unshared_alarms(own, other)[0].dt] = False
        raisers += shared
    return raisers


def disagreements(images: ImageSet, confidence: float | None = None) -> tuple[BoolArray, IntArray]:
    """Return where experiments disagree at a threshold (``None``: each at its own).

    Returns:
        (M,) objects that some experiments find and others, measured on them too, miss; (N,) by how
        much the number of false alarms in an image differs between the experiments that were measured on it.
    """
    finders, measured = finders_of(images, confidence)
    fewest, most = np.full(images.image_count, np.iinfo(np.int64).max), np.zeros(images.image_count, dtype=np.int64)
    for evaluation, place in zip(images.evaluations, images.places, strict=True):
        view, table = evaluation.view, evaluation.table
        wrong = view.accepted(_threshold(evaluation, confidence)) & ~view.right
        alarms = np.bincount(table.dt_image[wrong], minlength=table.image_count)
        fewest[place], most[place] = np.minimum(fewest[place], alarms), np.maximum(most[place], alarms)
    return (finders > 0) & (finders < measured), np.maximum(most - fewest, 0)


def _threshold(evaluation: Evaluation, confidence: float | None) -> float:
    return evaluation.confidence if confidence is None else confidence
