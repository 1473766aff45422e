"""The images and objects of all experiments of a comparison, each once, whatever order the files have them in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.compare.experiment import Comparison
from core.compare.palette import SeriesStyle
from core.evaluation import Evaluation, MeasuredModel
from core.evaluation.identity import identities, identity_kind
from core.evaluation.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """N images and M objects that at least one of the E experiments with an evaluation was measured on.

    Attributes:
        keys: (E) keys of the experiments.
        labels: (E) their names.
        styles: (E) their looks.
        evaluations: (E) their evaluations.
        rows: (E, N) row of the image in the experiment's evaluation, -1 where it is not there.
        places: (E) arrays (I) with the place in this set of each image of the experiment's evaluation.
        objects: (E) arrays (G) with the number of each object of the experiment's evaluation, 0 to M - 1.
        object_count: M.
        baseline: Position of the baseline among the E experiments; ``None`` where it has no evaluation.
    """

    keys: tuple[str, ...]
    labels: tuple[str, ...]
    styles: tuple[SeriesStyle, ...]
    evaluations: tuple[Evaluation, ...]
    rows: IntArray
    places: tuple[IntArray, ...]
    objects: tuple[IntArray, ...]
    object_count: int
    baseline: int | None

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
