"""Damaged projects: what is wrong is left out and told, the rest is taken."""

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.datasets import layouts
from tests.unit.datasets.layouts import HEIGHT, WIDTH, take
from traindash.datasets.geometry import encode_mask
from traindash.datasets.import_log import Effect, ProblemKind
from traindash.errors import InputError

Change = Callable[[Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A kind of damage and what an import says of it.

    Attributes:
        write: Writes the sound project.
        change: Does the damage.
        message: Part of the sentence in the report.
        images: Images that are taken.
        objects: Objects that are taken.
    """

    write: Callable[[Path], None]
    change: Change
    kind: ProblemKind
    effect: Effect
    place: str
    message: str
    images: int = 3
    objects: int = 3


def _annotation(name: str, change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(folder: Path) -> None:
        path = folder / "ds" / "ann" / f"{name}.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


def _points(*points: tuple[float, float]) -> Change:
    """Give the rectangle of a.png other corners."""
    return _annotation("a.png", lambda a: a["objects"][0]["points"].update(exterior=[list(p) for p in points]))


def _coco(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(folder: Path) -> None:
        path = folder / "annotations" / "instances_train.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


def _line(line: str) -> Change:
    return lambda folder: (folder / "labels" / "train" / "a.txt").write_text(f"{line}\n")


def _move_out(folder: Path) -> None:
    """Let a picture lie beside the folder, and its name lead there."""
    (folder / "train/a.png").rename(folder.parent / "a.png")
    _coco(lambda c: c["images"][0].update(file_name="../../a.png"))(folder)


def _unnamed(change: Change) -> Change:
    """Do damage to the row of a.png, whose picture is not there."""

    def apply(folder: Path) -> None:
        (folder / "train/a.png").unlink()
        change(folder)

    return apply


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def _bitmap(mask: "np.typing.NDArray[np.bool_]", origin: tuple[int, int]) -> Change:
    data = encode_mask(mask).data
    change = {"geometryType": "bitmap", "bitmap": {"data": data, "origin": list(origin)}}
    return _annotation("a.png", lambda a: a["objects"][0].update(change))


def _without(*names: str) -> Change:
    """Take files away."""

    def apply(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return apply


def _row(**values: object) -> Change:
    """Change the first COCO annotation, that of a.png, a box."""
    return _coco(lambda c: c["annotations"][0].update(values))


def _list_with_a_gap(folder: Path) -> None:
    """Let a text file name the images, and one that is not there."""
    names = ("a.png", "b.png", "c.png", "gone.png")
    (folder / "list.txt").write_text("".join(f"images/train/{name}\n" for name in names))
    (folder / "data.yaml").write_text("train: list.txt\nnames: [cat, dog]\n")


def _list_with_a_repetition(folder: Path) -> None:
    (folder / "list.txt").write_text("".join(f"images/train/{name}.png\n" for name in "aabc"))
    (folder / "data.yaml").write_text("train: list.txt\nnames: [cat, dog]\n")


def _config(line: str) -> Change:
    """Add a line to data.yaml."""
    config = f"train: images/train\nnames: [cat, dog]\n{line}\n"
    return lambda folder: (folder / "data.yaml").write_text(config)


def _moved(*names: str) -> Change:
    """Move files, each to the name behind its own."""

    def apply(folder: Path) -> None:
        for old, new in zip(names[::2], names[1::2], strict=True):
            (folder / new).parent.mkdir(exist_ok=True)
            (folder / old).rename(folder / new)

    return apply


def _too_many_pixels(path: Path) -> None:
    """Write the head of a PNG that says it has 3.6 billion pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    )


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


SLY, COCO, YOLO = layouts.write_supervisely, layouts.write_coco, layouts.write_yolo
SKIPPED, DROPPED, CHANGED, NOTED = Effect.IMAGE_SKIPPED, Effect.OBJECT_SKIPPED, Effect.CHANGED, Effect.NOTED
NOT_READ = Effect.FILE_SKIPPED
K = ProblemKind

DAMAGES: dict[str, Damage] = {
    # images
    "image missing": Damage(
        write=COCO, change=lambda f: (f / "train/a.png").unlink(), kind=K.MISSING_IMAGE, effect=SKIPPED,
        place="annotations/instances_train.json, image 1", message="“a.png” is not there", images=2, objects=2,
    ),
    "image outside the folder": Damage(
        write=COCO, change=_move_out, kind=K.MISSING_IMAGE, effect=SKIPPED, place="image 1", message="is not there",
        images=2, objects=2,
    ),
    "image listed twice": Damage(
        write=COCO, change=_coco(lambda c: c["images"].append(c["images"][0] | {"id": 99})), kind=K.DUPLICATE_NAME,
        effect=SKIPPED, place="train/a.png", message="has this image already",
    ),
    "image without a name": Damage(
        write=COCO, change=_unnamed(_coco(lambda c: c["images"][0].pop("file_name"))), kind=K.UNREADABLE_ANNOTATION,
        effect=SKIPPED, place="image 1", message="file_name is missing", images=2, objects=2,
    ),
    # annotations as a whole
    "annotation is not JSON": Damage(
        write=SLY, change=lambda f: (f / "ds/ann/a.png.json").write_text('{"size": '), kind=K.UNREADABLE_ANNOTATION,
        effect=SKIPPED, place="ds/a.png", message="not valid JSON", images=2, objects=2,
    ),
    "annotation is a list": Damage(
        write=SLY, change=lambda f: (f / "ds/ann/a.png.json").write_text("[]"), kind=K.UNREADABLE_ANNOTATION,
        effect=SKIPPED, place="ds/a.png", message="holds no annotation", images=2, objects=2,
    ),
    "annotation without size": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a.pop("size")), kind=K.UNREADABLE_ANNOTATION, effect=SKIPPED,
        place="ds/a.png", message="size is missing", images=2, objects=2,
    ),
    "annotation missing": Damage(
        write=SLY, change=lambda f: (f / "ds/ann/a.png.json").unlink(), kind=K.MISSING_ANNOTATION, effect=NOTED,
        place="ds/a.png", message="taken as an image without objects", objects=2,
    ),
    "wrong size": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["size"].update(width=WIDTH * 2)), kind=K.WRONG_SIZE,
        effect=SKIPPED, place="ds/a.png", message=f"says {WIDTH * 2} x {HEIGHT} pixels, the image has {WIDTH} x",
        images=2, objects=2,
    ),
    "wrong size in COCO": Damage(
        write=COCO, change=_coco(lambda c: c["images"][0].update(height=10)), kind=K.WRONG_SIZE, effect=SKIPPED,
        place="train/a.png", message=f"says {WIDTH} x 10 pixels", images=2, objects=2,
    ),
    "label file is not text": Damage(
        write=YOLO, change=lambda f: (f / "labels/train/a.txt").write_bytes(b"0 .5 .5 .1 .1 \xe4"),
        kind=K.UNREADABLE_ANNOTATION, effect=SKIPPED, place="labels/train/a.txt", message="is not UTF-8",
        images=2, objects=2,
    ),
    "collection with an image that is not there": Damage(
        write=SLY, change=_without("other/img/c.png", "other/ann/c.png.json"), kind=K.UNKNOWN_MEMBER, effect=CHANGED,
        place="collection “all”", message="There is no image other/c.png", images=2,
    ),
    # objects
    "unknown class": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["objects"][0].update(classTitle="cow")),
        kind=K.UNKNOWN_CLASS, effect=DROPPED, place="ds/a.png, object 1", message="no class “cow”", objects=2,
    ),
    "unknown category": Damage(
        write=COCO, change=_coco(lambda c: c["annotations"][0].update(category_id=7)), kind=K.UNKNOWN_CLASS,
        effect=DROPPED, place="annotation 1", message="no category with the id 7", objects=2,
    ),
    "unknown class number": Damage(
        write=YOLO, change=_line("5 0.5 0.5 0.1 0.1"), kind=K.UNKNOWN_CLASS, effect=DROPPED,
        place="labels/train/a.txt, line 1", message="no class with the number 5; the classes are 0 to 1", objects=2,
    ),
    "negative class number": Damage(
        write=YOLO, change=_line("-1 0.5 0.5 0.1 0.1"), kind=K.UNKNOWN_CLASS, effect=DROPPED, place="line 1",
        message="no class with the number -1", objects=2,
    ),
    "unknown tag": Damage(
        write=SLY, change=_annotation("b.png", lambda a: a["tags"].append({"name": "new"})), kind=K.UNKNOWN_TAG,
        effect=CHANGED, place="ds/b.png", message="no tag “new”",
    ),
    "object without class": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["objects"][0].pop("classTitle")), kind=K.DAMAGED_OBJECT,
        effect=DROPPED, place="ds/a.png, object 1", message="classTitle is missing", objects=2,
    ),
    "coordinates are text": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["objects"][0]["points"].update(exterior=[["1", 2], [3, 4]])),
        kind=K.DAMAGED_OBJECT, effect=DROPPED, place="object 1",
        message="points.exterior.0.0: expected float, got str", objects=2,
    ),
    "coordinates are NaN": Damage(
        write=SLY, change=_points((float("nan"), 2), (9, 9)), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="object 1",
        message="points.exterior.0.0: expected float", objects=2,
    ),
    "mask of rubbish": Damage(
        write=SLY,
        change=_annotation("b.png", lambda a: a["objects"][1]["bitmap"].update(data="rubbish!")),
        kind=K.DAMAGED_OBJECT, effect=DROPPED, place="ds/b.png, object 2", message="not a base64 text", objects=2,
    ),
    "empty mask": Damage(
        write=SLY, change=_bitmap(np.zeros((4, 4), dtype=np.bool_), (1, 1)), kind=K.EMPTY, effect=DROPPED,
        place="object 1", message="The bitmap has no area", objects=2,
    ),
    "mask outside": Damage(
        write=SLY, change=_bitmap(np.ones((4, 4), dtype=np.bool_), (WIDTH + 5, 1)), kind=K.OUTSIDE, effect=DROPPED,
        place="object 1", message="The bitmap lies outside", objects=2,
    ),
    "mask over the border": Damage(
        write=SLY, change=_bitmap(np.ones((4, 9), dtype=np.bool_), (WIDTH - 3, 1)), kind=K.CUT, effect=CHANGED,
        place="object 1", message="The bitmap reaches over the border",
    ),
    "box outside": Damage(
        write=SLY, change=_points((-30, -30), (-5, -5)), kind=K.OUTSIDE, effect=DROPPED, place="object 1",
        message="The rectangle lies outside the image", objects=2,
    ),
    "box over the border": Damage(
        write=SLY, change=_points((-30, 3), (20, 20)), kind=K.CUT, effect=CHANGED, place="object 1",
        message="reaches over the border",
    ),
    "polygon without area": Damage(
        write=SLY, change=_annotation("b.png", lambda a: a["objects"][0]["points"].update(exterior=[[1, 1]] * 4)),
        kind=K.EMPTY, effect=DROPPED, place="ds/b.png, object 1", message="The polygon has no area", objects=2,
    ),
    "polygon outside": Damage(
        write=SLY,
        change=_annotation("b.png", lambda a: a["objects"][0]["points"].update(exterior=[[90, 1], [99, 1], [95, 9]])),
        kind=K.OUTSIDE, effect=DROPPED, place="ds/b.png, object 1", message="The polygon lies outside", objects=2,
    ),
    "polygon over the border": Damage(
        write=SLY,
        change=_annotation("b.png", lambda a: a["objects"][0]["points"].update(exterior=[[9, 1], [99, 1], [9, 30]])),
        kind=K.CUT, effect=CHANGED, place="ds/b.png, object 1", message="The polygon reaches over the border",
    ),
    "geometry that nothing is trained on": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["objects"][0].update(geometryType="point")),
        kind=K.UNSUPPORTED_GEOMETRY, effect=NOTED, place="object 1", message="shape “point”; it is kept",
    ),
    "COCO object without geometry": Damage(
        write=COCO, change=_coco(lambda c: (c["annotations"][0].pop("bbox"), c["annotations"][0].pop("segmentation"))),
        kind=K.UNSUPPORTED_GEOMETRY, effect=DROPPED, place="annotation 1", message="neither a box nor", objects=2,
    ),
    "COCO crowd": Damage(
        write=COCO, change=_row(iscrowd=1), kind=K.CROWD, effect=DROPPED, place="annotation 1", message="a crowd",
        objects=2,
    ),
    "COCO box without area": Damage(
        write=COCO, change=_coco(lambda c: c["annotations"][0].update(segmentation=[], bbox=[5, 5, 0, 9])),
        kind=K.DAMAGED_OBJECT, effect=DROPPED, place="annotation 1", message="0 x 9 pixels has no area", objects=2,
    ),
    "COCO box of three numbers": Damage(
        write=COCO, change=_row(bbox=[5, 5, 9]), kind=K.DAMAGED_OBJECT, effect=CHANGED, place="annotation 1",
        message="bbox: expected array of length 4, got 3. The outline is taken.",
    ),
    "COCO box of three numbers alone": Damage(
        write=COCO, change=_row(bbox=[5, 5, 9], segmentation=[]), kind=K.DAMAGED_OBJECT, effect=DROPPED,
        place="annotation 1", message="bbox: expected array of length 4, got 3.", objects=2,
    ),
    "COCO box of a negative size": Damage(
        write=COCO, change=_row(bbox=[15, 15, -9, -9], segmentation=[]), kind=K.DAMAGED_OBJECT, effect=DROPPED,
        place="annotation 1", message="-9 x -9 pixels has no area", objects=2,
    ),
    "COCO polygon of two points": Damage(
        write=COCO, change=_row(segmentation=[[1, 2, 3, 4]]), kind=K.DAMAGED_OBJECT, effect=CHANGED,
        place="annotation 1", message="outline of 4 numbers is none: it takes x and y of at least three points. The b",
    ),
    "COCO polygon of two points alone": Damage(
        write=COCO, change=_row(segmentation=[[1, 2, 3, 4]], bbox=None), kind=K.DAMAGED_OBJECT, effect=DROPPED,
        place="annotation 1", message="outline of 4 numbers", objects=2,
    ),
    "COCO run lengths of another size": Damage(
        write=COCO, change=_row(segmentation={"counts": [3, 5], "size": [HEIGHT, WIDTH]}), kind=K.DAMAGED_OBJECT,
        effect=CHANGED, place="annotation 1", message="do not fit its size of 48 x 36 pixels. The box is taken.",
    ),
    "COCO object of no image": Damage(
        write=COCO, change=_coco(lambda c: c["annotations"][0].update(image_id=12345)), kind=K.MISSING_IMAGE,
        effect=DROPPED, place="annotation 1", message="no image with the id 12345", objects=2,
    ),
    "COCO box outside": Damage(
        write=COCO, change=_coco(lambda c: c["annotations"][0].update(segmentation=[], bbox=[500, 5, 9, 9])),
        kind=K.OUTSIDE, effect=DROPPED, place="train/a.png, object 1", message="lies outside", objects=2,
    ),
    "YOLO line of words": Damage(
        write=YOLO, change=_line("cat 0.5 0.5 0.1 0.1"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="is not a class number followed by numbers", objects=2,
    ),
    "YOLO box with a confidence": Damage(
        write=YOLO, change=_line("0 0.5 0.5 0.1 0.1 0.9"), kind=K.UNSUPPORTED_GEOMETRY, effect=CHANGED, place="line 1",
        message="The number behind the box is left out",
    ),
    "YOLO box in pixels": Damage(
        write=YOLO, change=_line("0 24 18 10 10"), kind=K.UNREADABLE_ANNOTATION, effect=SKIPPED, place="line 1",
        message="they look like pixels", images=2, objects=2,
    ),
    "YOLO box in pixels among others": Damage(
        write=YOLO, change=_line("0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n0 24 18 10 10"), kind=K.DAMAGED_OBJECT,
        effect=DROPPED, place="line 3", message="they look like pixels", objects=4,
    ),
    "YOLO line twice": Damage(
        write=YOLO, change=_line("0 0.5 0.5 0.1 0.1\n0 0.50 0.5 0.1 0.1"), kind=K.DUPLICATE_OBJECT, effect=DROPPED,
        place="line 2", message="the same as line 1",
    ),
    "YOLO image without a label file": Damage(
        write=YOLO, change=_without("labels/train/a.txt"), kind=K.MISSING_ANNOTATION, effect=NOTED,
        place="images/train/a.png", message="1 image has no label file", objects=2,
    ),
    "YOLO image in a folder that no side names": Damage(
        write=YOLO, change=_moved("images/train/a.png", "images/more/a.png", "labels/train/a.txt", "labels/more/a.txt"),
        kind=K.UNNAMED_IMAGE, effect=SKIPPED, place="images/more/a.png", message="in none of the sides", images=2,
        objects=2,
    ),
    "YOLO side that is not there": Damage(
        write=YOLO, change=_config("val: images/valid"), kind=K.MISSING_SIDE, effect=NOT_READ, place="data.yaml, val",
        message="“images/valid” is not there",
    ),
    "YOLO side without images": Damage(
        write=YOLO, change=_config("test: labels"), kind=K.MISSING_SIDE, effect=NOT_READ, place="data.yaml, test",
        message="“labels” holds no images",
    ),
    "YOLO list that names an image twice": Damage(
        write=YOLO, change=_list_with_a_repetition, kind=K.DUPLICATE_NAME, effect=SKIPPED, place="list.txt, line 2",
        message="“images/train/a.png” is listed already",
    ),
    "YOLO count of classes": Damage(
        write=YOLO, change=_config("nc: 3"), kind=K.UNKNOWN_CLASS, effect=NOTED, place="data.yaml",
        message="nc says 3 classes, names has 2",
    ),
    "YOLO names in a list that says otherwise": Damage(
        write=YOLO, change=lambda f: (f / "classes.txt").write_text("dog\ncat\n"), kind=K.OTHER_FILE, effect=NOT_READ,
        place="classes.txt", message="otherwise than data.yaml",
    ),
    "YOLO second configuration": Damage(
        write=YOLO, change=lambda f: (f / "small.yaml").write_text("train: nowhere\nnames: [cow]\n"),
        kind=K.OTHER_FILE, effect=NOT_READ, place="small.yaml", message="data.yaml says what the folder holds",
    ),
    "YOLO link out of the folder": Damage(
        write=YOLO, change=lambda f: (f / "images" / "train" / "x.png").symlink_to("/dev/null"), kind=K.LINK,
        effect=NOT_READ, place="images/train/x.png", message="leads out of the folder",
    ),
    "YOLO box without area": Damage(
        write=YOLO, change=_line("0 0.5 0.5 0 0.1"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="has no area", objects=2,
    ),
    "YOLO value that is not finite": Damage(
        write=YOLO, change=_line("0 0.5 nan 0.1 0.1"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="not a finite number", objects=2,
    ),
    "YOLO box over the border": Damage(
        write=YOLO, change=_line("0 0.95 0.5 0.3 0.1"), kind=K.CUT, effect=CHANGED, place="train/a.png, object 1",
        message="reaches over the border",
    ),
    "YOLO class number with a fraction": Damage(
        write=YOLO, change=_line("0.5 0.5 0.5 0.1 0.1"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="is not a class number followed by numbers", objects=2,
    ),
    "YOLO class number beyond all numbers": Damage(
        write=YOLO, change=_line("1e400 0.5 0.5 0.1 0.1"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="is not a class number", objects=2,
    ),
    "YOLO line of a class alone": Damage(
        write=YOLO, change=_line("0"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="0 numbers are neither a box", objects=2,
    ),
    "YOLO box of negative width": Damage(
        write=YOLO, change=_line("0 0.5 0.5 -0.1 0.1"), kind=K.DAMAGED_OBJECT, effect=DROPPED, place="line 1",
        message="has no area", objects=2,
    ),
    "YOLO box outside": Damage(
        write=YOLO, change=_line("0 1.5 0.5 0.1 0.1"), kind=K.OUTSIDE, effect=DROPPED, place="train/a.png, object 1",
        message="The rectangle lies outside", objects=2,
    ),
    "YOLO polygon with half a point": Damage(
        write=YOLO, change=_line("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4"), kind=K.DAMAGED_OBJECT, effect=DROPPED,
        place="line 1", message="7 numbers are neither", objects=2,
    ),
    "YOLO polygon in pixels": Damage(
        write=YOLO, change=_line("0 10 10 20 20 10 20"), kind=K.UNREADABLE_ANNOTATION, effect=SKIPPED, place="line 1",
        message="they look like pixels", images=2, objects=2,
    ),
    "YOLO polygon without area": Damage(
        write=YOLO, change=_line("0 0.9 0.9 0.9 0.9 0.9 0.9"), kind=K.EMPTY, effect=DROPPED,
        place="train/a.png, object 1", message="The polygon has no area", objects=2,
    ),
    "YOLO polygon outside": Damage(
        write=YOLO, change=_line("0 1.1 0.1 1.5 0.1 1.4 0.4"), kind=K.OUTSIDE, effect=DROPPED,
        place="train/a.png, object 1", message="The polygon lies outside", objects=2,
    ),
    "YOLO labels without an image": Damage(
        write=YOLO, change=_without("images/train/a.png"), kind=K.MISSING_IMAGE, effect=SKIPPED,
        place="labels/train/a.txt", message="no image for these labels", images=2, objects=2,
    ),
    "YOLO list with an image that is not there": Damage(
        write=YOLO, change=_list_with_a_gap, kind=K.MISSING_IMAGE, effect=SKIPPED, place="list.txt, line 4",
        message="“images/train/gone.png” is not there",
    ),
    "annotation without an image": Damage(
        write=SLY, change=_without("ds/img/a.png"), kind=K.MISSING_IMAGE, effect=SKIPPED, place="ds/a.png",
        message="an annotation for it, but no image", images=2, objects=2,
    ),
    "object is a number": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["objects"].append(5)), kind=K.UNREADABLE_ANNOTATION,
        effect=SKIPPED, place="ds/a.png", message="objects.1: expected object, got int", images=2, objects=2,
    ),
    "negative size": Damage(
        write=SLY, change=_annotation("a.png", lambda a: a["size"].update(width=-3)), kind=K.UNREADABLE_ANNOTATION,
        effect=SKIPPED, place="ds/a.png", message="size.width", images=2, objects=2,
    ),
    "COCO id of another image": Damage(
        write=COCO, change=_coco(lambda c: c["images"][2].update(id=c["images"][0]["id"])),
        kind=K.UNREADABLE_ANNOTATION, effect=SKIPPED, place="image 3", message="id 1 is that of another image",
        images=2,
    ),
    "COCO image with an empty name": Damage(
        write=COCO, change=_unnamed(_coco(lambda c: c["images"][0].update(file_name=""))), kind=K.UNREADABLE_ANNOTATION,
        effect=SKIPPED, place="image 1", message="file_name", images=2, objects=2,
    ),
    "COCO object without category": Damage(
        write=COCO, change=_coco(lambda c: c["annotations"][0].pop("category_id")), kind=K.DAMAGED_OBJECT,
        effect=DROPPED, place="annotation 1", message="category_id is missing", objects=2,
    ),
    "COCO box that is not a number": Damage(
        write=COCO, change=_row(segmentation=[], bbox=[float("nan"), 5, 9, 9]), kind=K.DAMAGED_OBJECT, effect=DROPPED,
        place="annotation 1", message="bbox.0: expected float", objects=2,
    ),
    "COCO box of text": Damage(
        write=COCO, change=_row(segmentation=[], bbox=["five", 5, 9, 9]), kind=K.DAMAGED_OBJECT, effect=DROPPED,
        place="annotation 1", message="bbox.0: expected float, got str", objects=2,
    ),
    "COCO box over the border": Damage(
        write=COCO, change=_row(segmentation=[], bbox=[40, 5, 19, 9]), kind=K.CUT, effect=CHANGED,
        place="train/a.png, object 1", message="The rectangle reaches over the border",
    ),
    "COCO polygon without area": Damage(
        write=COCO, change=_row(segmentation=[[1, 1, 1, 1, 1, 1]]), kind=K.DAMAGED_OBJECT, effect=CHANGED,
        place="annotation 1", message="Its outline has no area. The box is taken.",
    ),
    "COCO polygon over the border": Damage(
        write=COCO, change=_row(segmentation=[[9, 1, 99, 1, 9, 30]], bbox=None), kind=K.CUT, effect=CHANGED,
        place="train/a.png, object 1", message="The polygon reaches over the border",
    ),
    "COCO polygons over the border": Damage(
        write=COCO, change=_row(segmentation=[[9, 1, 99, 1, 9, 30], [1, 1, 5, 1, 5, 5]], bbox=None), kind=K.CUT,
        effect=CHANGED, place="annotation 1", message="Its outlines reach over the border",
    ),
    "COCO polygons outside": Damage(
        write=COCO, change=_row(segmentation=[[90, 1, 99, 1, 90, 9], [90, 20, 99, 20, 90, 29]], bbox=None),
        kind=K.OUTSIDE, effect=DROPPED, place="annotation 1", message="Its outlines lie outside", objects=2,
    ),
    "COCO box and outline of different places": Damage(
        write=COCO, change=_row(segmentation=[[0.1, 0.1, 0.4, 0.1, 0.4, 0.6]]), kind=K.BOX_AND_OUTLINE, effect=CHANGED,
        place="annotation 1", message="to (0.4, 0.6), its box from (4, 5) to (20, 25); the box is taken",
    ),
    "COCO box around hidden parts too": Damage(
        write=COCO, change=_row(segmentation=[[4, 5, 12, 5, 12, 25, 4, 25]]), kind=K.BOX_AND_OUTLINE, effect=CHANGED,
        place="annotation 1", message="its box from (4, 5) to (20, 25); the outline is taken",
    ),
    "COCO key points": Damage(
        write=COCO, change=_row(keypoints=[1, 2, 2, 0, 0, 0, 5, 6], num_keypoints=2), kind=K.KEY_POINTS,
        effect=DROPPED, place="annotation 1", message="Its key points are 8 numbers, not x, y and visibility",
    ),
    "COCO caption beside objects": Damage(
        write=COCO, change=_row(caption="a cat", bbox=None, segmentation=None), kind=K.CAPTION, effect=DROPPED,
        place="annotation 1", message="It is a caption", objects=2,
    ),
    "COCO picture that no file names": Damage(
        write=COCO, change=lambda f: layouts.write_image(f / "train/more.png"), kind=K.UNNAMED_IMAGE, effect=SKIPPED,
        place="train/more.png", message="No annotation file names it",
    ),
    "COCO beside JSON of another kind": Damage(
        write=COCO, change=lambda f: (f / "settings.json").write_text('{"images": 5}'), kind=K.OTHER_FILE,
        effect=Effect.FILE_SKIPPED, place="settings.json", message="holds no COCO annotations",
    ),
    "COCO beside a link out of the folder": Damage(
        write=COCO, change=lambda f: (f / "more").symlink_to(f.parent), kind=K.LINK, effect=Effect.FILE_SKIPPED,
        place="more", message="leads out of the folder",
    ),
    "COCO mask of another size": Damage(
        write=COCO, change=_row(segmentation={"counts": [0, 100], "size": [10, 10]}, bbox=[0, 0, 10, 10]),
        kind=K.DAMAGED_OBJECT, effect=DROPPED, place="annotation 1",
        message=f"has 10 x 10 pixels, the image {WIDTH} x {HEIGHT}", objects=2,
    ),
    "COCO mask of another size than the image of its box": Damage(
        write=COCO, change=_row(segmentation={"counts": [0, 100], "size": [10, 10]}), kind=K.DAMAGED_OBJECT,
        effect=CHANGED, place="annotation 1",
        message=f"has 10 x 10 pixels, the image {WIDTH} x {HEIGHT}. The box is taken.",
    ),
    "COCO mask without a pixel": Damage(
        write=COCO, change=_row(segmentation={"counts": [WIDTH * HEIGHT], "size": [HEIGHT, WIDTH]}),
        kind=K.DAMAGED_OBJECT, effect=CHANGED, place="annotation 1", message="Its mask is empty. The box is taken.",
    ),
}  # fmt: skip


LAYOUTS = (("Supervisely", SLY, "ds/img"), ("COCO", COCO, "train"), ("YOLO", YOLO, "images/train"))
"""Name, writer and folder of the images."""

_BAD_IMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "is text": (lambda p: p.write_text("x"), "not an image"),
    "is empty": (lambda p: p.write_bytes(b""), "not an image"),
    "is zeros": (lambda p: p.write_bytes(bytes(p.stat().st_size)), "not an image"),
    "is a web page": (lambda p: p.write_text("<html>404 Not found</html>"), "not an image"),
    "is drawn in SVG": (lambda p: p.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"), "not an image"),
    "is a GIF": (lambda p: Image.new("L", (WIDTH, HEIGHT)).save(p, format="GIF"), "It is a GIF picture"),
    "is cut off": (_truncate, "damaged or not complete"),
    "is only a head": (lambda p: p.write_bytes(p.read_bytes()[:60]), "damaged or not complete"),
    "has a changed byte": (_flip, "damaged or not complete"),
    "has too many pixels": (_too_many_pixels, ""),
}
"""What can be wrong with an image file, in any layout, and what is said."""


def _picture(folder: str, do: Callable[[Path], object]) -> Change:
    return lambda root: do(root / folder / "a.png")


DAMAGES |= {
    f"{layout} image {name}": Damage(
        write=write, change=_picture(folder, do), kind=K.UNREADABLE_IMAGE, effect=SKIPPED, place="a.png",
        message=message, images=2, objects=2,
    )
    for layout, write, folder in LAYOUTS
    for name, (do, message) in _BAD_IMAGES.items()
}  # fmt: skip


def test_every_layout_is_damaged_in_many_ways() -> None:
    for name, write, _ in LAYOUTS:
        assert sum(damage.write is write for damage in DAMAGES.values()) >= 25, name


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_left_out_and_told(tmp_path: Path, name: str) -> None:
    damage = DAMAGES[name]
    folder = tmp_path / "pets"
    damage.write(folder)
    damage.change(folder)
    taken = take(folder)
    (problem,) = taken.report.problems
    assert (problem.kind, problem.effect) == (damage.kind, damage.effect)
    (example,) = problem.examples
    assert problem.count == 1
    assert damage.place in example.place
    assert damage.message in example.message
    assert str(tmp_path) not in example.place + example.message
    assert (taken.report.images, taken.report.objects) == (damage.images, damage.objects)
    assert len(taken.images) == damage.images


REFUSED: dict[str, tuple[Callable[[Path], None], Change, str]] = {
    "Supervisely meta is not JSON": (SLY, lambda f: (f / "meta.json").write_text("{"), r"meta\.json is not valid JSON"),
    "Supervisely class without shape": (
        SLY,
        lambda f: (f / "meta.json").write_text('{"classes": [{"title": "cat"}]}'),
        r"classes\.0\.shape is missing",
    ),
    "COCO is cut off": (
        COCO,
        lambda f: _truncate(f / "annotations/instances_train.json"),
        r"instances_train\.json is not valid JSON",
    ),
    "COCO category without name": (
        COCO,
        _coco(lambda c: c["categories"][0].pop("name")),
        r"instances_train\.json, categories\.0\.name is missing",
    ),
    "COCO category id twice": (
        COCO,
        _coco(lambda c: c["categories"][1].update(id=c["categories"][0]["id"])),
        r"categories: the id \d+ is there 2 times",
    ),
    "COCO images are a number": (COCO, _coco(lambda c: c.update(images=5)), r"images: expected array, got int"),
    "YOLO config is not YAML": (
        YOLO,
        lambda f: (f / "data.yaml").write_text("names: [cat, dog\ntrain: images"),
        r"data\.yaml is not valid YAML in line 1: the list",
    ),
    "YOLO names are a number": (YOLO, lambda f: (f / "data.yaml").write_text("names: 5"), r"data\.yaml, names"),
    "YOLO name twice": (YOLO, lambda f: (f / "data.yaml").write_text("names: [cat, cat]"), "“cat” is there twice"),
    "YOLO without a name": (YOLO, lambda f: (f / "data.yaml").write_text("names: []"), "there is no class"),
    "YOLO without images": (
        YOLO,
        lambda f: shutil.rmtree(f / "images" / "train"),
        "holds no images",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_projects_that_cannot_be_read_at_all_are_refused(tmp_path: Path, name: str) -> None:
    write, change, message = REFUSED[name]
    folder = tmp_path / "pets"
    write(folder)
    change(folder)
    with pytest.raises(InputError, match=message) as caught:
        take(folder)
    assert caught.value.hint


def test_a_report_keeps_the_first_problems_and_counts_all(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    SLY(folder)
    bad = {"classTitle": "cow", "geometryType": "rectangle", "points": {"exterior": [[1, 1], [2, 2]]}}
    _annotation("a.png", lambda a: a["objects"].extend([bad] * 120))(folder)
    report = take(folder).report
    (problem,) = report.problems
    assert (problem.kind, problem.effect, problem.count) == (ProblemKind.UNKNOWN_CLASS, Effect.OBJECT_SKIPPED, 120)
    assert len(problem.examples) == 50
    assert report.objects == 3
