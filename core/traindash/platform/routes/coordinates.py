"""Two ways to write where something lies in an image.

Files in Supervisely's format count pixels: a rectangle from 3 to 5 covers the pixels 3, 4 and 5. The API, asked with
``integerCoords: false`` (as the official SDK always asks), measures on a continuous plane in which pixel 3 reaches from
3.0 to 4.0: the same rectangle ends at 6, and a corner of a polygon lies in the middle of its pixel, at 3.5. Source:
``_to_subpixel_coordinate_system_json`` of ``Annotation``, ``Rectangle`` and ``Geometry`` in the SDK 6.74.51, which
undoes exactly this after each download.
"""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any
_HALF = 0.5


def to_plane(annotation: Mapping[str, Json]) -> dict[str, Json]:
    """Return an annotation that counts pixels as one that measures on the plane."""
    return {**annotation, "objects": [_object_to_plane(item) for item in annotation["objects"]]}


def _object_to_plane(item: Mapping[str, Json]) -> dict[str, Json]:
    match item:
        case {"geometryType": "rectangle", "points": {"exterior": [[x1, y1], [x2, y2]], **rest}}:
            return {**item, "points": {**rest, "exterior": _box(x1, y1, x2, y2)}}
        case {"geometryType": "oriented_bbox", "points": [[x1, y1], [x2, y2]]}:
            return {**item, "points": _box(x1, y1, x2, y2)}
        case {"points": {"exterior": list(), **_rest}}:
            return {**item, "points": _outline(item["points"])}
        case {"parts": [*parts]} if all(isinstance(part, dict) and "exterior" in part for part in parts):
            return {**item, "parts": [_outline(part) for part in parts]}
        case {"nodes": {**nodes}}:
            return {**item, "nodes": {key: _node(node) for key, node in nodes.items()}}
        case _:
            return dict(item)


def _box(x1: float, y1: float, x2: float, y2: float) -> list[list[float]]:
    return [[min(x1, x2), min(y1, y2)], [max(x1, x2) + 1, max(y1, y2) + 1]]


def _outline(points: Mapping[str, Json]) -> dict[str, Json]:
    moved: dict[str, Json] = {"exterior": _middles(points["exterior"])}
    if "interior" in points:
        moved["interior"] = [_middles(hole) for hole in points["interior"]]
    return {**points, **moved}


def _node(node: Json) -> Json:
    match node:
        case {"loc": [x, y], **rest}:
            return {**rest, "loc": [math.floor(x) + _HALF, math.floor(y) + _HALF]}
        case _:
            return node


def _middles(points: Json) -> list[list[float]]:
    return [[x + _HALF, y + _HALF] for x, y in points]
