"""One small project, written in every layout that can be read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from traindash.datasets.annotation_json import annotation_to_json, meta_to_json
from traindash.datasets.geometry import annotation_inside, encode_mask
from traindash.datasets.importing import OpenedImport, open_import
from traindash.datasets.shape_fit import DETECTION, SEGMENTATION
from traindash.datasets.source import ProjectSource, SourceDataset, SourceImage
from traindash.datasets.training_labels import CocoImage, coco_ground_truth, yolo_lines
from traindash.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle, Tag
from traindash.domain.ids import ImageId
from traindash.domain.jobs import ImportReport
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta

WIDTH, HEIGHT = 48, 36
META = ProjectMeta(
    classes=(
        ObjectClass(name="cat", shape="any", color="#E5484D"),
        ObjectClass(name="dog", shape="any", color="#3E9BDC"),
    ),
    tags=(TagMeta(name="indoors", value_type="none"),),
)


def write_image(path: Path, *, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """Write a noisy picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(seed).randint(0, 255, size=(size[1], size[0], 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def _mask() -> Geometry:
    mask = np.zeros((10, 14), dtype=np.bool_)
    mask[1:9, 2:12] = True
    mask[0, 5:8] = True
    return encode_mask(mask, (20, 12))


SHAPES: tuple[Geometry, ...] = (
    Rectangle(left=4, top=5, right=19, bottom=24),
    Polygon(exterior=((5.0, 6.0), (30.0, 8.0), (17.0, 30.0))),
    _mask(),
)


def annotations() -> dict[str, Annotation]:
    """Three images: a cat, a cat and a dog, nothing; over two datasets in Supervisely's layout."""
    cat = Label(class_name="cat", geometry=SHAPES[0])
    both = (Label(class_name="dog", geometry=SHAPES[1]), Label(class_name="cat", geometry=SHAPES[2]))
    return {
        "a.png": Annotation(width=WIDTH, height=HEIGHT, labels=(cat,), tags=(Tag(name="indoors"),)),
        "b.png": Annotation(width=WIDTH, height=HEIGHT, labels=both),
        "c.png": Annotation(width=WIDTH, height=HEIGHT),
    }


def write_supervisely(root: Path) -> None:
    """``ds`` with a.png and b.png, ``other`` with c.png, a collection of all."""
    for number, (name, annotation) in enumerate(annotations().items()):
        dataset = root / ("other" if name == "c.png" else "ds")
        write_image(dataset / "img" / name, seed=number)
        (dataset / "ann").mkdir(exist_ok=True)
        (dataset / "ann" / f"{name}.json").write_text(json.dumps(annotation_to_json(annotation)))
    (root / "meta.json").write_text(json.dumps(meta_to_json(META)))
    members = {"ds": ["a.png", "b.png"], "other": ["c.png"]}
    (root / "collections.json").write_text(json.dumps({"collections": [{"name": "all", "images": members}]}))


def write_coco(
    root: Path, source: Iterable[tuple[str, Annotation]] | None = None, *, classes: Iterable[str] = ()
) -> None:
    """``annotations/instances_train.json`` and ``train/``; of the small project unless another source is given."""
    content = annotations().items() if source is None else source
    images = [
        CocoImage(id=ImageId(number), name=name, dataset="train", annotation=annotation)
        for number, (name, annotation) in enumerate(content, start=1)
    ]
    if source is None:
        for number, image in enumerate(images):
            write_image(root / "train" / image.name, seed=number)
    (root / "annotations").mkdir(parents=True)
    names = list(classes) or [item.name for item in META.classes]
    truth = coco_ground_truth(images, classes=names, task_type=SEGMENTATION)
    (root / "annotations" / "instances_train.json").write_text(json.dumps(truth))


def write_yolo(
    root: Path,
    source: Iterable[tuple[str, Annotation]] | None = None,
    *,
    classes: Iterable[str] = (),
    task_type: str = DETECTION,
) -> None:
    """``data.yaml``, ``images/train/`` and ``labels/train/``."""
    names = list(classes) or [item.name for item in META.classes]
    content = dict(annotations() if source is None else source)
    labels = root / "labels" / "train"
    labels.mkdir(parents=True)
    for number, (name, annotation) in enumerate(content.items()):
        if source is None:
            write_image(root / "images" / "train" / name, seed=number)
        lines = yolo_lines(annotation, classes=names, task_type=task_type)
        (labels / f"{Path(name).stem}.txt").write_text("".join(f"{line}\n" for line in lines))
    config = {"path": "/home/somebody/data", "train": "images/train", "val": "images/train", "names": names}
    (root / "data.yaml").write_text(yaml.safe_dump(config | {"val": None}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an import gave.

    Attributes:
        images: (dataset path, image name) → annotation.
        collections: Name → members.
    """

    opened: OpenedImport
    images: dict[tuple[str, str], Annotation]
    collections: dict[str, list[tuple[str, str]]]
    report: ImportReport


def take(path: Path, work: Path | None = None) -> Taken:
    """Import a folder or archive and walk over everything once."""
    opened = open_import(path, work=work or path.parent / "unpacked")
    images = {
        (dataset.path, image.name): annotation_inside(annotation_to_json(image.annotation), where=image.name)
        for dataset, image in walk(opened.source)
    }
    collections = {item.name: list(item.images) for item in opened.source.collections}
    report = opened.report()
    assert report.images_found == report.images + report.images_skipped
    assert report.objects_found == report.objects + report.objects_skipped
    return Taken(opened=opened, images=images, collections=collections, report=report)


def walk(source: ProjectSource) -> Iterable[tuple[SourceDataset, SourceImage]]:
    """All images of all datasets."""
    return ((dataset, image) for dataset in source.datasets for image in dataset.images)
