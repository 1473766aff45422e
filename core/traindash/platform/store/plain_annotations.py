"""Annotations of boxes and outlines that need no second look, read straight into types: nearly all that clients send.

What :mod:`traindash.platform.store.incoming_annotations` does for every annotation, in a third of the time for those
that have nothing beside classes, boxes and outlines inside of their image. The others are left to it, as is everything
that is wrong with one, so that it is told in one place.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from traindash.datasets.annotation_json import MAX_SIDE
from traindash.platform.store.incoming_annotations import ANY_SHAPE, ProjectNames, Size
from traindash.platform.store.inner_ids import InnerIds

_HALF = 0.5
# A bound on both sides keeps infinity out as well
_Number: TypeAlias = Annotated[float, Meta(ge=-10 * MAX_SIDE, le=10 * MAX_SIDE)]
_Point: TypeAlias = tuple[_Number, _Number]
_Outline: TypeAlias = Annotated[tuple[_Point, ...], Meta(min_length=3)]
_Nothing: TypeAlias = Annotated[tuple[Any, ...], Meta(max_length=0)]


class _Corners(Struct, forbid_unknown_fields=True):
    exterior: tuple[tuple[int, int], tuple[int, int]]
    interior: _Nothing = ()

    def come_to_pixels(self, size: Size) -> bool:
        """Count pixels from now on; return whether all of it lies in the image."""
        (x1, y1), (x2, y2) = self.exterior
        left, right = (x1, x2) if x1 <= x2 else (x2, x1)
        top, bottom = (y1, y2) if y1 <= y2 else (y2, y1)
        # On the plane a box ends behind its last pixel; one without any extent ends at its first.
        right, bottom = max(left, right - 1), max(top, bottom - 1)
        self.exterior = ((left, top), (right, bottom))
        return left >= 0 and top >= 0 and right < size[0] and bottom < size[1]


class _Outlines(Struct, forbid_unknown_fields=True):
    exterior: _Outline
    interior: tuple[_Outline, ...] = ()

    def come_to_pixels(self, size: Size) -> bool:
        """Count pixels from now on; return whether the outline lies in the image."""
        self.exterior = _in_pixels(self.exterior)
        self.interior = tuple(_in_pixels(hole) for hole in self.interior)
        right, bottom = size[0] - 1, size[1] - 1
        return all(0 <= x <= right and 0 <= y <= bottom for x, y in self.exterior)


class _Object(Struct, forbid_unknown_fields=True, rename="camel", tag_field="geometryType", kw_only=True):
    """What the official SDK writes of an object; one with anything else is not plain."""

    class_title: str
    description: str = ""
    shape: str | UnsetType = UNSET
    nn_created: bool | UnsetType = UNSET
    nn_updated: bool | UnsetType = UNSET
    tags: _Nothing = ()
    class_id: int | UnsetType = UNSET
    id: int | UnsetType = UNSET


class _Rectangle(_Object, tag="rectangle"):
    points: _Corners


class _Polygon(_Object, tag="polygon"):
    points: _Outlines


class _Size(Struct):
    width: int
    height: int


class _Annotation(Struct, forbid_unknown_fields=True, rename="camel"):
    objects: tuple[_Rectangle | _Polygon, ...]
    size: _Size | UnsetType = UNSET
    description: str = ""
    tags: _Nothing = ()
    custom_big_data: dict[str, Any] | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(_Annotation)


def stored_plainly(sent: msgspec.Raw, names: ProjectNames, size: Size, ids: InnerIds) -> str | None:
    """Return the text that is stored for an annotation that measures on the plane, ``None`` where it is not plain.

    ``size`` is that of the image. The text is that of Supervisely's JSON, counts pixels and has ids of this server.
    """
    try:
        read = _DECODER.decode(sent)
    except (msgspec.MsgspecError, ValueError):
        return None
    # An image that lies on its side is looked at for which of its two sizes is meant.
    if read.size is not UNSET and (read.size.width, read.size.height) != size:
        return None
    for item, number in zip(read.objects, ids.several(len(read.objects)), strict=True):
        found = names.classes.get(item.class_title)
        kind = "rectangle" if isinstance(item, _Rectangle) else "polygon"
        if found is None or found.shape not in {kind, ANY_SHAPE} or item.shape not in {kind, UNSET}:
            return None
        if not item.points.come_to_pixels(size):
            return None
        item.id, item.class_id = number, names.class_ids[item.class_title]
    read.size = _Size(*size)
    return msgspec.json.encode(read).decode()


def _in_pixels(points: Sequence[_Point]) -> tuple[_Point, ...]:
    # The corner of an outline lies in the middle of its pixel; whole numbers are written without a fraction.
    return tuple(
        (int(left) if (left := x - _HALF) == int(left) else left, int(top) if (top := y - _HALF) == int(top) else top)
        for x, y in points
    )
