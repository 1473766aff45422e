"""What other tools write gives the figures of the plain form, and what does not fit is counted and told."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, shapes, with_masks
from tests.unit.evaluation.oracle import pycocotools_run
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation, evaluate_files
from traindash.evaluation.report_json import report_of

DRAWN = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMED_BY_IDS = {"notes", "per_image"}  # of a report: they name rows by what the file calls them


def written(folder: Path, gt: object, dt: object) -> tuple[Path, Path]:
    paths = folder / "cocoGt.json", folder / "cocoDt.json"
    for path, content in zip(paths, (gt, dt), strict=True):
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return paths


def read(folder: Path, gt: object, dt: object) -> Evaluation:
    return evaluate_files(*written(folder, gt, dt))


def figures(evaluation: Evaluation) -> Coco:
    return {name: value for name, value in report_of(evaluation).items() if name not in NAMED_BY_IDS}


@pytest.fixture
def good() -> tuple[Coco, Coco]:
    return coco_files(Shape(seed=1, images=3, classes=2, objects=6, detections=8))


# Spellings that tell nothing new: the same figures, without a word.


def results_list(gt: Coco, dt: Coco) -> tuple[object, object]:
    return gt, [{name: row[name] for name in ("image_id", "category_id", "bbox", "score")} for row in dt["annotations"]]


def float_ids(gt: Coco, dt: Coco) -> tuple[object, object]:
    for row in [*gt["annotations"], *dt["annotations"]]:
        row |= {"id": float(row["id"]), "image_id": float(row["image_id"]), "category_id": float(row["category_id"])}
    return gt, dt


def text_ids(gt: Coco, dt: Coco) -> tuple[object, object]:
    for file in gt, dt:
        for row in [*file["images"], *file["categories"], *file["annotations"]]:
            row |= {name: str(value) for name, value in row.items() if name in {"id", "image_id", "category_id"}}
    return gt, dt


def word_ids(gt: Coco, dt: Coco) -> tuple[object, object]:
    for file in gt, dt:
        for row in file["images"]:
            row["id"] = f"image {row['id']}"
        for row in file["annotations"]:
            row["image_id"] = f"image {row['image_id']}"
    return gt, dt


def numbers_as_texts(gt: Coco, dt: Coco) -> tuple[object, object]:
    for row in dt["annotations"]:
        row |= {"score": repr(row["score"]), "bbox": [str(one) for one in row["bbox"]]}
    return gt, dt


def flags(gt: Coco, dt: Coco) -> tuple[object, object]:
    for place, row in enumerate(gt["annotations"]):
        one = row["iscrowd"]
        row["iscrowd"] = (bool(one), float(one), str(one), "true" if one else None)[place % 4]
    return gt, dt


def no_shapes(gt: Coco, dt: Coco) -> tuple[object, object]:
    kinds: list[object] = [
        [],
        None,
        [[]],
        [[1, 2, 3, 4]],
        {},
        "",
        [[1, 2], [3, 4]],
        [[1, 1, "x", 2, 2, 2]],
        {"size": 1},
    ]
    for file in gt, dt:
        for place, row in enumerate(file["annotations"]):
            row["segmentation"] = kinds[place % len(kinds)]
    return gt, dt


def byte_order_mark(gt: Coco, dt: Coco) -> tuple[object, object]:
    return tuple(b"\xef\xbb\xbf" + json.dumps(file).encode() for file in (gt, dt))  # type: ignore[return-value]


def other_order(gt: Coco, dt: Coco) -> tuple[object, object]:
    dt = {**dt, "images": dt["images"][::-1], "categories": dt["categories"][::-1]}
    return {**gt, "images": gt["images"][::-1], "categories": gt["categories"][::-1]}, dt


def nan_that_nobody_reads(gt: Coco, dt: Coco) -> tuple[object, object]:
    return {**gt, "info": {"mean": float("nan")}}, {**dt, "took": float("inf")}


def no_area_no_flag(gt: Coco, dt: Coco) -> tuple[object, object]:
    for row in gt["annotations"]:
        del row["area"]
        if not row["iscrowd"]:
            del row["iscrowd"]
    return gt, dt


PLAIN: dict[str, Callable[[Coco, Coco], tuple[object, object]]] = {
    spell.__name__: spell
    for spell in (
        results_list,
        float_ids,
        text_ids,
        word_ids,
        numbers_as_texts,
        flags,
        no_shapes,
        byte_order_mark,
        other_order,
        nan_that_nobody_reads,
        no_area_no_flag,
    )
}


@DRAWN
@given(shape=shapes(crowds=0.3), name=st.sampled_from(sorted(PLAIN)))
def test_spellings_give_the_figures_of_the_plain_form(shape: Shape, name: str, tmp_path: Path) -> None:
    gt, dt = coco_files(shape)
    plain = read(tmp_path, gt, dt)
    again = read(tmp_path, *PLAIN[name](copy.deepcopy(gt), copy.deepcopy(dt)))
    assert figures(again) == figures(plain)
    assert again.kind == "bbox"
    assert again.pair.notes == plain.pair.notes == ()


def test_no_detections_at_all_are_a_result(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    nothing: object
    for nothing in ([], {**good[1], "annotations": []}):
        report = report_of(read(tmp_path, good[0], nothing))
        assert report["mAP"] == 0
        assert report["counts"]["FN"] == len(good[0]["annotations"])


# Images by the name of their file, as Ultralytics has them (``pred_to_json``: the stem, as a number where it is one).


def by_stem(gt: Coco, dt: Coco, names: list[str], *, file_name: bool) -> tuple[Coco, list[Coco]]:
    """Return files whose images have these names, numbered against their order, and predictions as Ultralytics'."""
    for row, name in zip(gt["images"], names, strict=True):
        row["file_name"] = name
    stems = {row["id"]: Path(row["file_name"]).stem for row in gt["images"]}
    files = {row["id"]: Path(row["file_name"]).name for row in gt["images"]}
    rows = []
    for row in dt["annotations"]:
        stem = stems[row["image_id"]]
        found = {"image_id": int(stem) if stem.isnumeric() else stem, "category_id": row["category_id"]}
        found |= {"file_name": files[row["image_id"]]} if file_name else {}
        rows.append({**found, "bbox": row["bbox"], "score": row["score"]})
    return gt, rows


