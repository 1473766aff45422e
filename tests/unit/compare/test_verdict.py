"""Sentences from numbers; they never say more than the numbers."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.compare.comparability import check_comparability
from core.compare.experiment import Comparison
from core.compare.formatting import metric
from core.compare.verdict import Interval, judge, leading_pair
from tests.fakes.evaluations import Made, evaluation
from tests.unit.compare.builders import bare, comparison, experiment, record, together


def _recorded(values: list[float]) -> Comparison:
    made = [replace(bare(i), info=record(i, evaluation_metrics={"mAP": value})) for i, value in enumerate(values, 1)]
    return together([replace(item, label=f"E{item.key}") for item in made])


def test_too_few_to_rank() -> None:
    assert judge(comparison(0)).headline == "No experiment is chosen."
    assert judge(comparison(1)).kind == "nothing"
    assert "1 of 2 experiments has metrics" in judge(together([experiment(1), bare(2)])).headline
    assert "None of 2" in judge(together([bare(1), bare(2)])).headline


def test_the_winner_its_lead_and_its_weak_side() -> None:
    chosen = comparison(9)
    verdict = judge(chosen)
    assert verdict.kind == "winner"
    winner = next(e for e in chosen.experiments if e.key == verdict.winner)
    assert f"“{winner.label}” has the highest mAP" in verdict.headline
    text = " ".join(verdict.sentences)
    assert "All were measured on the same 40 images." in text
    assert "behind" in text
    assert "ms against" in text


def test_equal_as_shown_is_a_tie() -> None:
    verdict = judge(_recorded([0.70001, 0.7, 0.3]))
    assert verdict.kind == "tie"
    assert verdict.headline == "“E1” and “E2” have the same mAP of 0.700."
    assert verdict.winner is None


def test_an_interval_over_zero_means_no_winner() -> None:
    chosen = _recorded([0.70, 0.68])
    unsure = judge(chosen, Interval(low=-0.004, high=0.031, images=412))
    assert unsure.kind == "tie"
    assert unsure.headline == "“E1” and “E2” cannot be told apart."
    assert "between −0.4 and +3.1 pt in 95 % of resamples of these 412 images" in unsure.sentences[0]
    sure = judge(chosen, Interval(low=0.004, high=0.031, images=412))
    assert sure.kind == "winner"
    assert "between +0.4 and +3.1 pt" in sure.sentences[0]


def test_other_images_name_no_winner() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(images=30, dataset="other")))
    verdict = judge(together([experiment(1), other]))
    assert verdict.kind == "unlike"
    assert verdict.winner is None
    assert "different images" in verdict.sentences[0]
    assert "0 in common" in verdict.sentences[0]


def test_the_same_file_name_in_another_dataset_is_another_image() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(dataset="ds2")))
    assert [finding.kind for finding in check_comparability(together([experiment(1), other]))] == ["images"]


def test_other_classes_name_no_winner() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(classes=("apple", "leaf", "lemon", "pear"))))
    kinds = [finding.kind for finding in check_comparability(together([experiment(1), other]))]
    assert "classes" in kinds


def test_images_seen_in_training_are_told() -> None:
    seen = replace(experiment(2), train_image_ids=frozenset(range(901, 911)))
    verdict = judge(together([experiment(1), seen]))
    assert verdict.kind == "winner"
    assert any("“Experiment 2” saw 10 images" in sentence for sentence in verdict.sentences)


def test_other_tasks_name_no_winner() -> None:
    other = replace(experiment(2), info=record(2, task_type="instance segmentation"))
    assert judge(together([experiment(1), other])).kind == "unlike"


def test_leading_pair() -> None:
    assert leading_pair(comparison(1)) is None
    pair = leading_pair(comparison(3))
    assert pair is not None
    assert pair[0].key_metrics.mAP >= pair[1].key_metrics.mAP


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=2, max_size=6))
def test_the_headline_never_contradicts_the_table(values: list[float]) -> None:
    verdict = judge(_recorded(values))
    best = max(values)
    assert metric(best) in verdict.headline
    shown = sorted((metric(value) for value in values), reverse=True)
    if shown[0] == shown[1]:
        assert verdict.kind == "tie"
        assert verdict.winner is None
    else:
        assert verdict.kind == "winner"
        assert verdict.winner == str(values.index(best) + 1)
        lead = re.search(r": ([\d.]+) pt more", verdict.headline)
        assert lead is not None
        assert abs(float(lead[1]) / 100 - (best - sorted(values)[-2])) <= 0.0005 + 1e-9


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2))
def test_certainty_follows_the_interval(first: float, second: float, width: float) -> None:
    difference = abs(first - second)
    interval = Interval(low=difference - width, high=difference + width, images=100)
    verdict = judge(_recorded([first, second]), interval)
    if verdict.kind == "winner":
        assert interval.tells_apart
