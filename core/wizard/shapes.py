"""Which annotated shapes a model's task can learn from, directly and after conversion.

Source: the classes step of Supervisely's training app, rules of its class shape conversion.
"""

from collections.abc import Mapping

from core.domain.project import ObjectClass

_NATIVE: Mapping[str, frozenset[str]] = {
    "object detection": frozenset({"rectangle", "any"}),
    "instance segmentation": frozenset({"polygon", "bitmap", "any"}),
}
_CONVERTIBLE: Mapping[str, frozenset[str]] = {
    "object detection": frozenset({"polygon", "bitmap"}),
    "instance segmentation": frozenset({"rectangle"}),
}
_TARGET: Mapping[str, str] = {"object detection": "rectangles", "instance segmentation": "polygons"}


def fits(shape: str, task_type: str) -> bool:
    """Return whether objects of a shape are used as they are; true for a task that is not known here."""
    return shape in _NATIVE.get(task_type, frozenset({shape}))


def can_convert(shape: str, task_type: str) -> bool:
    """Return whether objects of a shape become usable by conversion."""
    return shape in _CONVERTIBLE.get(task_type, frozenset())


def target(task_type: str) -> str:
    """Return what shapes are converted to, in the plural."""
    return _TARGET.get(task_type, "the shape that the model needs")


def effect(item: ObjectClass, task_type: str, *, convert: bool) -> str:
    """Return in a few words what happens to the objects of a class: ``used``, ``to rectangles``, ``cannot be used``."""
    if fits(item.shape, task_type):
        return "used as drawn"
    if can_convert(item.shape, task_type):
        return f"converted to {target(task_type)}" if convert else "needs conversion"
    return "cannot be used"
