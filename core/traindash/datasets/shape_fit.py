"""What a model's task can use of the shapes people drew. Loads no numpy: a launch from the command line needs it too.

Rules of Supervisely's training apps (``ClassesSelector.classify_incompatible_classes`` of the official SDK): detection
takes the box around any shape; instance segmentation takes masks and polygons. We also let a rectangle stand for the
mask of its object, which a real server refuses: :attr:`ShapeFit.ROUGH`, so that pages can warn.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from enum import StrEnum

from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.errors import InputError
from traindash.formatting import task_word
from traindash.language import gettext as _

DETECTION = "object detection"
SEGMENTATION = "instance segmentation"


class ShapeFit(StrEnum):
    """How a shape suits a task."""

    READY = "ready"
    CONVERTED = "converted"
    ROUGH = "rough"
    UNUSABLE = "unusable"


# A point has no extent, so there is no box around it
_BOXABLE = frozenset({"polygon", "bitmap", "line", "polyline", "graph"})


def shape_fit(shape: str, task_type: str) -> ShapeFit:
    """Return how a class of a shape suits a task. ``any`` is ready: its objects are looked at one by one.

    Raises:
        InputError: The task type is neither.
    """
    if task_type == DETECTION:
        if shape in ("rectangle", "any"):
            return ShapeFit.READY
        return ShapeFit.CONVERTED if shape in _BOXABLE else ShapeFit.UNUSABLE
    if task_type == SEGMENTATION:
        if shape in ("bitmap", "polygon", "any"):
            return ShapeFit.READY
        return ShapeFit.ROUGH if shape == "rectangle" else ShapeFit.UNUSABLE
    msg = _("Shapes cannot be converted for the task “{task}”.").format(task=task_word(task_type))
    raise InputError(msg, _("Choose a model for object detection or instance segmentation."))


def unsuitable_shapes(
    meta: ProjectMeta, classes: Iterable[str], task_type: str, *, convert: bool
) -> tuple[ObjectClass, ...]:
    """Return those of the chosen classes that a task cannot use, or cannot use as they are unless it may convert."""
    chosen = set(classes)
    suits = set(ShapeFit) - {ShapeFit.UNUSABLE} if convert else {ShapeFit.READY}
    return tuple(item for item in meta.classes if item.name in chosen and shape_fit(item.shape, task_type) not in suits)


def default_classes(meta: ProjectMeta) -> tuple[str, ...]:
    """Return the classes that are trained where nobody names any: all but those of key points.

    Key points repeat objects that other classes have; a detector would learn a second box around each of them. They are
    trained where a project has nothing else.
    """
    names = tuple(item.name for item in meta.classes if item.shape != "graph")
    return names or tuple(item.name for item in meta.classes)


def converted_meta(meta: ProjectMeta, classes: Iterable[str], task_type: str) -> ProjectMeta:
    """Return the meta a model is trained with: the chosen classes in the meta's order, in the task's own shape."""
    chosen = set(classes)
    # A model of instance segmentation predicts masks, whatever shapes it learned from.
    shape = "rectangle" if task_type == DETECTION else "bitmap"
    # What Supervisely says besides is about the project: a skeleton of key points does not fit the new shape.
    kept = tuple(replace(item, shape=shape, extra={}) for item in meta.classes if item.name in chosen)
    return replace(meta, classes=kept, extra={})


def common_shape(shapes: Collection[str]) -> str:
    """Return the shape for a class whose objects have these: the only one, ``any`` for several."""
    if len(shapes) > 1:
        return "any"
    return next(iter(shapes), "rectangle")  # a class without objects: boxes are what most people draw
