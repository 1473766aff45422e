"""Small projects on disk as annotation tools other than Supervisely, COCO and YOLO write them."""

import base64
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from PIL import Image

from tests.unit.datasets import layouts
from traindash.datasets.geometry import Mask, decode_mask, tight_bounds, to_positions
from traindash.datasets.importing import Layout
from traindash.domain.annotation import Annotation, Bitmap, Geometry, Polygon

Source = Iterable[tuple[str, Annotation]]


def content(root: Path, images: str, source: Source | None) -> Mapping[str, Annotation]:
    """The given annotations; without any those of the small project, with its pictures written into a folder."""
    if source is not None:
        return dict(source)
    found = layouts.annotations()
    for number, name in enumerate(found):
        layouts.write_image(root / images / name, seed=number)
    return found


def edges(geometry: Geometry) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a geometry as positions."""
    box = tight_bounds(geometry)
    assert box is not None
    return box.left, box.top, box.right + 1, box.bottom + 1


def outline(polygon: Polygon) -> Sequence[tuple[float, float]]:
    """Points of a polygon as positions."""
    return to_positions(polygon).exterior


def write_voc(root: Path, source: Source | None = None) -> None:
    """As the challenge: pixels from 1, both corners inclusive; boxes only."""
    (root / "Annotations").mkdir(parents=True)
    for name, annotation in content(root, "JPEGImages", source).items():
        objects = []
        for label in annotation.labels:
            left, top, right, bottom = edges(label.geometry)
            box = f"<xmin>{left + 1}</xmin><ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
            objects.append(f"<object><name>{escape(label.class_name)}</name><bndbox>{box}</bndbox></object>")
        size = f"<size><width>{annotation.width}</width><height>{annotation.height}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{escape(name)}</filename>{size}{''.join(objects)}</annotation>"
        (root / "Annotations" / f"{Path(name).stem}.xml").write_text(text, encoding="utf-8")


def runs(mask: Mask) -> list[int]:
    """Counts of clear and set pixels in turn, row by row."""
    counts = [(value, len(list(group))) for value, group in groupby(mask.ravel().tolist())]
    return [*([0] if counts and counts[0][0] else []), *(count for _, count in counts)]


def cvat_shape(label: str, geometry: Geometry) -> str:
    """An element of CVAT's XML."""
    name = quoteattr(label)
    match geometry:
        case Polygon():
            points = ";".join(f"{x},{y}" for x, y in outline(geometry))
            return f'<polygon label={name} points="{points}"></polygon>'
        case Bitmap(origin=(x, y)):
            mask = decode_mask(geometry)
            rle = ", ".join(map(str, runs(mask)))
            height, width = mask.shape
            return f'<mask label={name} rle="{rle}" left="{x}" top="{y}" width="{width}" height="{height}"></mask>'
        case _:
            left, top, right, bottom = edges(geometry)
            return f'<box label={name} xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"></box>'


def write_cvat(root: Path, source: Source | None = None) -> None:
    """``annotations.xml`` and ``images/``."""
    root.mkdir(parents=True, exist_ok=True)
    images = []
    for number, (name, annotation) in enumerate(content(root, "images", source).items()):
        shapes = "".join(cvat_shape(label.class_name, label.geometry) for label in annotation.labels)
        size = f'width="{annotation.width}" height="{annotation.height}"'
        images.append(f'<image id="{number}" name={quoteattr(name)} {size}>{shapes}</image>')
    text = f"<annotations><version>1.1</version><meta></meta>{''.join(images)}</annotations>"
    (root / "annotations.xml").write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}', encoding="utf-8")


def png(mask: Mask) -> str:
    """A mask as LabelMe writes it."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def labelme_shape(label: str, geometry: Geometry) -> dict[str, Any]:
    """A shape of LabelMe's JSON."""
    common: dict[str, Any] = {"label": label, "group_id": None, "flags": {}, "mask": None}
    match geometry:
        case Polygon():
            return {**common, "shape_type": "polygon", "points": [list(point) for point in outline(geometry)]}
        case Bitmap(origin=(x, y)):
            mask = decode_mask(geometry)
            corners = [[x, y], [x + mask.shape[1] - 1, y + mask.shape[0] - 1]]
            return {**common, "shape_type": "mask", "points": corners, "mask": png(mask)}
        case _:
            left, top, right, bottom = edges(geometry)
            return {**common, "shape_type": "rectangle", "points": [[left, top], [right, bottom]]}


def labelme_file(name: str, annotation: Annotation) -> dict[str, Any]:
    """The content of a file of LabelMe."""
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": [labelme_shape(label.class_name, label.geometry) for label in annotation.labels],
        "imagePath": name,
        "imageData": None,
        "imageHeight": annotation.height,
        "imageWidth": annotation.width,
    }


