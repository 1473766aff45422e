"""Key points come in as figures of shape graph beside the objects they belong to, with their skeleton."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.unit.datasets import layouts
from tests.unit.datasets.layouts import HEIGHT, WIDTH, Taken, take
from traindash.datasets.import_log import Effect, ProblemKind
from traindash.datasets.key_points import read_skeleton
from traindash.domain.annotation import Label, OtherGeometry, Rectangle
from traindash.domain.project import ObjectClass

Row: TypeAlias = Mapping[str, Any]
PERSON: Row = {
    "id": 1,
    "name": "person",
    "keypoints": ["nose", "left eye", "right eye"],
    "skeleton": [[1, 2], [1, 3]],
}
BOX = [5, 6, 20, 16]


def _coco(root: Path, *rows: Row, categories: Sequence[Row] = (PERSON,), name: str = "a") -> None:
    layouts.write_image(root / f"{name}.png", seed=len(name))
    image = {"id": 1, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
    objects = [{"image_id": 1, "category_id": 1, **row} for row in rows]
    content = {"images": [image], "annotations": objects, "categories": categories}
    (root / f"{name}.json").write_text(json.dumps(content))


def _import(root: Path, *rows: Row, categories: Sequence[Row] = (PERSON,)) -> Taken:
    _coco(root, *rows, categories=categories)
    return take(root)


def _labels(taken: Taken) -> list[Label]:
    return [label for found in taken.images.values() for label in found.labels]


def _nodes(label: Label) -> dict[str, Any]:
    assert isinstance(label.geometry, OtherGeometry)
    assert label.geometry.shape == "graph"
    nodes: dict[str, Any] = json.loads(label.geometry.json)["nodes"]
    return nodes


def _skeleton(item: ObjectClass) -> tuple[list[str], list[tuple[str, str]]]:
    config: Any = item.extra["geometry_config"]
    assert all(name == node["label"] for name, node in config["nodes"].items())
    return list(config["nodes"]), [(edge["src"], edge["dst"]) for edge in config["edges"]]


def _told(taken: Taken) -> list[tuple[str, str, int]]:
    return [(item.kind, item.effect, item.count) for item in taken.report.problems]


def _adds_up(taken: Taken) -> bool:
    report = taken.report
    return report.objects_found == report.objects + report.objects_skipped


def test_an_object_keeps_its_box_and_its_key_points(tmp_path: Path) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "keypoints": [9, 10, 2, 12.5, 8, 1, 0, 0, 0]})
    box, points = _labels(taken)
    assert box.geometry == Rectangle(left=5, top=6, right=24, bottom=21)
    assert _nodes(points) == {"nose": {"loc": [9, 10]}, "left eye": {"loc": [12.5, 8], "disabled": True}}
    # The official SDK binds what belongs together by this.
    assert box.extra["instance"] == points.extra["instance"]
    assert [(item.name, item.shape) for item in taken.opened.source.meta.classes] == [
        ("person", "rectangle"),
        ("person key points", "graph"),
    ]
    assert _skeleton(taken.opened.source.meta.classes[1]) == (
        ["nose", "left eye", "right eye"],
        [("nose", "left eye"), ("nose", "right eye")],
    )
    assert _told(taken) == [
        (ProblemKind.KEY_POINTS, Effect.CHANGED, 1),
        (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.NOTED, 1),
    ]
    assert taken.report.classes == {"person": 1, "person key points": 1}
    assert taken.report.objects_found == taken.report.objects == 2


def test_two_annotations_are_not_bound_to_each_other(tmp_path: Path) -> None:
    row = {"bbox": BOX, "keypoints": [9, 10, 2, 0, 0, 0, 0, 0, 0]}
    first, _, second, _ = _labels(_import(tmp_path, row, row))
    assert first.extra != second.extra


@pytest.mark.parametrize("points", [[], None, "text", [0, 0, 0] * 3, [3, 4, 0] * 3])
def test_without_a_point_that_is_set_there_is_only_the_box(tmp_path: Path, points: object) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "keypoints": points, "num_keypoints": 0})
    assert [label.class_name for label in _labels(taken)] == ["person"]
    assert not _labels(taken)[0].extra
    assert not taken.report.problems
    assert len(taken.opened.source.meta.classes) == 1


def test_key_points_need_no_box(tmp_path: Path) -> None:
    taken = _import(tmp_path, {"keypoints": [9, 10, 2, 12, 8, 2, 0, 0, 0]})
    (points,) = _labels(taken)
    assert list(_nodes(points)) == ["nose", "left eye"]
    assert not points.extra
    assert taken.report.objects_found == taken.report.objects == 1


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ({"bbox": BOX, "keypoints": [9, 10, 2, 12, 8]}, ["person"]),
        ({"bbox": BOX, "keypoints": [9, "10", 2]}, ["person"]),
        ({"bbox": BOX, "keypoints": [9, float("nan"), 2]}, ["person"]),
        ({"bbox": BOX, "keypoints": [9, 10**400, 2]}, ["person"]),
        ({"bbox": BOX, "keypoints": [-90, 900, 2]}, ["person"]),
        ({"bbox": [5, 6, 0, 0], "keypoints": [9, 10, 2]}, ["person key points"]),
        ({"bbox": BOX, "keypoints": [9, 10, 2], "category_id": 7}, []),
        ({"bbox": BOX, "keypoints": [9, 10, 2], "image_id": 7}, []),
        ({"bbox": BOX, "keypoints": [9, 10, 2], "iscrowd": 1}, []),
    ],
)
def test_what_of_the_two_is_damaged_is_left_out_and_counted(
    tmp_path: Path, row: dict[str, Any], left: list[str]
) -> None:
    taken = _import(tmp_path, row, {"bbox": BOX, "iscrowd": 0})
    assert [label.class_name for label in _labels(taken)] == [*left, "person"]
    assert taken.report.objects_skipped
    assert _adds_up(taken)


def test_points_outside_the_image_are_left_out_and_told(tmp_path: Path) -> None:
    points = [9, 10, 2, WIDTH + 40, 8, 2, WIDTH, HEIGHT, 2]
    taken = _import(tmp_path, {"bbox": BOX, "keypoints": points})
    assert _nodes(_labels(taken)[1]) == {"nose": {"loc": [9, 10]}, "right eye": {"loc": [WIDTH - 1, HEIGHT - 1]}}
    assert (ProblemKind.CUT, Effect.CHANGED, 1) in _told(taken)


@pytest.mark.parametrize(
    ("category", "points", "names", "edges"),
    [
        ({}, [1, 1, 2, 0, 0, 0, 3, 3, 2], ["1", "2", "3"], []),
        ({"keypoints": ["nose"]}, [1, 1, 2, 3, 3, 2], ["nose", "2"], []),
        ({"keypoints": ["2"]}, [1, 1, 2, 3, 3, 2], ["2", "2 2"], []),
        ({"keypoints": ["eye", "eye", ""]}, [1, 1, 2], ["eye", "eye 2", "3"], []),
        ({"keypoints": ["a", "b"]}, [1, 1, 3, 3], ["a", "b"], []),
        ({"keypoints": ["a", "b"], "skeleton": [[0, 1]]}, [1, 1, 2], ["a", "b"], [("a", "b")]),
        ({"skeleton": [[1, 4]]}, [1, 1, 2], ["1", "2", "3", "4"], [("1", "4")]),
        ({"keypoints": ["a", "b"], "skeleton": "text"}, [1, 1, 2], ["a", "b"], []),
        ({"keypoints": 17, "skeleton": [[1, 2], [1.0, 2.0]]}, [1, 1, 2], ["1", "2"], [("1", "2")]),
    ],
)
def test_skeletons_are_read_as_they_are_written(
    tmp_path: Path, category: dict[str, Any], points: list[int], names: list[str], edges: list[tuple[str, str]]
) -> None:
    taken = _import(tmp_path, {"bbox": BOX, "keypoints": points}, categories=[{"id": 1, "name": "x", **category}])
    assert _skeleton(taken.opened.source.meta.classes[1]) == (names, edges)
    assert set(_nodes(_labels(taken)[1])) <= set(names)


def test_joined_pairs_that_are_no_points_are_told(tmp_path: Path) -> None:
    category = {**PERSON, "skeleton": [[1, 2], [1, 9], [1, 1], "text", [1, 2, 3], [1.5, 2], [-1, 2]]}
    taken = _import(tmp_path, {"bbox": BOX, "keypoints": [9, 10, 2]}, categories=[category])
    assert _skeleton(taken.opened.source.meta.classes[1])[1] == [("nose", "left eye")]
    assert "6 joined pairs" in taken.report.problems[0].examples[0].message


def test_huge_skeletons_are_bounded() -> None:
    skeleton = read_skeleton(["x"] * 10**6, [[1, 10**9], [1, 10**400]])
    assert len(skeleton.names) == len(set(skeleton.names)) == 2000
    assert skeleton.unclear == 2


def test_a_category_of_the_same_name_stays_its_own_class(tmp_path: Path) -> None:
    categories = [PERSON, {"id": 2, "name": "person key points"}]
    rows: list[Row] = [{"bbox": BOX, "keypoints": [9, 10, 2]}, {"bbox": BOX, "category_id": 2}]
    taken = _import(tmp_path, *rows, categories=categories)
    assert taken.report.classes == {"person": 1, "person key points": 1, "person key points 2": 1}


def test_files_with_other_orders_of_points_share_a_skeleton(tmp_path: Path) -> None:
    other = {"id": 1, "name": "person", "keypoints": ["tail", "nose"], "skeleton": [[1, 2]]}
    _coco(tmp_path, {"bbox": BOX, "keypoints": [9, 10, 2]}, name="a")
    _coco(tmp_path, {"bbox": BOX, "keypoints": [3, 4, 2, 5, 6, 2]}, name="bb", categories=[other])
    taken = take(tmp_path)
    assert _skeleton(taken.opened.source.meta.classes[1]) == (
        ["nose", "left eye", "right eye", "tail"],
        [("nose", "left eye"), ("nose", "right eye"), ("tail", "nose")],
    )
    assert [_nodes(label) for label in _labels(taken) if label.class_name == "person key points"] == [
        {"nose": {"loc": [9, 10]}},
        {"tail": {"loc": [3, 4]}, "nose": {"loc": [5, 6]}},
    ]


def test_key_points_in_the_official_file_beside_join_their_objects(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "val2017" / "1.png", seed=1)
    image = {"id": 1, "file_name": "1.png", "width": WIDTH, "height": HEIGHT}
    rows = [
        {"id": 5, "image_id": 1, "category_id": 1, "bbox": BOX},
        {"id": 6, "image_id": 1, "category_id": 1, "bbox": BOX},
    ]
    points = [
        {**rows[0], "keypoints": [9, 10, 2, 0, 0, 0, 0, 0, 0]},
        {**rows[1], "bbox": [1, 2, 3, 4], "keypoints": [9, 10, 2, 0, 0, 0, 0, 0, 0]},  # another object of the same id
    ]
    for name, objects, category in (
        ("instances", rows, {"id": 1, "name": "person"}),
        ("person_keypoints", points, PERSON),
    ):
        path = tmp_path / "annotations" / f"{name}_val2017.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": [image], "annotations": objects, "categories": [category]}))
    taken = take(tmp_path)
    assert list(taken.images) == [("val2017", "1.png")]
    assert [label.class_name for label in _labels(taken)] == ["person", "person key points", "person"]
    assert list(_nodes(_labels(taken)[1])) == ["nose"]
    assert _skeleton(taken.opened.source.meta.classes[1])[0] == PERSON["keypoints"]
    told = [item for item in taken.report.problems if item.kind == ProblemKind.KEY_POINTS]
    messages = {item.effect: item.examples[0].message for item in told}
    assert "key points of 1 object are taken" in messages[Effect.NOTED]
    assert "key points of 1 object are left out" in messages[Effect.FILE_SKIPPED]
    assert _adds_up(taken)