@pytest.mark.parametrize("file_name", [True, False])
@pytest.mark.parametrize(
    "names",
    [
        ["street.jpg", "val/yard.png", "a.b.jpg"],
        ["000042.jpg", "000007.jpg", "000011.jpg"],
        ["12.jpg", "wall.jpg", "images\\0003.jpg"],
        ["Stra\u00dfe.jpg", "cafe\u0301.jpg", "\u6771.jpg"],
    ],
)
def test_images_are_found_by_the_name_of_their_file(names: list[str], *, file_name: bool, tmp_path: Path) -> None:
    gt, dt = coco_files(Shape(seed=3, images=3, classes=2, objects=6, detections=8))
    plain = read(tmp_path, gt, dt)
    if "caf" in names[1]:  # the disk of the one who predicted had composed accents
        gt2, rows = by_stem(gt, dt, [names[0], "caf\u00e9.jpg", names[2]], file_name=file_name)
        gt2["images"][1]["file_name"] = names[1]
    else:
        gt2, rows = by_stem(gt, dt, names, file_name=file_name)
    found = read(tmp_path, gt2, rows)
    assert figures(found) == figures(plain)
    assert found.pair.notes == ("The images of the predictions are named by their files: 3 of 3 were found by name.",)


def test_file_names_win_over_numbers_that_are_ids_of_other_images(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    plain = figures(read(tmp_path, *good))
    gt, rows = by_stem(*copy.deepcopy(good), ["2.jpg", "3.jpg", "1.jpg"], file_name=True)
    assert figures(read(tmp_path, gt, rows)) == plain
    gt, rows = by_stem(*copy.deepcopy(good), ["2.jpg", "3.jpg", "1.jpg"], file_name=False)
    assert read(tmp_path, gt, rows).pair.notes == (
        "The image ids of the predictions are also file names of other images; they were taken as ids.",
    )


def test_a_name_of_two_images_is_refused(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, rows = by_stem(*good, ["a/left.jpg", "b/left.jpg", "c.jpg"], file_name=False)
    with pytest.raises(InputError, match="“left” is the name of more than one image of the ground truth"):
        read(tmp_path, gt, rows)


# What does not fit is left out, counted and told; where nothing fits, that is refused.


def without(dt: Coco, lost: Callable[[Coco], bool]) -> Coco:
    return {"annotations": [row for row in dt["annotations"] if not lost(row)]}


def test_detections_of_other_images_are_left_out_and_told(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, dt = good
    number = sum(row["image_id"] == 1 for row in dt["annotations"])
    plain = read(tmp_path, gt, without(dt, lambda row: row["image_id"] == 1))
    rows = [row | ({"image_id": 99} if row["image_id"] == 1 else {}) for row in dt["annotations"]]
    found = read(tmp_path, gt, rows)
    assert figures(found) == figures(plain)
    told = f"{number} detections have no image in the ground truth and are left out, the first one with image_id 99."
    assert found.pair.notes == (told,)
    assert [rows[place]["score"] for place in found.pair.dt.place.tolist()] == found.pair.dt.scores.tolist()


def test_detections_of_other_classes_are_left_out_and_told(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, dt = good
    number = sum(row["category_id"] == 2 for row in dt["annotations"])
    plain = read(tmp_path, gt, without(dt, lambda row: row["category_id"] == 2))
    classes = [dt["categories"][0], {"id": 9, "name": "dog"}]
    rows = [row | ({"category_id": 9} if row["category_id"] == 2 else {}) for row in dt["annotations"]]
    found = read(tmp_path, gt, {**dt, "categories": classes, "annotations": rows})
    assert figures(found) == figures(plain)
    assert found.pair.notes == (
        "Not in the ground truth: 1 class (“dog”) of the predictions.",
        "Not in the predictions: 1 class (“class 1”); their objects count as missed.",
        f"{number} detections have no class in the ground truth and are left out, the first one with category_id 9.",
    )


def test_classes_with_other_ids_are_found_by_name(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    plain = figures(read(tmp_path, *copy.deepcopy(good)))
    gt, dt = copy.deepcopy(good)
    dt["categories"] = [{"id": 0, "name": "class 0"}, {"id": 1, "name": "class 1"}]
    for row in dt["annotations"]:
        row["category_id"] -= 1
    found = read(tmp_path, gt, dt)
    assert figures(found) == plain
    assert found.pair.notes == (
        "2 classes of the predictions had another id in the ground truth and were found by name.",
    )


@pytest.mark.parametrize("step", [-1, 1])
def test_classes_that_seem_to_be_counted_from_another_number_are_told(
    step: int, tmp_path: Path, good: tuple[Coco, Coco]
) -> None:
    gt, dt = good
    rows = [row | {"category_id": row["category_id"] + step} for row in dt["annotations"]]
    told = read(tmp_path, gt, rows).pair.notes[0]
    assert f"numbered {1 + step} to {2 + step}, those of the ground truth 1 to 2" in told
    assert read(tmp_path, gt, dt["annotations"]).pair.notes == ()


def test_classes_of_one_name_are_told_apart_by_their_ids(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    plain = read(tmp_path, *copy.deepcopy(good))
    for file in good:
        for row in file["categories"]:
            row["name"] = "bolt"
    found = read(tmp_path, *good)
    assert found.classes == ("bolt (id 1)", "bolt (id 2)")
    assert found.key_metrics == plain.key_metrics
    assert [one.ap for one in found.per_class] == [one.ap for one in plain.per_class]
    assert found.pair.notes == ("1 class name stands for more than one class; their ids tell them apart.",)


def test_objects_with_the_id_of_another_are_told_apart(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    plain = figures(read(tmp_path, *copy.deepcopy(good)))
    gt, dt = copy.deepcopy(good)
    for row in gt["annotations"]:
        row["id"] = 1
    for row in dt["annotations"]:
        row["id"] = 7
    found = read(tmp_path, gt, dt)
    assert figures(found) == plain
    assert len(set(found.pair.gt.ids.tolist())) == len(gt["annotations"])
    number = len(gt["annotations"]) - 1
    assert found.pair.notes == (f"{number} objects of the ground truth had the id of another; all were numbered anew.",)


def test_an_image_that_stands_twice_is_one_image(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    plain = figures(read(tmp_path, *copy.deepcopy(good)))
    gt, dt = good
    found = read(tmp_path, {**gt, "images": [*gt["images"], gt["images"][0]]}, dt["annotations"])
    assert figures(found) == plain
    assert found.pair.notes == ("1 entry of images stands twice in the ground truth.",)


def other_images(rows: list[Coco]) -> None:
    for row in rows:
        row["image_id"] = "x"


def other_classes(rows: list[Coco]) -> None:
    for row in rows:
        row["category_id"] += 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            other_images,
            "image_id: no detection is for an image of the ground truth; they name “x”, the ground truth has",
        ),
        (other_classes, "category_id: no detection is of a class of the ground truth; they have 4"),
    ],
)
def test_predictions_that_fit_nowhere_are_refused(
    change: Callable[[list[Coco]], None], message: str, tmp_path: Path, good: tuple[Coco, Coco]
) -> None:
    change(good[1]["annotations"])
    with pytest.raises(InputError) as caught:
        read(tmp_path, good[0], good[1]["annotations"])
    assert message in caught.value.message
    assert caught.value.hint


def test_a_truth_without_objects_has_no_precision(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, dt = good
    crowds = {**gt, "annotations": [row | {"iscrowd": 1} for row in gt["annotations"]]}
    for truth in ({**gt, "annotations": []}, crowds):
        report = report_of(read(tmp_path, truth, dt))
        assert report["mAP"] is None
        assert report["counts"]["objects"] == 0
        assert report["notes"] == [
            "The ground truth has no object that counts, so average precision and recall are not defined."
        ]


# Shapes.


def test_masks_that_are_missing_somewhere_are_told(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, dt = with_masks(*good)
    boxes = zip(dt["annotations"], good[1]["annotations"], strict=True)
    dt = {**dt, "annotations": [row | {"bbox": box["bbox"]} for row, box in boxes]}
    gt["annotations"][1]["segmentation"] = [[1, 1, 2, 2]]
    found = read(tmp_path, gt, dt)
    assert found.kind == "bbox"
    objects = len(gt["annotations"])
    assert found.pair.notes == (f"Boxes were compared and not masks, since 1 of {objects} objects have no mask.",)


def test_boxes_come_from_masks_where_only_those_are_given(tmp_path: Path, good: tuple[Coco, Coco]) -> None:
    gt, dt = with_masks(*good)
    masked = read(tmp_path, gt, dt)
    boxed = {**gt, "annotations": [{k: v for k, v in row.items() if k != "segmentation"} for row in gt["annotations"]]}
    found = read(tmp_path, boxed, dt)
    assert found.kind == "bbox"
    np.testing.assert_array_equal(found.pair.dt.boxes, masked.pair.dt.boxes)


def odd_boxes(seed: int) -> tuple[Coco, Coco]:
    """Return files with boxes outside their images, without an extent, and with one or two negative sides."""
    gt, dt = coco_files(Shape(seed=seed, images=3, classes=2, objects=6, detections=12, crowds=0.2))
    random = np.random.default_rng(seed)
    for row in dt["annotations"]:
        x, y, w, h = row["bbox"]
        odd: list[list[Any]] = [[x - 70, y, w, h], [x, y, 0, h], [x, y, -0.4, h], [x, y, w, -h], [x, y, -w, -h]]
        odd.append([-30.5, -10.0, 800.0, 600.0])
        if random.random() < 0.4:
            row["bbox"] = odd[int(random.integers(len(odd)))]
    gt["annotations"][0]["bbox"][2] *= -1
    return gt, dt


@pytest.mark.parametrize("seed", range(12))
def test_odd_boxes_give_the_figures_of_pycocotools(seed: int, tmp_path: Path) -> None:
    gt, dt = odd_boxes(seed)
    mine, theirs = read(tmp_path, gt, dt), pycocotools_run(gt, dt)
    np.testing.assert_allclose(
        [mine.key_metrics.mAP, mine.key_metrics.AP50, mine.key_metrics.AP75], theirs.stats[:3], rtol=0, atol=1e-9
    )
    negative = sum(row["bbox"][2] < 0 or row["bbox"][3] < 0 for row in dt["annotations"])
    told = [note for note in mine.pair.notes if "negative width or height can find nothing" in note]
    assert [int(note.split()[0]) for note in told] == ([negative] if negative else [])


@DRAWN
@given(data=st.data(), masks=st.booleans())
def test_damaged_bytes_give_figures_or_a_refusal(data: st.DataObject, *, masks: bool, tmp_path: Path) -> None:
    files = coco_files(Shape(seed=5, images=2, classes=2, objects=3, detections=3))
    whole = [json.dumps(file).encode() for file in (with_masks(*files) if masks else files)]
    which = data.draw(st.integers(0, 1))
    content = bytearray(whole[which])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        end = place + data.draw(st.integers(0, 20))
        content[place:end] = data.draw(st.sampled_from([b"", b"\0", b"-", b"9", b'"', b"[]", b"{}", b"null", b"\xff"]))
    whole[which] = bytes(content)
    paths = written(tmp_path, *whole)
    try:
        report_of(evaluate_files(*paths))
    except InputError as refused:
        refusal = refused
    else:
        return
    assert refusal.hint
    assert refusal.message.startswith(str(tmp_path))


# Boxes that are counted in another way than COCO's: compared as they stand, and told.


def _turned(gt: Coco, turn: Callable[[list[float], Coco], list[float]]) -> list[Coco]:
    sizes = {row["id"]: row for row in gt["images"]}
    return [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"],
            "bbox": turn(row["bbox"], sizes[row["image_id"]]),
            "score": 0.9,
        }
        for row in gt["annotations"]
    ]


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (lambda box, _: box, ""),
        (lambda box, _: [0.0, 0.0, *box[2:]], ""),  # a model that finds nothing
        (lambda box, _: [box[0], box[1], box[0] + box[2], box[1] + box[3]], "two corners"),
        (lambda box, _: [box[0] + box[2] / 2, box[1] + box[3] / 2, *box[2:]], "centre, width and height"),
        (lambda box, image: [one / (image["width"], image["height"])[n % 2] for n, one in enumerate(box)], "shares"),
    ],
)
def test_boxes_that_are_counted_otherwise_are_told(
    turn: Callable[[list[float], Coco], list[float]], told: str, tmp_path: Path
) -> None:
    image = {"id": 1, "file_name": "a.png", "width": 640, "height": 480}
    boxes = [[300, 200, 60, 40], [100, 250, 80, 90], [400, 100, 50, 120], [20, 30, 40, 50]]
    gt: Coco = {
        "images": [image],
        "categories": [{"id": 1, "name": "apple"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": box} for n, box in enumerate(boxes, start=1)
        ],
    }
    notes = read(tmp_path, gt, _turned(gt, turn)).pair.notes
    assert bool(notes) is bool(told)
    assert told in " ".join(notes)
