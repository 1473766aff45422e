"""CVAT, LabelMe, Label Studio, Create ML and CSV: odd inputs and what is taken of them."""

import base64
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.datasets import layouts, strategies, tool_layouts
from tests.unit.datasets.layouts import Taken, take
from traindash.datasets.geometry import decode_mask, tight_bounds
from traindash.datasets.import_log import ProblemKind
from traindash.datasets.importing import Layout
from traindash.datasets.label_studio_format import decode_brush
from traindash.domain.annotation import Annotation, Bitmap, Label, OtherGeometry, Polygon, Rectangle
from traindash.errors import InputError

SIZE = f'width="{layouts.WIDTH}" height="{layouts.HEIGHT}"'


def kinds(taken: Taken) -> dict[str, int]:
    return {problem.kind: problem.count for problem in taken.report.problems}


def only(taken: Taken) -> Annotation:
    (annotation,) = taken.images.values()
    return annotation


# CVAT


def cvat(root: Path, shapes: str, meta: str = "", name: str = "a.png") -> Path:
    layouts.write_image(root / "images" / "a.png")
    text = f'<annotations><version>1.1</version><meta>{meta}</meta><image id="0" name="{name}" {SIZE}>{shapes}</image>'
    (root / "annotations.xml").write_text(f"{text}</annotations>", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ('<box label="cat" xtl="4" ytl="5" xbr="20" ybr="25"/>', (4, 5, 19, 24)),
        ('<box label="cat" xtl="20" ytl="25" xbr="4" ybr="5"/>', (4, 5, 19, 24)),
        ('<box label="cat" xtl="4" ytl="5" xbr="20" ybr="15" rotation="90"/>', (7, 2, 16, 17)),
        ('<polygon label="cat" points="4,5;20,5;20,25"/>', (4, 5, 19, 24)),
        ('<ellipse label="cat" cx="20" cy="20" rx="10" ry="5"/>', (10, 15, 29, 24)),
        ('<mask label="cat" rle="2, 2, 2, 2" left="10" top="12" width="4" height="2"/>', (12, 12, 13, 13)),
    ],
)
def test_shapes_of_cvat(tmp_path: Path, shape: str, wanted: tuple[float, ...]) -> None:
    (label,) = only(take(cvat(tmp_path / "set", shape))).labels
    box = tight_bounds(label.geometry)
    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize(
    ("shapes", "found", "taken_", "kind"),
    [
        ('<polyline label="cat" points="1,1;5,5"/>', 1, 1, ProblemKind.UNSUPPORTED_GEOMETRY),
        ('<points label="cat" points="1,1;5,5"/>', 2, 2, ProblemKind.UNSUPPORTED_GEOMETRY),
        ('<cuboid label="cat" xtl1="1"/>', 1, 0, ProblemKind.UNSUPPORTED_GEOMETRY),
        ('<skeleton label="cat"><points label="1" points="1,1"/></skeleton>', 1, 0, ProblemKind.UNSUPPORTED_GEOMETRY),
        ('<mask label="cat" rle="9, 9" left="0" top="0" width="4" height="2"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
        ('<mask label="cat" rle="x" left="0" top="0" width="4" height="2"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
        ('<mask label="c" rle="0, 8" left="0" top="0" width="1e6" height="1e6"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
        ('<polygon label="cat" points="1,1;5,5"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
        ('<polygon label="cat" points="nan,1;5,5;6,7"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
        ('<box label="" xtl="4" ytl="5" xbr="20" ybr="25"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
        ('<box label="cat" xtl="4" ytl="5" xbr="4" ybr="25"/>', 1, 0, ProblemKind.DAMAGED_OBJECT),
    ],
)
def test_losses_of_cvat_are_told(tmp_path: Path, shapes: str, found: int, taken_: int, kind: ProblemKind) -> None:
    report = take(cvat(tmp_path / "set", shapes)).report
    assert (report.objects_found, report.objects) == (found, taken_)
    assert {problem.kind for problem in report.problems} == {kind}


def test_skeletons_of_cvat(tmp_path: Path) -> None:
    svg = (
        '&lt;line data-node-from="1" data-node-to="2"/&gt;&lt;circle data-node-id="1" data-label-name="nose"/&gt;'
        '&lt;circle data-node-id="2" data-label-name="tail"/&gt;'
    )
    of_points = "".join(f"<label><name>{name}</name><parent>cat</parent></label>" for name in ("nose", "tail", "paw"))
    meta = f"<labels><label><name>cat</name><type>skeleton</type><svg>{svg}</svg></label>{of_points}</labels>"
    drawn = (
        '<points label="tail" points="20,10.5" occluded="1" outside="0"/><points label="paw" points="1,1" outside="1"/>'
        '<points label="nose" points="4,5" occluded="0" outside="0"/>'
    )
    far = drawn.replace("20,10.5", "900,5")
    taken = take(
        cvat(tmp_path / "set", f'<skeleton label="cat">{drawn}</skeleton><skeleton label="cat">{far}</skeleton>', meta)
    )
    whole, cut = (
        json.loads(label.geometry.json)["nodes"]
        for label in only(taken).labels
        if isinstance(label.geometry, OtherGeometry)
    )
    assert whole == {"nose": {"loc": [4, 5]}, "tail": {"loc": [20, 10.5], "disabled": True}}
    assert list(cut) == ["nose"]
    assert ("1 of its key points lie outside the image.") in [
        example.message for item in taken.report.problems for example in item.examples
    ]
    (cat,) = taken.opened.source.meta.classes
    config: Any = cat.extra["geometry_config"]
    assert (cat.shape, list(config["nodes"])) == ("graph", ["nose", "tail", "paw"])
    assert [(edge["src"], edge["dst"]) for edge in config["edges"]] == [("nose", "tail")]


def test_labels_tags_and_attributes_of_cvat(tmp_path: Path) -> None:
    meta = "<task><labels><label><name>cat</name><color>#aabbcc</color></label><label><name>dog</name></label>"
    meta += "<label><name>night</name><type>tag</type></label></labels></task>"
    box = '<box label="cat" occluded="1" xtl="4" ytl="5" xbr="20" ybr="25"><attribute name="age">3</attribute></box>'
    other = '<box label="bird" xtl="4" ytl="5" xbr="20" ybr="25"/>'
    taken = take(cvat(tmp_path / "set", f'{box}{other}<tag label="night"/>', meta))
    assert taken.opened.source.meta.classes[0].color == "#AABBCC"
    assert list(taken.report.classes) == ["cat", "dog"]
    assert [tag.name for tag in only(taken).tags] == ["night"]
    assert {tag.name: tag.value for tag in only(taken).labels[0].tags} == {"occluded": None, "age": "3"}
    assert kinds(taken) == {ProblemKind.UNKNOWN_CLASS: 1}


def test_videos_of_cvat_are_refused_with_what_to_export(tmp_path: Path) -> None:
    cvat(tmp_path / "set", "")
    (tmp_path / "set" / "annotations.xml").write_text('<annotations><meta/><track id="0" label="cat"/></annotations>')
    with pytest.raises(InputError, match="for video") as refused:
        take(tmp_path / "set")
    assert "CVAT for images" in refused.value.hint


# LabelMe


def labelme(root: Path, *shapes: dict[str, Any], image: bool = True, **more: object) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    layouts.write_image(root / ("a.png" if image else "elsewhere.png"))
    content = tool_layouts.labelme_file("a.png", Annotation(width=layouts.WIDTH, height=layouts.HEIGHT))
    (root / "a.json").write_text(json.dumps({**content, "shapes": list(shapes), **more}))
    return root


def shape(kind: str | None, *points: object, **more: object) -> dict[str, Any]:
    return {"label": "cat", "shape_type": kind, "points": list(points), **more}


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (shape("rectangle", [4, 5], [20, 25]), (4, 5, 19, 24)),
        (shape("rectangle", [20, 5], [4, 25]), (4, 5, 19, 24)),
        (shape("rectangle", [4, 5], [20, 5], [20, 25], [4, 25]), (4, 5, 19, 24)),
        (shape("polygon", [4, 5], [20, 5], [20, 25]), (4, 5, 19, 24)),
        (shape(None, [4, 5], [20, 5], [20, 25]), (4, 5, 19, 24)),
        (shape("circle", [20, 18], [30, 18]), (10, 8, 29, 27)),
        (shape("mask", [4, 5], [6, 6], mask=tool_layouts.png(np.ones((2, 3), dtype=np.bool_))), (4, 5, 6, 6)),
    ],
)
def test_shapes_of_labelme(tmp_path: Path, given_: dict[str, Any], wanted: tuple[float, ...]) -> None:
    (label,) = only(take(labelme(tmp_path / "set", given_))).labels
    box = tight_bounds(label.geometry)
    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize(
    "damaged",
    [
        shape("polygon", [4, 5], [20, 5]),
        shape("polygon", [4, 5], [20, 5], [math.nan, 2]),
        shape("polygon", [4, 5], [20, 5], [math.inf, 2]),
        shape("polygon", [4, 5], [20, 5], [1]),
        shape("mask", [4, 5], [6, 6], mask="no picture"),
        shape("circle", [4, 5]),
        {"label": None, "points": [[1, 2], [3, 4], [5, 9]]},
        {"label": "cat", "points": "none"},
        {"label": "cat"},
    ],
)
def test_damaged_shapes_of_labelme_are_told(tmp_path: Path, damaged: dict[str, Any]) -> None:
    report = take(labelme(tmp_path / "set", damaged, shape("rectangle", [4, 5], [20, 25]))).report
    assert (report.objects_found, report.objects) == (2, 1)
    assert [problem.kind for problem in report.problems] == [ProblemKind.DAMAGED_OBJECT]


def test_parts_of_a_group_are_one_object(tmp_path: Path) -> None:
    parts = (shape("polygon", [2 + x, 2], [8 + x, 2], [8 + x, 9], group_id=1) for x in (0, 20))
    taken = take(labelme(tmp_path / "set", *parts, shape("rectangle", [4, 5], [20, 25], group_id=1)))
    box, mask = only(taken).labels
    assert isinstance(box.geometry, Rectangle)
    assert isinstance(mask.geometry, Bitmap)
    assert decode_mask(mask.geometry).shape == (7, 26)
    assert kinds(taken) == {ProblemKind.UNSUPPORTED_GEOMETRY: 1}


def test_lines_and_points_are_kept_and_flags_are_tags(tmp_path: Path) -> None:
    shapes = shape("point", [3, 4]), shape("linestrip", [3, 4], [5, 6], flags={"old": True, "new": False})
    taken = take(labelme(tmp_path / "set", *shapes, flags={"night": True, "day": False}))
    assert [label.geometry.shape for label in only(taken).labels if isinstance(label.geometry, OtherGeometry)] == [
        "point",
        "line",
    ]
    assert [tag.name for tag in only(taken).tags] == ["night"]
    assert [tag.name for tag in only(taken).labels[1].tags] == ["old"]


@pytest.mark.parametrize("written", ["..\\images\\a.png", "/home/me/A.PNG", "", "renamed since.png"])
def test_images_of_labelme_are_found(tmp_path: Path, written: str) -> None:
    taken = take(labelme(tmp_path / "set", shape("rectangle", [4, 5], [20, 25]), imagePath=written))
    assert [name for _, name in taken.images] == ["a.png"]


def test_a_picture_that_is_only_inside_its_annotation_comes_in(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "a.png")
    data = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    root = labelme(tmp_path / "set", shape("rectangle", [4, 5], [20, 25]), image=False, imageData=data)
    taken = take(root, tmp_path / "work")
    assert sorted(name for _, name in taken.images) == ["a.png", "elsewhere.png"]
    assert not (root / "a.png").exists()


def test_json_of_another_kind_is_told(tmp_path: Path) -> None:
    root = labelme(tmp_path / "set", shape("rectangle", [4, 5], [20, 25]))
    (root / "notes.json").write_text('{"by": "me"}')
    taken = take(root)
    assert (taken.report.images, kinds(taken)) == (1, {ProblemKind.OTHER_FILE: 1})


# Label Studio


def tasks(root: Path, *given_: object) -> Path:
    layouts.write_image(root / "images" / "a.png")
    (root / "export.json").write_text(json.dumps(given_))
    return root


def result(kind: str, value: dict[str, Any], **more: object) -> dict[str, Any]:
    size = {"original_width": layouts.WIDTH, "original_height": layouts.HEIGHT}
    return {"id": "r", "from_name": "f", "to_name": "image", "type": kind, "value": value, **size, **more}


def done(*results: dict[str, Any], image: str = "/data/upload/1/0a1b2c3d-a.png", **more: object) -> dict[str, Any]:
    return {"id": 1, "data": {"image": image}, "annotations": [{"result": list(results), **more}], "predictions": []}


BOX = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["cat"]}


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (result("rectanglelabels", BOX), (12, 9, 35, 26)),
        (result("rectanglelabels", {**BOX, "x": 75, "rotation": 90}), (18, 9, 35, 32)),
        (
            result("polygonlabels", {"points": [[25, 25], [75, 25], [75, 75]], "polygonlabels": ["cat"]}),
            (12, 9, 35, 26),
        ),
        (
            result("ellipselabels", {"x": 50, "y": 50, "radiusX": 25, "radiusY": 25, "ellipselabels": ["cat"]}),
            (12, 9, 35, 26),
        ),
    ],
)
def test_shapes_of_label_studio(tmp_path: Path, given_: dict[str, Any], wanted: tuple[float, ...]) -> None:
    (label,) = only(take(tasks(tmp_path / "set", done(given_)))).labels
    box = tight_bounds(label.geometry)
    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/1/0a1b2c3d-a.png",
        "/data/local-files/?d=my%20files/a.png",
        "https://example.com/some/a.png?token=1",
        "s3://bucket/some/a.png",
        "C:\\pictures\\a.png",
    ],
)
def test_images_of_label_studio_are_found(tmp_path: Path, image: str) -> None:
    taken = take(tasks(tmp_path / "set", done(result("rectanglelabels", BOX), image=image)))
    assert [name for _, name in taken.images] == ["a.png"]
    assert not taken.report.problems


