"""Folders in YOLO layout as programs and people write them."""

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.datasets.layouts import Taken, take, write_image
from traindash.datasets.geometry import bounds
from traindash.datasets.import_log import Effect, ProblemKind
from traindash.datasets.importing import Layout, recognise
from traindash.domain.annotation import OtherGeometry, Polygon, shape_name
from traindash.errors import InputError

BOX, OTHER = "0 0.5 0.5 0.25 0.25\n", "1 0.25 0.25 0.25 0.25\n"
NAMES = "bolt\nnut\n"
YAML = "names: [bolt, nut]\n"
_PICTURES = (".png", ".jpg")


def write(root: Path, *pictures: str, **texts: str) -> None:
    """Write pictures, and label files or others by name."""
    for number, name in enumerate(pictures):
        write_image(root / name, seed=number, size=(64, 48))
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def contents(taken: Taken) -> Mapping[str, list[str]]:
    """``dataset/image`` → class and left border of its objects."""
    return {
        "/".join(key): [
            f"{label.class_name} {box.left:g}" for label in annotation.labels if (box := bounds(label.geometry))
        ]
        for key, annotation in taken.images.items()
    }


def told(taken: Taken) -> list[tuple[str, str, int]]:
    """Kind, effect and count of all problems."""
    return [(problem.kind, problem.effect, problem.count) for problem in taken.report.problems]


