"""COCO data as different programs pack it: where pictures lie, how files name them, what ids look like."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.datasets import layouts
from tests.unit.datasets.layouts import HEIGHT, WIDTH, Taken, take
from traindash.datasets.import_log import Effect, ProblemKind
from traindash.errors import InputError

Row = Mapping[str, Any]
CATEGORIES: Sequence[Row] = ({"id": 1, "name": "bolt"}, {"id": 2, "name": "nut"})


def _image(number: object, name: str, **more: object) -> dict[str, object]:
    return {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT, **more}


def _object(image: object, category: object = 1, **more: object) -> dict[str, object]:
    return {"image_id": image, "category_id": category, "bbox": [5, 5, 20, 16], "iscrowd": 0, **more}


def _write(
    root: Path, place: str, images: Sequence[Row], objects: Sequence[Row], categories: Sequence[Row] = CATEGORIES
) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"images": images, "annotations": objects, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")


def _objects(taken: Taken) -> dict[tuple[str, str], list[str]]:
    return {key: [label.class_name for label in found.labels] for key, found in taken.images.items()}


def _told(taken: Taken) -> list[tuple[ProblemKind, Effect, int]]:
    return [(ProblemKind(item.kind), Effect(item.effect), item.count) for item in taken.report.problems]


def test_captions_and_key_points_are_left_beside_the_instances(tmp_path: Path) -> None:
    images = [_image(number, f"{number}.png") for number in (1, 2)]
    for number in (1, 2):
        layouts.write_image(tmp_path / f"val2017/{number}.png", seed=number)
    _write(tmp_path, "annotations/instances_val2017.json", images, [_object(1), _object(2, 2)])
    _write(tmp_path, "annotations/captions_val2017.json", images, [{"image_id": 1, "caption": "a bolt"}])
    _write(tmp_path, "annotations/person_keypoints_val2017.json", images, [_object(1, num_keypoints=0)])
    taken = take(tmp_path)
    assert _objects(taken) == {("val2017", "1.png"): ["bolt"], ("val2017", "2.png"): ["nut"]}
    assert _told(taken) == [(ProblemKind.OTHER_FILE, Effect.FILE_SKIPPED, 2)]


def test_files_of_key_points_alone_give_boxes_and_key_points(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "val2017/1.png")
    points = _object(1, keypoints=[9, 9, 2, 0, 0, 0], num_keypoints=1)
    _write(tmp_path, "annotations/person_keypoints_val2017.json", [_image(1, "1.png")], [points])
    taken = take(tmp_path)
    assert _objects(taken) == {("val2017", "1.png"): ["bolt", "bolt key points"]}
    told = [(ProblemKind.KEY_POINTS, Effect.CHANGED, 1), (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.NOTED, 1)]
    assert _told(taken) == told


def test_captions_alone_are_refused(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "val2017/1.png")
    _write(tmp_path, "annotations/captions.json", [_image(1, "1.png")], [{"image_id": 1, "caption": "a bolt"}])
    with pytest.raises(InputError, match="no COCO annotations with objects"):
        take(tmp_path)


def test_files_number_their_categories_on_their_own(tmp_path: Path) -> None:
    for batch, name in (("one", "bolt"), ("two", "nut")):
        layouts.write_image(tmp_path / batch / "0.png", seed=len(name))
        _write(tmp_path, f"{batch}.json", [_image(0, "0.png")], [_object(0, 0)], [{"id": 0, "name": name}])
    assert _objects(take(tmp_path)) == {("one", "0.png"): ["bolt"], ("two", "0.png"): ["nut"]}


def test_pictures_of_one_name_go_to_the_file_of_their_side(tmp_path: Path) -> None:
    for side, folder, category in (("train", "train_photos", 1), ("valid", "validation", 2)):
        layouts.write_image(tmp_path / "all" / folder / "0.png", seed=category)
        _write(tmp_path, f"{side}.json", [_image(0, "0.png")], [_object(0, category)])
    taken = take(tmp_path)
    assert not taken.report.problems
    paths = {dataset.path: image.path for dataset, image in layouts.walk(taken.opened.source)}
    assert {side: path.parent.name for side, path in paths.items()} == {"train": "train_photos", "valid": "validation"}


def test_pictures_in_several_files_are_told(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "images/0.png")
    for name in ("all", "some"):
        _write(tmp_path, f"{name}.json", [_image(0, "0.png")], [_object(0)])
    taken = take(tmp_path)
    assert taken.report.images == 2
    assert _told(taken) == [(ProblemKind.SEVERAL_FILES, Effect.NOTED, 1)]


@pytest.mark.parametrize(
    ("written", "lies"),
    [
        ("..\\..\\label-tool\\media\\upload\\4\\ab12-left.png", "images/ab12-left.png"),
        ("../../media/left.png", "images/left.png"),
        ("p%201.png", "images/p 1.png"),
        ("p 1.png", "images/p%201.png"),
        ("p%201.png", "images/p%201.png"),
        ("http://images.somewhere.org/train/7.png?size=big", "train/7.png"),
        ("M\u00fchle.png", "images/Mu\u0308hle.png"),
        ("Mu\u0308hle.png", "images/M\u00fchle.png"),
        ("IMG_1.PNG", "images/img_1.png"),
        ("..dots..png", "images/..dots..png"),
        ("\N{NUT AND BOLT} #1 'x' & 100%.png", "images/\N{NUT AND BOLT} #1 'x' & 100%.png"),
    ],
)
def test_pictures_are_found_however_their_name_is_written(tmp_path: Path, written: str, lies: str) -> None:
    layouts.write_image(tmp_path / lies)
    _write(tmp_path, "result.json", [_image(1, written)], [_object(1)])
    taken = take(tmp_path)
    assert not taken.report.problems
    assert [name for _, name in taken.images] == [Path(lies).name]


def test_pictures_may_be_named_by_their_address_alone(tmp_path: Path) -> None:
    for number in (1, 2):
        layouts.write_image(tmp_path / f"train2017/{number}.png", seed=number)
    images = [_image(1, ""), _image(2, "")]
    for number, row in enumerate(images, start=1):
        row["coco_url"] = f"http://images.cocodataset.org/train2017/{number}.png"
        del row["file_name"]
    _write(tmp_path, "lvis_v1_train.json", images, [_object(1), _object(2)])
    assert take(tmp_path).report.objects == 2


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "secret.png")
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "images/linked.png").symlink_to(tmp_path / "secret.png")
    names = ("../secret.png", str(tmp_path / "secret.png"), "..\\secret.png", "linked.png", "..", "/", "a\0b")
    _write(root, "labels.json", [_image(number, name) for number, name in enumerate(names)], [])
    taken = take(root)
    assert not taken.images
    assert _told(taken) == [
        (ProblemKind.LINK, Effect.FILE_SKIPPED, 1),
        (ProblemKind.MISSING_IMAGE, Effect.IMAGE_SKIPPED, len(names)),
    ]


@pytest.mark.parametrize(
    ("image_id", "its_id", "category_id", "its_category"),
    [
        (1, 1.0, 1, 1.0),
        ("1", 1, "1", 1),
        (1, "1", 1, "1"),
        ("1.0", 1, 1, "1.0"),
        ("a7", "a7", "bolts", "bolts"),
        ("007", "007", 0, 0),
        (10**30, 10**30, 4_000_000_000, 4e9),
        (-5, -5, -1, -1),
    ],
)
def test_ids_have_many_spellings(
    tmp_path: Path, image_id: object, its_id: object, category_id: object, its_category: object
) -> None:
    layouts.write_image(tmp_path / "a.png")
    categories = [{"id": category_id, "name": "bolt"}, {"id": 77, "name": "nut"}]
    _write(tmp_path, "x.json", [_image(image_id, "a.png")], [_object(its_id, its_category)], categories)
    taken = take(tmp_path)
    assert not taken.report.problems
    assert list(_objects(taken).values()) == [["bolt"]]


@pytest.mark.parametrize("bad", [None, True, float("nan"), 1.5, "", [], {}])
def test_what_is_no_id_is_told(tmp_path: Path, bad: object) -> None:
    layouts.write_image(tmp_path / "a.png")
    _write(tmp_path, "x.json", [_image(1, "a.png"), _image(bad, "a.png")], [_object(bad), _object(1, bad), _object(1)])
    taken = take(tmp_path)
    assert list(_objects(taken).values()) == [["bolt"]]
    assert (taken.report.images_found, taken.report.objects_found) == (2, 3)


@pytest.mark.parametrize(("name", "class_name"), [(7, "7"), (7.0, "7"), (0.5, "0.5"), ("Ü #1", "Ü #1")])
def test_numbers_may_be_names(tmp_path: Path, name: object, class_name: str) -> None:
    layouts.write_image(tmp_path / "a.png")
    _write(tmp_path, "x.json", [_image(1, "a.png")], [_object(1)], [{"id": 1, "name": name}])
    assert list(_objects(take(tmp_path)).values()) == [[class_name]]


def test_two_categories_of_one_name_are_one_class(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "a.png")
    categories = [{"id": 1, "name": "bolt"}, {"id": 2, "name": "bolt"}]
    _write(tmp_path, "x.json", [_image(1, "a.png")], [_object(1), _object(1, 2)], categories)
    taken = take(tmp_path)
    assert dict(taken.report.classes) == {"bolt": 2}
    assert _told(taken) == [(ProblemKind.DUPLICATE_NAME, Effect.NOTED, 1)]


@pytest.mark.parametrize(
    ("root", "objects", "classes", "notes"),
    [
        ("parts", 1, ["bolt", "nut"], [ProblemKind.ROOT_CATEGORY]),
        ("parts", 2, ["parts", "bolt", "nut"], []),
        ("bolt", 1, ["bolt", "nut"], []),
    ],
)
def test_a_category_that_groups_others_is_no_class(
    tmp_path: Path, root: str, objects: int, classes: list[str], notes: list[ProblemKind]
) -> None:
    layouts.write_image(tmp_path / "train/a.png")
    groups = [{"id": 0, "name": root, "supercategory": "none"}]
    leaves = [{"id": number, "name": name, "supercategory": root} for number, name in ((1, "bolt"), (2, "nut"))]
    rows = [_object(1), _object(1, 0)][:objects]
    _write(tmp_path, "train/_annotations.coco.json", [_image(1, "a.png")], rows, [*groups, *leaves])
    taken = take(tmp_path)
    assert [item.name for item in taken.opened.source.meta.classes] == classes
    assert [problem.kind for problem in taken.report.problems] == notes


def test_a_category_in_a_group_of_its_own_name_is_a_class(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "a.png")
    categories = [{"id": 1, "name": "person", "supercategory": "person"}]
    _write(tmp_path, "x.json", [_image(1, "a.png")], [], categories)
    assert [item.name for item in take(tmp_path).opened.source.meta.classes] == ["person"]


@pytest.mark.parametrize("size", [{}, {"width": None, "height": None}, {"width": 48.0, "height": 36.0}, {"width": 0}])
def test_the_size_of_a_picture_may_be_missing(tmp_path: Path, size: Row) -> None:
    layouts.write_image(tmp_path / "a.png")
    _write(tmp_path, "x.json", [{"id": 1, "file_name": "a.png", **size}], [_object(1)])
    taken = take(tmp_path)
    assert not taken.report.problems
    assert [(found.width, found.height) for found in taken.images.values()] == [(WIDTH, HEIGHT)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_of_other_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    layouts.write_image(tmp_path / "ü.png")
    _write(tmp_path, "x.json", [_image(1, "ü.png")], [_object(1)])
    (tmp_path / "x.json").write_bytes((tmp_path / "x.json").read_text().encode(encoding))
    assert take(tmp_path).report.objects == 1


def test_hidden_copies_are_no_annotations(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "a.png")
    for place in ("x.json", ".ipynb_checkpoints/x-checkpoint.json", "__MACOSX/x.json", "._x.json"):
        _write(tmp_path, place, [_image(1, "a.png")], [_object(1)])
    taken = take(tmp_path)
    assert not taken.report.problems
    assert taken.report.images == 1


@pytest.mark.parametrize("row", [None, 5, "text", []])
def test_a_row_that_is_none_does_not_cost_the_others(tmp_path: Path, row: object) -> None:
    layouts.write_image(tmp_path / "1.png")
    images: list[Any] = [row, _image(1, "1.png")]
    objects: list[Any] = [_object(1), row]
    _write(tmp_path, "a.json", images, objects)
    taken = take(tmp_path)
    assert _objects(taken) == {("a", "1.png"): ["bolt"]}
    report = taken.report
    assert (report.images_found, report.images_skipped, report.objects_found, report.objects_skipped) == (2, 1, 2, 1)
