"""Where an object is, in Supervisely's format, and as a person changes it: by its box, or by its outlines.

Outlines are told by positions, 0 at the left and upper edge of the image; one within another is a hole.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from traindash.datasets.annotation_json import annotation_from_json, geometry_to_json
from traindash.datasets.contours import MASK_TOLERANCE, Outline, filled, trace
from traindash.datasets.geometry import decode_mask, encode_mask, has_area, set_extent, to_pixels, to_positions
from traindash.domain.annotation import Bitmap, Geometry, Polygon, Rectangle
from traindash.errors import InputError
from traindash.language import gettext as _

PLACES = frozenset({"points", "bitmap"})  # keys of an object that say where it is


def read_geometry(content: Mapping[str, Any]) -> Geometry | None:
    """Return where an object is; ``None`` where it does not say it."""
    # Names of class and tags, which what was drawn here has not yet, do not matter to the place
    row = {"classTitle": "any", "geometryType": content.get("geometryType"), "tags": [], **place_of(content)}
    try:
        return annotation_from_json({"size": {"width": 1, "height": 1}, "objects": [row]}, where="").labels[0].geometry
    except InputError:
        return None


def place_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says where an object is."""
    return {key: value for key, value in content.items() if key in PLACES}


def borders_of(geometry: Geometry) -> tuple[Outline, ...]:
    """Return the outlines of a polygon or a mask; other shapes have none."""
    match geometry:
        case Polygon():
            parts: Sequence[Polygon] = (to_positions(geometry),)
        case Bitmap(origin=origin):
            parts = trace(decode_mask(geometry), tolerance=MASK_TOLERANCE, corners=True, origin=origin)
        case _:
            parts = ()
    return tuple(outline for part in parts for outline in (part.exterior, *part.interior))


def box_json(shape: str, box: Rectangle, size: tuple[int, int]) -> dict[str, Any]:
    """Write a box as an object of a shape on an image of a size, which is width and height."""
    left, top, right, bottom = (round(side) for side in (box.left, box.top, box.right, box.bottom))
    if shape == "rectangle":
        return {"points": {"exterior": [[left, top], [right, bottom]], "interior": []}}
    corners = ((left, top), (right + 1, top), (right + 1, bottom + 1), (left, bottom + 1))
    return outlined_json(shape, [corners], size)


def outlined_json(shape: str, outlines: Sequence[Outline], size: tuple[int, int]) -> dict[str, Any]:
    """Write outlines by positions as an object of a shape on an image of a size, which is width and height.

    Raises:
        InputError: They enclose nothing.
    """
    if shape == "polygon":
        exterior, *interior = outlines
        pixels = to_pixels(Polygon(exterior=exterior, interior=tuple(interior)))
        if has_area(pixels.exterior):
            return geometry_to_json(
                Polygon(exterior=_whole(pixels.exterior), interior=tuple(map(_whole, pixels.interior)))
            )
    else:
        mask = filled(outlines, *size)
        if (extent := set_extent(mask)) is not None:
            rows, columns = extent
            return geometry_to_json(encode_mask(mask[extent], (columns.start, rows.start)))
    raise InputError(_("Nothing is left inside of the outline."), _("Reject the label instead."))


def _whole(outline: Outline) -> Outline:
    return tuple((round(x), round(y)) for x, y in outline)
