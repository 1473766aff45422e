"""The same project in every layout, as folder and as archive."""

import codecs
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.lemons import write_lemons
from tests.unit.datasets import layouts, tool_layouts
from tests.unit.datasets.layouts import take
from traindash.datasets.contours import outlines
from traindash.datasets.first_look import look_at
from traindash.datasets.geometry import polygon_area, tight_bounds
from traindash.datasets.import_log import Effect, ProblemKind, ProblemLog
from traindash.datasets.importing import Layout, choose, open_import
from traindash.datasets.shape_fit import DETECTION, SEGMENTATION
from traindash.datasets.supervisely_format import open_project
from traindash.datasets.training_labels import convert_label
from traindash.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle
from traindash.errors import InputError

WRITERS: dict[Layout, Callable[[Path], None]] = {
    Layout.SUPERVISELY: layouts.write_supervisely,
    Layout.COCO: layouts.write_coco,
    Layout.YOLO: layouts.write_yolo,
    **tool_layouts.WRITERS,
}


def _box(geometry: Geometry) -> tuple[float, float, float, float]:
    box = tight_bounds(geometry)
    assert box is not None
    return (box.left, box.top, box.right, box.bottom)


def _boxes(annotation: Annotation) -> list[tuple[str, tuple[float, float, float, float]]]:
    return [(label.class_name, _box(label.geometry)) for label in annotation.labels]


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_gives_the_same_objects(tmp_path: Path, layout: Layout) -> None:
    folder = tmp_path / "My pets"
    WRITERS[layout](folder)
    taken = take(folder)
    assert taken.opened.candidate.layout is layout
    assert taken.opened.source.name == "My pets"
    assert (taken.report.images, taken.report.objects) == (3, 3)
    assert dict(taken.report.classes) == {"cat": 2, "dog": 1}
    assert not taken.report.problems
    wanted = layouts.annotations()
    for (_, name), annotation in taken.images.items():
        assert (annotation.width, annotation.height) == (layouts.WIDTH, layouts.HEIGHT)
        for (given, given_box), (class_name, box) in zip(_boxes(annotation), _boxes(wanted[name]), strict=True):
            assert given == class_name
            assert given_box == pytest.approx(box, abs=0.01)


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_with_a_folder_around_are_taken(tmp_path: Path, layout: Layout, kind: str) -> None:
    folder = tmp_path / "outer" / "inner" / "pets"
    WRITERS[layout](folder)
    archive = tmp_path / f"pets.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted((tmp_path / "outer").rglob("*")):
                file.write(path, path.relative_to(tmp_path))
    else:
        with tarfile.open(archive, "w:gz") as file_:
            file_.add(tmp_path / "outer", "outer")
    shutil.rmtree(tmp_path / "outer")
    taken = take(archive, tmp_path / "work")
    assert taken.opened.candidate.layout is layout
    assert taken.opened.source.name == "pets"
    assert taken.report.images == 3


def test_supervisely_keeps_tags_and_collections(tmp_path: Path) -> None:
    layouts.write_supervisely(tmp_path / "pets")
    taken = take(tmp_path / "pets")
    assert [tag.name for tag in taken.images["ds", "a.png"].tags] == ["indoors"]
    assert taken.collections == {"all": [("ds", "a.png"), ("ds", "b.png"), ("other", "c.png")]}


def test_coco_names_datasets_and_shapes(tmp_path: Path) -> None:
    layouts.write_coco(tmp_path / "pets")
    source = take(tmp_path / "pets").opened.source
    assert [dataset.path for dataset in source.datasets] == ["train"]
    assert {item.name: item.shape for item in source.meta.classes} == {"cat": "polygon", "dog": "polygon"}


def test_yolo_polygons_come_back(tmp_path: Path) -> None:
    layouts.write_yolo(tmp_path / "pets", task_type=SEGMENTATION)
    taken = take(tmp_path / "pets")
    dog = taken.images["train", "b.png"].labels[0].geometry
    assert isinstance(dog, Polygon)
    wanted = layouts.SHAPES[1]
    assert isinstance(wanted, Polygon)
    flat = [value for point in dog.exterior for value in point]
    assert flat == pytest.approx([value for point in wanted.exterior for value in point], abs=1e-3)


def test_yolo_without_names_numbers_its_classes(tmp_path: Path) -> None:
    layouts.write_yolo(tmp_path / "pets")
    (tmp_path / "pets" / "data.yaml").unlink()
    taken = take(tmp_path / "pets")
    assert dict(taken.report.classes) == {"class 0": 2, "class 1": 1}


def test_yolo_names_from_a_text_file(tmp_path: Path) -> None:
    layouts.write_yolo(tmp_path / "pets")
    (tmp_path / "pets" / "data.yaml").unlink()
    (tmp_path / "pets" / "classes.txt").write_bytes(codecs.BOM_UTF8 + b"Katze\r\nHund\r\n\r\n")
    assert dict(take(tmp_path / "pets").report.classes) == {"Katze": 2, "Hund": 1}


