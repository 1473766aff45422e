"""Thresholds for goals, against trying every threshold."""

import math
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.coco_data import Shape, coco_files, shapes, without_detections
from tests.unit.evaluation.evaluations import evaluated, evaluated_shape
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.operating_points import (
    BestF1,
    MissCosts,
    OperatingPoints,
    PrecisionAtLeast,
    RecallAtLeast,
    choose_threshold,
    cost,
    operating_points,
    operating_points_per_class,
)

SHAPES = shapes(crowds_last=False)
MANY = settings(max_examples=30, deadline=None)


def tried(evaluation: Evaluation, class_index: int | None = None) -> list[tuple[float, int, int]]:
    """Return (confidence, true positives, false positives) of every threshold that makes a difference, falling."""
    view, table = evaluation.view, evaluation.table
    mine = view.counted if class_index is None else view.counted & (table.dt_class == class_index)
    scores = sorted({*table.dt_score[mine].tolist()}, reverse=True)
    rows = [(math.inf, 0, 0)]
    for confidence in scores:
        accepted = mine & (table.dt_score >= confidence)
        rows.append((confidence, int((accepted & view.right).sum()), int((accepted & ~view.right).sum())))
    return rows


def close(points: OperatingPoints, rows: list[tuple[float, int, int]]) -> None:
    assert points.confidences[1:].tolist() == [row[0] for row in rows[1:]]
    assert points.tp.tolist() == [row[1] for row in rows]
    assert points.fp.tolist() == [row[2] for row in rows]


@MANY
@given(shape=SHAPES)
def test_points_are_those_of_trying_every_threshold(shape: Shape) -> None:
    evaluation = evaluated(*coco_files(shape))
    points = operating_points(evaluation)
    close(points, tried(evaluation))
    for k, one in enumerate(operating_points_per_class(evaluation)):
        close(one, tried(evaluation, k))
        assert one.objects == evaluation.table.objects_per_class()[k]
    for index in range(points.tp.size):
        point = points.point(index)
        for name in ("precision", "recall", "f1"):
            np.testing.assert_equal(getattr(point, name), getattr(points, name)[index])


@MANY
@given(shape=SHAPES, confidence=st.floats(-0.5, 1.5))
def test_any_threshold_gives_the_counts_of_the_evaluation(shape: Shape, confidence: float) -> None:
    evaluation = evaluated(*coco_files(shape))
    point = operating_points(evaluation).at(confidence)
    counts = evaluation.at(confidence).counts
    assert (point.tp, point.fp, point.fn) == (counts.total.tp, counts.total.fp, counts.total.fn)
    assert point.confidence == confidence


@MANY
@given(shape=SHAPES, least=st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]))
def test_recall_is_reached_with_the_fewest_false_alarms(shape: Shape, least: float) -> None:
    evaluation = evaluated(*coco_files(shape))
    points = operating_points(evaluation)
    found = choose_threshold(RecallAtLeast(recall=least), points)
    good = [row for row in tried(evaluation) if row[1] / points.objects >= least]
    assert found.reached == bool(good)
    if good:
        assert (found.point.tp, found.point.fp) == good[0][1:]
    else:
        assert found.point.tp == points.tp.max()


@MANY
@given(shape=SHAPES, least=st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]))
def test_precision_is_reached_with_the_most_objects(shape: Shape, least: float) -> None:
    evaluation = evaluated(*coco_files(shape))
    points = operating_points(evaluation)
    found = choose_threshold(PrecisionAtLeast(precision=least), points)
    rows = [row for row in tried(evaluation) if least == 0 or (row[1] and row[1] / (row[1] + row[2]) >= least)]
    assert found.reached == bool(rows)
    if rows:
        assert found.point.tp == max(row[1] for row in rows)


@MANY
@given(shape=SHAPES, weight=st.sampled_from([0.0, 0.5, 1.0, 10.0, 1000.0]))
def test_the_cost_is_the_lowest_possible(shape: Shape, weight: float) -> None:
    evaluation = evaluated(*coco_files(shape))
    goal = MissCosts(false_alarms=weight)
    for k, points in enumerate(operating_points_per_class(evaluation)):
        found = choose_threshold(goal, points)
        costs = [weight * (points.objects - tp) + fp for _, tp, fp in tried(evaluation, k)]
        assert cost(goal, found.point) == min(costs)
        assert found.reached
        # among equally good thresholds the highest
        assert found.point.fp + found.point.tp == sum(tried(evaluation, k)[costs.index(min(costs))][1:])


@MANY
@given(shape=SHAPES)
def test_the_best_f1_is_the_best_of_all(shape: Shape) -> None:
    evaluation = evaluated(*coco_files(shape))
    points = operating_points(evaluation)
    found = choose_threshold(BestF1(), points)
    f1 = [2 * tp / (tp + fp + points.objects) for _, tp, fp in tried(evaluation)]
    assert found.point.f1 == pytest.approx(max(f1))
    assert found.reached == evaluation.view.right.any()


def test_goals_without_detections_accept_nothing() -> None:
    gt, _ = coco_files(Shape(seed=1))
    points = operating_points(evaluated(gt, without_detections(gt)))
    for goal in BestF1(), RecallAtLeast(recall=0.5), PrecisionAtLeast(precision=0.5):
        found = choose_threshold(goal, points)
        assert not found.reached
        assert (found.point.tp, found.point.fp, found.point.recall, found.point.confidence) == (0, 0, 0, 1)
        assert math.isnan(found.point.precision)


def test_classes_without_objects_have_no_recall() -> None:
    evaluation = evaluated_shape(seed=1, classes=3, empty_classes=1, detections=150, near=0.0)
    empty = operating_points_per_class(evaluation)[2]
    assert empty.objects == 0
    assert np.isnan(empty.recall).all()
    assert math.isnan(empty.point(0).recall)
    assert math.isnan(empty.point(0).f1)


def test_a_share_is_met_in_spite_of_rounding() -> None:
    evaluation = evaluated_shape(seed=1)
    points = OperatingPoints(confidences=np.array([2.0, 0.5]), tp=np.array([0, 7]), fp=np.array([0, 0]), objects=100)
    assert 0.07 * 100 > 7
    assert choose_threshold(RecallAtLeast(recall=0.07), points).reached
    assert choose_threshold(RecallAtLeast(recall=0.0), operating_points(evaluation)).point.tp == 0


def test_a_goal_of_another_kind_is_a_mistake_of_the_program() -> None:
    with pytest.raises(AssertionError):
        choose_threshold(cast("BestF1", "be good"), operating_points(evaluated_shape(seed=1)))
