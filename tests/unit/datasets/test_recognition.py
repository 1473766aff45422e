"""Which layout a folder has, and where its images are."""

import json
from pathlib import Path

import pytest

from tests.unit.datasets import layouts
from traindash.datasets.coco_format import open_coco
from traindash.datasets.image_checks import ImageChecks
from traindash.datasets.import_log import ProblemLog
from traindash.datasets.importing import Layout, recognise
from traindash.domain.project import class_color
from traindash.errors import InputError


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(InputError, match="is not a folder"):
        recognise(tmp_path / "a")


def test_supervisely_is_not_taken_for_something_else(tmp_path: Path) -> None:
    layouts.write_supervisely(tmp_path / "pets")
    (candidate,) = recognise(tmp_path / "pets")
    assert candidate.layout is Layout.SUPERVISELY
    assert candidate.reason


@pytest.mark.parametrize("content", ["[1, 2]", '{"images": []}', "no json", '{"categories": [], "x": 1}'])
def test_other_json_is_not_coco(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert recognise(tmp_path) == ()


def test_other_text_is_not_yolo(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("hello 1 2\n")
    (tmp_path / "config.yaml").write_text("title: names\n")
    assert recognise(tmp_path) == ()


def test_labels_without_images_are_not_yolo(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    assert recognise(tmp_path) == ()


def _coco(root: Path, place: str, file_name: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    image = {"id": 1, "file_name": file_name, "width": layouts.WIDTH, "height": layouts.HEIGHT}
    path.write_text(json.dumps({"images": [image], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}))


@pytest.mark.parametrize(
    ("place", "file_name", "image", "dataset"),
    [
        ("annotations/instances_val2017.json", "a.png", "val2017/a.png", "val2017"),
        ("annotations/instances_val2017.json", "a.png", "images/val2017/a.png", "val2017"),
        ("annotations.json", "images/a.png", "images/a.png", "set"),
        ("labels.json", "a.png", "data/a.png", "set"),
        ("valid/_annotations.coco.json", "a.png", "valid/a.png", "valid"),
        ("train.json", "a.png", "somewhere/deep/a.png", "train"),
        ("train.json", "C:\\photos\\a.png", "photos/a.png", "train"),
        ("result.json", "/data/upload/a.png", "images/a.png", "set"),
    ],
)
def test_coco_images_are_found_where_tools_put_them(
    tmp_path: Path, place: str, file_name: str, image: str, dataset: str
) -> None:
    root = tmp_path / "set"
    _coco(root, place, file_name)
    layouts.write_image(root / image)
    taken = layouts.take(root)
    assert not taken.report.problems
    assert list(taken.images) == [(dataset, "a.png")]


def test_coco_files_of_one_name_become_different_datasets(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _coco(tmp_path, f"{folder}/train.json", "a.png")
        layouts.write_image(tmp_path / folder / "a.png")
    source = open_coco(tmp_path, ProblemLog(), ImageChecks(processes=0))
    assert [dataset.path for dataset in source.datasets] == ["train", "train 2"]
    assert [item.name for item in source.meta.classes] == ["cat"]


def test_colours_differ() -> None:
    colors = [class_color(number) for number in range(36)]
    assert len(set(colors)) == len(colors)
    assert all(len(color) == 7 for color in colors)