def test_choices_and_texts_are_tags(tmp_path: Path) -> None:
    results = (
        result("rectanglelabels", BOX, id="box"),
        result("choices", {"choices": ["wet", "cold"]}, id="image"),
        result("textarea", {**BOX, "text": ["a note"]}, id="box", from_name="note"),
        result("rating", {"rating": 4}, id="r2", from_name="quality"),
        {"type": "relation", "from_id": "box", "to_id": "box"},
    )
    taken = take(tasks(tmp_path / "set", done(*results)))
    assert [(tag.name, tag.value) for tag in only(taken).tags] == [("wet", None), ("cold", None), ("quality", "4")]
    assert len(only(taken).labels) == 1
    assert ProblemKind.UNKNOWN_TAG in kinds(taken)


def test_one_of_several_annotations_is_taken_and_told(tmp_path: Path) -> None:
    task = done(result("rectanglelabels", BOX))
    cat, dog = task["annotations"][0], {"result": [result("rectanglelabels", {**BOX, "rectanglelabels": ["dog"]})]}
    cancelled = {"result": [], "was_cancelled": True}
    predictions = [{"result": [result("rectanglelabels", BOX)]}]
    last = {**task, "annotations": [cat, dog, cancelled], "predictions": predictions}
    taken = take(tasks(tmp_path / "one", last))
    assert list(taken.report.classes) == ["dog"]
    assert kinds(taken) == {ProblemKind.OTHER_VERSION: 1, ProblemKind.PREDICTION: 1}
    truth = {**task, "annotations": [{**cat, "ground_truth": True}, dog]}
    assert list(take(tasks(tmp_path / "two", truth)).report.classes) == ["cat"]


