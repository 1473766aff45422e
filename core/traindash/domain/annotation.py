"""Labels on an image: an object class, a geometry, tags.

Coordinates are pixels of the original image, x to the right and y down, as in the Supervisely annotation format
(https://docs.supervisely.com/data-organization/00_ann_format_navi).
"""

from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
"""An (x, y) pair in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """An axis-aligned box; Supervisely shape name ``rectangle``.

    Attributes:
        left: Smallest x, pixels.
        top: Smallest y, pixels.
        right: Largest x, pixels, not less than ``left``.
        bottom: Largest y, pixels, not less than ``top``.
    """

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A filled outline with holes; Supervisely shape name ``polygon``.

    Attributes:
        exterior: At least three points, not closed (the last point joins the first).
        interior: Outlines of the holes, each like ``exterior``.
    """

    # Under Supervisely's own keys: msgspec reads the JSON of an object's ``points`` straight into this.
    exterior: tuple[Point, ...]
    interior: tuple[tuple[Point, ...], ...] = ()


# Kept packed: most masks are looked at never or once, and a project has a million of them.
@dataclass(frozen=True, slots=True, kw_only=True)
class Bitmap:
    """A pixel mask; Supervisely shape name ``bitmap``.

    Attributes:
        origin: Pixel (x, y) of the mask's top left corner in the image.
        data: The mask as Supervisely writes it: base64 of a zlib-compressed single-channel or RGBA PNG.
    """

    origin: tuple[int, int]
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherGeometry:
    """A geometry that no trainer here uses (polyline, point, cuboid, …), kept so that nothing is lost.

    Attributes:
        shape: Supervisely shape name.
        json: The geometry's own JSON text, unchanged.
    """

    shape: str
    json: str


# A closed union, so that mypy names every match that a new geometry has to be added to.
Geometry: TypeAlias = Rectangle | Polygon | Bitmap | OtherGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag set on an image or an object.

    Attributes:
        name: Name of the tag in the project meta.
        value: ``None`` for tags of value type ``none``.
    """

    name: str
    value: str | int | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One annotated object.

    Attributes:
        class_name: Name of its object class in the project meta.
        geometry: Where it is.
        tags: Tags of the object, not of the image.
        id: Object id on the server, ``None`` before it has one.
    """

    class_name: str
    geometry: Geometry
    tags: tuple[Tag, ...] = ()
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Everything drawn on one image.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        labels: Objects in drawing order.
        tags: Tags of the image as a whole.
    """

    width: int
    height: int
    labels: tuple[Label, ...] = ()
    tags: tuple[Tag, ...] = ()


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
