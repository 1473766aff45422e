"""Data as programs and people of other habits write them: each comes in as what is meant, or says why not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.datasets import layouts, tool_layouts
from traindash.datasets.import_log import Effect, ProblemKind
from traindash.datasets.importing import open_import
from traindash.domain.annotation import Rectangle
from traindash.errors import InputError

BOX = Rectangle(left=4, top=5, right=19, bottom=24)
WIDTH, HEIGHT = layouts.WIDTH, layouts.HEIGHT
SIZE = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
CORNERS = "<bndbox><xmin>5</xmin><ymin>6</ymin><xmax>20</xmax><ymax>25</ymax></bndbox>"


def voc(root: Path, image: str, *, name: str = "cat", start: str = "", encoding: str = "utf-8") -> None:
    """A picture with a box in Pascal VOC layout; ``image`` is its path without an extension."""
    layouts.write_image(root / "JPEGImages" / f"{image}.png")
    path = root / "Annotations" / f"{image}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f"{start}<annotation>{SIZE}<object><name>{name}</name>{CORNERS}</object></annotation>"
    path.write_bytes(text.encode(encoding))


def coco(root: Path, *, image: dict[str, Any] | None = None, annotation: dict[str, Any] | None = None) -> None:
    """A picture with a box in COCO layout, with other keys in place of some."""
    row = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT} | (image or {})
    found = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 5, 16, 20]} | (annotation or {})
    layouts.write_image(root / str(row["file_name"]))
    content = {"images": [row], "annotations": [found], "categories": [{"id": 1, "name": "cat"}]}
    (root / "annotations.json").write_text(json.dumps(content))


def only(root: Path) -> tuple[tuple[str, str], str, object]:
    """Dataset and name of the one image, with the class and geometry of its one object."""
    ((key, annotation),) = layouts.take(root).images.items()
    (label,) = annotation.labels
    return key, label.class_name, label.geometry


def told(taken: layouts.Taken) -> list[tuple[str, str]]:
    return [(item.kind, item.effect) for item in taken.report.problems]


# XML


@pytest.mark.parametrize(
    ("declared", "encoding", "name"),
    [
        ("ISO-8859-1", "latin-1", "kätze"),
        ("windows-1252", "cp1252", "€ kätze"),
        ("ISO-8859-1", "cp1252", "€ kätze"),  # as Windows programs mean it
        ("gb2312", "gb18030", "图像"),
        ("GBK", "gbk", "圖像"),
        ("Shift_JIS", "cp932", "画像"),
        ("EUC-KR", "cp949", "서울"),
        ("utf-16", "utf-16", "kätze"),
        ("utf-16", "utf-8", "kätze"),  # a program converted it and left the first line
        ("foo", "ascii", "cat"),
    ],
)
def test_xml_is_read_in_the_encoding_that_it_says(tmp_path: Path, declared: str, encoding: str, name: str) -> None:
    start = f'<?xml version="1.0" encoding="{declared}"?>\n'
    voc(tmp_path / "set", "a", name=name, start=start, encoding=encoding)
    assert only(tmp_path / "set") == (("dataset", "a.png"), name, BOX)


@pytest.mark.parametrize(
    ("start", "encoding", "reason"),
    [
        ("", "latin-1", "is not UTF-8: line 1"),
        ('<?xml version="1.0" encoding="utf-8"?>\n', "latin-1", "is not UTF-8: line 2"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>\n', "utf-8", "says that it is iso-8859-1, but it is UTF-8"),
        ('<?xml version="1.0" encoding="foo"?>\n', "latin-1", "says that it is foo, which cannot be read"),
    ],
)
def test_xml_in_another_encoding_than_it_says_is_told(tmp_path: Path, start: str, encoding: str, reason: str) -> None:
    voc(tmp_path / "set", "a", name="kätze", start=start, encoding=encoding)
    voc(tmp_path / "set", "b")
    taken = layouts.take(tmp_path / "set")
    assert list(taken.images) == [("dataset", "b.png")]
    assert told(taken) == [(ProblemKind.UNREADABLE_ANNOTATION, Effect.IMAGE_SKIPPED)]
    assert reason in taken.report.problems[0].examples[0].message


@pytest.mark.parametrize("start", ["\n\n <?xml version='1.0'?>", "\ufeff<?xml version='1.0' encoding='utf-8'?>"])
def test_what_stands_before_the_declaration_does_not_matter(tmp_path: Path, start: str) -> None:
    voc(tmp_path / "set", "a", name="kätze", start=start)
    assert only(tmp_path / "set") == (("dataset", "a.png"), "kätze", BOX)


def test_namespaces_do_not_matter(tmp_path: Path) -> None:
    voc(tmp_path / "set", "a")
    path = tmp_path / "set" / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("<annotation>", '<annotation xmlns="http://example.org/voc">'))
    assert only(tmp_path / "set") == (("dataset", "a.png"), "cat", BOX)


# Pascal VOC


def test_pictures_of_one_name_belong_to_the_annotations_of_their_folder(tmp_path: Path) -> None:
    for folder in ("east", "west"):
        voc(tmp_path / "set", f"{folder}/a", name=folder)
    taken = layouts.take(tmp_path / "set")
    found = {key: [label.class_name for label in item.labels] for key, item in taken.images.items()}
    assert found == {("east", "a.png"): ["east"], ("west", "a.png"): ["west"]}


@pytest.mark.parametrize(
    "line", ["east/a", "JPEGImages/east/a.png", "set/JPEGImages/east/a", "east\\a.png", "a", "east/a  1", "east/a -1"]
)
def test_lists_may_name_images_in_many_ways(tmp_path: Path, line: str) -> None:
    voc(tmp_path / "set", "east/a")
    voc(tmp_path / "set", "b 1")
    lists = tmp_path / "set" / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text(f"{line}\n")
    (lists / "val.txt").write_bytes("\ufeffb 1\r\n".encode("utf-16"))
    taken = layouts.take(tmp_path / "set")
    assert set(taken.images) == {("train", "a.png"), ("val", "b 1.png")}
    assert told(taken) == []


# Tables


def table(root: Path, text: str, name: str = "boxes.csv") -> None:
    """A table beside a picture."""
    layouts.write_image(root / "a.png")
    (root / name).write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nfilename;class;xmin;ymin;xmax;ymax\na.png;cat;4;5;20;25\n",
        "SEP=,\r\nfilename,class,xmin,ymin,xmax,ymax\r\na.png,cat,4,5,20,25\r\n",
        "filename;class;xmin;ymin;xmax;ymax\na.png;cat;4,0;5,00;20,0000;25\n",
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    table(tmp_path / "set", text)
    assert only(tmp_path / "set") == (("dataset", "a.png"), "cat", BOX)


def test_a_comma_that_may_stand_between_thousands_is_no_coordinate(tmp_path: Path) -> None:
    table(tmp_path / "set", "filename;class;xmin;ymin;xmax;ymax\na.png;cat;4;5;20,000;25\n")
    taken = layouts.take(tmp_path / "set")
    assert told(taken) == [(ProblemKind.DAMAGED_OBJECT, Effect.OBJECT_SKIPPED)]


def test_tables_beside_each_other_are_parts_of_the_data(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for part in ("train", "test"):
        layouts.write_image(root / "images" / part / f"{part}.png")
        text = f"filename,class,xmin,ymin,xmax,ymax\n{part}.png,cat,4,5,20,25\n"
        (root / f"{part}_labels.csv").write_text(text)
    assert set(layouts.take(root).images) == {("train", "train.png"), ("test", "test.png")}


# LabelMe


@pytest.mark.parametrize(
    "keys",
    [
        {"imagePath": None, "imageHeight": None, "imageWidth": None, "flags": None},
        {"imageHeight": str(HEIGHT), "imageWidth": f"{WIDTH}.0"},
        {"imageHeight": float(HEIGHT), "imageWidth": float(WIDTH)},
        {"imagePath": "C:\\data\\a.png"},
    ],
)
def test_labelme_with_other_keys(tmp_path: Path, keys: dict[str, Any]) -> None:
    root = tmp_path / "set"
    layouts.write_image(root / "a.png")
    content = tool_layouts.labelme_file("a.png", layouts.annotations()["a.png"]) | keys
    (root / "a.json").write_text(json.dumps(content))
    assert only(root) == (("dataset", "a.png"), "cat", BOX)


def test_shapes_that_are_none_cost_themselves_only(tmp_path: Path) -> None:
    root = tmp_path / "set"
    layouts.write_image(root / "a.png")
    content = tool_layouts.labelme_file("a.png", layouts.annotations()["a.png"])
    content["shapes"] += [None, "cat", []]
    (root / "a.json").write_text(json.dumps(content))
    assert only(root) == (("dataset", "a.png"), "cat", BOX)
    report = layouts.take(root).report
    assert (report.objects, report.objects_skipped) == (1, 3)


# COCO


@pytest.mark.parametrize(
    ("image", "annotation"),
    [
        ({"file_name": " a.png"}, {}),
        ({"file_name": "a .png"}, {}),
        ({"width": str(WIDTH), "height": f"{HEIGHT}.0"}, {}),
        ({}, {"bbox": ["4", "5.0", "16", " 2e1"]}),
        ({}, {"bbox": "[4, 5, 16, 20]"}),
        ({}, {"bbox": "[ 4.  5. 16. 20.]"}),  # as NumPy prints it
        ({}, {"bbox": "(4.0, 5.0, 16.0, 20.0)"}),
    ],
)
def test_coco_that_went_through_a_data_frame(tmp_path: Path, image: dict[str, Any], annotation: dict[str, Any]) -> None:
    coco(tmp_path / "set", image=image, annotation=annotation)
    assert only(tmp_path / "set") == (("set", image.get("file_name", "a.png")), "cat", BOX)


def test_names_without_their_ending_are_those_of_pictures(tmp_path: Path) -> None:
    coco(tmp_path / "set")
    path = tmp_path / "set" / "annotations.json"
    path.write_text(path.read_text().replace('"a.png"', '"images/a"'))
    assert only(tmp_path / "set") == (("set", "a.png"), "cat", BOX)
    table(tmp_path / "other", "filename,class,xmin,ymin,xmax,ymax\na,cat,4,5,20,25\n")
    assert only(tmp_path / "other") == (("dataset", "a.png"), "cat", BOX)


@pytest.mark.parametrize("bbox", ["4, 5", "[4, 5, 16]", ["4", "5", "x", "20"], ["nan", 5, 16, 20], "[]"])
def test_texts_that_are_no_box_are_told(tmp_path: Path, bbox: object) -> None:
    coco(tmp_path / "set", annotation={"bbox": bbox})
    taken = layouts.take(tmp_path / "set")
    assert told(taken) == [(ProblemKind.DAMAGED_OBJECT, Effect.OBJECT_SKIPPED)]


def test_coordinates_that_look_like_shares_are_told(tmp_path: Path) -> None:
    coco(tmp_path / "set", annotation={"bbox": [0.1, 0.2, 0.5, 0.5]})
    taken = layouts.take(tmp_path / "set")
    assert (ProblemKind.EMPTY, Effect.NOTED) in told(taken)
    table(tmp_path / "other", "filename,class,xmin,ymin,xmax,ymax\na.png,cat,0.1,0.1,0.5,0.5\na.png,cat,4,5,20,25\n")
    assert told(layouts.take(tmp_path / "other")) == []


@pytest.mark.parametrize("bbox", [[0, 0, 0.5, 0.5], [0.5, 0.5, 0.2, 0.2]])
def test_shares_are_told_where_a_box_lies_in_the_corner_too(tmp_path: Path, bbox: list[float]) -> None:
    coco(tmp_path / "set", annotation={"bbox": bbox})
    path = tmp_path / "set" / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"].append({**content["annotations"][0], "id": 99, "bbox": [0.1, 0.2, 0.5, 0.5]})
    path.write_text(json.dumps(content))
    assert (ProblemKind.EMPTY, Effect.NOTED) in told(layouts.take(tmp_path / "set"))


@pytest.mark.parametrize(("second", "is_told"), [([16, 14, 44, 33], True), ([30, 20, 10, 10], False)])
def test_boxes_that_look_like_two_corners_are_told(tmp_path: Path, second: list[int], *, is_told: bool) -> None:
    coco(tmp_path / "set", annotation={"bbox": [30, 20, 40, 30]})
    path = tmp_path / "set" / "annotations.json"
    content = json.loads(path.read_text())
    content["images"][0] |= {"width": layouts.WIDTH, "height": layouts.HEIGHT}
    content["annotations"].append({**content["annotations"][0], "id": 99, "bbox": second})
    path.write_text(json.dumps(content))
    assert ((ProblemKind.CUT, Effect.NOTED) in told(layouts.take(tmp_path / "set"))) is is_told


def test_a_name_that_two_folders_have_is_told_with_both(tmp_path: Path) -> None:
    table(tmp_path / "set", "filename,class,xmin,ymin,xmax,ymax\na.png,cat,4,5,20,25\n")
    (picture,) = (tmp_path / "set").rglob("a.png")
    for folder, seed in (("one", 1), ("two", 2)):
        layouts.write_image(tmp_path / "set" / folder / "a.png", seed=seed)
    picture.unlink()
    layouts.write_image(tmp_path / "set" / "one" / "b.png", seed=3)
    taken = layouts.take(tmp_path / "set")
    # A table names no images without objects, so others are such images; those that it may mean are none of them.
    assert [key[1] for key in taken.images] == ["b.png"]
    messages = [example.message for item in taken.report.problems for example in item.examples]
    assert (
        "“a.png” could be any of 2 files: one/a.png and two/a.png. Write the folder in front of its name." in messages
    )


# YOLO


def test_labels_that_seem_to_count_from_one_are_told(tmp_path: Path) -> None:
    yolo(tmp_path / "set", "a.png", "a.txt")
    (tmp_path / "set" / "labels" / "a.txt").write_text("1 0.5 0.5 0.5 0.5\n2 0.5 0.5 0.2 0.2\n")
    (tmp_path / "set" / "data.yaml").write_text("names: [cat, dog]\ntrain: images\n")
    assert (ProblemKind.UNKNOWN_CLASS, Effect.NOTED) in told(layouts.take(tmp_path / "set"))


def yolo(root: Path, image: str, label: str) -> None:
    """A picture and its label file."""
    layouts.write_image(root / "images" / image)
    (root / "labels").mkdir(parents=True)
    (root / "labels" / label).write_text("0 0.5 0.5 0.5 0.5\n")


@pytest.mark.parametrize("label", ["Capture_d%C3%A9cran%20x.txt", "capture_décran x.TXT"])
def test_label_files_whose_names_are_quoted(tmp_path: Path, label: str) -> None:
    yolo(tmp_path / "set", "Capture_décran x.png", label)
    (tmp_path / "set" / "classes.txt").write_text("cat\n")
    assert only(tmp_path / "set")[:2] == (("dataset", "Capture_décran x.png"), "cat")


def test_lists_of_names_end_like_those_of_darknet(tmp_path: Path) -> None:
    yolo(tmp_path / "set", "a.png", "a.txt")
    (tmp_path / "set" / "coco.names").write_text("cat\ndog\n")
    assert only(tmp_path / "set")[1] == "cat"


def test_pictures_of_cameras_are_told(tmp_path: Path) -> None:
    yolo(tmp_path / "set", "a.png", "a.txt")
    for name in ("b.dng", "c.CR2", "d.svg"):
        (tmp_path / "set" / "images" / name).write_bytes(b"x")
    report = layouts.take(tmp_path / "set").report
    assert (report.images, report.images_skipped) == (1, 3)


# Folders and archives


def test_many_folders_around_the_data(tmp_path: Path) -> None:
    voc(tmp_path / "set" / "home" / "user" / "work" / "2024" / "export" / "voc", "a")
    assert only(tmp_path / "set") == (("dataset", "a.png"), "cat", BOX)


def test_pictures_that_are_still_packed_are_the_next_step(tmp_path: Path) -> None:
    coco(tmp_path / "set")
    (tmp_path / "set" / "a.png").unlink()
    (tmp_path / "set" / "train2017.zip").write_bytes(b"x")
    opened = open_import(tmp_path / "set", work=tmp_path / "work")
    assert not list(layouts.walk(opened.source))
    with pytest.raises(InputError) as refused:
        opened.refuse_nothing()
    assert "Unpack train2017.zip first" in (refused.value.hint or "")