def test_json_min_of_label_studio(tmp_path: Path) -> None:
    value = {**BOX, "original_width": layouts.WIDTH, "original_height": layouts.HEIGHT}
    row = {"image": "/data/upload/1/0a1b2c3d-a.png", "id": 1, "label": [value], "choice": "wet", "annotator": 1}
    taken = take(tasks(tmp_path / "set", row))
    assert only(taken).labels[0].geometry == Rectangle(left=12, top=9, right=35, bottom=26)
    assert [tag.name for tag in only(taken).tags] == ["wet"]


@pytest.mark.parametrize(
    "damaged",
    [
        result("rectanglelabels", {**BOX, "x": math.nan}),
        result("rectanglelabels", {**BOX, "rectanglelabels": []}),
        result("rectanglelabels", {**BOX, "width": 0}),
        result("brushlabels", {"rle": [1, 2, 3], "brushlabels": ["cat"]}),
        result("brushlabels", {"rle": [999], "brushlabels": ["cat"]}),
        result("polygonlabels", {"points": [[1, 2]], "polygonlabels": ["cat"]}),
    ],
)
def test_damaged_regions_are_told(tmp_path: Path, damaged: dict[str, Any]) -> None:
    report = take(tasks(tmp_path / "set", done({**damaged, "id": "d"}, result("rectanglelabels", BOX)))).report
    assert (report.objects_found, report.objects) == (2, 1)
    assert [problem.kind for problem in report.problems] == [ProblemKind.DAMAGED_OBJECT]


