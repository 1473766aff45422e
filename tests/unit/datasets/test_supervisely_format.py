"""Reading Supervisely project folders."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.lemons import write_lemons
from traindash.datasets.contours import outlines
from traindash.datasets.shape_fit import DETECTION
from traindash.datasets.supervisely_format import open_project
from traindash.datasets.training_labels import convert_label
from traindash.domain.annotation import Bitmap, Rectangle
from traindash.errors import InputError

META = {"classes": [{"title": "cat", "shape": "rectangle", "color": "#ff0000"}], "tags": []}


def _add_image(folder: Path, name: str, objects: list[object] | None = None, *, annotation: bool = True) -> None:
    (folder / "img").mkdir(parents=True, exist_ok=True)
    (folder / "ann").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), "white").save(folder / "img" / name)
    if annotation:
        content = {"size": {"width": 40, "height": 30}, "objects": objects or [], "tags": []}
        (folder / "ann" / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "Cats and more"
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps(META))
    _add_image(folder / "first", "b.jpg")
    _add_image(folder / "first", "a.png")
    _add_image(folder / "first" / "datasets" / "inner", "c.jpg")
    _add_image(folder / "first" / "datasets" / "inner" / "datasets" / "deep", "d.jpg")
    _add_image(folder / "second", "a.png", annotation=False)
    (folder / "notes").mkdir()
    return folder


def test_finds_datasets_and_nested_datasets(project: Path) -> None:
    source = open_project(project)
    assert source.name == "Cats and more"
    assert [dataset.path for dataset in source.datasets] == ["first", "first/inner", "first/inner/deep", "second"]
    assert [dataset.parent for dataset in source.datasets] == [None, "first", "first/inner", None]
    assert [dataset.name for dataset in source.datasets] == ["first", "inner", "deep", "second"]


def test_images_come_sorted_and_can_be_walked_twice(project: Path) -> None:
    first = open_project(project).datasets[0]
    assert [image.name for image in first.images] == ["a.png", "b.jpg"]
    assert [image.name for image in first.images] == ["a.png", "b.jpg"]


def test_an_image_without_annotation_is_empty(project: Path) -> None:
    (image,) = open_project(project).datasets[3].images
    annotation = image.annotation
    assert (annotation.width, annotation.height, annotation.labels) == (40, 30, ())


def test_annotation_files_without_the_image_extension_count(project: Path) -> None:
    ann = project / "first" / "ann"
    (ann / "b.jpg.json").rename(ann / "b.json")
    changed = json.loads((ann / "b.json").read_text()) | {"tags": [{"name": "old"}]}
    (ann / "b.json").write_text(json.dumps(changed))
    image = list(open_project(project).datasets[0].images)[1]
    assert image.annotation.tags[0].name == "old"


def test_annotations_are_read_only_when_walked_over(project: Path) -> None:
    (project / "first" / "ann" / "b.jpg.json").write_text("{")
    images = iter(open_project(project).datasets[0].images)
    assert next(images).name == "a.png"
    with pytest.raises(InputError, match=r"b\.jpg\.json is not valid JSON: .* in line 1"):
        next(images)


def test_collections_are_read(project: Path) -> None:
    content = {"collections": [{"name": "train", "images": {"first": ["a.png"], "first/inner": ["c.jpg"]}}]}
    (project / "collections.json").write_text(json.dumps(content))
    (collection,) = open_project(project).collections
    assert collection.name == "train"
    assert collection.images == (("first", "a.png"), ("first/inner", "c.jpg"))


@pytest.mark.parametrize("content", ["[]", '{"collections": [{"name": ""}]}', "{", '{"collections": 5}'])
def test_damaged_collections_are_refused(project: Path, content: str) -> None:
    (project / "collections.json").write_text(content)
    with pytest.raises(InputError, match=r"collections\.json"):
        open_project(project)


def test_a_folder_without_meta_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no meta\.json"):
        open_project(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"5"])
def test_damaged_metas_are_refused_with_the_file(project: Path, content: bytes) -> None:
    (project / "meta.json").write_bytes(content)
    with pytest.raises(InputError, match=r"meta\.json"):
        open_project(project)


def test_a_file_that_is_no_image_is_refused_where_its_size_is_needed(project: Path) -> None:
    (project / "second" / "img" / "a.png").write_text("no image")
    with pytest.raises(InputError, match=r"second/a\.png: It is not an image"):
        list(open_project(project).datasets[3].images)


def test_the_real_project_reads_and_converts(tmp_path: Path) -> None:
    source = open_project(write_lemons(tmp_path / "lemons"))
    assert [item.name for item in source.meta.classes] == ["kiwi", "lemon"]
    counts = {"kiwi": 0, "lemon": 0}
    for image in source.datasets[0].images:
        annotation = image.annotation
        with Image.open(image.path) as picture:
            assert picture.size == (annotation.width, annotation.height)
        for label in annotation.labels:
            counts[label.class_name] += 1
            assert isinstance(label.geometry, Bitmap)
            (boxed,) = convert_label(label, DETECTION)
            assert isinstance(boxed.geometry, Rectangle)
            (part,) = outlines(label.geometry)
            xs, ys = [x for x, _ in part.exterior], [y for _, y in part.exterior]
            assert (min(xs), max(xs)) == pytest.approx((boxed.geometry.left, boxed.geometry.right + 1), abs=1)
            assert (min(ys), max(ys)) == pytest.approx((boxed.geometry.top, boxed.geometry.bottom + 1), abs=1)
    assert counts == {"kiwi": 20, "lemon": 6}
