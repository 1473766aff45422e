"""Unlike experiments on what they have in common."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.evaluations import CLASSES, Made, evaluation
from tests.unit.comparison.builders import bare, comparison, experiment, record, together
from traindash.comparison.comparison_basis import basis_of, on_fair_basis, standing_of
from traindash.comparison.experiment import Comparison
from traindash.comparison.report.page import render_report
from traindash.comparison.rows import key_metric_rows
from traindash.comparison.verdict import judge
from traindash.evaluation.evaluation import Evaluation, restrict, size_slices


def _fewer_images() -> Comparison:
    """The second was measured on the first 30 of the 40 images of the first."""
    return together(
        [experiment(1), replace(experiment(9), evaluation=evaluation(Made(seed=9, images=30, quality=0.9)))]
    )


def _seen() -> Comparison:
    """The second was trained on the first ten images."""
    return together([experiment(1), replace(experiment(9), train_image_ids=frozenset(range(901, 911)))])


def _elsewhere() -> Comparison:
    other = evaluation(Made(seed=9, images=30, data_seed=5, dataset="elsewhere"))
    return together([experiment(1), replace(experiment(9), evaluation=other)])


def _map(chosen: Comparison) -> list[str]:
    row = next(row for row in key_metric_rows(chosen) if row.metric.key == "mAP")
    return [cell.text for cell in row.cells]


def test_alike_experiments_stay_as_they_are() -> None:
    chosen = comparison(2)
    fair, significance = on_fair_basis(chosen)
    assert fair == chosen
    assert fair.common is None
    assert standing_of(fair, significance).kind == "alike"


def test_other_images_are_scored_again_on_the_common_ones() -> None:
    chosen = _fewer_images()
    fair, significance = on_fair_basis(chosen)
    assert fair.common is not None
    assert fair.common.images == 30
    first, second = fair.common.left_out
    assert [image.name for image in first.images] == [f"{number:04}.jpg" for number in range(31, 41)]
    assert {image.reason for image in first.images} == {"not in all experiments"}
    assert (first.evaluated, second.evaluated) == (40, 30)
    assert second.images == ()
    assert judge(fair, significance).kind == "winner"
    assert judge(fair, significance).sentences[0].startswith("All figures here are of the 30 images and 5 classes")
    assert standing_of(fair, significance).words == "Scored again on 30 common images"


def test_the_figures_are_those_of_the_common_images() -> None:
    fair, _ = on_fair_basis(_fewer_images())
    whole = experiment(1).evaluation
    assert isinstance(whole, Evaluation)
    (_, first), (_, second) = fair.evaluated
    assert first.key_metrics == restrict(whole, images=np.arange(30)).key_metrics
    assert second.key_metrics.mAP == evaluation(Made(seed=9, images=30, quality=0.9)).key_metrics.mAP
    assert _map(fair)[0] != _map(_fewer_images())[0]


def test_images_that_one_was_trained_on_are_left_out_for_all() -> None:
    fair, significance = on_fair_basis(_seen())
    assert fair.common is not None
    assert fair.common.images == 30
    for one in fair.common.left_out:
        assert [image.name for image in one.images] == [f"{number:04}.jpg" for number in range(1, 11)]
        assert {image.reason for image in one.images} == {"“Experiment 9” trained on it"}
    assert any("was trained on 10 of the 40 images" in reason for reason in standing_of(fair, significance).reasons)


def test_other_classes_are_left_out_by_name() -> None:
    fewer = restrict(evaluation(Made(seed=9, quality=0.9)), classes=CLASSES[:3])
    fair, _ = on_fair_basis(together([experiment(1), replace(experiment(9), evaluation=fewer)]))
    assert fair.common is not None
    assert fair.common.classes == CLASSES[:3]
    assert [one.classes for one in fair.common.left_out] == [CLASSES[3:], ()]
    assert fair.classes == CLASSES[:3]


def test_the_way_back_ranks_nobody() -> None:
    chosen = _fewer_images()
    basis = basis_of(chosen, rescore=False)
    assert basis.applied_to(chosen) == chosen
    assert judge(chosen, basis.significance).kind == "unlike"
    assert standing_of(chosen, basis.significance).kind == "unlike"
    rows = key_metric_rows(chosen, basis.significance)
    assert not any(cell.best or cell.delta for row in rows if row.metric.key == "mAP" for cell in row.cells)


def test_nothing_in_common_is_said_and_not_an_error() -> None:
    fair, significance = on_fair_basis(_elsewhere())
    assert fair.common is None
    assert judge(fair, significance).kind == "unlike"
    assert standing_of(fair, significance).reasons


@pytest.mark.parametrize("chosen", [comparison(0), comparison(1), together([experiment(1), bare(2)])])
def test_too_few_to_judge(chosen: Comparison) -> None:
    fair, significance = on_fair_basis(chosen)
    assert fair == chosen
    assert standing_of(fair, significance).kind == "unknown"


def test_a_baseline_without_evaluation_stays() -> None:
    chosen = replace(together([bare(5), *_fewer_images().experiments]), baseline=0)
    fair, _ = on_fair_basis(chosen)
    assert fair.experiments[0] == chosen.experiments[0]
    assert fair.common is not None


def test_recorded_metrics_are_shown_beside_measured_ones_but_not_ranked() -> None:
    recorded = replace(bare(5), info=record(5, evaluation_metrics={"mAP": 0.999}))
    chosen = together([*comparison(2).experiments, recorded])
    fair, significance = on_fair_basis(chosen)
    cells = next(row for row in key_metric_rows(fair, significance) if row.metric.key == "mAP").cells
    assert (cells[2].text, cells[2].recorded, cells[2].best, cells[2].delta) == ("0.999", True, False, "")
    verdict = judge(fair, significance)
    assert "0.999" not in verdict.headline
    assert any("“Bare 5” has only recorded metrics" in warning for warning in verdict.warnings)
    assert standing_of(fair, significance).kind == "alike"


def test_recorded_metrics_alone_are_ranked_with_a_warning() -> None:
    made = [replace(bare(i), info=record(i, evaluation_metrics={"mAP": i / 10})) for i in (1, 2)]
    verdict = judge(together(made))
    assert verdict.winner == "2"
    assert any("is not known" in warning for warning in verdict.warnings)


def test_the_report_says_what_was_left_out() -> None:
    fair, significance = on_fair_basis(_fewer_images())
    html = render_report(fair, significance=significance)
    assert "What was left out, and why" in html
    assert "“Experiment 1”: 10 of 40 images." in html


def test_figures_by_size_follow_the_common_images() -> None:
    whole, second = (replace(e, sizes=e.by_size()) for e in _fewer_images().experiments)
    fair, _ = on_fair_basis(together([whole, second]))
    kept = fair.experiments[0]
    assert isinstance(kept.evaluation, Evaluation)
    objects = [one.objects for one in kept.by_size()]
    assert objects == [one.objects for one in size_slices(kept.evaluation)]
    assert sum(objects) < sum(one.objects for one in whole.by_size())