@given(strategies.masks())
@settings(max_examples=30, deadline=None)
def test_brush_strokes_come_back(mask: np.ndarray) -> None:
    assert np.array_equal(decode_brush(tool_layouts.brush(mask), mask.shape[1], mask.shape[0]), mask)


# Create ML and CSV


def test_create_ml_of_several_dialects(tmp_path: Path) -> None:
    root = tmp_path / "set"
    layouts.write_image(root / "a.png")
    layouts.write_image(root / "b.png")
    box = {"label": "cat", "coordinates": {"x": 12, "y": 15, "width": 16, "height": 20}}
    damaged = [{"label": "cat"}, {**box, "label": ""}, {"label": "cat", "coordinates": {"x": "?"}}, None]
    rows = [
        {"image": "a.png", "annotations": [box]},
        {"imagefilename": "b.png", "annotation": [*damaged, box]},
        {"x": 1},
    ]
    (root / "_annotations.createml.json").write_text(json.dumps(rows))
    taken = take(root)
    assert {label.geometry for item in taken.images.values() for label in item.labels} == {
        Rectangle(left=4, top=5, right=19, bottom=24)
    }
    assert kinds(taken) == {ProblemKind.DAMAGED_OBJECT: 4, ProblemKind.UNREADABLE_ANNOTATION: 1}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_boxes(tmp_path: Path, delimiter: str, encoding: str) -> None:
    root = tmp_path / "set"
    layouts.write_image(root / "train" / "ä.png")
    layouts.write_image(root / "train" / "empty.png")
    (root / "README.txt").write_text("made by hand")
    rows = [
        ["Filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"],
        ["ä.png", "48", "36", "Löwe", "4", "5", "20", "25"],
        ["ä.png", "48", "36", "Löwe", "20", "25", "4", "5"],
        ["ä.png", "48", "36", "Löwe", "4", "5", "nan", "25"],
        ["gone.png", "48", "36", "Löwe", "4", "5", "20", "25"],
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (root / "train" / "_annotations.csv").write_text(text, encoding=encoding)
    taken = take(root)
    box = Rectangle(left=4, top=5, right=19, bottom=24)
    assert [label.geometry for label in taken.images["train", "ä.png"].labels] == [box, box]
    assert kinds(taken) == {
        ProblemKind.DAMAGED_OBJECT: 1,
        ProblemKind.MISSING_IMAGE: 1,
        ProblemKind.UNNAMED_IMAGE: 1,
    }


# All of them

names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12).filter(
    lambda name: name == name.strip()
)