def test_yolo_names_with_an_empty_line_are_refused(tmp_path: Path) -> None:
    """Some tools count the line and others do not, so the labels would belong to other classes."""
    layouts.write_yolo(tmp_path / "pets")
    (tmp_path / "pets" / "data.yaml").unlink()
    (tmp_path / "pets" / "classes.txt").write_text("Katze\n\nHund\n")
    with pytest.raises(InputError, match=r"classes\.txt, line 2 is empty"):
        take(tmp_path / "pets")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_every_text_of_yolo_is_read_in_the_encodings_of_windows(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "pets"
    layouts.write_yolo(folder)
    wanted = take(folder).report
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("dog\ncat\n", encoding=encoding)
    for path in folder.rglob("labels/*/*.txt"):
        path.write_text(path.read_text(), encoding=encoding)
    found = take(folder, work=tmp_path / "again").report
    assert (found.images, found.objects, found.problems) == (wanted.images, wanted.objects, wanted.problems)


def test_yolo_with_a_list_of_images(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_yolo(folder)
    (folder / "train.txt").write_text("./images/train/a.png\n/home/somebody/data/images/train/b.png\n")
    config = (folder / "data.yaml").read_text().replace("images/train", "train.txt")
    (folder / "data.yaml").write_text(config)
    assert sorted(take(folder).images) == [("train", "a.png"), ("train", "b.png")]


def test_yolo_labels_beside_the_images(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_yolo(folder)
    for label in (folder / "labels" / "train").iterdir():
        label.rename(folder / "images" / "train" / label.name)
    shutil.rmtree(folder / "labels")
    assert take(folder).report.objects == 3


def test_yolo_poses_become_boxes(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_yolo(folder)
    label = folder / "labels" / "train" / "a.txt"
    label.write_text(label.read_text().strip() + " 0.1 0.2 2 0.3 0.4 1\n")
    config = folder / "data.yaml"
    config.write_text(config.read_text() + "kpt_shape: [2, 3]\n")
    assert isinstance(take(folder).images["train", "a.png"].labels[0].geometry, Rectangle)


def test_a_folder_with_two_layouts_needs_a_choice(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_coco(folder)
    layouts.write_yolo(folder)
    with pytest.raises(InputError, match=r"several ways: COCO, YOLO\. Choose the format: coco or yolo"):
        open_import(folder, work=tmp_path / "work")
    chosen = open_import(folder, work=tmp_path / "work", layout=Layout.YOLO)
    assert chosen.candidate.layout is Layout.YOLO


def test_a_wrong_choice_is_told(tmp_path: Path) -> None:
    layouts.write_coco(tmp_path / "pets")
    with pytest.raises(InputError, match=r"not in YOLO layout; it looks like COCO\. Read it as COCO"):
        open_import(tmp_path / "pets", work=tmp_path / "work", layout=Layout.YOLO)


@pytest.mark.parametrize(("files", "message"), [((), "has no files"), (("notes.txt",), "no layout that can be read")])
def test_folders_without_a_layout_are_refused(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    (tmp_path / "empty").mkdir()
    for name in files:
        (tmp_path / "empty" / name).write_text("hello")
    with pytest.raises(InputError, match=message):
        open_import(tmp_path / "empty", work=tmp_path / "work")


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_import(tmp_path / "nowhere", work=tmp_path / "work")


def test_nothing_is_written_to_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_supervisely(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    take(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not (tmp_path / "unpacked").exists()


def _write_photo_on_its_side(path: Path) -> None:
    """A photo of WIDTH x HEIGHT to people, stored as HEIGHT x WIDTH."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (layouts.HEIGHT, layouts.WIDTH)).save(path, format="JPEG", exif=exif)


@pytest.mark.parametrize("layout", WRITERS)
def test_photos_that_are_stored_on_their_side_keep_their_objects(tmp_path: Path, layout: Layout) -> None:
    folder = tmp_path / "pets"
    WRITERS[layout](folder)
    (image,) = folder.rglob("a.png")
    _write_photo_on_its_side(image)
    taken = take(folder)
    assert not taken.report.problems
    (annotation,) = (found for (_, name), found in taken.images.items() if name == "a.png")
    assert (annotation.width, annotation.height) == (layouts.WIDTH, layouts.HEIGHT)
    assert _boxes(annotation)[0][1] == pytest.approx((4, 5, 19, 24), abs=0.01)


def test_a_strict_log_refuses_the_first_skip(tmp_path: Path) -> None:
    log = ProblemLog(strict=True)
    layouts.write_supervisely(tmp_path / "pets")
    (tmp_path / "pets" / "ds" / "ann" / "a.png.json").write_text("{")
    with pytest.raises(InputError, match=r"ds/a\.png"):
        list(layouts.walk(open_project(tmp_path / "pets", log)))


@pytest.mark.parametrize("layout", WRITERS)
def test_the_real_project_in_every_layout(tmp_path: Path, layout: Layout) -> None:
    exported = write_lemons(tmp_path / "exported")
    original = open_project(exported)
    read = {image.name: image.annotation for _, image in layouts.walk(original)}
    folder = tmp_path / "lemons"
    own = {Layout.SUPERVISELY: "ds1/img", Layout.COCO: "train", Layout.YOLO: "images/train"}
    images = folder / {**own, **tool_layouts.IMAGES}[layout]
    if layout is Layout.SUPERVISELY:
        shutil.copytree(exported, folder)
    else:
        images.mkdir(parents=True)
        for _, image in layouts.walk(original):
            shutil.copyfile(image.path, images / image.name)
        if layout in tool_layouts.WRITERS:
            tool_layouts.WRITERS[layout](folder, read.items())
        else:
            write = layouts.write_coco if layout is Layout.COCO else layouts.write_yolo
            write(folder, read.items(), classes=("kiwi", "lemon"))
    taken = take(folder)
    assert not taken.report.problems
    assert dict(taken.report.classes) == {"kiwi": 20, "lemon": 6}
    for (_, name), annotation in taken.images.items():
        for label, wanted in zip(annotation.labels, read[name].labels, strict=True):
            assert label.class_name == wanted.class_name
            assert _box(label.geometry) == pytest.approx(_box(wanted.geometry), abs=0.8)
            _check_area(label, wanted)


def _check_area(label: Label, wanted: Label) -> None:
    (detected,) = convert_label(label, DETECTION)
    assert isinstance(detected.geometry, Rectangle)
    if not isinstance(label.geometry, Rectangle):
        area = sum(polygon_area(part) for part in outlines(label.geometry))
        assert area == pytest.approx(sum(polygon_area(part) for part in outlines(wanted.geometry)), rel=0.01)


def test_pictures_of_one_name_in_two_folders_are_two_images(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_image(folder / "cam_a" / "1.png", seed=1)
    layouts.write_image(folder / "cam_b" / "1.png", seed=2)
    size = {"width": layouts.WIDTH, "height": layouts.HEIGHT}
    images = [{"id": number, "file_name": f"cam_{name}/1.png", **size} for number, name in enumerate("ab", start=1)]
    boxes = [{"id": number, "image_id": number, "category_id": 1, "bbox": [number, 2, 10, 10]} for number in (1, 2)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}
    (folder / "labels.json").write_text(json.dumps(content))
    taken = take(folder)
    lefts = {name: annotation.labels[0].geometry for (_, name), annotation in taken.images.items()}
    assert lefts == {
        "1.png": Rectangle(left=1, top=2, right=10, bottom=11),
        "cam_b_1.png": Rectangle(left=2, top=2, right=11, bottom=11),
    }
    (told,) = taken.report.problems
    assert (told.kind, told.effect, told.count) == (ProblemKind.DUPLICATE_NAME, Effect.CHANGED, 1)


def test_an_import_of_nothing_is_refused_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    layouts.write_coco(folder)
    for path in (folder / "train").iterdir():
        path.unlink()
    opened = open_import(folder, work=tmp_path / "work")
    assert not [image for dataset in opened.source.datasets for image in dataset.images]
    with pytest.raises(
        InputError, match=r"No image can be taken in: 3 images whose file is not there, .*\. The first: .*“a.png”"
    ):
        opened.refuse_nothing()


@pytest.mark.parametrize("layout", WRITERS)
def test_a_first_look_counts_and_shows(tmp_path: Path, layout: Layout) -> None:
    WRITERS[layout](tmp_path / "pets")
    look = look_at(choose(tmp_path / "pets"))
    assert (look.layout, look.is_whole, look.report.images, look.report.images_found) == (layout, True, 3, 3)
    assert sum(look.datasets.values()) == 3
    assert {item.name for item in look.images} == {"a.png", "b.png"}  # c.png has no object
    shown = Image.open(io.BytesIO(look.images[0].picture))
    assert (shown.format, shown.size) == ("JPEG", (layouts.WIDTH, layouts.HEIGHT))


def test_a_first_look_shows_deep_pictures_as_they_are_trained_on(tmp_path: Path) -> None:
    layouts.write_yolo(tmp_path / "pets")
    ramp = np.tile(np.linspace(0, 65_535, layouts.WIDTH).astype(np.uint16), (layouts.HEIGHT, 1))
    Image.fromarray(ramp).save(tmp_path / "pets" / "images" / "train" / "a.png")
    (shown,) = (item for item in look_at(choose(tmp_path / "pets")).images if item.name == "a.png")
    row = np.asarray(Image.open(io.BytesIO(shown.picture)).convert("L"))[0].astype(int)
    middle = layouts.WIDTH // 2
    assert row[0] < 20
    assert 100 < row[middle] < 160
    assert row[-1] > 235


def test_a_first_look_takes_from_all_datasets_and_ends_in_time(tmp_path: Path) -> None:
    layouts.write_supervisely(tmp_path / "pets")
    for number in range(200):
        layouts.write_image(tmp_path / "pets" / "ds" / "img" / f"more{number}.png", seed=number)
    look = look_at(choose(tmp_path / "pets"), seconds=0.0, fewest=20)
    assert not look.is_whole
    assert look.report.images == 20
    assert look.datasets == {"ds": 19, "other": 1}
    assert look.report.images_found in (202, 203)  # the dataset that was begun is counted as a whole
