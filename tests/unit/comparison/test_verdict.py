"""Sentences from numbers; they never say more than the numbers."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.evaluations import Made, evaluation
from tests.unit.comparison.builders import bare, comparison, experiment, record, together
from traindash.comparison.experiment import Comparison
from traindash.comparison.significance import Interval, Significance, judged, resampled, significance_of
from traindash.comparison.speed import SpeedTest
from traindash.comparison.verdict import judge
from traindash.evaluation.comparability import ComparabilityKind
from traindash.formatting import metric, points


def _recorded(values: list[float]) -> Comparison:
    made = [replace(bare(i), info=record(i, evaluation_metrics={"mAP": value})) for i, value in enumerate(values, 1)]
    return together([replace(item, label=f"E{item.key}") for item in made])


def test_too_few_to_rank() -> None:
    assert judge(comparison(0)).headline == "No experiment is chosen."
    assert judge(comparison(1)).kind == "nothing"
    assert "1 of 2 experiments has metrics" in judge(together([experiment(1), bare(2)])).headline
    assert "None of 2" in judge(together([bare(1), bare(2)])).headline


def test_the_winner_its_lead_and_its_weak_side() -> None:
    worse, better = experiment(1), replace(experiment(9), evaluation=evaluation(Made(seed=9, quality=0.98)))
    verdict = judge(together([worse, better]))
    assert verdict.kind == "winner"
    assert verdict.winner == "9"
    assert "“Experiment 9” has the highest mAP" in verdict.headline
    text = " ".join(verdict.sentences)
    assert "in 95 of 100 tests like this one (40 images)" in text
    assert "behind" in text
    assert "ms against" in text


def test_times_within_their_scatter_are_not_called_equal() -> None:
    made = []
    for number, total in ((1, 84.0), (9, 55.4)):
        timed = experiment(number)
        assert isinstance(timed.speed, SpeedTest)
        rows = tuple(replace(row, total=total, total_std=59.0) for row in timed.speed.rows)
        made.append(replace(timed, speed=replace(timed.speed, rows=rows)))
    text = " ".join(judge(together(made)).sentences)
    assert "Their speeds cannot be told apart (" in text
    assert "84.0 ms" in text
    assert "equally" not in text


def test_nobody_has_won_before_the_resamples_are_there() -> None:
    chosen = together([experiment(1), replace(experiment(9), evaluation=evaluation(Made(seed=9, quality=0.98)))])
    known = judged(chosen)
    verdict = judge(chosen, known)
    assert known.pending
    assert (verdict.kind, verdict.winner) == ("open", None)
    assert "“Experiment 9” has the highest mAP" in verdict.headline
    assert verdict.sentences[0] == "How sure that is, is still being measured on these images."
    assert "resamples" not in " ".join(verdict.sentences)
    assert judge(chosen, resampled(known)) == judge(chosen)


def test_equal_as_shown_is_a_tie() -> None:
    verdict = judge(_recorded([0.70001, 0.7, 0.3]))
    assert verdict.kind == "tie"
    assert verdict.headline == "“E1” and “E2” have the same mAP of 0.700."
    assert verdict.winner is None


def test_models_that_images_cannot_tell_apart_have_no_winner() -> None:
    """Two models of one quality differ by luck only."""
    pair = [replace(experiment(i), evaluation=evaluation(Made(seed=i, quality=0.7))) for i in (1, 2)]
    verdict = judge(together(pair))
    assert verdict.kind == "tie"
    assert verdict.winner is None
    assert verdict.headline.endswith("cannot be told apart.")
    assert "but the difference lies anywhere between −" in verdict.sentences[0]


def test_intervals_follow_the_direction() -> None:
    known = significance_of(comparison(2))
    forth, back = known.interval("1", "2", "mAP"), known.interval("2", "1", "mAP")
    assert forth is not None
    assert back is not None
    assert (forth.low, forth.high) == (-back.high, -back.low)
    assert known.interval("1", "2", "latency") is None
    assert known.interval("1", "3", "mAP") is None
    assert known.interval("1", "2", "ap", "apple") is not None
    assert Interval(low=0.004, high=0.0312, images=412).in_words() == (
        "between +0.4 and +3.1 points in 95 of 100 tests like this one (412 images)"
    )


def _standing(chosen: Comparison) -> ComparabilityKind | None:
    judgement = significance_of(chosen).judgement
    return judgement.kind if judgement else None


def test_fewer_than_two_are_not_judged() -> None:
    assert significance_of(comparison(0)) == Significance()
    assert significance_of(together([experiment(1), bare(2)])) == Significance()


def test_other_images_name_no_winner() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(images=30)))
    chosen = together([experiment(1), other])
    verdict = judge(chosen)
    assert verdict.kind == "unlike"
    assert verdict.winner is None
    assert any("images of “Experiment 1” are not in all experiments" in sentence for sentence in verdict.sentences)
    assert significance_of(chosen).samples == {}


def test_other_classes_name_no_winner() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(classes=("apple", "leaf", "lemon", "pear"))))
    assert judge(together([experiment(1), other])).kind == "unlike"


def test_images_seen_in_training_name_no_winner() -> None:
    seen = replace(experiment(2), train_image_ids=frozenset(range(901, 911)))
    chosen = together([experiment(1), seen])
    assert _standing(chosen) is ComparabilityKind.RESCORE
    assert any("trained on 10 of the 40 images" in sentence for sentence in judge(chosen).sentences)


def test_unknown_training_images_are_a_warning_only() -> None:
    unknown = replace(experiment(2), train_image_ids=None)
    verdict = judge(together([experiment(1), unknown]))
    assert verdict.kind in {"winner", "tie"}
    assert any("not known on which images" in warning for warning in verdict.warnings)


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=2, max_size=6))
def test_the_headline_never_contradicts_the_table(values: list[float]) -> None:
    verdict = judge(_recorded(values))
    best = max(values)
    assert metric(best) in verdict.headline
    shown = sorted((metric(value) for value in values), reverse=True)
    if shown[0] == shown[1] or points(best - sorted(values)[-2]) == points(0):  # equal or 0.0 pt apart, as shown
        assert verdict.kind == "tie"
        assert verdict.winner is None
    else:
        assert verdict.kind == "winner"
        assert verdict.winner == str(values.index(best) + 1)
        lead = re.search(r": ([\d.]+) points more", verdict.headline)
        assert lead is not None
        assert abs(float(lead[1]) / 100 - (best - sorted(values)[-2])) <= 0.0005 + 1e-9


def test_a_renamed_dataset_has_no_interval_and_breaks_nothing() -> None:
    """Ids say that the images are the same; their names differ."""
    chosen = together([experiment(1), replace(experiment(2), evaluation=evaluation(Made(seed=2, dataset="renamed")))])
    known = significance_of(chosen)
    assert known.interval("1", "2", "mAP") is None
    assert judge(chosen, known).kind in {"winner", "tie"}
