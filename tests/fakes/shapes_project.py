"""A project with a class for each shape that people draw, in nested data sets, with tags and collections."""

import json
from pathlib import Path

from PIL import Image

from traindash.datasets.geometry import encode_mask, fill
from traindash.datasets.source import ProjectSource, SourceCollection, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation, Geometry, Label, OtherGeometry, Polygon, Rectangle, Tag
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta

SIDE = 48
_TRIANGLE = Polygon(exterior=((4, 4), (30, 4), (4, 30)))
GEOMETRIES: dict[str, Geometry] = {
    "rectangle": Rectangle(left=2, top=3, right=20, bottom=24),
    "polygon": _TRIANGLE,
    "bitmap": encode_mask(fill(_TRIANGLE, SIDE, SIDE)),
    "any": _TRIANGLE,
    "line": OtherGeometry(shape="line", json=json.dumps({"points": {"exterior": [[5, 6], [20, 30]], "interior": []}})),
    "point": OtherGeometry(shape="point", json=json.dumps({"points": {"exterior": [[9, 9]], "interior": []}})),
    "graph": OtherGeometry(
        shape="graph",
        json=json.dumps({"nodes": {"a": {"loc": [4, 5]}, "b": {"loc": [20, 18]}}}),
    ),
}
_CONFIG = {
    "nodes": {name: {"label": name, "loc": [0, 0], "color": "#00FF00"} for name in ("a", "b")},
    "edges": [{"src": "a", "dst": "b", "color": "#00FF00"}],
}


def shapes_project(scratch: Path, name: str = "All shapes") -> ProjectSource:
    """Return the project; its files are written to ``scratch``. Classes are called as their shapes."""
    scratch.mkdir(parents=True, exist_ok=True)
    classes = tuple(
        ObjectClass(
            name=shape, shape=shape, color="#3E9BDC", extra={"geometry_config": _CONFIG} if shape == "graph" else {}
        )
        for shape in GEOMETRIES
    )
    tags = tuple(TagMeta(name=tag, value_type="none") for tag in ("train", "val"))
    return ProjectSource(
        name=name,
        meta=ProjectMeta(classes=classes, tags=tags),
        datasets=(
            SourceDataset(name="first", parent=None, images=_images(scratch, "a", 4)),
            SourceDataset(name="inner", parent="first", images=_images(scratch, "b", 2)),
            SourceDataset(name="second", parent=None, images=_images(scratch, "c", 3)),
        ),
        collections=(
            SourceCollection(name="learn", images=(("first", "a0.png"), ("first/inner", "b0.png"))),
            SourceCollection(name="check", images=(("second", "c0.png"),)),
        ),
    )


def _images(folder: Path, letter: str, count: int) -> tuple[SourceImage, ...]:
    found = []
    for number in range(count):
        path = folder / f"{letter}{number}.png"
        Image.new("RGB", (SIDE, SIDE), (20 * number, 40, ord(letter))).save(path)
        labels = tuple(Label(class_name=shape, geometry=geometry) for shape, geometry in GEOMETRIES.items())
        tag = Tag(name="val" if letter == "c" else "train")
        annotation = Annotation(width=SIDE, height=SIDE, labels=labels, tags=(tag,))
        found.append(SourceImage(name=path.name, path=path, annotation=annotation))
    return tuple(found)