def _precise(layout: Layout, geometry: object, wanted: object) -> None:
    assert isinstance(geometry, Rectangle | Polygon | Bitmap)
    assert isinstance(wanted, Rectangle | Polygon | Bitmap)
    found, box = tight_bounds(geometry), tight_bounds(wanted)
    assert found is not None
    assert box is not None
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx(
        (box.left, box.top, box.right, box.bottom), abs=0.01
    )
    if isinstance(wanted, Bitmap) and layout not in tool_layouts.BOXES_ONLY:
        assert isinstance(geometry, Bitmap)
        assert decode_mask(geometry).sum() == decode_mask(wanted).sum()


@pytest.mark.parametrize("layout", tool_layouts.WRITERS)
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_tool_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, layout: Layout, data: st.DataObject
) -> None:
    shapes = st.one_of(strategies.rectangles(), strategies.bitmaps())
    labels = data.draw(st.lists(st.builds(Label, class_name=names, geometry=shapes), max_size=4))
    annotation = Annotation(width=strategies.SIDE, height=strategies.SIDE, labels=tuple(labels))
    root = tmp_path_factory.mktemp("project") / "set"
    layouts.write_image(root / tool_layouts.IMAGES[layout] / "ü 1.png", size=(strategies.SIDE, strategies.SIDE))
    tool_layouts.WRITERS[layout](root, {"ü 1.png": annotation}.items())
    taken = take(root)
    assert not taken.report.problems
    for label, wanted in zip(only(taken).labels, labels, strict=True):
        assert label.class_name == wanted.class_name
        _precise(layout, label.geometry, wanted.geometry)


DAMAGES: tuple[Callable[[bytes, int], bytes], ...] = (
    lambda content, at: content[:at],
    lambda content, at: content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :],
    lambda content, at: content[:at] + b"\xff\x00" + content[at:],
    lambda content, at: content[:at] + b"[" * 100_000 + content[at:],
    lambda content, at: content[:at] + b"9" * 5_000 + content[at:],
    lambda content, at: content[:at] + b"NaN" + content[at:],
)


@pytest.mark.parametrize("layout", tool_layouts.WRITERS)
@given(damage=st.sampled_from(DAMAGES), share=st.floats(0, 0.999))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_refused_or_told(
    tmp_path_factory: pytest.TempPathFactory, layout: Layout, damage: Callable[[bytes, int], bytes], share: float
) -> None:
    root = tmp_path_factory.mktemp("project") / "set"
    tool_layouts.WRITERS[layout](root)
    file = min(path for path in root.rglob("*") if path.suffix in (".xml", ".json", ".csv"))
    content = file.read_bytes()
    file.write_bytes(damage(content, int(share * len(content))))
    message = "none"
    try:
        take(root)  # which checks that all that was found is taken or told
    except InputError as refused:
        message = refused.message
    assert message
    assert str(root) not in message
