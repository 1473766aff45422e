"""The comparison in German: nothing of what an audience reads is left in English, and English is as it was."""

import io
import json
import re
from dataclasses import replace

import pytest
from pptx import Presentation

from tests.fakes.evaluations import Made, evaluation
from tests.left_in_english import left_in_english, texts_of_html, texts_of_json
from tests.unit.comparison.builders import bare, comparison, experiment, photograph, together
from traindash import formatting
from traindash.comparison.decision import Requirements
from traindash.comparison.experiment import Comparison
from traindash.comparison.report.page import render_report
from traindash.comparison.report.parts import slides_html
from traindash.comparison.report.powerpoint import render_powerpoint
from traindash.comparison.significance import significance_of
from traindash.comparison.story import build_slides
from traindash.evaluation.operating_points import MissCosts, RecallAtLeast
from traindash.language import Language, negotiated, speaking


def _pair() -> Comparison:
    return together(
        [replace(experiment(i), evaluation=evaluation(Made(seed=i, quality=q))) for i, q in ((1, 0.5), (2, 0.97))]
    )


def _cases() -> dict[str, tuple[Comparison, Requirements]]:
    pair = _pair()
    classes = evaluation(Made(seed=2, quality=0.8, classes=("apple", "leaf")))
    unlike = [pair.experiments[0], replace(pair.experiments[1], evaluation=classes)]
    return {
        "a winner": (pair, Requirements()),
        "a tie": (together([experiment(1), experiment(1, "Twin")]), Requirements(goal=RecallAtLeast(recall=0.5))),
        "a cost": (comparison(3), Requirements(goal=MissCosts(false_alarms=5), latency=10.0)),
        "nobody": (comparison(2), Requirements(goal=RecallAtLeast(recall=1.0), latency=0.5, size=1000)),
        "one": (comparison(1), Requirements()),
        "something missing": (together([experiment(1), bare(2)]), Requirements()),
        "not measured alike": (together(unlike), Requirements()),
    }


CASES = ("a winner", "a tie", "a cost", "nobody", "one", "something missing", "not measured alike")


@pytest.mark.parametrize("name", CASES)
def test_report_and_show_are_wholly_german(name: str) -> None:
    chosen, need = _cases()[name]
    with speaking(Language.GERMAN):
        html = render_report(chosen, load=photograph, requirements=need)
        story = build_slides(chosen, significance_of(chosen), need)
        show = slides_html(story.slides, {}, "http://127.0.0.1:1/compare?ids=1,2")
    assert '<html lang="de">' in html
    data = re.findall(r'<script type="application/json" id="\w+">(.*?)</script>', html, re.DOTALL)
    texts = [*texts_of_html(html), *texts_of_html(show), *texts_of_json([json.loads(one) for one in data])]
    assert left_in_english(texts) == []


def test_slides_of_powerpoint_are_wholly_german() -> None:
    chosen = _pair()
    with speaking(Language.GERMAN):
        story = build_slides(chosen, significance_of(chosen))
        file = render_powerpoint(story.slides, {}, "http://127.0.0.1:1/compare?ids=1,2")
    deck = Presentation(io.BytesIO(file))
    texts = []
    for page in deck.slides:
        frames = [shape.text_frame for shape in page.shapes if shape.has_text_frame]
        frames += [shape.chart.chart_title.text_frame for shape in page.shapes if shape.has_chart]
        frames += [page.notes_slide.notes_text_frame] if page.has_notes_slide else []
        texts += [paragraph.text for frame in frames for paragraph in frame.paragraphs]
    assert left_in_english(texts) == []


def test_another_language_leaves_nothing_behind() -> None:
    """One process speaks to many people: what was made in German is in English again for the next one."""
    chosen = _pair()
    before = render_report(chosen)
    with speaking(Language.GERMAN):
        german = render_report(chosen)
    assert render_report(chosen) == before
    assert before != german
    assert '<html lang="en">' in before


def test_numbers_are_written_as_in_german() -> None:
    with speaking(Language.GERMAN):
        written = (
            formatting.metric(0.873),
            formatting.count(1234),
            formatting.size(5_300_000),
            formatting.decimals_of("12,30"),
        )
    assert written == ("0,873", "1.234", "5,3 MB", 2)
    assert formatting.metric(0.873) == "0.873"


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "fr-FR,fr;q=0.9", "en"),
        (None, "fr,en;q=0.5,de;q=0.7", "de"),
        ("en", "de", "en"),
        ("xx", "de", "de"),
    ],
)
def test_the_browsers_language_holds_until_one_is_chosen(chosen: str | None, accepted: str, language: str) -> None:
    assert negotiated(chosen, accepted) == language
