"""Which experiment suits a need, and the words for it."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.evaluations import Made, evaluation, speed_test_json
from tests.unit.comparison.builders import HOSTILE, bare, comparison, experiment, together
from traindash.comparison.advice import advise
from traindash.comparison.certainty import certainty_of
from traindash.comparison.decision import (
    Candidate,
    Contender,
    Decision,
    Requirements,
    contenders_of,
    decide,
    less_is_better,
)
from traindash.comparison.decision_words import draw_decision, figure_text, requirements_words
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.report.parts import decision_table
from traindash.comparison.significance import Significance, significance_of
from traindash.comparison.speed import SpeedRow, SpeedTest, parse_speed_test, times_differ
from traindash.comparison.verdict import judge
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import metric

GOALS = st.one_of(
    st.just(BestF1()),
    st.floats(0.3, 1.0).map(lambda share: RecallAtLeast(recall=round(share, 2))),
    st.floats(0.3, 1.0).map(lambda share: PrecisionAtLeast(precision=round(share, 2))),
    st.sampled_from([0.1, 1.0, 10.0, 100.0]).map(lambda price: MissCosts(false_alarms=price)),
)
NEEDS = st.builds(
    Requirements,
    goal=GOALS,
    latency=st.none() | st.sampled_from([5.0, 10.0, 12.0, 30.0]),
    size=st.none() | st.sampled_from([1e5, 1e6, 5e6, 1e8]),
)


def made(number: int, quality: float, latency: float = 10.0, size: int | None = 1_000_000) -> ComparedExperiment:
    return replace(
        experiment(number),
        evaluation=evaluation(Made(seed=number, quality=quality)),
        speed=parse_speed_test(speed_test_json(latency=latency)),
        checkpoint_bytes=size,
    )


SIX = together(
    [
        made(1, 0.95, 40, 50_000_000),
        made(2, 0.75, 20, 20_000_000),
        made(3, 0.7, 20.2, 5_000_000),
        made(4, 0.7, 9, 900_000),
        made(5, 0.3, 8.9, 950_000),
        replace(made(6, 0.6, size=None), speed=Missing(reason="was trained without the speed test")),
    ]
)
CERTAIN = significance_of(SIX)
CONTENDERS = contenders_of(SIX, CERTAIN)


def ask(chosen: Comparison, requirements: Requirements | None = None, *, comparable: bool = True) -> Decision:
    return decide(requirements or Requirements(), contenders_of(chosen, significance_of(chosen)), comparable=comparable)


@given(NEEDS)
@settings(deadline=None)
def test_words_never_contradict_the_numbers(requirements: Requirements) -> None:
    decision = decide(requirements, CONTENDERS, comparable=True)
    advice = advise(decision)
    text = " ".join([advice.headline, *advice.sentences, *advice.details])
    candidates = {one.label: one for one in decision.candidates}
    assert (advice.kind == "none") == (not decision.fulfilling)
    assert advice.winner == (decision.winner.key if decision.winner else None)
    if decision.winner is None:
        assert "Take “" not in text
        return
    winner = decision.winner
    if advice.headline != "No clear difference: take either.":
        assert re.match(r"(Take|No clear difference: take the (faster|smaller) one,) “", advice.headline)
        assert f"“{winner.label}”" in advice.headline
    assert "pt" not in re.findall(r"\w+", text)
    assert winner in decision.fulfilling
    assert winner in decision.equals
    _assert_fulfils(requirements, winner)
    sign = -1 if less_is_better(requirements.goal) else 1
    if advice.kind == "winner" and decision.runner_up is not None:
        assert sign * (winner.figure - decision.runner_up.figure) > 0
        assert "This is quite sure." in text
    for name in re.findall(r"It (?:gives up|costs) [^“]+ of “(.+?)”", text):
        assert sign * (candidates[name].figure - winner.figure) > 0
    for name in re.findall(r"It is slower than “(.+?)”", text):
        assert _time(candidates[name].contender) < _time(winner.contender)
    for name in re.findall(r"It is larger than “(.+?)”", text):
        assert (candidates[name].contender.bytes or 0) < (winner.contender.bytes or 0)
    assert (advice.kind == "tie") == (len(decision.equals) > 1)
    if "No clear difference" in text:
        assert len(decision.equals) > 1
        assert "This is quite sure." not in text


def _assert_fulfils(requirements: Requirements, winner: Candidate) -> None:
    if isinstance(requirements.goal, RecallAtLeast):
        assert winner.point.recall >= requirements.goal.recall - 1e-9
    if isinstance(requirements.goal, PrecisionAtLeast):
        assert winner.point.precision >= requirements.goal.precision
    if requirements.latency is not None:
        assert winner.contender.speed is not None
        assert winner.contender.speed.total <= requirements.latency
    if requirements.size is not None:
        assert winner.contender.bytes is not None
        assert winner.contender.bytes <= requirements.size


def _time(contender: Contender) -> float:
    assert contender.speed is not None
    return contender.speed.total


@given(NEEDS)
@settings(deadline=None)
def test_the_named_one_is_never_beaten_by_another_that_fulfils_the_need(requirements: Requirements) -> None:
    decision = decide(requirements, CONTENDERS, comparable=True)
    if decision.winner is not None:
        beaten_by = decision.winner.beaten_by
        assert beaten_by is None or beaten_by not in {one.key for one in decision.fulfilling} or decision.equals[1:]


def test_a_budget_changes_who_is_named() -> None:
    free = decide(Requirements(), CONTENDERS, comparable=True)
    tight = decide(Requirements(latency=10.0), CONTENDERS, comparable=True)
    assert free.winner is not None
    assert free.winner.label == "Experiment 1"
    assert tight.winner is not None
    assert tight.winner.label == "Experiment 4"
    words = advise(tight)
    assert "It gives up" in " ".join(words.sentences)
    assert "needs 40.0 ± 0.4 ms for an image" in " ".join(words.details)


def test_nobody_fulfils_an_impossible_need_and_the_way_out_is_told() -> None:
    decision = decide(Requirements(latency=5.0), CONTENDERS, comparable=True)
    advice = advise(decision)
    assert advice.kind == "none"
    assert advice.headline == "None of 6 experiments meets this need."
    assert advice.sentences[-1] == "It would be fulfilled with 8.90 ms for an image."
    assert any(
        "has no speed test" in sentence
        for sentence in advise(decide(Requirements(latency=5.0), CONTENDERS[5:], comparable=True)).sentences
    )


def test_equal_quality_is_decided_by_time_then_by_size() -> None:
    same = evaluation(Made(seed=3, quality=0.8))
    pair = [replace(made(i, 0.8, latency, size), evaluation=same) for i, latency, size in ((1, 20, 900), (2, 10, 5000))]
    decision = ask(together(pair))
    assert (decision.winner and decision.winner.key, decision.decided_by) == ("2", "latency")
    assert advise(decision).headline == "No clear difference: take the faster one, “Experiment 2”."
    assert "It needs 10.0 ± 0.4 ms for an image against 20.0 ± 0.4 ms" in " ".join(advise(decision).sentences)
    pair = [
        replace(made(i, 0.8, latency, size), evaluation=same) for i, latency, size in ((1, 10.2, 900), (2, 10, 5000))
    ]
    decision = ask(together(pair))
    assert (decision.winner and decision.winner.key, decision.decided_by) == ("1", "size")
    twins = ask(together([replace(made(i, 0.8), evaluation=same) for i in (1, 2)]))
    assert twins.winner is None
    assert advise(twins).headline == "“Experiment 1” and “Experiment 2” are equally good: take either."


def test_a_few_bytes_are_no_reason_to_give_up_quality() -> None:
    pair = [made(1, 0.7, 10, 632_000), made(2, 0.7, 10, 636_000)]
    decision = ask(together(pair))
    assert len(decision.equals) == 2
    assert decision.decided_by == "lean"
    assert decision.winner is not None
    assert decision.winner.figure == max(one.figure for one in decision.candidates)
    assert advise(decision).headline == "No clear difference: take either."
    assert f"“{decision.winner.label}” is slightly ahead, which may be luck." in advise(decision).sentences


def test_times_that_scatter_more_than_they_differ_are_told_with_their_scatter() -> None:
    pair = []
    for number, latency in ((1, 46.0), (2, 36.0)):
        timed = parse_speed_test(speed_test_json(latency=latency))
        rows = tuple(replace(row, total_std=9.0) for row in timed.rows)
        pair.append(replace(made(number, 0.7), speed=replace(timed, rows=rows)))
    decision = ask(together(pair))
    assert decision.decided_by == "lean"
    assert "scatter more than they differ: 36.0 ± 9.0 ms and 46.0 ± 9.0 ms." in " ".join(advise(decision).sentences)


def test_how_sure_is_drawn_around_zero() -> None:
    sure, open_ = (
        certainty_of(ask(together([made(1, 0.95), made(2, 0.4)]))),
        certainty_of(ask(together([made(1, 0.7, 30), made(2, 0.7, 10)]))),
    )
    assert sure is not None
    assert open_ is not None
    assert sure.zero < sure.rows[0].low < sure.rows[0].middle < sure.rows[0].high < 1
    assert open_.rows[0].low < open_.zero < open_.rows[0].high


@pytest.mark.parametrize(("images", "knows"), [(2, False), (5, False), (6, True), (40, True)])
def test_a_few_images_make_nothing_sure(images: int, knows: bool) -> None:  # noqa: FBT001 - a parametrised value
    pair = [
        replace(made(number, quality), evaluation=evaluation(Made(seed=number, quality=quality, images=images)))
        for number, quality in ((1, 1.0), (2, 0.1))
    ]
    decision, verdict = ask(together(pair)), judge(together(pair))
    text = " ".join(advise(decision).sentences)
    assert (certainty_of(decision) is not None) == knows
    assert (verdict.kind == "winner") == knows
    for words in (text, " ".join(verdict.sentences)):
        assert ("are too few to tell how sure that is" in words) != knows
    assert ("quite sure" in text) == knows


def test_models_that_images_cannot_tell_apart_are_equal() -> None:
    pair = [made(1, 0.7, 30), made(2, 0.7, 10)]
    decision = ask(together(pair))
    assert {one.key for one in decision.equals} == {"1", "2"}
    assert decision.winner is not None
    assert decision.winner.key == "2"


def test_a_dominated_one_is_named_as_such() -> None:
    chosen = together([made(1, 0.95, 10, 1000), made(2, 0.3, 30, 9000)])
    decision = ask(chosen)
    assert decision.candidates[1].beaten_by == "1"
    drawing = draw_decision(decision)
    assert "“Experiment 2” is beaten by “Experiment 1”" in " ".join(drawing.notes)


def test_times_differ_only_beyond_their_scatter() -> None:
    quiet, noisy = SpeedRow(batch_size=1, total=10, total_std=0.1), SpeedRow(batch_size=1, total=12, total_std=3)
    assert times_differ(quiet, SpeedRow(batch_size=1, total=11, total_std=0.1))
    assert not times_differ(quiet, noisy)
    assert not times_differ(quiet, SpeedRow(batch_size=1, total=10.4, total_std=0.1))
    assert times_differ(SpeedRow(batch_size=1, total=10), SpeedRow(batch_size=1, total=11))


def test_other_machines_are_not_compared() -> None:
    here = made(1, 0.8, 10)
    assert isinstance(here.speed, SpeedTest)
    there = replace(made(2, 0.8, 30), speed=replace(here.speed, hardware="Another card"), evaluation=here.evaluation)
    decision = ask(together([here, there]))
    assert decision.decided_by != "latency"
    assert any("different machines" in note for note in draw_decision(decision).notes)


def test_what_was_not_measured_on_the_same_thing_is_not_ranked() -> None:
    chosen = together([experiment(1), replace(experiment(2), evaluation=evaluation(Made(images=30)))])
    decision = ask(chosen, comparable=False)
    assert decision.winner is None
    assert advise(decision).kind == "unlike"
    assert "Not ranked" in decision_table(decision)


def test_nobody_and_one() -> None:
    assert advise(ask(comparison(0))).kind == "nothing"
    assert advise(ask(together([bare(1)]))).kind == "nothing"
    alone = ask(comparison(1))
    assert alone.winner is not None
    assert advise(alone).headline.startswith("“Experiment 1” reaches F1")


def test_a_model_that_finds_nothing_is_not_named() -> None:
    decision = ask(together([made(1, 0.9), replace(made(2, 0.0), evaluation=evaluation(Made(seed=2, quality=-2.0)))]))
    assert decision.winner is not None
    assert decision.winner.key == "1"


@pytest.mark.parametrize(
    "goal", [BestF1(), RecallAtLeast(recall=0.6), PrecisionAtLeast(precision=0.6), MissCosts(false_alarms=3.0)]
)
def test_table_and_chart_show_the_figures_of_every_experiment(goal: Goal) -> None:
    decision = decide(Requirements(goal=goal), CONTENDERS, comparable=True)
    html, drawing = decision_table(decision), draw_decision(decision)
    for candidate in decision.candidates:
        assert metric(candidate.point.precision) in html
        assert figure_text(goal, candidate.figure) in html
    assert len(drawing.panels[0].alt.split(";")) == 5
    assert requirements_words(decision.requirements)


def test_hostile_names_stay_names() -> None:
    hostile = together([replace(experiment(i + 1), label=name) for i, name in enumerate(HOSTILE)])
    decision = decide(Requirements(), contenders_of(hostile, Significance()), comparable=True)
    html = decision_table(decision)
    assert "<script>" not in html
    assert "<img" not in html