WHOLE: Mapping[str, tuple[tuple[str, ...], Mapping[str, str], tuple[str, ...]]] = {
    "darknet": (
        ("obj_train_data/a.PNG", "obj_valid_data/b.PNG"),
        {
            "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
            "obj.names": NAMES,
            "train.txt": "data/obj_train_data/a.PNG\n",
            "valid.txt": "data/obj_valid_data/b.PNG\n",
            "obj_train_data/a.txt": BOX,
            "obj_valid_data/b.txt": BOX,
        },
        ("train/a.PNG", "val/b.PNG"),
    ),
    "darknet under another name, with subsets of CVAT": (
        ("obj_First_data/sub/a.png",),
        {
            "parts.data": "classes=2\nFirst=data/First.txt\nnames=data/parts.names\nbackup=backup/\n",
            "parts.names": NAMES,
            "First.txt": "data/obj_First_data/sub/a.png\n",
            "obj_First_data/sub/a.txt": BOX,
        },
        ("first/a.png",),
    ),
    "darknet of Roboflow": (
        ("train/a_jpg.rf.12ab.jpg", "valid/b_jpg.rf.34cd.jpg"),
        {
            "train/_darknet.labels": NAMES,
            "train/a_jpg.rf.12ab.txt": BOX,
            "valid/_darknet.labels": NAMES,
            "valid/b_jpg.rf.34cd.txt": BOX,
            "README.roboflow.txt": "parts - v1\n",
        },
        ("train/a_jpg.rf.12ab.jpg", "val/b_jpg.rf.34cd.jpg"),
    ),
    "Roboflow": (
        ("train/images/a.jpg", "valid/images/b.jpg", "test/images/c.jpg"),
        {
            "data.yaml": f"train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 2\n{YAML}",
            "train/labels/a.txt": BOX,
            "valid/labels/b.txt": BOX,
            "test/labels/c.txt": BOX,
        },
        ("train/a.jpg", "val/b.jpg", "test/c.jpg"),
    ),
    "Label Studio": (
        ("images/8f3a-my photo.png",),
        {"classes.txt": "bolt\nnut", "notes.json": '{"categories": []}', "labels/8f3a-my photo.txt": BOX},
        ("dataset/8f3a-my photo.png",),
    ),
    "labelImg, which adds to its list": (
        ("train/a.jpg", "val/b.jpg"),
        {"train/classes.txt": NAMES, "train/a.txt": BOX, "val/classes.txt": "bolt\n", "val/b.txt": BOX},
        ("train/a.jpg", "val/b.jpg"),
    ),
    "list of names among the labels": (
        ("images/train/a.jpg", "images/val/b.jpg"),
        {"labels/train/classes.txt": NAMES, "labels/train/a.txt": BOX, "labels/val/b.txt": BOX},
        ("train/a.jpg", "val/b.jpg"),
    ),
    "folders named by year": (
        ("images/train2017/a.jpg", "images/val2017/b.jpg"),
        {"classes.txt": NAMES, "labels/train2017/a.txt": BOX, "labels/val2017/b.txt": BOX},
        ("train/a.jpg", "val/b.jpg"),
    ),
    "images in sides and beside them": (
        ("images/train/a.jpg", "images/b.jpg"),
        {"classes.txt": NAMES, "labels/train/a.txt": BOX, "labels/b.txt": BOX},
        ("train/a.jpg", "dataset/b.jpg"),
    ),
    "labels in a folder inside that of the images": (
        ("train/a.jpg", "val/b.jpg"),
        {"data.yaml": f"train: train\nval: val\n{YAML}", "train/labels/a.txt": BOX, "val/labels/b.txt": BOX},
        ("train/a.jpg", "val/b.jpg"),
    ),
    "sides below labels only": (
        ("train/a.jpg", "val/b.jpg"),
        {"classes.txt": NAMES, "labels/train/a.txt": BOX, "labels/val/b.txt": BOX},
        ("train/a.jpg", "val/b.jpg"),
    ),
    "configuration one folder down": (
        ("images/train/a.jpg",),
        {"config/parts.yaml": f"path: ..\ntrain: images/train\n{YAML}", "labels/train/a.txt": BOX},
        ("train/a.jpg",),
    ),
    "data set one folder down, beside a note": (
        ("parts/images/a.jpg",),
        {"READ ME.txt": "hello", "parts/data.yaml": f"train: images\n{YAML}", "parts/labels/a.txt": BOX},
        ("train/a.jpg",),
    ),
    "paths of another machine": (
        ("images/train/a.jpg", "images/val/b.jpg"),
        {
            "data.yaml": f"train: C:\\work\\set\\images\\train\nval: /home/x/set/images/val\n{YAML}",
            "labels/train/a.txt": BOX,
            "labels/val/b.txt": BOX,
        },
        ("train/a.jpg", "val/b.jpg"),
    ),
    "path below datasets": (
        ("images/train/a.jpg",),
        {"data.yaml": f"path: ../datasets/tiny\ntrain: images/train\n{YAML}", "labels/train/a.txt": BOX},
        ("train/a.jpg",),
    ),
    "the folder itself": (("a.jpg",), {"data.yaml": f"path: .\ntrain: .\n{YAML}", "a.txt": BOX}, ("train/a.jpg",)),
    "lists of folders and files": (
        ("images/a/1.png", "images/b/2.png", "images/c/3.png"),
        {
            "data.yaml": f"path: D:\\work\\tiny\ntrain:\n  - images/a\n  - more.txt\nval: lists/v.txt\n{YAML}",
            "more.txt": "D:\\work\\tiny\\images\\b\\2.png\r\n\r\n",
            "lists/v.txt": "# validation\n../images/c/3.png\n",
            "labels/a/1.txt": BOX,
            "labels/b/2.txt": BOX,
            "labels/c/3.txt": BOX,
        },
        ("train/1.png", "train/2.png", "val/3.png"),
    ),
    "lists beside a list of names": (
        ("images/a.png", "images/b.png"),
        {"classes.txt": NAMES, "train.txt": "images/a.png\n", "val.txt": "data/images/b.png\n", "labels/a.txt": BOX,
         "labels/b.txt": BOX},
        ("train/a.png", "val/b.png"),
    ),
    "one folder for both sides": (
        ("images/train2017/1.jpg",),
        {"tiny.yaml": f"train: images/train2017\nval: images/train2017\ntest: # none\n{YAML}",
         "labels/train2017/1.txt": BOX},
        ("train/1.jpg", "val/1.jpg"),
    ),
    "the same name in two folders": (
        ("images/train/one/1.jpg", "images/train/two/1.jpg"),
        {"data.yaml": f"train: images/train\n{YAML}", "labels/train/one/1.txt": BOX, "labels/train/two/1.txt": BOX},
        ("train/1.jpg", "train/two_1.jpg"),
    ),
    "other letters' case": (
        ("Images/Train/P1.JPG", "Images/Train/p2.jpg"),
        {"data.yaml": f"train: images/train\n{YAML}", "LABELS/train/P1.TXT": BOX, "LABELS/train/P2.TXT": BOX},
        ("train/P1.JPG", "train/p2.jpg"),
    ),
    "labels named after the whole name of the image": (
        ("images/p1.png", "images/p1.jpg", "images/v1.2 final.png"),
        {"classes.txt": NAMES, "labels/p1.png.txt": BOX, "labels/p1.jpg.txt": BOX, "labels/v1.2 final.txt": BOX},
        ("dataset/p1.jpg", "dataset/p1.png", "dataset/v1.2 final.png"),
    ),
    "accents composed otherwise": (
        (unicodedata.normalize("NFD", "images/Prüfung/Größe.png"),),
        {"data.yaml": f"train: images/Prüfung\n{YAML}", "labels/Prüfung/Größe.txt": BOX},
        (unicodedata.normalize("NFD", "train/Größe.png"),),
    ),
    "copies that programs keep": (
        ("images/train/a.png", "images/train/.ipynb_checkpoints/a-checkpoint.png", "__MACOSX/images/train/._a.png"),
        {"data.yaml": f"train: images/train\n{YAML}", "labels/train/a.txt": BOX,
         "labels/train/.ipynb_checkpoints/a-checkpoint.txt": BOX},
        ("train/a.png",),
    ),
    "commas, semicolons, decimal commas": (
        ("images/a.png", "images/b.png", "images/c.png", "images/d.png"),
        {
            "classes.txt": NAMES,
            "labels/a.txt": "0,0.5,0.5,0.25,0.25\n",
            "labels/b.txt": "0, 0.5, 0.5, 0.25, 0.25\n",
            "labels/c.txt": "0;0,5;0,5;0,25;0,25\n",
            "labels/d.txt": "0.000e+00 0,5 0,5 0,25 0,25\n",
        } | {"data.yaml": f"train: images\n{YAML}"},
        ("train/a.png", "train/b.png", "train/c.png", "train/d.png"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_what_programs_and_people_write_comes_in_whole(tmp_path: Path, name: str) -> None:
    pictures, texts, wanted = WHOLE[name]
    write(tmp_path / "tiny", *pictures, **texts)
    taken = take(tmp_path / "tiny")
    assert contents(taken) == {place: ["bolt 24"] for place in wanted}
    assert list(taken.report.classes) == ["bolt", "nut"]
    allowed = [(ProblemKind.DUPLICATE_NAME, Effect.CHANGED, 1)] if "same name" in name else []
    assert told(taken) == allowed


def _refused(root: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        take(root)
    assert str(root.parent) not in caught.value.message + caught.value.hint
    return caught.value


def test_a_side_that_is_not_there_is_told_and_no_other_folder_takes_its_place(tmp_path: Path) -> None:
    root = tmp_path / "set"
    config = f"path: C:/data/set\ntrain: ./images/train'\nval: ./images/val\ntest: ../other/images\n{YAML}"
    labels = {"labels/trainn/a.txt": BOX + OTHER, "labels/val/b.txt": BOX, "data.yaml": config}
    write(root, "images/trainn/a.png", "images/val/b.png", **labels)
    taken = take(root)
    assert contents(taken) == {"val/b.png": ["bolt 24"]}
    assert told(taken) == [
        (ProblemKind.MISSING_SIDE, Effect.FILE_SKIPPED, 2),
        (ProblemKind.UNNAMED_IMAGE, Effect.IMAGE_SKIPPED, 1),
    ]
    assert "“./images/train'”" in taken.report.problems[0].examples[0].message
    assert (taken.report.images_found, taken.report.objects_found) == (2, 3)


@pytest.mark.parametrize("train", ["images/training set", "/data/first/images", "train.txt", "other/images/train"])
def test_without_any_side_nothing_is_taken(tmp_path: Path, train: str) -> None:
    config = f"train: {train}\nval: /data/second/images\ntest: /data/third/images\n{YAML}"
    write(tmp_path / "set", "images/a.png", **{"data.yaml": config, "labels/a.txt": BOX})
    error = _refused(tmp_path / "set")
    assert "holds no images where data.yaml has them" in error.message
    assert f"“{train}”" in error.message


def test_sides_are_not_looked_for_outside(tmp_path: Path) -> None:
    write(tmp_path, "secret/a.png", **{"set/data.yaml": f"train: ../secret\n{YAML}", "set/x.txt": ""})
    _refused(tmp_path / "set")
    (tmp_path / "set" / "list.txt").write_text(f"{tmp_path}/secret/a.png\n../secret/a.png\n")
    (tmp_path / "set" / "data.yaml").write_text(f"train: list.txt\n{YAML}")
    _refused(tmp_path / "set")


def test_links_inside_are_followed_and_their_images_counted_once(tmp_path: Path) -> None:
    config = {"data.yaml": f"train: images\n{YAML}", "labels/a.txt": BOX}
    write(tmp_path / "set", "store/a.png", **config)
    (tmp_path / "set" / "images").mkdir()
    (tmp_path / "set" / "images" / "a.png").symlink_to("../store/a.png")
    taken = take(tmp_path / "set")
    assert contents(taken) == {"train/a.png": ["bolt 24"]}
    assert not taken.report.problems


def test_several_data_sets_are_a_choice_for_the_person(tmp_path: Path) -> None:
    for name in ("one", "two"):
        config = {f"{name}/data.yaml": f"train: images\nnames: [{name}]\n", f"{name}/labels/a.txt": BOX}
        write(tmp_path / "set", f"{name}/images/a.png", **config)
    error = _refused(tmp_path / "set")
    assert "one/data.yaml, two/data.yaml" in error.message
    assert "Import each of the folders on its own" in error.hint


def test_several_configurations_of_one_folder_need_a_choice(tmp_path: Path) -> None:
    names = {"a.yaml": YAML, "b.yaml": "names: [nut, bolt]\n", "labels/a.txt": BOX}
    write(tmp_path / "set", "images/a.png", **names)
    assert "a.yaml, b.yaml" in _refused(tmp_path / "set").message
    (tmp_path / "set" / "b.yaml").write_text(f"# the same\n{YAML}")
    assert contents(take(tmp_path / "set")) == {"dataset/a.png": ["bolt 24"]}


def test_lists_of_names_that_differ_are_refused(tmp_path: Path) -> None:
    lists = {"train/classes.txt": "bolt\nnut\n", "val/classes.txt": "nut\nbolt\n"}
    write(tmp_path / "set", "train/a.png", "val/b.png", **lists, **{"train/a.txt": BOX, "val/b.txt": BOX})
    assert "name the classes differently" in _refused(tmp_path / "set").message


def test_darknet_without_its_list_of_names_is_refused(tmp_path: Path) -> None:
    files = {"obj.data": "train = train.txt\nnames = data/obj.names\n", "train.txt": "a.png\n", "a.txt": BOX}
    write(tmp_path / "set", "a.png", **files)
    assert "“data/obj.names”" in _refused(tmp_path / "set").message


def test_pictures_that_are_no_data_are_left_out(tmp_path: Path) -> None:
    labels = {"classes.txt": NAMES, "labels/a.txt": BOX}
    write(tmp_path / "set", "logo.png", "images/a.png", "images/background.png", **labels)
    taken = take(tmp_path / "set")
    assert contents(taken) == {"dataset/a.png": ["bolt 24"], "dataset/background.png": []}
    assert told(taken) == [
        (ProblemKind.UNNAMED_IMAGE, Effect.IMAGE_SKIPPED, 1),
        (ProblemKind.MISSING_ANNOTATION, Effect.NOTED, 1),
    ]


def test_labels_in_a_folder_of_another_name_are_matched_and_told(tmp_path: Path) -> None:
    texts = {"classes.txt": NAMES, "marks/a.txt": BOX, "marks/b.jpg.rf.0f.txt": BOX, "marks/note.txt": "hello\n"}
    write(tmp_path / "set", "photos/a.png", "photos/b.jpg", **texts)
    taken = take(tmp_path / "set")
    assert contents(taken) == {"dataset/a.png": ["bolt 24"], "dataset/b.jpg": ["bolt 24"]}
    assert told(taken) == [(ProblemKind.MISSING_ANNOTATION, Effect.NOTED, 1)]


def test_labels_of_one_side_are_not_those_of_another(tmp_path: Path) -> None:
    labels = {"classes.txt": NAMES, "labels/val/1.txt": BOX, "labels/test/2.txt": BOX}
    write(tmp_path / "set", "images/train/1.png", "images/test/2.png", **labels)
    taken = take(tmp_path / "set")
    assert contents(taken) == {"train/1.png": [], "test/2.png": ["bolt 24"]}
    assert (ProblemKind.MISSING_IMAGE, Effect.IMAGE_SKIPPED, 1) in told(taken)


def _labelled(root: Path, *texts: str, config: str = "") -> Taken:
    for number, text in enumerate(texts):
        write(root, f"images/{number}.png", **{f"labels/{number}.txt": text})
    write(root, **{"data.yaml": f"train: images\n{YAML}{config}"})
    return take(root)


POSE = "0 0.5 0.5 0.4 0.2 0.35 0.45 2 0.65 0.55 1\n"
POSE_OF_TWO = "0 0.5 0.5 0.4 0.2 0.35 0.45 0.65 0.55\n"


@pytest.mark.parametrize(
    ("lines", "config"),
    [
        (POSE, ""),
        (POSE + "1 0.3 0.3 0.2 0.2 0 0 0 0.25 0.35 2\n", ""),
        (POSE_OF_TWO + "0 0.7 0.7 0.1 0.1 0.68 0.72 0.72 0.68\n0 0.7 0.7 0.1 0.1 0 0 0.7 0.7\n", ""),
        (POSE_OF_TWO, "kpt_shape: [2, 2]\n"),
        (POSE, "kpt_shape: [2, 3]\n"),
    ],
)
def test_key_points_are_never_an_outline(tmp_path: Path, lines: str, config: str) -> None:
    taken = _labelled(tmp_path / "set", lines, config=config)
    (annotation,) = taken.images.values()
    count = lines.count("\n")
    assert [shape_name(label.geometry) for label in annotation.labels] == ["rectangle", "graph"] * count
    assert told(taken) == [
        (ProblemKind.KEY_POINTS, Effect.CHANGED, count),
        (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.NOTED, count),
    ]
    assert taken.report.objects == taken.report.objects_found == 2 * count
    assert taken.opened.source.meta.classes[0].shape == "rectangle"


def test_key_points_come_in_with_what_data_yaml_says_of_them(tmp_path: Path) -> None:
    config = "kpt_shape: [3, 3]\nflip_idx: [0, 2, 1]\nkpt_names:\n  0: [no, left, right]\n"
    first = "0 0.5 0.5 0.4 0.2 0.5 0.5 2 0.25 0.5 1 0 0 0\n"  # seen, hidden, not set
    taken = _labelled(tmp_path / "set", first + "0 0.3 0.3 0.2 0.2" + " 0" * 9 + "\n0 0.7 0.7 0.2 0.2\n", config=config)
    (annotation,) = taken.images.values()
    box, figure, *others = annotation.labels
    assert isinstance(figure.geometry, OtherGeometry)
    width, height = annotation.width, annotation.height
    assert json.loads(figure.geometry.json)["nodes"] == {
        "no": {"loc": [width / 2, height / 2]},
        "left": {"loc": [width / 4, height / 2], "disabled": True},
    }
    assert box.extra["instance"] == figure.extra["instance"]
    assert [shape_name(label.geometry) for label in others] == ["rectangle", "rectangle"]
    skeleton: Any = taken.opened.source.meta.classes[-1].extra["geometry_config"]
    assert list(skeleton["nodes"]) == ["no", "left", "right"]
    assert skeleton["flip_idx"] == [0, 2, 1]


def test_a_damaged_line_does_not_make_key_points_an_outline(tmp_path: Path) -> None:
    lines = [POSE.replace("0.35", f"0.3{number}") for number in range(20)]
    taken = _labelled(tmp_path / "set", *lines, "0 0.5 0.5 0.4 0.2 0.35 0.45 2\n", POSE.replace("1\n", "nan\n"))
    assert told(taken) == [
        (ProblemKind.KEY_POINTS, Effect.CHANGED, 20),
        (ProblemKind.DAMAGED_OBJECT, Effect.OBJECT_SKIPPED, 2),
        (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.NOTED, 20),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        "0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n",
        "0 0.4 0.4 0.5 0.4 0.5 0.5\n0 0.4 0.4 0.5 0.4 0.5 0.5 0.4 0.5\n",
        "0 0 0 0 1 1 1 1 0\n",
        "0 0.6 0.2 0.7 0.25 0.65 0.4 0.55 0.35\n",
    ],
)
def test_outlines_of_few_points_stay_outlines(tmp_path: Path, lines: str) -> None:
    taken = _labelled(tmp_path / "set", lines)
    (annotation,) = taken.images.values()
    assert [type(label.geometry) for label in annotation.labels] == [Polygon] * lines.count("\n")
    assert not taken.report.problems


def test_where_nothing_tells_key_points_from_outlines_it_is_said(tmp_path: Path) -> None:
    taken = _labelled(tmp_path / "set", "0 0.4 0.4 0.5 0.4 0.5 0.5 0.4 0.5\n")
    assert taken.report.objects == 1
    assert "kpt_shape" in taken.report.problems[0].examples[0].message


def test_predictions_lose_their_confidence(tmp_path: Path) -> None:
    outlines = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.87\n1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5 0.91\n"
    taken = _labelled(tmp_path / "set", "0 0.5 0.5 0.25 0.25 0.9\n", outlines)
    assert taken.report.objects == 3
    assert told(taken) == [(ProblemKind.UNSUPPORTED_GEOMETRY, Effect.CHANGED, 3)]


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.9999 0.5 0.0002 0.5", (63, 12, 63, 35)),  # narrower than a pixel, at the border
        ("0 0.5 0.99999 0.5 0.00002", (16, 47, 47, 47)),
        ("0 0.5 0.5 1.0000001 1.0000001", (0, 0, 63, 47)),
        ("0 0.0001 0.5 0.0002 0.5", (0, 12, 0, 35)),
    ],
)
def test_boxes_at_the_border_are_inside(tmp_path: Path, line: str, box: tuple[int, ...]) -> None:
    taken = _labelled(tmp_path / "set", line)
    ((label,),) = (annotation.labels for annotation in taken.images.values())
    found = bounds(label.geometry)
    assert found is not None
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx(box, abs=0.02)
    assert not taken.report.problems


def test_label_files_are_found_among_other_texts(tmp_path: Path) -> None:
    texts = {f"notes/{number:02}.txt": "hello\n" for number in range(60)}
    write(tmp_path / "set", "pictures/a.png", **texts, **{"pictures/a.TXT": BOX})
    (candidate,) = recognise(tmp_path / "set")
    assert candidate.layout is Layout.YOLO
