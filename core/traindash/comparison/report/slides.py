"""The steps of a story as HTML; what is shown on a projector, one step at a time, and printed as one page each."""

from collections.abc import Mapping, Sequence
from html import escape

from traindash.comparison.pictures.crops import Crop
from traindash.comparison.report.embedding import data_uri
from traindash.comparison.report.style import read_part, table_style
from traindash.comparison.report.tables import swatch
from traindash.comparison.story_changes import Bar, Fact, Slide

_MOST_STACKED = 5
"""Rows whose name may stand above its bar."""
_MOST_LETTERS, _FEW_BARS = 260, 3
"""A step with less text and fewer bars than this and without a picture has larger letters."""


def slides_html(slides: Sequence[Slide], crops: Mapping[str, Crop]) -> str:
    """Return the steps as sections.

    Args:
        slides: From :func:`traindash.comparison.story.tell`.
        crops: Key of a step → its subject as a picture.
    """
    return "".join(
        _slide(slide, crops.get(slide.key), place, len(slides)) for place, slide in enumerate(slides, start=1)
    )


def slides_style() -> str:
    """Return the style sheet of the steps."""
    return table_style() + read_part("slides.css")


def _slide(slide: Slide, crop: Crop | None, place: int, total: int) -> str:
    facts = f'<dl class="sh-facts">{"".join(map(_fact, slide.facts))}</dl>' if slide.facts else ""
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in slide.sentences)
    bars = _bars(slide)
    picture = _picture(crop, slide) if crop else ""
    left, right = (f"{facts}{words}{bars}", picture) if picture else (f"{facts}{words}", bars)
    large = (
        not picture
        and len(slide.bars) <= _FEW_BARS
        and len(slide.title) + sum(map(len, slide.sentences)) < _MOST_LETTERS
    )
    kinds = f"sh-body{'' if right else ' sh-single'}{' sh-large' if large else ''}"
    body = f'<div class="sh-words">{left}</div>{f"<div class=sh-show>{right}</div>" if right else ""}'
    kind = f"sh-slide sh-{slide.tone} sh-{slide.key}"
    return (
        f'<section class="{kind}" id="step-{place}" aria-label="Step {place} of {total}">'
        f'<p class="sh-step">{escape(slide.step)}</p><h2>{escape(slide.title)}</h2>'
        f'<div class="{kinds}">{body}</div></section>'
    )


def _picture(crop: Crop, slide: Slide) -> str:
    missing = "" if crop.has_image else " The image itself cannot be had; only what was found on it is shown."
    seen = "".join(
        f"<li>{swatch(item.style)}<span>{escape(item.name)}</span> <b>{escape(item.words)}</b></li>"
        for item in slide.seen
    )
    return (
        f'<figure class="sh-picture"><img src="{data_uri(crop.jpeg)}" alt="{escape(crop.alt)}">'
        f"<figcaption><ul>{seen}</ul>{escape(slide.caption + missing)}</figcaption></figure>"
    )


def _fact(fact: Fact) -> str:
    return f"<div><dd>{escape(fact.value)}</dd><dt>{escape(fact.label)}</dt></div>"


def _bars(slide: Slide) -> str:
    if not slide.bars:
        return ""
    title = f"<figcaption>{escape(slide.bars_title)}</figcaption>" if slide.bars_title else ""
    drawn = any(bar.share for bar in slide.bars)
    stacked = len(slide.bars) <= _MOST_STACKED and any(bar.style for bar in slide.bars)
    kind = "sh-list" if not drawn else "sh-stacked" if stacked else "sh-rows"
    rows = "".join(_bar(bar, drawn=drawn) for bar in slide.bars)
    return f'<figure class="sh-bars">{title}<ul class="{kind}">{rows}</ul></figure>'


def _bar(bar: Bar, *, drawn: bool) -> str:
    mark = swatch(bar.style) if bar.style else ""
    color = f"cx-c{bar.style.color}" if bar.style else "sh-plain"
    length = (
        f'<span class="sh-track"><span class="sh-bar {color}" style="width:{bar.share * 100:.1f}%"></span></span>'
        if drawn
        else ""
    )
    name = f'<span class="sh-name">{mark}<span>{escape(bar.name)}</span></span>'
    return f"<li{' class=sh-best' if bar.best else ''}>{name}{length}<b>{escape(bar.text)}</b></li>"
