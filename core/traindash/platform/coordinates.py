"""Two ways to write where something lies in an image.

Files in Supervisely's format count pixels: a rectangle from 3 to 5 covers the pixels 3, 4 and 5. The API, asked with
``integerCoords: false`` (as the official SDK always asks) and told in ``annotations.bulk.add``, measures on a plane in
which pixel 3 reaches from 3.0 to 4.0: the same rectangle ends at 6, and a corner of a polygon lies in the middle of its
pixel, at 3.5. Source: ``_to_subpixel_coordinate_system_json`` and its counterpart
``_to_pixel_coordinate_system_json`` of ``Annotation``, ``Rectangle`` and ``Geometry`` in the SDK 6.74.51.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class _Way:
    """From one of the two to the other."""

    box: Callable[[float, float, float, float], Json]  # left, top, right, bottom → two corners
    point: Callable[[float], float]  # a coordinate of an outline or a line
    node: Callable[[float], float]  # a coordinate of a key point, which is a whole pixel


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


_TO_PLANE = _Way(
    box=lambda x1, y1, x2, y2: [[x1, y1], [x2 + 1, y2 + 1]],
    point=lambda value: value + _HALF,
    node=lambda value: math.floor(value) + _HALF,
)
_TO_PIXELS = _Way(
    box=lambda x1, y1, x2, y2: [[x1, y1], [max(x1, x2 - 1), max(y1, y2 - 1)]],
    point=lambda value: _whole(value - _HALF),
    node=math.floor,
)


def to_plane(annotation: Mapping[str, Json]) -> dict[str, Json]:
    """Return an annotation that counts pixels as one that measures on the plane."""
    return {**annotation, "objects": [object_to_plane(item) for item in annotation["objects"]]}


def object_to_plane(item: Mapping[str, Json]) -> dict[str, Json]:
    """Return an object that counts pixels as one that measures on the plane."""
    return _moved(item, _TO_PLANE)


def object_to_pixels(item: Mapping[str, Json]) -> dict[str, Json]:
    """Return an object that measures on the plane as one that counts pixels."""
    return _moved(item, _TO_PIXELS)


def _moved(item: Mapping[str, Json], way: _Way) -> dict[str, Json]:
    match item:
        case {"geometryType": "rectangle", "points": {"exterior": [[_, _], [_, _]] as corners, **rest}}:
            return {**item, "points": {**rest, "exterior": _box(corners, way)}}
        case {"geometryType": "oriented_bbox", "points": [[_, _], [_, _]] as corners}:
            return {**item, "points": _box(corners, way)}
        case {"points": {"exterior": list(), **_rest}}:
            return {**item, "points": _outline(item["points"], way)}
        case {"parts": [*parts]} if all(isinstance(part, dict) and "exterior" in part for part in parts):
            return {**item, "parts": [_outline(part, way) for part in parts]}
        case {"nodes": {**nodes}}:
            return {**item, "nodes": {key: _node(node, way) for key, node in nodes.items()}}
        case _:
            return dict(item)


def _box(corners: Json, way: _Way) -> Json:
    match corners:
        case [[int() | float() as x1, int() | float() as y1], [int() | float() as x2, int() | float() as y2]]:
            return way.box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        case _:
            return corners


def _outline(points: Mapping[str, Json], way: _Way) -> dict[str, Json]:
    # The SDK wants both keys, also of a line.
    holes = given if isinstance(given := points.get("interior"), list) else []
    return {
        **points,
        "exterior": _each(points["exterior"], way),
        "interior": [_each(hole, way) for hole in holes],
    }


def _node(node: Json, way: _Way) -> Json:
    match node:
        case {"loc": [int() | float() as x, int() | float() as y], **rest}:
            return {**rest, "loc": [way.node(x), way.node(y)]}
        case _:
            return node


def _each(points: Json, way: _Way) -> Json:
    try:
        return [[way.point(x), way.point(y)] for x, y in points]
    except (TypeError, ValueError, OverflowError):  # of shapes that are kept as they came, nobody promised the form
        return points
