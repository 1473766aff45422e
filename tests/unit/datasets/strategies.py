"""Hypothesis strategies for annotations."""

import json

import numpy as np
from hypothesis import strategies as st

from traindash.datasets.geometry import Mask, encode_mask
from traindash.domain.annotation import Annotation, Bitmap, Geometry, Label, OtherGeometry, Polygon, Rectangle, Tag

SIDE = 64
names = st.text(min_size=1, max_size=12)
coordinates = st.one_of(st.integers(0, SIDE - 1).map(float), st.floats(0, SIDE - 1, allow_nan=False))
points = st.tuples(coordinates, coordinates)
outlines = st.lists(points, min_size=3, max_size=8).map(tuple)
free_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(-1e9, 1e9), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)
"""What people and programs keep in fields that the format does not know."""


def carried(*known: str) -> st.SearchStrategy[dict[str, object]]:
    """Fields of a thing that has none for them here: some of Supervisely's, some of nobody's."""
    keys = st.one_of(st.sampled_from(known), st.text(min_size=1, max_size=5).map(lambda text: f"own {text}"))
    # An empty value is what some of these have when nothing was said, so it is not carried.
    return st.dictionaries(keys, free_json.filter(lambda value: value not in ({}, [], "")), max_size=3)


values = st.one_of(
    st.none(), names, st.just(""), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False)
)
tags = st.builds(Tag, name=names, value=values, extra=carried("labelerLogin", "createdAt", "customData"))


@st.composite
def masks(draw: st.DrawFn, *, largest: int = 12) -> Mask:
    """Boolean arrays with at least one set pixel."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    bits = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(bits, dtype=np.bool_).reshape(height, width)
    mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    return mask


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    """Rectangles inside the image."""
    (x1, y1), (x2, y2) = draw(points), draw(points)
    return Rectangle(left=min(x1, x2), top=min(y1, y2), right=max(x1, x2), bottom=max(y1, y2))


@st.composite
def bitmaps(draw: st.DrawFn) -> Bitmap:
    """Masks inside the image."""
    mask = draw(masks())
    origin = (draw(st.integers(0, SIDE - mask.shape[1])), draw(st.integers(0, SIDE - mask.shape[0])))
    return encode_mask(mask, origin)


polygons = st.builds(Polygon, exterior=outlines, interior=st.lists(outlines, max_size=2).map(tuple))
_SHAPES: dict[str, dict[str, object]] = {
    "point": {"points": {"exterior": [[3, 4]], "interior": []}},
    "line": {"points": {"exterior": [[3, 4.5], [9, 9]], "interior": []}},
    "graph": {"nodes": {"a": {"loc": [3, 4]}, "b": {"loc": [9, 9], "disabled": True}}},
    "cuboid": {"points": [[1, 2], [3, 4], [5, 6], [7, 8]], "faces": [[0, 1, 2, 3]]},
    "cuboid_2d": {"nodes": {"face1-topleft": {"loc": [3, 4]}}, "face": "face1", "position": {"x": 1.5}},
    "oriented_bbox": {"points": [[1, 2], [9, 9]], "angle": 0.5},
    "multipolygon": {"parts": [{"exterior": [[1, 1], [5, 1], [5, 5]], "interior": []}]},
    "alpha_mask": {"bitmap": {"origin": [1, 2], "data": "eJ"}},
    "multichannelBitmap": {"multichannelBitmap": {"origin": [1, 2], "data": "eJ"}},
    "of next year": {"anything": [1, {"x": None}]},
}
others = st.sampled_from(sorted(_SHAPES)).map(lambda name: OtherGeometry(shape=name, json=json.dumps(_SHAPES[name])))
geometries: st.SearchStrategy[Geometry] = st.one_of(rectangles(), polygons, bitmaps(), others)
labels = st.builds(
    Label,
    class_name=names,
    geometry=geometries,
    tags=st.lists(tags, max_size=2).map(tuple),
    id=st.one_of(st.none(), st.integers(1, 2**53)),
    extra=carried("labelerLogin", "createdAt", "instance", "key", "meta", "priority", "customData", "nnCreated").map(
        # Fields that nobody knows belong to a geometry that nobody knows; the labels below have both kinds.
        lambda extra: {key: value for key, value in extra.items() if not key.startswith("own ")}
    ),
)
annotations = st.builds(
    Annotation,
    width=st.just(SIDE),
    height=st.just(SIDE),
    labels=st.lists(labels, max_size=4).map(tuple),
    tags=st.lists(tags, max_size=2).map(tuple),
    extra=carried("customBigData", "meta", "customData"),
)
