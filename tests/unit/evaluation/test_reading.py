"""What the two files may hold, and what a person reads when they hold something else."""

import copy
import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, with_masks
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation, evaluate_files

Change = Callable[[Coco, Coco], None]


def files(folder: Path, gt: object, dt: object) -> tuple[Path, Path]:
    """Write both files; bytes as they are."""
    paths = folder / "cocoGt.json", folder / "cocoDt.json"
    for path, content in zip(paths, (gt, dt), strict=True):
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return paths


def read(folder: Path, gt: object, dt: object) -> Evaluation:
    return evaluate_files(*files(folder, gt, dt))


def refused(folder: Path, gt: object, dt: object) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, gt, dt)
    assert caught.value.hint
    return caught.value.message.replace(str(folder), "")


@pytest.fixture
def good() -> tuple[Coco, Coco]:
    return coco_files(Shape(seed=3, images=3, classes=2, objects=6, detections=8))


def put(*path: str | int, value: object) -> Change:
    """Return a change of one value in the ground truth (``path`` starts with ``gt``) or the predictions."""

    def change(gt: Coco, dt: Coco) -> None:
        target: Any = gt if path[0] == "gt" else dt
        for part in path[1:-1]:
            target = target[part]
        target[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """Return a change that removes a value."""

    def change(gt: Coco, dt: Coco) -> None:
        target: Any = gt if path[0] == "gt" else dt
        for part in path[1:-1]:
            target = target[part]
        del target[path[-1]]

    return change


NAN, INFINITE = float("nan"), float("inf")
BAD: dict[str, tuple[Change, str]] = {
    "NaN in a box": (
        put("dt", "annotations", 3, "bbox", value=[1, NAN, 2, 2]),
        "/cocoDt.json: annotations[3].bbox[1]: ",
    ),
    "infinite box": (
        put("gt", "annotations", 3, "bbox", value=[1, 1, INFINITE, 2]),
        "/cocoGt.json: annotations[3].bbox[2]: ",
    ),
    "short box": (put("gt", "annotations", 1, "bbox", value=[1, 1, 2]), "/cocoGt.json: annotations[1].bbox"),
    "box of words": (put("dt", "annotations", 1, "bbox", 0, value="left"), "/cocoDt.json: annotations[1].bbox[0]: "),
    "no box": (drop("dt", "annotations", 4, "bbox"), "/cocoDt.json: annotations[4]: bbox is missing"),
    "score above 1": (put("dt", "annotations", 2, "score", value=1.01), "/cocoDt.json: annotations[2].score: "),
    "negative score": (put("dt", "annotations", 2, "score", value=-0.1), "/cocoDt.json: annotations[2].score: "),
    "NaN score": (put("dt", "annotations", 2, "score", value=NAN), "/cocoDt.json: annotations[2].score: "),
    "no score": (drop("dt", "annotations", 2, "score"), "/cocoDt.json: annotations[2]: score is missing."),
    "score above 1 in words": (
        put("dt", "annotations", 2, "score", value=1.01),
        "/cocoDt.json: annotations[2].score: a number of at most 1 is expected; 1.01 was given.",
    ),
    "NaN score in words": (
        put("dt", "annotations", 2, "score", value=NAN),
        "/cocoDt.json: annotations[2].score: a number of at least 0 is expected; nan was given.",
    ),
    "half an image": (
        put("dt", "annotations", 2, "image_id", value=1.5),
        "/cocoDt.json: annotations[2].image_id: 1.5 is no whole number.",
    ),
    "image id twice": (put("gt", "images", 1, "id", value=1), "/cocoGt.json: images[1].id: the id 1 occurs twice."),
    "class id twice": (
        put("gt", "categories", 1, "id", value=1),
        "/cocoGt.json: categories[1].id: the id 1 occurs twice.",
    ),
    "other class name": (
        put("dt", "categories", 1, "name", value="dog"),
        "/cocoDt.json: categories[1]: id 2 is “dog” here and “class 1” in the ground truth.",
    ),
    "other image": (
        put("dt", "images", 2, "file_name", value="x.png"),
        "/cocoDt.json: images[2]: id 3 is “x.png” here and “2.png” in the ground truth.",
    ),
    "no images": (put("gt", "images", value=[]), "/cocoGt.json: images: the list is empty"),
    "no classes": (put("gt", "categories", value=[]), "/cocoGt.json: categories: the list is empty"),
    "no list of objects": (drop("gt", "annotations"), "/cocoGt.json: annotations is missing."),
    "huge id": (put("gt", "annotations", 0, "id", value=2**70), "/cocoGt.json: annotations[0].id: "),
    "negative area": (put("gt", "annotations", 0, "area", value=-1), "/cocoGt.json: annotations[0].area: "),
    "area that COCO leaves out": (
        put("gt", "annotations", 0, "area", value=1e11),
        "/cocoGt.json: annotations[0].area: ",
    ),
    "crowd of 2": (put("gt", "annotations", 0, "iscrowd", value=2), "/cocoGt.json: annotations[0].iscrowd: "),
    "annotations of numbers": (put("dt", "annotations", value=[1] * 1000), "/cocoDt.json: annotations[0]: "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_file_and_place(name: str, good: tuple[Coco, Coco], tmp_path: Path) -> None:
    gt, dt = copy.deepcopy(good[0]), copy.deepcopy(good[1])
    change, expected = BAD[name]
    change(gt, dt)
    assert refused(tmp_path, gt, dt).startswith(expected)


NONSENSE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "blanks": lambda: b" \n ",
    "half a file": lambda: b'{"images": [',
    "no JSON": lambda: b"PK\x03\x04 this is an archive",
    "50 MB of brackets": lambda: b"[" * 50_000_000,
    "50 MB of random bytes": lambda: np.random.default_rng(1).bytes(50_000_000),
    "many wrong entries": lambda: b'{"images": [' + b"1," * 5_000_000 + b'1], "categories": [], "annotations": []}',
    "a list": lambda: b"[1, 2, 3]",
    "a text": lambda: b'"images"',
    "a value on each line": lambda: b'{"images": []}\n{"images": []}\n',
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_gives_one_clear_error(name: str, good: tuple[Coco, Coco], tmp_path: Path) -> None:
    content = NONSENSE[name]()
    message = refused(tmp_path, content, good[1])
    assert message.startswith("/cocoGt.json")
    assert len(message) < 300
    assert refused(tmp_path, good[0], content).startswith("/cocoDt.json")


def test_a_missing_file_is_named(good: tuple[Coco, Coco], tmp_path: Path) -> None:
    truth, _ = files(tmp_path, *good)
    with pytest.raises(InputError, match=r"nowhere\.json cannot be read: No such file"):
        evaluate_files(truth, tmp_path / "nowhere.json")


def test_rows_keep_what_the_files_say(tmp_path: Path) -> None:
    gt, dt = coco_files(Shape(seed=3, images=2, classes=2, crowds=0.3))
    for row in gt["images"]:
        row["id"] += 40
    gt["images"].reverse()
    gt["categories"].reverse()
    for row in gt["annotations"] + dt["annotations"]:
        row["image_id"] += 40
    dt = {"annotations": [{k: v for k, v in row.items() if k not in {"id", "sly_id"}} for row in dt["annotations"]]}
    pair = read(tmp_path, gt, dt).pair

    assert pair.images.ids.tolist() == [41, 42]
    assert pair.images.file_names == ("0.png", "1.png")
    assert pair.images.datasets == ("val", "val")
    assert pair.images.sly_ids.tolist() == [100, 101]
    assert pair.images.sizes.tolist() == [[64, 64], [64, 64]]
    assert pair.classes == ("class 0", "class 1")
    by_id = {row["id"]: row for row in gt["annotations"]}
    for place, one in enumerate(pair.gt.ids.tolist()):
        row = by_id[one]
        assert pair.gt.boxes[place].tolist() == row["bbox"]
        assert pair.gt.crowd[place] == row["iscrowd"]
        assert pair.gt.area[place] == row["area"]
        assert pair.gt.sly_ids[place] == row["sly_id"]
        assert pair.images.ids[pair.gt.image[place]] == row["image_id"]
        assert pair.category_ids[pair.gt.category[place]] == row["category_id"]
    for place, one in enumerate(pair.dt.place.tolist()):
        row = dt["annotations"][one]
        assert pair.dt.boxes[place].tolist() == row["bbox"]
        assert pair.dt.scores[place] == row["score"]
        assert pair.dt.area[place] == row["bbox"][2] * row["bbox"][3]
    assert set(pair.dt.sly_ids.tolist()) == {-1}
    keys = list(zip(pair.dt.image.tolist(), pair.dt.category.tolist(), (-pair.dt.scores).tolist(), strict=True))
    assert keys == sorted(keys)


def test_what_coco_leaves_open_has_a_default(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, dt = good
    for row in gt["annotations"]:
        del row["iscrowd"], row["area"]
        row["sly_id"] = None
    for row in gt["images"]:
        row |= {"width": None, "dataset": None, "sly_id": None}
        del row["height"]
    pair = read(tmp_path, gt, {"annotations": dt["annotations"]}).pair
    assert not pair.gt.crowd.any()
    np.testing.assert_array_equal(pair.gt.area, pair.gt.boxes[:, 2] * pair.gt.boxes[:, 3])
    assert set(pair.images.sly_ids.tolist()) == set(pair.gt.sly_ids.tolist()) == {-1}
    assert pair.images.datasets == ("", "", "")
    assert not pair.images.sizes.any()


def test_boxes_are_compared_unless_all_have_a_mask(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    masked, _ = with_masks(*good)
    assert read(tmp_path, masked, good[1]).kind == "bbox"
    assert read(tmp_path, *with_masks(*good)).kind == "segm"
    assert read(tmp_path, *good).kind == "bbox"


def test_garbage_collection_is_as_before(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    read(tmp_path, *good)
    assert gc.isenabled()
    gc.disable()
    try:
        read(tmp_path, *good)
        assert not gc.isenabled()
    finally:
        gc.enable()
