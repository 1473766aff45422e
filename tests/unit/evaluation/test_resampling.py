"""Paired bootstrap: each resample must be what a new evaluation of the drawn images would give."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, shapes, without_detections
from tests.unit.evaluation.evaluations import evaluated, evaluated_shape
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.evaluation.resampling import MetricKey, Samples, bootstrap, difference, interval, resample_weights
from traindash.evaluation.weighted_metrics import (
    NUMBERS_AT_ONCE,
    recall_table,
    rows_by_class,
    weighted_average_precision,
)

DRAWN = 6
NOT_RESAMPLED = {"f1_optimal_conf"}


def redrawn(gt: Coco, dt: Coco, times: list[int]) -> tuple[Coco, Coco]:
    """Return files in which each image occurs as often as it was drawn, copies next to each other."""
    images: list[Coco] = []
    rows: tuple[list[Coco], list[Coco]] = ([], [])
    for image, count in zip(gt["images"], times, strict=True):
        for _ in range(count):
            images.append({**image, "id": len(images) + 1})
            for file, kept in zip((gt, dt), rows, strict=True):
                for row in file["annotations"]:
                    if row["image_id"] == image["id"]:
                        kept.append({**row, "image_id": len(images), "id": len(kept) + 1})
    head = {"images": images, "categories": gt["categories"]}
    return {**head, "annotations": rows[0]}, {**head, "annotations": rows[1]}


def equal(name: str, mine: float, naive: float) -> None:
    np.testing.assert_allclose(mine, naive, rtol=0, atol=1e-12, err_msg=name)


def check_resamples(gt: Coco, dt: Coco, seed: int, chosen: EvaluationSettings) -> None:
    evaluation = evaluated(gt, dt, chosen)
    (samples,) = bootstrap([evaluation], resamples=DRAWN, seed=seed)
    fixed = EvaluationSettings(
        iou_threshold=chosen.iou_threshold,
        iou_threshold_per_class=chosen.iou_threshold_per_class,
        confidence_threshold=evaluation.confidence,
    )
    for b, times in enumerate(resample_weights(len(gt["images"]), DRAWN, seed).T.tolist()):
        files = redrawn(gt, dt, times)
        if all(row["iscrowd"] for row in files[0]["annotations"]):
            assert np.isnan(samples.key["mAP"][b])
            continue
        naive = evaluated(*files, fixed)
        for name, value in asdict(naive.key_metrics).items():
            if name not in NOT_RESAMPLED:
                equal(name, samples.values(MetricKey(name=name))[b], value)
        for one in naive.per_class:
            for name in ("ap", "ap50", "ap75", "precision", "recall", "f1"):
                mine = samples.values(MetricKey(name=name, class_name=one.name))[b]
                equal(f"{name} of {one.name}", mine, getattr(one, name))


# equal scores within one image and class are left out: their copies may stand in another order
@settings(max_examples=30, deadline=None)
@given(shape=shapes(duplicates=0.0, score_steps=0, crowds_last=False), seed=st.integers(0, 1000))
def test_each_resample_is_exact(shape: Shape, seed: int) -> None:
    check_resamples(*coco_files(shape), seed, EvaluationSettings())


@settings(max_examples=20, deadline=None)
@given(shape=shapes(duplicates=0.0, score_steps=0, crowds_last=False), iou=st.sampled_from([0.55, 0.75, 0.95]))
def test_each_resample_is_exact_at_other_thresholds(shape: Shape, iou: float) -> None:
    per_class = {"class 0": iou} if shape.seed % 2 else {}
    check_resamples(*coco_files(shape), 3, EvaluationSettings(iou_threshold=iou, iou_threshold_per_class=per_class))


@settings(max_examples=30, deadline=None)
@given(shape=shapes(duplicates=0.0, score_steps=4, detections=3, classes=2), seed=st.integers(0, 1000))
def test_equal_scores_in_different_images_are_exact(shape: Shape, seed: int) -> None:
    gt, dt = coco_files(shape)
    seen: set[tuple[int, int, float]] = set()
    kept = []
    for row in dt["annotations"]:
        key = (row["image_id"], row["category_id"], row["score"])
        kept += [] if key in seen else [row]
        seen.add(key)
    check_resamples(gt, {**dt, "annotations": kept}, seed, EvaluationSettings())


def two(**shape: float) -> tuple[Evaluation, Evaluation]:
    """Return evaluations of a model and of a better one on the same images."""
    gt, weak = coco_files(Shape(seed=8, images=30, near=0.5))
    _, other = coco_files(Shape(seed=8, images=30, near=0.9, **shape))  # type: ignore[arg-type]
    strong = [{**row, "score": row["score"] * 0.5} for row in other["annotations"]]
    perfect = [{**row, "score": 0.9, "id": 1000 + row["id"]} for row in gt["annotations"]]
    return evaluated(gt, weak), evaluated(gt, {**weak, "annotations": perfect + strong})


def test_identical_predictions_differ_by_nothing() -> None:
    a, _ = two()
    first, second = bootstrap([a, a], resamples=50)
    for name in first.key:
        found = difference(first, second, MetricKey(name=name))
        assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_a_clearly_better_model_is_told_apart() -> None:
    a, b = two()
    first, second = bootstrap([a, b], resamples=200, seed=1)
    found = difference(first, second, MetricKey(name="mAP"))
    assert found.a == a.key_metrics.mAP
    assert found.b == b.key_metrics.mAP
    assert found.difference == found.b - found.a
    assert 0 < found.low < found.difference < found.high
    back = difference(second, first, MetricKey(name="mAP"))
    assert back.low < back.high < 0  # the interval leaves out 0, as that of the other way round above
    assert (back.low, back.high) == (-found.high, -found.low)


def test_the_same_seed_gives_the_same_numbers() -> None:
    pair = two()
    metric = MetricKey(name="ap", class_name="class 1")

    def run(seed: int) -> list[float]:
        first, second = bootstrap(pair, resamples=30, seed=seed)
        return [float(value) for value in second.values(metric) - first.values(metric)]

    first, _ = bootstrap(pair, resamples=1)
    assert first.point(metric) == pair[0].per_class[1].ap
    assert run(5) == run(5)
    assert run(5) != run(6)


def test_each_image_is_drawn_as_often_as_it_should_be() -> None:
    weights = resample_weights(20, 2000, 0)
    assert weights.shape == (20, 2000)
    assert (weights.sum(axis=0) == 20).all()
    np.testing.assert_allclose(weights.mean(axis=1), 1, atol=0.1)
    np.testing.assert_allclose(weights.var(), 1 - 1 / 20, atol=0.05)


def test_an_interval_holds_the_middle_of_the_resamples() -> None:
    (samples,) = bootstrap([two()[0]], resamples=100, seed=2)
    metric = MetricKey(name="AP50")
    found = interval(samples, metric, level=0.9)
    inside = (samples.values(metric) >= found.low) & (samples.values(metric) <= found.high)
    assert inside.sum() == 90
    assert found.low < found.value < found.high


def test_a_figure_that_no_resample_defines_has_no_interval() -> None:
    gt, _ = coco_files(Shape(seed=8))
    nothing = evaluated(gt, without_detections(gt))
    samples = bootstrap([nothing, nothing], resamples=10)
    found = difference(samples[0], samples[1], MetricKey(name="iou"))
    assert np.isnan([found.a, found.difference, found.low, found.high]).all()
    assert np.isnan(interval(samples[0], MetricKey(name="iou")).low)
    assert samples[0].key["mAP"].tolist() == [0] * 10


def test_blocks_of_resamples_give_what_single_ones_give() -> None:
    table = evaluated_shape(seed=8, images=100, classes=1, detections=150, near=0.5, crowds=0.2).table
    (rows,) = rows_by_class(table)
    resamples = NUMBERS_AT_ONCE // rows.image.size * 2
    weights = resample_weights(100, resamples, 0)
    assert rows.image.size * int(weights.max()) > np.iinfo(weights.dtype).max, (
        "sums may need more bits than the weights"
    )
    objects = np.bincount(table.gt_image[~table.gt_crowd], minlength=100) @ weights
    found = weighted_average_precision(rows, recall_table(objects), weights)
    for b in (0, resamples // 2 - 1, resamples // 2, resamples - 1):
        single = weighted_average_precision(rows, recall_table(objects[[b]]), weights[:, [b]])
        np.testing.assert_allclose(found[:, [b]], single, rtol=0, atol=1e-14)


@pytest.fixture
def samples() -> Samples:
    return bootstrap([evaluated_shape(seed=8)], resamples=5)[0]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (MetricKey(name="f1_optimal_conf"), "no figure 'f1_optimal_conf' to resample. Choose one of mAP, AP50"),
        (MetricKey(name="mAP", class_name="class 0"), "no figure 'mAP' to resample. Choose one of ap, ap50"),
        (MetricKey(name="ap", class_name="dog"), "no class 'dog'"),
    ],
)
def test_figures_and_classes_that_do_not_exist_are_named(samples: Samples, metric: MetricKey, message: str) -> None:
    with pytest.raises(InputError, match=message):
        difference(samples, samples, metric)


@pytest.mark.parametrize("kind", ["images", "classes", "annotations", "more annotations"])
def test_evaluations_of_other_data_are_refused(kind: str) -> None:
    gt, dt = coco_files(Shape(seed=8))
    other = {"images": list(gt["images"]), "categories": list(gt["categories"]), "annotations": list(gt["annotations"])}
    if kind == "images":
        other["images"][0] = {**other["images"][0], "file_name": "other.png"}
    elif kind == "classes":
        other["categories"][0] = {**other["categories"][0], "name": "dog"}
    elif kind == "annotations":
        other["annotations"][0] = {**other["annotations"][0], "bbox": [1, 1, 2, 2]}
    else:
        other["annotations"].append({**other["annotations"][0], "id": 999})
    word = {"images": "different images", "classes": "different classes"}.get(kind, "annotations changed")
    with pytest.raises(InputError, match=word):
        bootstrap([evaluated(gt, dt), evaluated(other, {"annotations": dt["annotations"]})], resamples=5)


def test_the_order_of_the_objects_in_the_file_does_not_matter() -> None:
    gt, dt = coco_files(Shape(seed=8, images=10))
    turned = {**gt, "annotations": gt["annotations"][::-1]}
    first, second = bootstrap([evaluated(gt, dt), evaluated(turned, dt)], resamples=20)
    np.testing.assert_allclose(first.key["recall"], second.key["recall"])
