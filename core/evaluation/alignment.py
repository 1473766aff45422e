"""Two evaluations of the same objects: which row of one is which row of the other."""

from collections.abc import Sequence

import numpy as np

from core.errors import InputError
from core.evaluation.evaluation import Evaluation
from core.evaluation.records import CocoPair, IntArray


def aligned_objects(a: Evaluation, b: Evaluation) -> IntArray:
    """Return (G,) for each object of ``a`` the row of the same object in ``b``.

    Raises:
        InputError: Images, classes or objects are not the same.
    """
    hint = "Score both again on the images they have in common first."
    if a.classes != b.classes:
        message = "The two evaluations have different classes."
        raise InputError(message, hint)
    if _image_names(a.pair) != _image_names(b.pair):
        message = "The two evaluations hold different images, or in a different order."
        raise InputError(message, hint)
    order_a, order_b = _order(a.pair), _order(b.pair)
    if not _same_objects(a.pair, order_a, b.pair, order_b):
        message = "The annotations changed between the two evaluations."
        raise InputError(message, hint)
    rows = np.empty(order_a.size, dtype=np.int64)
    rows[order_a] = order_b
    return rows


def are_aligned(evaluations: Sequence[Evaluation]) -> bool:
    """Return whether evaluations are of the same images in the same order, the same classes and the same objects."""
    try:
        for other in evaluations[1:]:
            aligned_objects(evaluations[0], other)
    except InputError:
        return False
    return True


def _image_names(pair: CocoPair) -> tuple[object, ...]:
    return pair.images.datasets, pair.images.file_names, pair.images.sizes.tolist()


def _order(pair: CocoPair) -> IntArray:
    """Return the rows of the objects in an order that does not depend on the file."""
    return np.lexsort((pair.gt.area, pair.gt.crowd, *pair.gt.boxes.T, pair.gt.category, pair.gt.image))


def _same_objects(a: CocoPair, order_a: IntArray, b: CocoPair, order_b: IntArray) -> bool:
    columns = ((a.gt.image, b.gt.image), (a.gt.category, b.gt.category), (a.gt.boxes, b.gt.boxes))
    return (
        order_a.size == order_b.size
        and all(np.array_equal(x[order_a], y[order_b]) for x, y in columns)
        and np.array_equal(a.gt.crowd[order_a], b.gt.crowd[order_b])
    )
