"""Reading Supervisely project folders."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.lemons import write_lemons
from tests.unit.datasets.layouts import take
from traindash.datasets.contours import outlines
from traindash.datasets.shape_fit import DETECTION
from traindash.datasets.supervisely_format import open_project
from traindash.datasets.training_labels import convert_label
from traindash.domain.annotation import Bitmap, Rectangle
from traindash.errors import InputError

BOX = {"classTitle": "cat", "geometryType": "rectangle", "tags": [], "points": {"exterior": [[1, 2], [9, 9]]}}
META: dict[str, object] = {"classes": [{"title": "cat", "shape": "rectangle", "color": "#ff0000"}], "tags": []}


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


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _problems(path: Path) -> list[tuple[str, str, str]]:
    report = take(path).report
    return [(item.kind, item.effect, example.place) for item in report.problems for example in item.examples]


def test_a_dataset_alone_is_a_project(tmp_path: Path) -> None:
    root = tmp_path / "alone"
    _add_image(root, "a.png", [BOX])
    _add_image(root / "datasets" / "inner", "a.png")
    _write(root / "meta.json", META)
    taken = take(root)
    assert {key: len(annotation.labels) for key, annotation in taken.images.items()} == {
        ("ds0", "a.png"): 1,
        ("ds0/inner", "a.png"): 0,
    }
    assert taken.report.problems == ()


@pytest.mark.parametrize("around", [True, False])
def test_a_dataset_without_its_meta_is_refused(project: Path, *, around: bool) -> None:
    if not around:
        (project / "meta.json").unlink()
    (project / "first" / "ann" / "a.png.json").write_text(json.dumps({"size": {}, "objects": []}))
    (project / "first" / "ann" / "b.jpg.json").write_text(json.dumps({"size": {}, "objects": []}))
    with pytest.raises(InputError, match=r"first has no meta\.json") as caught:
        take(project / "first")
    assert ("Choose the project's folder, Cats and more" in caught.value.hint) == around


@pytest.mark.parametrize("alone", [True, False])
def test_annotations_without_images_are_refused(tmp_path: Path, *, alone: bool) -> None:
    root = tmp_path / "export"
    dataset = root if alone else root / "ds"
    _add_image(dataset, "a.png", [BOX])
    _write(dataset / "img_info" / "a.png.json", {"meta": {}})
    (dataset / "img" / "a.png").unlink()
    (dataset / "img").rmdir()
    _write(root / "meta.json", META)
    with pytest.raises(InputError, match="annotations of 1 images, but no images") as caught:
        take(root)
    assert "with images" in caught.value.hint


def test_several_projects_are_refused_by_name(project: Path) -> None:
    _add_image(project.parent / "Dogs" / "ds", "a.png")
    _write(project.parent / "Dogs" / "meta.json", META)
    with pytest.raises(InputError, match="holds several projects: Cats and more, Dogs"):
        take(project.parent)


@pytest.mark.parametrize(("kind", "part"), [("videos", "video"), ("point_clouds", "pointcloud"), ("volumes", "volume")])
def test_projects_of_other_things_are_refused(tmp_path: Path, kind: str, part: str) -> None:
    (tmp_path / "p" / "ds" / part).mkdir(parents=True)
    _write(tmp_path / "p" / "meta.json", META | {"projectType": kind})
    with pytest.raises(InputError, match=f"project of type “{kind}”"):
        take(tmp_path / "p")


def test_folders_and_files_may_be_in_other_letters(tmp_path: Path) -> None:
    root = tmp_path / "upper"
    _add_image(root / "DS", "Bär.PNG", [BOX])
    (root / "DS" / "ann" / "Bär.PNG.json").rename(root / "DS" / "ann" / "Ba\N{COMBINING DIAERESIS}r.png.JSON")
    (root / "DS" / "img").rename(root / "DS" / "IMG")
    (root / "DS" / "ann").rename(root / "DS" / "Ann")
    _write(root / "Meta.json", META)
    _write(
        root / "collections.json",
        {"collections": [{"name": "all", "images": {"ds": ["BA\N{COMBINING DIAERESIS}R.png"]}}]},
    )
    taken = take(root)
    assert [len(item.labels) for item in taken.images.values()] == [1]
    assert taken.collections == {"all": [("DS", "Bär.PNG")]}
    assert taken.report.problems == ()


def test_an_old_annotation_that_two_images_could_mean_belongs_to_none(tmp_path: Path) -> None:
    root = tmp_path / "old"
    for name in ("a.png", "a.jpg", "b.png"):
        _add_image(root / "ds", name, annotation=False)
    for stem in ("a", "b"):
        _write(
            root / "ds" / "ann" / f"{stem}.json", {"size": {"width": 40, "height": 30}, "objects": [BOX], "tags": []}
        )
    _write(root / "meta.json", META)
    assert sorted(_problems(root)) == [
        ("missing annotation", "noted", "ds/a.jpg"),
        ("missing annotation", "noted", "ds/a.png"),
        ("missing image", "image skipped", "ds/a"),
    ]


def test_what_is_not_part_of_the_format_is_told(project: Path) -> None:
    for place in ("notes/todo.txt", "first/img/readme.txt", "first/ann/old.xml", "preview.png"):
        (project / place).parent.mkdir(exist_ok=True)
        (project / place).write_text("x")
    for place in ("README.md", "obj_class_to_machine_color.json", "first/seg/a.png", ".DS_Store", "first/img/._a.png"):
        (project / place).parent.mkdir(exist_ok=True)
        (project / place).write_text("x")
    (project / "first" / "img" / "far.png").symlink_to(project.parent.parent)
    told = [
        place for kind, _, place in _problems(project) if kind in ("file of another kind", "link out of the folder")
    ]
    assert sorted(told) == [
        "first/ann/old.xml",
        "first/img/far.png",
        "first/img/readme.txt",
        "notes/todo.txt",
        "preview.png",
    ]


def test_free_json_of_images_comes_along(project: Path) -> None:
    _write(project / "first" / "meta" / "a.png.json", {"camera": "left"})
    _write(project / "first" / "img_info" / "a.png.json", {"id": 5, "meta": {"camera": "right"}})
    _write(project / "first" / "img_info" / "b.jpg.json", {"id": 6, "meta": {"f": 1.8}})
    first = open_project(project).datasets[0]
    assert [image.meta for image in first.images] == [{"camera": "left"}, {"f": 1.8}]
    (project / "first" / "meta" / "a.png.json").write_text("{")
    assert _problems(project)[0] == ("unreadable annotation", "file skipped", "first/meta/a.png.json")


def test_objects_of_missing_images_are_counted(project: Path) -> None:
    _add_image(project / "first", "gone.png", [BOX, BOX])
    (project / "first" / "img" / "gone.png").unlink()
    report = take(project).report
    assert (report.objects_found, report.objects, report.objects_skipped) == (2, 0, 2)
