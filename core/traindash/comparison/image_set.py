"""The images and objects of all experiments of a comparison, each once, whatever order the files have them in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traindash.comparison.experiment import Comparison
from traindash.comparison.palette import SeriesStyle
from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.comparability import MeasuredModel, identities, identity_kind
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.flow import aligned_objects, unshared_alarms


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """N images and M objects that at least one of the E experiments with an evaluation was measured on."""

    keys: tuple[str, ...]  # (E) keys of the experiments
    labels: tuple[str, ...]
    styles: tuple[SeriesStyle, ...]
    evaluations: tuple[Evaluation, ...]  # (E) their evaluations
    rows: IntArray  # (E, N) row of the image in the experiment's evaluation, -1 where it is not there
    # (E) arrays (I) with the place in this set of each image of the experiment's evaluation
    places: tuple[IntArray, ...]
    # (E) arrays (G) with the number of each object of the experiment's evaluation, 0 to M - 1
    objects: tuple[IntArray, ...]
    object_count: int  # M
    baseline: int | None  # position of the baseline among the E experiments; `None` where it has no evaluation

    @property
    def image_count(self) -> int:
        """N."""
        return int(self.rows.shape[1])

    @property
    def has_masks(self) -> bool:
        """Whether any of the evaluations compares masks."""
        return any(evaluation.masks is not None for evaluation in self.evaluations)

    def first_with(self, image: int) -> int:
        """Return the position of the first experiment that was measured on an image; best one that knows its masks."""
        measured = np.flatnonzero(self.rows[:, image] >= 0).tolist()
        return next((one for one in measured if self.evaluations[one].masks is not None), measured[0])

    def home(self, image: int) -> tuple[Evaluation, int]:
        """Return the first evaluation that has an image, and the image's row in it."""
        experiment = self.first_with(image)
        return self.evaluations[experiment], int(self.rows[experiment, image])

    def name(self, image: int) -> str:
        """Return dataset and file name of an image."""
        evaluation, row = self.home(image)
        images = evaluation.pair.images
        return f"{images.datasets[row]}/{images.file_names[row]}".lstrip("/")

    def sly_id(self, image: int) -> int | None:
        """Return the platform's id of an image, ``None`` where no file has one."""
        for evaluation, row in zip(self.evaluations, self.rows[:, image].tolist(), strict=True):
            if row >= 0 and (found := int(evaluation.pair.images.sly_ids[row])) >= 0:
                return found
        return None

    def size(self, image: int) -> tuple[int, int]:
        """Return width and height of an image in pixels; 0 where the file does not say."""
        evaluation, row = self.home(image)
        width, height = evaluation.pair.images.sizes[row].tolist()
        return int(width), int(height)


def image_set(comparison: Comparison) -> ImageSet:
    """Bring the images and objects of a comparison together; of no experiments, an empty set."""
    keys = tuple(experiment.key for experiment, _ in comparison.evaluated)
    evaluations = tuple(evaluation for _, evaluation in comparison.evaluated)
    places, count = _places(evaluations)
    rows = np.full((len(evaluations), count), -1, dtype=np.int64)
    for line, place in zip(rows, places, strict=True):
        line[place] = np.arange(place.size)
    objects, object_count = _objects(evaluations, places)
    first = comparison.experiments[comparison.baseline].key if comparison.experiments else ""
    return ImageSet(
        keys=keys,
        labels=tuple(experiment.label for experiment, _ in comparison.evaluated),
        styles=tuple(experiment.style for experiment, _ in comparison.evaluated),
        evaluations=evaluations,
        rows=rows,
        places=places,
        objects=objects,
        object_count=object_count,
        baseline=keys.index(first) if first in keys else None,
    )


def _places(evaluations: Sequence[Evaluation]) -> tuple[tuple[IntArray, ...], int]:
    """Return for each evaluation the places (I) of its images, and how many images there are together."""
    if not evaluations:
        return (), 0
    first = evaluations[0].pair.images
    heads = [(one.pair.images.datasets, one.pair.images.file_names) for one in evaluations]
    if all(head == heads[0] for head in heads) and all(
        np.array_equal(one.pair.images.sly_ids, first.sly_ids) for one in evaluations
    ):  # the usual case: one validation set
        place = np.arange(first.ids.size)
        return (place,) * len(evaluations), place.size
    models = [MeasuredModel(name="", evaluation=one) for one in evaluations]
    kind = identity_kind(models)
    numbers: dict[tuple[str, int], int] = {}
    places = [
        np.array([numbers.setdefault(name, len(numbers)) for name in identities(model, kind)], dtype=np.int64)
        for model in models
    ]
    return tuple(places), len(numbers)


def _objects(evaluations: Sequence[Evaluation], places: Sequence[IntArray]) -> tuple[tuple[IntArray, ...], int]:
    """Return for each evaluation the numbers (G) of its objects: the same image, class and box is the same object."""
    names = {name: k for k, name in enumerate(sorted({name for one in evaluations for name in one.classes}))}
    tables = [_description(one, place, names) for one, place in zip(evaluations, places, strict=True)]
    if not tables:
        return (), 0
    if all(np.array_equal(table, tables[0]) for table in tables):
        number = np.arange(len(tables[0]))
        return (number,) * len(tables), number.size
    unique, inverse = np.unique(np.concatenate(tables), axis=0, return_inverse=True)
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return tuple(np.split(inverse.reshape(-1).astype(np.int64), ends)), len(unique)


def _description(evaluation: Evaluation, place: IntArray, names: dict[str, int]) -> FloatArray:
    """Return (G, 7) image, class, box of each object, and its turn among those that agree in all of these."""
    gt = evaluation.pair.gt
    category = np.array([names[name] for name in evaluation.classes], dtype=np.int64)[gt.category]
    table = np.column_stack([place[gt.image], category, gt.boxes])
    order = np.lexsort(table.T)
    same = np.append([False], (table[order][1:] == table[order][:-1]).all(axis=1))[: order.size]
    position = np.arange(order.size)
    turn = np.empty(order.size)
    turn[order] = position - np.maximum.accumulate(np.where(same, 0, position))
    return np.column_stack([table, turn])


# Which experiments of a comparison say the same about an object or a false alarm.


def finders_of(images: ImageSet, confidence: float | None = None) -> tuple[IntArray, IntArray]:
    """Return (M,) how many experiments find each object, and (M,) how many were measured on it.

    At one threshold for all, or each at its own.
    """
    finders, measured = np.zeros((2, images.object_count), dtype=np.int64)
    for evaluation, number in zip(images.evaluations, images.objects, strict=True):
        counted = ~evaluation.table.gt_crowd
        finders[number[counted & evaluation.view.found(_threshold(evaluation, confidence))]] += 1
        measured[number[counted]] += 1
    return finders, measured


def raisers_of(images: ImageSet, experiment: int, confidence: float | None = None) -> IntArray:
    """Return (D,) how many others raise the same false alarm as an experiment; 0 for rows that are none.

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
