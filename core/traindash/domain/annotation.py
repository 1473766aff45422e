"""Labels on an image: an object class, a geometry, tags.

Coordinates are pixels of the original image, x to the right and y down, as in the Supervisely annotation format
(https://docs.supervisely.com/data-organization/00_ann_format_navi).

``extra`` holds what Supervisely's JSON says without a field of its own here, as it came; it is written back wherever
the annotation goes. Ids that a server gives are not among it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]  # an (x, y) pair in pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """An axis-aligned box; Supervisely shape name ``rectangle``."""

    left: float  # smallest x, pixels
    top: float  # smallest y, pixels
    right: float  # largest x, pixels, not less than `left`
    bottom: float  # largest y, pixels, not less than `top`


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A filled outline with holes; Supervisely shape name ``polygon``."""

    # Under Supervisely's own keys: msgspec reads the JSON of an object's ``points`` straight into this.
    exterior: tuple[Point, ...]  # at least three points, not closed (the last point joins the first)
    interior: tuple[tuple[Point, ...], ...] = ()  # outlines of the holes, each like `exterior`


# Kept packed: most masks are looked at never or once, and a project has a million of them.
@dataclass(frozen=True, slots=True, kw_only=True)
class Bitmap:
    """A pixel mask; Supervisely shape name ``bitmap``."""

    origin: tuple[int, int]  # pixel (x, y) of the mask's top left corner in the image
    data: str  # the mask as Supervisely writes it: base64 of a zlib-compressed single-channel or RGBA PNG


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherGeometry:
    """A geometry that no trainer here uses (polyline, point, cuboid, …), kept so that nothing is lost."""

    shape: str  # Supervisely shape name
    json: str  # the geometry's own JSON text, unchanged


# A closed union, so that mypy names every match that a new geometry has to be added to.
Geometry: TypeAlias = Rectangle | Polygon | Bitmap | OtherGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag set on an image or an object."""

    name: str  # name of the tag in the project meta
    value: str | int | float | None = None  # `None` for tags of value type `none`
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)  # what Supervisely says of it besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One annotated object."""

    class_name: str  # name of its object class in the project meta
    geometry: Geometry  # where it is
    tags: tuple[Tag, ...] = ()  # tags of the object, not of the image
    id: int | None = None  # object id on the server, `None` before it has one
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)  # `description`, `labelerLogin`, …


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Everything drawn on one image."""

    width: int  # image width in pixels
    height: int  # image height in pixels
    labels: tuple[Label, ...] = ()  # objects in drawing order
    tags: tuple[Tag, ...] = ()  # tags of the image as a whole
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)  # `description`, `customBigData`, …


def shape_name(geometry: Geometry) -> str:
    """Return the Supervisely name of a geometry's shape."""
    match geometry:
        case Rectangle():
            return "rectangle"
        case Polygon():
            return "polygon"
        case Bitmap():
            return "bitmap"
        case OtherGeometry(shape=shape):
            return shape
