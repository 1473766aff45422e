"""Hyperparameters against mAP."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.fakes.evaluations import Made, evaluation
from tests.unit.comparison.builders import HOSTILE, bare, comparison, experiment, together
from traindash.comparison.charts.training import MOST_AXES, parallel, parallel_figure, parallel_in_words
from traindash.comparison.comparison_basis import basis_of
from traindash.comparison.experiment import Comparison, Missing
from traindash.comparison.significance import Significance


def _with(*settings: Mapping[str, object]) -> Comparison:
    made = [replace(experiment(i), hyperparameters=one) for i, one in enumerate(settings, start=1)]
    return together(made)


def test_numbers_are_positions_and_words_have_ticks() -> None:
    drawn = parallel(
        _with({"epochs": 10, "opt": "SGD"}, {"epochs": 20, "opt": "AdamW"}, {"epochs": 30}), Significance()
    )
    names, epochs, optimizer, score = drawn.axes
    assert names.words == ("Experiment 1", "Experiment 2", "Experiment 3")
    assert (epochs.title, epochs.values, epochs.words) == ("epochs", (10.0, 20.0, 30.0), ())
    assert (optimizer.values, optimizer.words) == ((0.0, 1.0, 2.0), ("SGD", "AdamW", "–"))
    assert score.title == "mAP"
    assert "Experiment 2: mAP 0." in parallel_in_words(drawn)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_experiments_say_why(count: int) -> None:
    assert "are needed" in parallel(comparison(count), Significance()).empty


def test_what_has_no_settings_or_no_score_has_no_line() -> None:
    silent = replace(experiment(4), hyperparameters=Missing(reason="left no hyperparameters"))
    chosen = together([*comparison(3).experiments, silent, bare(5)])
    assert [e.key for e in parallel(chosen, Significance()).experiments] == ["1", "2", "3"]


def test_equal_settings_say_so() -> None:
    assert "are the same" in parallel(_with({"a": 1}, {"a": 1}, {"a": 1}), Significance()).empty


def test_unlike_experiments_share_no_axis() -> None:
    other = replace(experiment(3), evaluation=evaluation(Made(images=30)))
    chosen = together([experiment(1), experiment(2), other])
    assert "not measured alike" in parallel(chosen, basis_of(chosen, rescore=False).significance).empty


def test_many_differences_are_limited_and_said() -> None:
    drawn = parallel(_with(*({f"k{i}": i * j for i in range(20)} for j in range(3))), Significance())
    assert len(drawn.axes) == MOST_AXES + 2
    assert drawn.note == "The first 9 of 19 differences have an axis."


def test_hostile_names_are_only_text() -> None:
    made = [replace(experiment(i + 1), label=name, hyperparameters={name: name}) for i, name in enumerate(HOSTILE)]
    text = json.dumps(parallel_figure(parallel(together(made), Significance()), "dark"), allow_nan=False)
    assert "<script" not in text
    assert "&lt;script" in text
