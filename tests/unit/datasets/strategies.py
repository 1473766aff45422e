"""Hypothesis strategies for annotations."""

import numpy as np
from hypothesis import strategies as st

from traindash.datasets.geometry import Mask, encode_mask
from traindash.domain.annotation import Annotation, Bitmap, Geometry, Label, OtherGeometry, Polygon, Rectangle, Tag

SIDE = 64
names = st.text(min_size=1, max_size=12)
coordinates = st.one_of(st.integers(0, SIDE - 1).map(float), st.floats(0, SIDE - 1, allow_nan=False))
points = st.tuples(coordinates, coordinates)
outlines = st.lists(points, min_size=3, max_size=8).map(tuple)
tags = st.builds(Tag, name=names, value=st.one_of(st.none(), names, st.floats(-1e6, 1e6, allow_nan=False)))


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
others = st.just(OtherGeometry(shape="point", json='{"points": {"exterior": [[3, 4]], "interior": []}}'))
geometries: st.SearchStrategy[Geometry] = st.one_of(rectangles(), polygons, bitmaps(), others)
labels = st.builds(
    Label,
    class_name=names,
    geometry=geometries,
    tags=st.lists(tags, max_size=2).map(tuple),
    id=st.one_of(st.none(), st.integers(1, 2**53)),
)
annotations = st.builds(
    Annotation,
    width=st.just(SIDE),
    height=st.just(SIDE),
    labels=st.lists(labels, max_size=4).map(tuple),
    tags=st.lists(tags, max_size=2).map(tuple),
)
