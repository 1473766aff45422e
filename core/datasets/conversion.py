"""Conversion of the shapes people drew into what a model's task uses; :mod:`core.datasets.shape_fit` has the rules."""

from collections.abc import Iterable
from dataclasses import replace

from core.datasets.contours import trace
from core.datasets.geometry import bounds, decode_mask, outline_area, tight_bounds, to_positions
from core.datasets.shape_fit import DETECTION, ShapeFit, shape_fit
from core.domain.annotation import Bitmap, Geometry, Label, OtherGeometry, Point, Polygon, Rectangle, shape_name
from core.domain.project import ObjectClass, ProjectMeta

OUTLINE_TOLERANCE = 0.75
"""Pixels by which the outline made of a mask may miss it; training labels need no more."""
_SPECK = 0.01
"""Parts of a mask smaller than this share of the largest part are specks of the brush."""


def unsuitable_shapes(
    meta: ProjectMeta, classes: Iterable[str], task_type: str, *, convert: bool
) -> tuple[ObjectClass, ...]:
    """Return those of the chosen classes that a task cannot use.

    Args:
        meta: Meta of the project.
        classes: Names of the chosen classes.
        task_type: :data:`DETECTION` or :data:`SEGMENTATION`.
        convert: Whether shapes are converted; without it only those suit that the task uses as they are.
    """
    chosen = set(classes)
    suits = set(ShapeFit) - {ShapeFit.UNUSABLE} if convert else {ShapeFit.READY}
    return tuple(item for item in meta.classes if item.name in chosen and shape_fit(item.shape, task_type) not in suits)


def converted_meta(meta: ProjectMeta, classes: Iterable[str], task_type: str) -> ProjectMeta:
    """Return the meta a model is trained with: the chosen classes in the meta's order, in the task's own shape."""
    chosen = set(classes)
    shape = "rectangle" if task_type == DETECTION else "bitmap"
    kept = tuple(replace(item, shape=shape) for item in meta.classes if item.name in chosen)
    return replace(meta, classes=kept)


def convert_label(label: Label, task_type: str) -> tuple[Label, ...]:
    """Convert an object to what a task uses.

    Detection: the rectangle around it. Segmentation: masks and polygons as they are, a rectangle as a polygon.

    Returns:
        One label, or none if the geometry cannot be used or is empty.

    Raises:
        InputError: The task type is unknown, or a mask is damaged.
    """
    geometry = _box(label.geometry) if task_type == DETECTION else _region(label.geometry, task_type)
    return () if geometry is None else (replace(label, geometry=geometry),)


def _box(geometry: Geometry) -> Rectangle | None:
    return tight_bounds(geometry) if isinstance(geometry, Bitmap) else bounds(geometry)


def _region(geometry: Geometry, task_type: str) -> Polygon | Bitmap | None:
    if shape_fit(shape_name(geometry), task_type) is ShapeFit.UNUSABLE:
        return None
    match geometry:
        case Polygon() | Bitmap():
            return geometry
        case Rectangle(left=left, top=top, right=right, bottom=bottom):
            return Polygon(exterior=((left, top), (right, top), (right, bottom), (left, bottom)))
        case OtherGeometry():
            return None


def outlines(geometry: Geometry) -> tuple[Polygon, ...]:
    """Return the borders of a geometry's parts for training and measuring, largest first; none if it has no area.

    Unlike everywhere else, points are positions and not pixels: 0 is the left or upper edge of the image, so that the
    area inside is the number of pixels covered. Specks of a mask are left out.

    Raises:
        InputError: A mask is damaged.
    """
    match geometry:
        case Polygon():
            return (to_positions(geometry),)
        case Rectangle(left=left, top=top):
            right, bottom = geometry.right + 1, geometry.bottom + 1
            return (Polygon(exterior=((left, top), (right, top), (right, bottom), (left, bottom))),)
        case Bitmap(origin=(x, y)):
            parts = trace(decode_mask(geometry), tolerance=OUTLINE_TOLERANCE, corners=True)
            large = (part for part in parts if outline_area(part.exterior) >= _SPECK * outline_area(parts[0].exterior))
            return tuple(_moved(part, x, y) for part in large)
        case OtherGeometry():
            return ()


def _moved(part: Polygon, right: float, down: float) -> Polygon:
    holes = tuple(_shift(hole, right, down) for hole in part.interior)
    return Polygon(exterior=_shift(part.exterior, right, down), interior=holes)


def _shift(points: tuple[Point, ...], right: float, down: float) -> tuple[Point, ...]:
    return tuple((x + right, y + down) for x, y in points)
