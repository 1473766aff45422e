"""What became of objects and false alarms when one model replaced another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, seeded, shapes, with_masks
from tests.unit.evaluation.evaluations import evaluated
from traindash.errors import InputError
from traindash.evaluation.coco_files import IntArray
from traindash.evaluation.evaluation import SIZES, Evaluation, size_of
from traindash.evaluation.flow import Change, FlowCounts, object_flow
from traindash.evaluation.matching import box_ious
from traindash.evaluation.outcomes import EvaluationSettings

HEAD = {
    "images": [{"id": 1, "file_name": "a.png", "width": 500, "height": 500}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
}
BOXES = [[100 * i, 0, 50, 50] for i in range(5)]


def scene(*found: tuple[float, float, int]) -> Evaluation:
    """Return the evaluation of five cats in a row and detections ``(x, y, class)`` of 50 by 50 pixels."""
    cats = [
        {"id": i + 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 2500, "iscrowd": 0}
        for i, box in enumerate(BOXES)
    ]
    rows = [{"image_id": 1, "category_id": k, "bbox": [x, y, 50, 50], "score": 0.9} for x, y, k in found]
    return evaluated({**HEAD, "annotations": cats}, {**HEAD, "annotations": rows})


def test_each_kind_of_change_by_hand() -> None:
    before = scene((0, 0, 1), (100, 0, 1), (200, 0, 1), (0, 300, 1), (100, 300, 1), (400, 0, 2))
    after = scene((0, 2, 1), (115, 0, 1), (300, 0, 1), (200, 0, 2), (2, 300, 1), (200, 300, 1), (400, 0, 1))
    flow = object_flow(before, after)
    assert [Change(c) for c in flow.change] == [
        Change.KEPT,
        Change.MOVED_BOX,
        Change.LOST,
        Change.GAINED,
        Change.GAINED,
    ]
    assert flow.swapped.tolist() == [False, False, True, False, True]
    assert flow.before.called.tolist() == [0, 0, 0, -1, 1]
    assert flow.after.called.tolist() == [0, 0, 1, 0, 0]
    assert flow.before.iou.tolist() == [1, 1, 1, 0, 0]
    assert flow.after.iou[1] == pytest.approx(35 / 65)
    total = flow.total()
    expected = {"kept": 1, "moved_box": 1, "gained": 2, "lost": 1, "missed": 0, "swapped": 2}
    assert {name: getattr(total, name) for name in expected} == expected
    assert total.net == 1
    # of the false alarms one stayed; "dog" at 200 is new, "dog" at 400 vanished
    assert total.new_alarms == 2
    assert total.vanished_alarms == 2
    assert [one.new_alarms for one in flow.by_class()] == [1, 1]
    assert [one.vanished_alarms for one in flow.by_class()] == [1, 1]


def pairs(shape: Shape, *, masks: bool) -> tuple[Evaluation, Evaluation]:
    gt, dt = coco_files(shape)
    _, other = coco_files(seeded(shape, shape.seed + 1))
    if masks:
        (gt, dt), (_, other) = with_masks(gt, dt), with_masks(gt, other)
    return evaluated(gt, dt), evaluated(gt, other)


@settings(max_examples=30, deadline=None)
@given(shape=shapes(crowds_last=False), confidence=st.sampled_from([None, 0.3]), masks=st.booleans())
def test_sums_are_exact(shape: Shape, confidence: float | None, masks: bool) -> None:  # noqa: FBT001
    a, b = pairs(shape, masks=masks)
    if confidence is not None:
        a, b = a.at(confidence), b.at(confidence)
    flow = object_flow(a, b)
    total = flow.total()
    assert total.net == b.counts.total.tp - a.counts.total.tp
    assert total.kept + total.moved_box + total.lost == a.counts.total.tp
    assert total.new_alarms - total.vanished_alarms == b.counts.total.fp - a.counts.total.fp
    assert total.after == total.before - total.lost + total.gained
    for groups, length in ((flow.by_class(), shape.classes), (flow.by_size(), 3)):
        assert len(groups) == length
        for name in FlowCounts.__dataclass_fields__:
            assert sum(getattr(one, name) for one in groups) == getattr(total, name)
    change = [after.tp - before.tp for before, after in zip(a.per_class, b.per_class, strict=True)]
    assert [one.net for one in flow.by_class()] == change
    gained, lost = (_by_image(flow.image[flow.change == kind], shape) for kind in (Change.GAINED, Change.LOST))
    assert (gained - lost).tolist() == (b.per_image.tp - a.per_image.tp).tolist()
    new, vanished = (_by_image(alarms.image, shape) for alarms in (flow.new_alarms, flow.vanished_alarms))
    assert (new - vanished).tolist() == (b.per_image.fp - a.per_image.fp).tolist()


def _by_image(images: IntArray, shape: Shape) -> IntArray:
    return np.bincount(images, minlength=shape.images)


@settings(max_examples=20, deadline=None)
@given(shape=shapes(crowds_last=False))
def test_false_alarms_are_paired_one_to_one(shape: Shape) -> None:
    a, b = pairs(shape, masks=False)
    flow = object_flow(a, b)
    alarms_a = np.flatnonzero(a.view.accepted(a.confidence) & ~a.view.right)
    alarms_b = np.flatnonzero(b.view.accepted(b.confidence) & ~b.view.right)
    stayed_a = np.setdiff1d(alarms_a, flow.vanished_alarms.dt)
    stayed_b = np.setdiff1d(alarms_b, flow.new_alarms.dt)
    assert stayed_a.size == stayed_b.size
    boxes = a.pair.dt.boxes[a.table.dt_row], b.pair.dt.boxes[b.table.dt_row]
    for row in flow.new_alarms.dt.tolist():
        # whatever it could have been paired with is paired with another one
        near = [
            other
            for other in flow.vanished_alarms.dt.tolist()
            if a.table.dt_image[other] == b.table.dt_image[row]
            and a.table.dt_class[other] == b.table.dt_class[row]
            and box_ious(boxes[0][[other]], boxes[1][[row]])[0] >= 0.75
        ]
        assert near == []
    np.testing.assert_array_equal(flow.new_alarms.image, b.table.dt_image[flow.new_alarms.dt])
    np.testing.assert_array_equal(flow.new_alarms.category, b.table.dt_class[flow.new_alarms.dt])


def test_the_same_model_changes_nothing() -> None:
    evaluation = evaluated(*coco_files(Shape(seed=3, images=6, near=0.9, crowds=0.2)))
    flow = object_flow(evaluation, evaluation)
    total = flow.total()
    for name in ("gained", "lost", "moved_box", "swapped", "new_alarms", "vanished_alarms"):
        assert getattr(total, name) == 0
    assert total.kept == evaluation.counts.total.tp
    assert total.missed == evaluation.counts.total.fn
    assert flow.objects.size == evaluation.table.objects_per_class().sum()


def test_the_order_of_the_objects_in_the_other_file_does_not_matter() -> None:
    gt, dt = coco_files(Shape(seed=3, images=6, near=0.9, crowds=0.2))
    turned: Coco = {**gt, "annotations": gt["annotations"][::-1]}
    flow = object_flow(evaluated(gt, dt), evaluated(turned, dt))
    assert flow.total().gained == flow.total().lost == 0


def test_other_objects_are_refused() -> None:
    gt, dt = coco_files(Shape(seed=3))
    with pytest.raises(InputError, match="annotations changed"):
        object_flow(evaluated(gt, dt), evaluated({**gt, "annotations": gt["annotations"][1:]}, dt))


def test_each_model_keeps_its_own_thresholds() -> None:
    gt, dt = coco_files(Shape(seed=3, images=6, near=0.9))
    loose = evaluated(gt, dt, EvaluationSettings(confidence_threshold=0.0))
    strict = evaluated(gt, dt, EvaluationSettings(confidence_threshold=1.0))
    flow = object_flow(loose, strict)
    assert flow.total().lost == loose.counts.total.tp
    assert flow.total().vanished_alarms == loose.counts.total.fp


def test_sizes_are_those_of_coco() -> None:
    assert [SIZES[i] for i in size_of(np.array([0.0, 1024, 1025, 9216, 9217]))] == [
        "small",
        "small",
        "medium",
        "medium",
        "large",
    ]


def test_boxes_of_no_area_overlap_by_nothing() -> None:
    point = np.zeros((1, 4))
    assert box_ious(point, point).tolist() == [0]
    assert box_ious(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 2, 2]])).tolist() == [pytest.approx(1 / 3)]
