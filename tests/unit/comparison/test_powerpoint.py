"""The steps as PowerPoint: what is on the screen is in the file, as text and as charts that can be edited."""

import io
from dataclasses import replace
from typing import Any

from pptx import Presentation

from tests.fakes.evaluations import Made, evaluation
from tests.unit.comparison.builders import HOSTILE, experiment, photograph, together
from traindash.comparison.experiment import Comparison
from traindash.comparison.pictures.crops import draw_crop
from traindash.comparison.report.powerpoint import render_powerpoint
from traindash.comparison.significance import significance_of
from traindash.comparison.story import build_slides
from traindash.comparison.story_changes import Story


def _opened(chosen: Comparison) -> tuple[Story, Any]:
    story = build_slides(chosen, significance_of(chosen))
    crops = {s.key: draw_crop(s.subject, story.images, photograph) for s in story.slides if s.subject is not None}
    return story, Presentation(io.BytesIO(render_powerpoint(story.slides, crops, "http://127.0.0.1:1/compare?ids=1,2")))


def test_titles_words_charts_pictures_and_notes_are_there() -> None:
    pair = [replace(experiment(i), evaluation=evaluation(Made(seed=i, quality=q))) for i, q in ((1, 0.5), (2, 0.97))]
    story, deck = _opened(together(pair))
    assert [page.shapes.title.text for page in deck.slides] == [slide.title for slide in story.slides]
    for slide, page in zip(story.slides, deck.slides, strict=True):
        text = "\n".join(shape.text_frame.text for shape in page.shapes if shape.has_text_frame)
        assert all(sentence in text for sentence in slide.sentences)
        charts = [shape.chart for shape in page.shapes if shape.has_chart]
        assert len(charts) == (any(bar.share for bar in slide.bars) + (slide.certainty is not None))
        if any(bar.share for bar in slide.bars):
            assert list(charts[0].plots[0].categories) == [bar.name for bar in slide.bars[::-1]]
        assert len([shape for shape in page.shapes if shape.shape_type == 13]) == (slide.subject is not None)
        if slide.notes:
            assert page.notes_slide.notes_text_frame.text == "\n".join(slide.notes)
        for shape in page.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height
    assert "Live comparison" in [s.text_frame.text for s in deck.slides[-1].shapes if s.has_text_frame][-1]


def test_an_address_that_opens_elsewhere_has_a_code_beside_the_last_title() -> None:
    chosen, link = together([experiment(1), experiment(2)]), "http://lab.example:8501/compare?ids=1,2"
    story = build_slides(chosen, significance_of(chosen))
    *first, last = Presentation(io.BytesIO(render_powerpoint(story.slides, {}, link))).slides
    codes = [shape for shape in last.shapes if shape.shape_type == 13]
    assert [shape.click_action.hyperlink.address for shape in codes] == [link]
    assert last.shapes.title.left + last.shapes.title.width <= codes[0].left
    assert not [shape for page in first for shape in page.shapes if shape.shape_type == 13]


def test_names_from_data_do_no_harm() -> None:
    hostile = together([replace(experiment(i + 1), label=name or "E") for i, name in enumerate(HOSTILE)])
    story, deck = _opened(hostile)
    assert len(deck.slides) == len(story.slides)