def write_labelme(root: Path, source: Source | None = None) -> None:
    """A JSON file beside each image."""
    root.mkdir(parents=True, exist_ok=True)
    for name, annotation in content(root, ".", source).items():
        (root / f"{Path(name).stem}.json").write_text(json.dumps(labelme_file(name, annotation)))


def brush(mask: Mask) -> list[int]:
    """A mask as Label Studio's brush packs it: runs of up to 65,536 equal values of RGBA pixels."""
    values = np.repeat(mask.ravel().astype(np.uint8) * 255, 4)
    bits = f"{values.size:032b}{7:05b}" + f"{15:04b}" * 4
    for value, group in groupby(values.tolist()):
        left = len(list(group))
        while left:
            count = min(left, 2**16)
            bits += f"1{0:02b}{count - 1:016b}{value:08b}"
            left -= count
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


def region(label: str, geometry: Geometry, size: tuple[int, int]) -> dict[str, Any]:
    """A result of Label Studio's JSON."""
    width, height = size
    common = {"id": "r1", "from_name": "label", "to_name": "image", "original_width": width, "original_height": height}
    match geometry:
        case Polygon():
            points = [[100 * x / width, 100 * y / height] for x, y in outline(geometry)]
            return {**common, "type": "polygonlabels", "value": {"points": points, "polygonlabels": [label]}}
        case Bitmap(origin=(x, y)):
            mask, whole = decode_mask(geometry), np.zeros((height, width), dtype=np.bool_)
            whole[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
            value = {"format": "rle", "rle": brush(whole), "brushlabels": [label]}
            return {**common, "type": "brushlabels", "value": value}
        case _:
            left, top, right, bottom = edges(geometry)
            box = {"x": 100 * left / width, "y": 100 * top / height, "rotation": 0}
            box |= {"width": 100 * (right - left) / width, "height": 100 * (bottom - top) / height}
            return {**common, "type": "rectanglelabels", "value": {**box, "rectanglelabels": [label]}}


def task(name: str, annotation: Annotation) -> dict[str, Any]:
    """A task of Label Studio."""
    size = annotation.width, annotation.height
    results = [region(label.class_name, label.geometry, size) for label in annotation.labels]
    for number, result in enumerate(results):
        result["id"] = f"r{number}"
    image = f"/data/upload/1/0a1b2c3d-{name}"
    return {"id": 1, "data": {"image": image}, "annotations": [{"id": 1, "result": results}], "predictions": []}


def write_label_studio(root: Path, source: Source | None = None) -> None:
    """The JSON export beside the pictures as they were uploaded."""
    root.mkdir(parents=True, exist_ok=True)
    tasks = [task(name, annotation) for name, annotation in content(root, "images", source).items()]
    (root / "project-1-at-2024.json").write_text(json.dumps(tasks))


def write_createml(root: Path, source: Source | None = None) -> None:
    """``_annotations.createml.json`` beside ``images/``; boxes only."""
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, annotation in content(root, "images", source).items():
        objects = []
        for label in annotation.labels:
            left, top, right, bottom = edges(label.geometry)
            center = {"x": (left + right) / 2, "y": (top + bottom) / 2}
            extent = {"width": right - left, "height": bottom - top}
            objects.append({"label": label.class_name, "coordinates": center | extent})
        rows.append({"image": name, "annotations": objects})
    (root / "_annotations.createml.json").write_text(json.dumps(rows))


def write_csv(root: Path, source: Source | None = None) -> None:
    """``_annotations.csv`` beside ``images/``; boxes only, an image without objects in a line without a box."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "_annotations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"])
        for name, annotation in content(root, "images", source).items():
            size = [annotation.width, annotation.height]
            for label in annotation.labels:
                writer.writerow([name, *size, label.class_name, *edges(label.geometry)])
            if not annotation.labels:
                writer.writerow([name, *size, "", "", "", "", ""])


Writer = Callable[..., None]  # takes a folder and, if not the small project, its content
WRITERS: Mapping[Layout, Writer] = {
    Layout.VOC: write_voc,
    Layout.CVAT: write_cvat,
    Layout.LABELME: write_labelme,
    Layout.LABEL_STUDIO: write_label_studio,
    Layout.CREATE_ML: write_createml,
    Layout.BOX_CSV: write_csv,
}
# Those that have nothing but boxes
BOXES_ONLY = frozenset({Layout.VOC, Layout.CREATE_ML, Layout.BOX_CSV})
# Where the writers expect pictures that they do not write themselves
IMAGES = {**dict.fromkeys(WRITERS, "images"), Layout.VOC: "JPEGImages", Layout.LABELME: "."}
