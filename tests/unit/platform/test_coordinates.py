"""Pixels and the plane."""

from typing import Any

import pytest

from traindash.platform.coordinates import to_plane

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"geometryType": "rectangle", "points": {"exterior": [[5, 9], [3, 2]], "interior": []}},
        {"geometryType": "rectangle", "points": {"exterior": [[3, 2], [6, 10]], "interior": []}},
    ),
    (
        {"geometryType": "polygon", "points": {"exterior": [[0, 0], [4, 0], [4, 4]], "interior": [[[1, 1]]]}},
        {
            "geometryType": "polygon",
            "points": {"exterior": [[0.5, 0.5], [4.5, 0.5], [4.5, 4.5]], "interior": [[[1.5, 1.5]]]},
        },
    ),
    (
        {"geometryType": "oriented_bbox", "points": [[1, 2], [3, 4]], "angle": 0.1},
        {"geometryType": "oriented_bbox", "points": [[1, 2], [4, 5]], "angle": 0.1},
    ),
    (
        {"geometryType": "multipolygon", "parts": [{"exterior": [[1, 1]], "interior": []}]},
        {"geometryType": "multipolygon", "parts": [{"exterior": [[1.5, 1.5]], "interior": []}]},
    ),
    (
        {"geometryType": "graph", "nodes": {"a": {"loc": [1.2, 3], "disabled": True}, "b": 7}},
        {"geometryType": "graph", "nodes": {"a": {"loc": [1.5, 3.5], "disabled": True}, "b": 7}},
    ),
    (
        {"geometryType": "bitmap", "bitmap": {"origin": [1, 2], "data": "x"}},
        {"geometryType": "bitmap", "bitmap": {"origin": [1, 2], "data": "x"}},
    ),
    (
        {"geometryType": "cuboid", "points": [[1, 2], [3, 4], [5, 6]]},
        {"geometryType": "cuboid", "points": [[1, 2], [3, 4], [5, 6]]},
    ),
]


@pytest.mark.parametrize(("pixels", "plane"), CASES)
def test_each_geometry(pixels: dict[str, Any], plane: dict[str, Any]) -> None:
    whole = {"size": {"width": 9, "height": 9}, "objects": [pixels], "tags": []}
    assert to_plane(whole) == {**whole, "objects": [plane]}
    assert whole["objects"] == [pixels]
