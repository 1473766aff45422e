"""What is said about annotated shapes; the rules are those of the training itself."""

from collections.abc import Mapping

from core.datasets.shape_fit import DETECTION, SEGMENTATION, ShapeFit, shape_fit
from core.domain.project import ObjectClass

_TARGET: Mapping[str, str] = {DETECTION: "rectangles", SEGMENTATION: "polygons"}


def fit(shape: str, task_type: str) -> ShapeFit:
    """Return how a shape suits a task; a task that is not known here takes every shape as it is."""
    return shape_fit(shape, task_type) if task_type in _TARGET else ShapeFit.READY


def target(task_type: str) -> str:
    """Return what shapes are converted to, in the plural."""
    return _TARGET.get(task_type, "the shape that the model needs")


def effect(item: ObjectClass, task_type: str, *, convert: bool) -> str:
    """Return in a few words what happens to the objects of a class, e.g. ``to rectangles``."""
    match fit(item.shape, task_type):
        case ShapeFit.READY:
            return "used as drawn"
        case ShapeFit.UNUSABLE:
            return "cannot be used"
        case ShapeFit.ROUGH if convert:
            return f"to {target(task_type)}, roughly"
        case ShapeFit.CONVERTED if convert:
            return f"to {target(task_type)}"
        case _:
            return "needs conversion"
