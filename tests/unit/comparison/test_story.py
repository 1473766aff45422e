"""The steps of show mode: what they say is what the table says."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.evaluations import Made, evaluation, speed_test_json
from tests.unit.comparison.builders import HOSTILE, bare, comparison, experiment, together
from traindash.comparison.advice import recommend
from traindash.comparison.decision import Requirements, contenders_of, decide
from traindash.comparison.decision_words import figure_text
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.pictures.crops import draw_crop
from traindash.comparison.pictures.marks import MarkKind
from traindash.comparison.report.parts import slides_html
from traindash.comparison.rows import read_metric
from traindash.comparison.significance import Significance, significance_of
from traindash.comparison.speed import SpeedTest, parse_speed_test, times_differ
from traindash.comparison.story import build_slides
from traindash.comparison.story_changes import Slide
from traindash.evaluation.flow import object_flow
from traindash.evaluation.operating_points import RecallAtLeast
from traindash.formatting import metric, points

QUALITIES = (0.3, 0.6, 0.68, 0.7, 0.9, 0.97)


def _experiment(number: int, quality: float, latency: float | None) -> ComparedExperiment:
    speed = Missing(reason="has none") if latency is None else parse_speed_test(speed_test_json(latency=latency))
    return replace(experiment(number), evaluation=evaluation(Made(seed=number, quality=quality)), speed=speed)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    count = draw(st.integers(2, 4))
    parts = [
        _experiment(i, draw(st.sampled_from(QUALITIES)), draw(st.sampled_from([None, 9.0, 9.2, 20.0])))
        for i in range(1, count + 1)
    ]
    return replace(together(parts), baseline=draw(st.integers(0, count - 1)))


def steps(chosen: Comparison, requirements: Requirements | None = None) -> dict[str, Slide]:
    slides = build_slides(chosen, significance_of(chosen), requirements).slides
    assert 4 <= len(slides) <= 7
    return {slide.key: slide for slide in slides}


def _ap(chosen: Comparison, label: str, name: str) -> float:
    found = next(e for e, _ in chosen.evaluated if e.label == label)
    assert not isinstance(found.evaluation, Missing)
    return next(item.ap for item in found.evaluation.per_class if item.name == name)


@pytest.mark.slow
@given(comparisons())
@settings(deadline=None, max_examples=12)
def test_no_step_contradicts_the_table(chosen: Comparison) -> None:
    told = steps(chosen)
    _check_winner(chosen, told["winner"])
    baseline = chosen.labels[chosen.baseline]
    for key, sign in (("improvement", 1), ("regression", -1)):
        if key in told:
            _check_change(chosen, told[key], baseline, sign)
    if "speed" in told:
        _check_speed(chosen, told["speed"])


def _check_winner(chosen: Comparison, slide: Slide) -> None:
    decision = decide(Requirements(), contenders_of(chosen, significance_of(chosen)), comparable=True)
    figures = {one.label: figure_text(decision.requirements.goal, one.figure) for one in decision.candidates}
    assert {bar.name: bar.text for bar in slide.bars} == figures
    assert [bar.text for bar in slide.bars] == sorted(figures.values(), reverse=True)
    assert slide.title == recommend(chosen, significance_of(chosen), decision).headline.rstrip(".")
    best = [bar.name for bar in slide.bars if bar.best]
    assert best == ([decision.winner.label] if decision.winner else [])
    assert (slide.certainty is None) == (decision.winner is None)
    if decision.winner:
        assert f"“{decision.winner.label}”" in slide.title or slide.title == "No clear difference: take either"


def _check_change(chosen: Comparison, slide: Slide, baseline: str, sign: int) -> None:
    for bar in slide.bars:
        assert bar.text.startswith("+" if sign > 0 else "−")
    found = re.search(r"“([^”]+)” (?:gains|loses) ([\d.]+ points) of AP(?: on “([^”]+)”)?", slide.title)
    assert found is not None
    name = found[3] or found[1]
    other = found[1] if found[3] else _best_but(chosen, baseline)
    before, after = _ap(chosen, baseline, name), _ap(chosen, other, name)
    assert sign * (after - before) > 0
    assert points(abs(after - before)).lstrip("+").replace("pt", "points") == found[2]
    assert f"From {metric(before)} to {metric(after)}" in slide.sentences[0]
    lucky = "this may be luck" in slide.sentences[0]
    assert lucky == slide.title.startswith("No class is surely")
    if slide.subject is not None:
        assert slide.subject.class_name == name
        assert [item.name for item in slide.seen] == [baseline, other]
        finds = [item.words.startswith("Found") for item in slide.seen]
        assert finds == ([False, True] if sign > 0 else [True, False])


def _best_but(chosen: Comparison, baseline: str) -> str:
    """Return the best experiment but the baseline: the one that a step is about whose title names none."""
    others = [e for e in chosen.experiments if e.label != baseline]
    return max(others, key=lambda e: read_metric(e, "mAP") or 0.0).label


def _check_speed(chosen: Comparison, slide: Slide) -> None:
    rows = {e.label: row for e in chosen.experiments if isinstance(e.speed, SpeedTest) and (row := e.speed.row(1))}
    assert len(slide.bars) == len(rows)
    quickest = min((row.total for row in rows.values()), default=0.0)
    if found := re.search(r"“([^”]+)” needs \d+ % less time than “([^”]+)”", slide.title):
        assert rows[found[1]].total == quickest
        assert all(times_differ(rows[found[1]], row) for label, row in rows.items() if label != found[1])
    if "cannot be told apart" in slide.title:
        assert not any(times_differ(a, b) for a in rows.values() for b in rows.values() if a.total == quickest)


def test_objects_in_the_sentences_are_those_of_the_flow() -> None:
    chosen = together([_experiment(1, 0.5, 9), _experiment(2, 0.97, 20)])
    slide = steps(chosen)["improvement"]
    flow = object_flow(chosen.evaluated[0][1], chosen.evaluated[1][1]).by_class()
    name = re.findall("“([^”]+)”", slide.title)[1]
    place = chosen.evaluated[0][1].classes.index(name)
    assert f"Of “{name}”: {flow[place].gained} object" in slide.sentences[1]
    assert f", {flow[place].lost} object" in slide.sentences[1]
    assert slide.subject is not None
    (_, before), (_, after) = slide.subject.predictions
    assert before is None or before.kind is not MarkKind.FOUND
    assert after is not None
    assert after.kind is MarkKind.FOUND


@pytest.mark.parametrize("count", [1, 2, 12])
def test_any_number_has_four_to_seven_steps(count: int) -> None:
    told = steps(comparison(count))
    assert next(iter(told)) == "question"
    assert list(told)[-1] == "recommendation"


def test_missing_evaluations_are_told() -> None:
    told = build_slides(together([bare(1), bare(2)]), Significance()).slides
    assert any("None of these experiments was evaluated" in slide.title for slide in told)
    assert not any("not measured" in slide.title for slide in told)  # no step without a point
    mixed = build_slides(together([experiment(1), bare(2)]), Significance()).slides
    assert any("Without an evaluation: “Bare 2”." in slide.sentences for slide in mixed)


def test_unlike_experiments_are_not_ranked() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(images=30)))
    chosen = together([experiment(1), other])
    slides = build_slides(chosen, significance_of(chosen)).slides
    text = " ".join(slide.title for slide in slides)
    assert "They were not measured alike" in text
    assert "Take “" not in text
    assert not any(bar.best for slide in slides for bar in slide.bars if slide.key != "speed")
    assert len(slides) == 6


def test_the_recommendation_is_for_the_need() -> None:
    told = steps(comparison(3), Requirements(goal=RecallAtLeast(recall=0.7)))
    assert "recall of at least 0.70" in told["question"].sentences[0]
    recall = next(fact.value for fact in told["recommendation"].facts if fact.label == "of the objects found")
    assert int(recall.split()[0]) >= 70


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.attributes += [name for name, _ in attrs]


def _tags(chosen: Comparison) -> _Tags:
    story = build_slides(chosen, significance_of(chosen))
    subjects = {slide.key: slide.subject for slide in story.slides if slide.subject is not None}
    reader = _Tags()
    reader.feed(
        slides_html(story.slides, {key: draw_crop(one, story.images, lambda _: None) for key, one in subjects.items()})
    )
    return reader


def test_hostile_names_stay_names() -> None:
    hostile = together([replace(experiment(i + 1), label=name) for i, name in enumerate(HOSTILE)])
    plain = comparison(len(HOSTILE))
    found, expected = _tags(hostile), _tags(plain)
    assert found.found == expected.found
    assert not any(name.startswith("on") for name in found.attributes)


def test_a_picture_that_cannot_be_had_is_told() -> None:
    chosen = together([_experiment(1, 0.5, 9), _experiment(2, 0.97, 20)])
    story = build_slides(chosen, significance_of(chosen))
    slide = next(slide for slide in story.slides if slide.subject is not None)
    assert slide.subject is not None
    html = slides_html([slide], {slide.key: draw_crop(slide.subject, story.images, lambda _: None)})
    assert "The image itself cannot be had" in html
    assert "data:image/jpeg;base64," in html


def test_an_address_that_opens_elsewhere_has_a_code_on_the_last_step() -> None:
    slides = build_slides(chosen := comparison(2), significance_of(chosen)).slides
    html = slides_html(slides, {}, "http://lab.example:8501/compare?ids=1,2")
    *first, last = html.split("<section")[1:]
    assert last.count("<svg") == 1
    assert not any("<svg" in part for part in first)
    for here in ("http://localhost:8501/compare?ids=1,2", "http://127.0.0.1:8501/compare?ids=1,2", ""):
        assert "<svg" not in slides_html(slides, {}, here)
    assert "<svg" not in slides_html(slides, {}, f"http://lab.example/compare?ids={'1,' * 400}2")  # no camera reads it
