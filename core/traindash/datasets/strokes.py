"""Shapes that nothing is trained on, as lines and dots, so that people see what came in.

Forms: ``GraphNodes``, ``Point``, ``Polyline`` and ``Cuboid`` of the official SDK 6.74.51; key points are joined as the
skeleton of their class says (``geometry_config``).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from traindash.datasets.key_points import SHAPE
from traindash.domain.annotation import OtherGeometry, Point
from traindash.domain.project import ObjectClass


class Strokes(NamedTuple):
    """What is drawn of a shape, in pixels of its image."""

    dots: tuple[Point, ...]
    lines: tuple[tuple[Point, ...], ...]  # each through at least two points


def strokes(geometry: OtherGeometry, object_class: ObjectClass | None) -> Strokes:
    """Return the dots and lines of a shape; nothing of one that is damaged or not known."""
    try:
        content = json.loads(geometry.json)
        match geometry.shape:
            case "graph":
                return _graph(content, object_class)
            case "point":
                return Strokes(tuple(map(_point, content["points"]["exterior"])), ())
            case "line" | "polyline":
                return Strokes((), (tuple(map(_point, content["points"]["exterior"])),))
            case "cuboid":
                corners = [_point(corner) for corner in content["points"]]
                faces = (tuple(corners[number] for number in (*face, face[0])) for face in content["faces"])
                return Strokes((), tuple(faces))
            case _:
                return Strokes((), ())
    except (ValueError, TypeError, LookupError, AttributeError):  # a damaged shape must not hide the image
        return Strokes((), ())


def _graph(content: Mapping[str, Any], object_class: ObjectClass | None) -> Strokes:
    places: dict[str, Point] = {name: _point(node["loc"]) for name, node in content["nodes"].items()}
    joined = [(edge.get("src"), edge.get("dst")) for edge in _skeleton(object_class).get("edges", ())]
    lines = tuple((places[a], places[b]) for a, b in joined if a in places and b in places)
    return Strokes(tuple(places.values()), lines)


def _skeleton(object_class: ObjectClass | None) -> Mapping[str, Any]:
    said = object_class.extra.get("geometry_config") if object_class and object_class.shape == SHAPE else None
    return said if isinstance(said, Mapping) else {}


def _point(pair: Sequence[float]) -> Point:
    x, y = pair
    return float(x), float(y)
