"""Pascal VOC as the challenge, labelImg, Roboflow and CVAT write it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from tests.unit.datasets import layouts
from tests.unit.datasets.layouts import Taken, take
from traindash.datasets.geometry import tight_bounds
from traindash.datasets.import_log import ProblemKind
from traindash.domain.annotation import Bitmap, Polygon, Rectangle
from traindash.errors import InputError

SIZE = f"<size><width>{layouts.WIDTH}</width><height>{layouts.HEIGHT}</height><depth>3</depth></size>"


def box(xmin: object, ymin: object, xmax: object, ymax: object, name: str = "cat", more: str = "") -> str:
    corners = f"<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>"
    return f"<object><name>{name}</name>{more}<bndbox>{corners}</bndbox></object>"


def write(root: Path, *objects: str, stem: str = "a", head: str = "", size: str = SIZE, image: bool = True) -> Path:
    path = root / "Annotations" / f"{stem}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{head}{size}{''.join(objects)}</annotation>", encoding="utf-8")
    if image:
        layouts.write_image(root / "JPEGImages" / f"{stem}.png")
    return path


def kinds(taken: Taken) -> dict[str, int]:
    return {problem.kind: problem.count for problem in taken.report.problems}


@pytest.mark.parametrize(
    ("head", "corners", "wanted"),
    [
        # The challenge: pixels from 1, the corner inclusive
        ("", (1, 1, 48, 36), (0, 0, 47, 35)),
        ("<source><database>The VOC2007 Database</database></source>", (11, 6, 20, 10), (10, 5, 19, 9)),
        ("", (11, 6, 11, 6), (10, 5, 10, 5)),
        # labelImg and CVAT: positions
        ("<source><database>Unknown</database></source>", (10, 5, 20, 10), (10, 5, 19, 9)),
        ("<source><database>Unknown</database></source>", (0.0, 0.0, 48.0, 36.0), (0, 0, 47, 35)),
        # Roboflow: positions plus one
        ("<source><database>roboflow.com</database></source>", (1, 1, 49, 37), (0, 0, 47, 35)),
        ("<source><database>roboflow.ai</database></source>", (11, 6, 21, 11), (10, 5, 19, 9)),
        # A zero somewhere: nobody counted from 1
        ("", (0, 5, 20, 10), (0, 5, 19, 9)),
        ("", (0.5, 5, 20, 10), (0.5, 5, 19, 9)),
        ("", (5, " 0 ", 20, 10), (5, 0, 19, 9)),
        ("", (10, 100, 20.0, 30.5), (9, 29.5, 19, 35)),
        # Corners in another order, fractions, space around
        ("", (20, 10, 11, 6), (10, 5, 19, 9)),
        ("", (11.5, 6, " 20.25 ", 10), (10.5, 5, 19.25, 9)),
    ],
)
def test_boxes_mean_what_their_writer_meant(
    tmp_path: Path, head: str, corners: tuple[object, ...], wanted: tuple[float, ...]
) -> None:
    xmin, ymin, xmax, ymax = corners
    write(tmp_path / "set", box(xmin, ymin, xmax, ymax), head=head)
    (annotation,) = take(tmp_path / "set").images.values()
    (label,) = annotation.labels
    left, top, right, bottom = wanted
    assert label.geometry == Rectangle(left=left, top=top, right=right, bottom=bottom)


@pytest.mark.parametrize(
    ("name", "taken_as"),
    [("cat", "cat"), (" Löwe\n", "Löwe"), ("a &amp; b &lt;c&gt;", "a & b <c>"), ("猫", "猫"), ("0", "0")],
)
def test_names_are_taken_as_written(tmp_path: Path, name: str, taken_as: str) -> None:
    write(tmp_path / "set", box(2, 2, 9, 9, name))
    assert list(take(tmp_path / "set").report.classes) == [taken_as]


@pytest.mark.parametrize(
    ("object_", "kind"),
    [
        (box("nan", 2, 9, 9), ProblemKind.DAMAGED_OBJECT),
        (box("inf", 2, 9, 9), ProblemKind.DAMAGED_OBJECT),
        (box("1e999", 2, 9, 9), ProblemKind.DAMAGED_OBJECT),
        (box("", 2, 9, 9), ProblemKind.DAMAGED_OBJECT),
        (box("a", 2, 9, 9), ProblemKind.DAMAGED_OBJECT),
        (box(2, 2, 9, 9, ""), ProblemKind.DAMAGED_OBJECT),
        ("<object><name>cat</name></object>", ProblemKind.DAMAGED_OBJECT),
        (box(100, 100, 120, 120), ProblemKind.OUTSIDE),
    ],
)
def test_damaged_objects_are_told_and_the_others_taken(tmp_path: Path, object_: str, kind: ProblemKind) -> None:
    write(tmp_path / "set", object_, box(2, 2, 9, 9))
    taken = take(tmp_path / "set")
    assert (taken.report.objects, taken.report.objects_found) == (1, 2)
    assert kinds(taken) == {kind: 1}


def test_flags_are_tags_and_parts_are_told(tmp_path: Path) -> None:
    more = "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><occluded>1</occluded>"
    more += "<part><name>head</name></part><actions><running>1</running></actions>"
    write(tmp_path / "set", box(2, 2, 9, 9, more=more))
    taken = take(tmp_path / "set")
    (annotation,) = taken.images.values()
    tags = {tag.name: tag.value for tag in annotation.labels[0].tags}
    assert tags == {"truncated": None, "occluded": None, "pose": "Left"}
    assert kinds(taken) == {ProblemKind.UNSUPPORTED_GEOMETRY: 1, ProblemKind.UNKNOWN_TAG: 1}


def test_polygons_of_roboflow(tmp_path: Path) -> None:
    outline = "<polygon><x1>1</x1><y1>1</y1><x2>21</x2><y2>1</y2><x3>21</x3><y3>31</y3></polygon>"
    head = "<source><database>roboflow.com</database></source>"
    write(tmp_path / "set", box(1, 1, 21, 31, more=outline), head=head)
    (annotation,) = take(tmp_path / "set").images.values()
    assert annotation.labels[0].geometry == Polygon(exterior=((0.0, 0.0), (19.0, 0.0), (19.0, 29.0)))


@pytest.mark.parametrize("filename", ["", "<filename>other.png</filename>", "<filename>C:\\x\\gone.jpg</filename>"])
def test_the_image_has_the_name_of_the_xml_file(tmp_path: Path, filename: str) -> None:
    write(tmp_path / "set", box(2, 2, 9, 9), head=filename, stem="Über uns")
    write(tmp_path / "set", stem="other")
    taken = take(tmp_path / "set")
    assert (
        len(taken.images["set" if ("set", "Über uns.png") in taken.images else "dataset", "Über uns.png"].labels) == 1
    )


@pytest.mark.parametrize(
    "size", ["", "<size><width>0</width><height>0</height></size>", "<size><width>x</width></size>"]
)
def test_a_size_that_is_none_is_read_from_the_image(tmp_path: Path, size: str) -> None:
    write(tmp_path / "set", box(1, 1, 48, 36), size=size)
    taken = take(tmp_path / "set")
    assert not taken.report.problems
    (annotation,) = taken.images.values()
    assert (annotation.width, annotation.height) == (layouts.WIDTH, layouts.HEIGHT)


def test_lists_make_datasets(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for stem in ("a", "b", "c", "d e"):
        write(root, box(2, 2, 9, 9), stem=stem)
    layouts.write_image(root / "JPEGImages" / "unlabeled.png")
    layouts.write_image(root / "SegmentationClass" / "a.png")
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\r\nd e\r\nunlabeled\r\ngone\r\n")
    (lists / "val.txt").write_text("b\na\n")
    (lists / "trainval.txt").write_text("a\nb\nd e\n")
    (lists / "cat_train.txt").write_text("a  1\nc -1\n")
    taken = take(root)
    places = {(name.rpartition("_")[2], image) for name, image in taken.images}
    assert places >= {("train", "a.png"), ("train", "d e.png"), ("train", "unlabeled.png"), ("val", "b.png")}
    assert len(places) == 5
    assert kinds(taken) == {
        ProblemKind.DUPLICATE_NAME: 1,
        ProblemKind.MISSING_ANNOTATION: 1,
        ProblemKind.MISSING_IMAGE: 1,
        ProblemKind.OTHER_FILE: 1,
    }


def test_files_beside_the_images_as_roboflow_exports_them(tmp_path: Path) -> None:
    for side in ("train", "valid"):
        layouts.write_image(tmp_path / "set" / side / "a.png")
        text = f"<annotation><filename>a.png</filename>{SIZE}{box(2, 2, 9, 9)}</annotation>"
        (tmp_path / "set" / side / "a.xml").write_text(text)
    layouts.write_image(tmp_path / "set" / "valid" / "empty.png")
    taken = take(tmp_path / "set")
    assert sorted(taken.images) == [("train", "a.png"), ("valid", "a.png"), ("valid", "empty.png")]
    assert kinds(taken) == {ProblemKind.UNNAMED_IMAGE: 1}


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"<?xml version='1.0'?>{BOMB}<annotation>{SIZE}&y;</annotation>".encode(), "entities"),
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><annotation><size/>&x;</annotation>", "entities"),
        (b"<annotation>" + b"<object>" * 100_000, "nested more than 100 levels"),
        (f"<annotation>{SIZE}<object>".encode(), "not valid XML: line 1"),
        (
            f"<annotation>{SIZE}<object><name>Löwe</name></object></annotation>".encode("latin-1"),
            "is not UTF-8: line 1",
        ),
        (f"<?xml version='1.0' encoding='latin-1'?><annotation>{SIZE}ö</annotation>".encode(), "but it is UTF-8"),
        (f"<?xml version='1.0' encoding='no-such'?><annotation>{SIZE}ö</annotation>".encode("latin-1"), "no-such"),
        (b"<annotation><size>" + b"<a>" * 90, "not valid XML"),
        (b"", "not valid XML"),
    ],
)
def test_hostile_and_damaged_files_cost_their_image_only(tmp_path: Path, content: bytes, message: str) -> None:
    write(tmp_path / "set", box(2, 2, 9, 9), stem="a")
    write(tmp_path / "set", stem="b").write_bytes(content)
    taken = take(tmp_path / "set")
    (problem,) = taken.report.problems
    assert (taken.report.images, problem.kind) == (1, ProblemKind.UNREADABLE_ANNOTATION)
    assert message in problem.examples[0].message
    assert str(tmp_path) not in problem.examples[0].message


def test_utf_16_is_read(tmp_path: Path) -> None:
    text = f"<?xml version='1.0' encoding='UTF-16'?><annotation>{SIZE}{box(2, 2, 9, 9, 'Löwe')}</annotation>"
    write(tmp_path / "set").write_bytes(text.encode("utf-16"))
    assert list(take(tmp_path / "set").report.classes) == ["Löwe"]


def test_xml_of_another_kind_is_told(tmp_path: Path) -> None:
    write(tmp_path / "set", box(2, 2, 9, 9))
    (tmp_path / "set" / "settings.xml").write_text("<?xml version='1.0'?><settings/>")
    taken = take(tmp_path / "set")
    assert (taken.report.images, taken.report.objects, kinds(taken)) == (1, 1, {ProblemKind.OTHER_FILE: 1})


def test_annotations_without_one_image_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "set", box(2, 2, 9, 9), image=False)
    with pytest.raises(InputError, match="not one image"):
        take(tmp_path / "set")


# Masks. An object has the number of its place in the annotation; 255 is the border between.

RED, GREEN, OWN = (128, 0, 0), (0, 128, 0), (10, 20, 30)  # numbers 1 and 2 in the challenge's colour map, and none


def masks(path: Path, *areas: tuple[object, tuple[int, int, int, int]], size: tuple[int, int] | None = None) -> None:
    """A picture with a value, a number or a colour, in each area from left, top to right, bottom inclusive."""
    width, height = size or (layouts.WIDTH, layouts.HEIGHT)
    in_colors = isinstance(areas[0][0], tuple)
    pixels = np.zeros((height, width, 3) if in_colors else (height, width), dtype=np.uint8)
    for value, (left, top, right, bottom) in areas:
        pixels[top : bottom + 1, left : right + 1] = np.array(value, dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(pixels).save(path)


FIRST, SECOND = (4, 5, 19, 14), (24, 8, 40, 30)


@pytest.mark.parametrize("values", [(1, 2), (RED, GREEN)])
def test_objects_have_the_masks_of_their_numbers(tmp_path: Path, values: tuple[object, object]) -> None:
    root = tmp_path / "set"
    head = "<source><database>Unknown</database></source>"
    write(root, box(4, 5, 20, 15), box(24, 8, 41, 31, "dog"), box(1, 30, 5, 35), head=head)
    masks(root / "SegmentationObject" / "a.png", (values[0], FIRST), (values[1], SECOND))
    taken = take(root)
    (annotation,) = taken.images.values()
    cat, dog, bare = annotation.labels
    for label, (left, top, right, bottom) in ((cat, FIRST), (dog, SECOND)):
        assert isinstance(label.geometry, Bitmap)
        assert tight_bounds(label.geometry) == Rectangle(left=left, top=top, right=right, bottom=bottom)
    assert (cat.class_name, dog.class_name) == ("cat", "dog")
    assert isinstance(bare.geometry, Rectangle)
    assert not kinds(taken)


@pytest.mark.parametrize(
    ("area", "size", "kind"),
    [
        ((1, SECOND), None, ProblemKind.BOX_AND_OUTLINE),  # the mask of another object
        ((OWN, FIRST), None, ProblemKind.UNSUPPORTED_GEOMETRY),
        ((1, FIRST), (layouts.WIDTH + 1, layouts.HEIGHT), ProblemKind.UNSUPPORTED_GEOMETRY),
    ],
)
def test_masks_that_are_not_those_of_the_objects_are_told(
    tmp_path: Path, area: tuple[object, tuple[int, int, int, int]], size: tuple[int, int] | None, kind: ProblemKind
) -> None:
    root = tmp_path / "set"
    write(root, box(5, 6, 20, 15))
    masks(root / "SegmentationObject" / "a.png", area, size=size)
    taken = take(root)
    (annotation,) = taken.images.values()
    assert [type(label.geometry) for label in annotation.labels] == [Rectangle]
    assert kinds(taken) == {kind: 1}


@pytest.mark.parametrize("has_list", [True, False])
def test_masks_without_annotations_have_the_classes_of_their_colours(tmp_path: Path, *, has_list: bool) -> None:
    root = tmp_path / "set"
    layouts.write_image(root / "JPEGImages" / "a.png")
    layouts.write_image(root / "JPEGImages" / "b.png", seed=1)
    masks(root / "SegmentationObject" / "a.png", (RED, FIRST), (GREEN, SECOND))
    masks(root / "SegmentationClass" / "a.png", (OWN, FIRST), (RED, SECOND))
    (root / "SegmentationObject" / "b.png").write_text("x")
    (root / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:10,20,30::\n")
    if has_list:
        (root / "ImageSets" / "Segmentation").mkdir(parents=True)
        (root / "ImageSets" / "Segmentation" / "default.txt").write_text("a\nb\n")
    taken = take(root)
    ((_, name),) = taken.images
    (annotation,) = taken.images.values()
    (cat,) = annotation.labels
    assert (name, cat.class_name, tight_bounds(cat.geometry)) == (
        "a.png",
        "cat",
        Rectangle(left=FIRST[0], top=FIRST[1], right=FIRST[2], bottom=FIRST[3]),
    )
    assert kinds(taken) == {ProblemKind.UNKNOWN_CLASS: 1, ProblemKind.UNREADABLE_ANNOTATION: 1}
    assert (taken.report.images_found, taken.report.objects_found) == (2, 2)


def test_masks_that_nothing_names_leave_their_image_out(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write(root, box(5, 6, 20, 15))
    layouts.write_image(root / "JPEGImages" / "b.png", seed=1)
    masks(root / "SegmentationObject" / "b.png", (1, FIRST))
    taken = take(root)
    assert [name for _, name in taken.images] == ["a.png"]
    assert kinds(taken)[ProblemKind.UNREADABLE_ANNOTATION] == 1
