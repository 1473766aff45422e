"""The match table and COCO's figures against pycocotools (every match, every tie) and hotcoco."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, shapes, with_masks
from tests.unit.evaluation.evaluations import evaluated, evaluated_shape
from tests.unit.evaluation.oracle import hotcoco_precision, pycocotools_run
from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.evaluation import Evaluation, size_slices

MANY = settings(max_examples=30, deadline=None)
SOME = settings(max_examples=20, deadline=None)


def expected_matches(
    gt: Coco, dt: Coco, *, kind: Literal["bbox", "segm"], use_classes: bool
) -> dict[tuple[int, int], tuple[int, bool]]:
    """Return by threshold and detection id: the object it is matched to and whether that is ignored."""
    run = pycocotools_run(gt, dt, kind=kind, use_classes=use_classes)
    everything = run.params.areaRng[0]
    found = {}
    for cell in run.evalImgs:
        if cell is None or cell["aRng"] != everything:
            continue
        for level, (matches, ignored) in enumerate(zip(cell["dtMatches"], cell["dtIgnore"], strict=True)):
            for dt_id, gt_id, out in zip(cell["dtIds"], matches, ignored, strict=True):
                if gt_id:
                    found[level, int(dt_id)] = (int(gt_id), bool(out))
    return found


def our_matches(evaluation: Evaluation) -> dict[tuple[int, int], tuple[int, bool]]:
    table, pair = evaluation.table, evaluation.pair
    place = pair.dt.place[table.dt_row] + 1
    level, row = np.nonzero(table.dt_gt >= 0)
    ids = pair.gt.ids[table.dt_gt[level, row]]
    ignored = table.dt_ignored[level, row]
    return {(int(t), int(p)): (int(i), bool(x)) for t, p, i, x in zip(level, place[row], ids, ignored, strict=True)}


def defined(precision: FloatArray) -> FloatArray:
    """Return a COCO array with NaN instead of -1."""
    return np.where(precision == -1, np.nan, precision)


@MANY
@given(shape=shapes(crowds_last=False))
def test_every_match_is_that_of_pycocotools(shape: Shape) -> None:
    gt, dt = coco_files(shape)
    if dt["annotations"]:
        assert our_matches(evaluated(gt, dt)) == expected_matches(gt, dt, kind="bbox", use_classes=True)


@SOME
@given(shape=shapes(crowds_last=False), text=st.booleans())
def test_every_match_of_masks_is_that_of_pycocotools(shape: Shape, text: bool) -> None:  # noqa: FBT001
    gt, dt = with_masks(*coco_files(shape), text=text)
    if dt["annotations"]:
        evaluation = evaluated(gt, dt)
        assert evaluation.kind == "segm"
        assert our_matches(evaluation) == expected_matches(gt, dt, kind="segm", use_classes=True)


@MANY
@given(shape=shapes(crowds_last=False))
def test_confused_classes_come_from_matches_without_classes(shape: Shape) -> None:
    gt, dt = coco_files(shape)
    if not dt["annotations"]:
        return
    expected = expected_matches(gt, dt, kind="bbox", use_classes=False)
    evaluation = evaluated(gt, dt)
    table, pair = evaluation.table, evaluation.pair
    place = pair.dt.place[table.dt_row] + 1
    for level, gt_of in enumerate(table.dt_confused_gt):
        for row, confused in enumerate(gt_of.tolist()):
            gt_id, ignored = expected.get((level, int(place[row])), (0, True))
            free = table.dt_gt[level, row] < 0
            assert (int(pair.gt.ids[confused]) if confused >= 0 else 0) == (gt_id if free and not ignored else 0)


@MANY
@given(shape=shapes(crowds_last=False))
def test_precision_is_that_of_pycocotools_to_the_last_bit_and_of_hotcoco(shape: Shape) -> None:
    gt, dt = coco_files(shape)
    if not dt["annotations"]:
        return
    evaluation = evaluated(gt, dt)
    run = pycocotools_run(gt, dt)
    np.testing.assert_array_equal(evaluation.precision, defined(run.eval["precision"][:, :, :, 0, 2]))
    np.testing.assert_allclose(
        evaluation.precision, defined(hotcoco_precision(gt, dt)[:, :, :, 0, 2]), rtol=0, atol=1e-12
    )
    key = evaluation.key_metrics
    np.testing.assert_allclose([key.mAP, key.AP50, key.AP75], run.stats[:3], rtol=0, atol=1e-12)


@SOME
@given(shape=shapes(crowds_last=False))
def test_sizes_apart_are_those_of_pycocotools(shape: Shape) -> None:
    gt, dt = coco_files(shape)
    for row in gt["annotations"] + dt["annotations"]:
        # boxes of the shape are small; stretched they cover all three sizes
        row["bbox"] = [v * (1 + 4 * (row["id"] % 3)) for v in row["bbox"]]
        row["area"] = row["bbox"][2] * row["bbox"][3]
    if not dt["annotations"]:
        return
    run = pycocotools_run(gt, dt)
    slices = size_slices(evaluated(gt, dt))
    np.testing.assert_allclose(
        [one.ap for one in slices], defined(np.asarray(run.stats[3:6])), rtol=0, atol=1e-12, err_msg="AP"
    )
    np.testing.assert_allclose(
        [one.ar for one in slices], defined(np.asarray(run.stats[9:12])), rtol=0, atol=1e-12, err_msg="AR"
    )
    precision = defined(run.eval["precision"][..., 2])
    for place, one in enumerate(slices):
        np.testing.assert_allclose(
            one.ap_per_class, np.asarray([precision[:, :, k, place + 1].mean() for k in range(shape.classes)])
        )


def test_an_object_is_found_once() -> None:
    table = evaluated_shape(seed=5, crowds=0.3, images=6).table
    for level in range(10):
        right = (table.dt_gt[level] >= 0) & ~table.dt_ignored[level]
        found = table.dt_gt[level][right]
        assert np.unique(found).size == found.size
        assert not table.gt_crowd[found].any()
        assert not (right & (table.dt_confused_gt[level] >= 0)).any()
    assert (table.dt_gt >= 0).any()
    assert table.dt_ignored.any()
    assert (table.dt_confused_gt >= 0).any()


def test_more_than_a_million_pairs_are_taken_in_blocks() -> None:
    boxes = [[20 * (i % 40), 20 * (i // 40), 18, 18] for i in range(1200)]
    head = {
        "images": [{"id": 1, "file_name": "a.png", "width": 900, "height": 900}],
        "categories": [{"id": k + 1, "name": f"{k:02d}"} for k in range(12)],
    }
    objects = [
        {"id": i + 1, "image_id": 1, "category_id": i % 12 + 1, "bbox": box, "area": 324, "iscrowd": 0}
        for i, box in enumerate(boxes)
    ]
    found = [{"image_id": 1, "category_id": o["category_id"], "bbox": o["bbox"], "score": 0.5} for o in objects]
    evaluation = evaluated({**head, "annotations": objects}, {**head, "annotations": found})
    assert evaluation.overlaps.dt.size == 1200
    assert evaluation.key_metrics.mAP == pytest.approx(1)
