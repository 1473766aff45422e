"""The sample project: fruit and vegetables in three places.

Everything follows from one seed, so the files are the same on every run. The tags ``train`` and ``val`` and the
collections of the same names hold one split; some training images are left without a tag, so that "images without a
tag" means something in the wizard.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tools.sample_renderer.scene import DrawnObject, Picture, Studio
from tools.sample_renderer.settings import SETTINGS
from tools.sample_renderer.surfaces import SURFACES
from traindash.datasets.annotation_json import annotation_to_json, meta_to_json
from traindash.datasets.contours import trace
from traindash.datasets.geometry import Mask
from traindash.datasets.supervisely_format import COLLECTIONS_FILE, META_FILE
from traindash.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle, Tag
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta

SAMPLE_META = ProjectMeta(
    classes=(
        ObjectClass(name="tomato", shape="rectangle", color="#E5484D"),
        ObjectClass(name="lemon", shape="polygon", color="#F2C53D"),
        ObjectClass(name="carrot", shape="polygon", color="#F2812D"),
        ObjectClass(name="mushroom", shape="rectangle", color="#3E9BDC"),
        ObjectClass(name="eggplant", shape="polygon", color="#8E4EC6"),
    ),
    tags=(
        TagMeta(name="train", value_type="none", color="#34A470", applicable_type="imagesOnly"),
        TagMeta(name="val", value_type="none", color="#3A68E0", applicable_type="imagesOnly"),
        TagMeta(
            name="surface",
            value_type="oneof_string",
            values=tuple(SURFACES),
            color="#9B5C3E",
            applicable_type="imagesOnly",
        ),
    ),
)

_COUNTS = {"kitchen": 120, "market": 40, "studio": 40}
_SIZES = ((320, 240), (256, 192), (288, 216), (240, 320), (256, 192))
"""(width, height) in pixels; a group of images that gives one to the validation set shares a size."""
SEED = 20_261
_VAL_EVERY = 5
_UNTAGGED_EVERY = 16
_OUTLINE_TOLERANCE = 0.6
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One image of the project.

    Attributes:
        number: Position over all datasets, from 0.
        name: File name.
    """

    dataset: str
    number: int
    name: str

    @property
    def side(self) -> str:
        """``train`` or ``val``."""
        return "val" if self.number % _VAL_EVERY == _VAL_EVERY - 1 else "train"

    @property
    def tagged(self) -> bool:
        """Whether its side is also a tag; some training images go without."""
        return self.side == "val" or self.number % _UNTAGGED_EVERY != 0


def write_sample_project(folder: Path) -> None:
    """Write the sample project into an empty or missing folder, in Supervisely's format.

    It takes some seconds. :func:`traindash.datasets.supervisely_format.open_project` reads it.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(SEED)
    for shot in shots():
        _write_image(folder / shot.dataset, shot, take(studio, shot))
    _write_json(folder / META_FILE, meta_to_json(SAMPLE_META))
    _write_json(folder / COLLECTIONS_FILE, {"collections": [_collection("train"), _collection("val")]})


def shots() -> Iterator[Shot]:
    """Give all images of the project in its order."""
    number = 0
    for dataset, count in _COUNTS.items():
        for position in range(1, count + 1):
            yield Shot(dataset=dataset, number=number, name=f"{dataset}_{position:03d}.jpg")
            number += 1


def _collection(side: str) -> dict[str, object]:
    images: dict[str, list[str]] = {}
    for shot in shots():
        if shot.side == side:
            images.setdefault(shot.dataset, []).append(shot.name)
    return {"name": side, "images": images}


def take(studio: Studio, shot: Shot) -> Picture:
    """Render one image; it depends on nothing but the shot, so that any can be rendered alone."""
    random = np.random.RandomState(SEED + 101 * shot.number)
    return studio.take(random, SETTINGS[shot.dataset], _SIZES[shot.number // _VAL_EVERY % len(_SIZES)])


def annotate(shot: Shot, picture: Picture) -> Annotation:
    """Return what is drawn on an image, with the tags of its place in the split."""
    height, width = picture.pixels.shape[:2]
    tags = (Tag(name=shot.side),) if shot.tagged else ()
    return Annotation(
        width=width,
        height=height,
        labels=tuple(label for item in picture.objects if (label := _label(item)) is not None),
        tags=(*tags, Tag(name="surface", value=picture.surface)),
    )


def _write_image(folder: Path, shot: Shot, picture: Picture) -> None:
    (folder / "img").mkdir(parents=True, exist_ok=True)
    (folder / "ann").mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.pixels).save(folder / "img" / shot.name, quality=_JPEG_QUALITY, subsampling=0)
    _write_json(folder / "ann" / f"{shot.name}.json", annotation_to_json(annotate(shot, picture)))


def _label(item: DrawnObject) -> Label | None:
    geometry = _geometry(item.name, item.mask)
    return None if geometry is None else Label(class_name=item.name, geometry=geometry)


def _geometry(name: str, mask: Mask) -> Geometry | None:
    """The visible part, drawn the way its class is annotated."""
    if next(item.shape for item in SAMPLE_META.classes if item.name == name) == "polygon":
        outlines = trace(mask, tolerance=_OUTLINE_TOLERANCE)
        return Polygon(exterior=outlines[0].exterior) if outlines else None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Rectangle(left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]), bottom=int(rows[-1]))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
