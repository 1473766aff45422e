"""The steps of a story as HTML; what is shown on a projector, one step at a time, and printed as one page each."""

from collections.abc import Mapping, Sequence
from html import escape

from core.compare.pictures.crops import Crop
from core.compare.report.embedding import data_uri
from core.compare.report.style import read_part, table_style
from core.compare.report.tables import swatch
from core.compare.story_parts import Bar, Fact, Slide


def slides_html(slides: Sequence[Slide], crops: Mapping[str, Crop]) -> str:
    """Return the steps as sections.

    Args:
        slides: From :func:`core.compare.story.tell`.
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
    picture = _picture(crop, slide.caption) if crop else ""
    left, right = (f"{facts}{words}{bars}", picture) if picture else (f"{facts}{words}", bars)
    body = f'<div class="sh-words">{left}</div>{f"<div class=sh-show>{right}</div>" if right else ""}'
    kind = f"sh-slide sh-{slide.tone} sh-{slide.key}"
    return (
        f'<section class="{kind}" id="step-{place}" aria-label="Step {place} of {total}">'
        f'<p class="sh-step">{escape(slide.step)}</p><h2>{escape(slide.title)}</h2>'
        f'<div class="sh-body{"" if right else " sh-single"}">{body}</div></section>'
    )


def _picture(crop: Crop, caption: str) -> str:
    missing = "" if crop.has_image else " The image itself cannot be had; only the boxes are shown."
    return (
        f'<figure class="sh-picture"><img src="{data_uri(crop.jpeg)}" alt="{escape(crop.alt)}">'
        f"<figcaption>{escape(caption + missing)}</figcaption></figure>"
    )


def _fact(fact: Fact) -> str:
    return f"<div><dd>{escape(fact.value)}</dd><dt>{escape(fact.label)}</dt></div>"


def _bars(slide: Slide) -> str:
    if not slide.bars:
        return ""
    title = f"<figcaption>{escape(slide.bars_title)}</figcaption>" if slide.bars_title else ""
    rows = "".join(_bar(bar, drawn=any(item.share for item in slide.bars)) for bar in slide.bars)
    return f'<figure class="sh-bars">{title}<ul>{rows}</ul></figure>'


def _bar(bar: Bar, *, drawn: bool) -> str:
    mark = swatch(bar.style) if bar.style else ""
    color = f" cx-c{bar.style.color}" if bar.style else " sh-plain"
    length = f'<span class="sh-track"><span class="sh-bar{color}" style="width:{bar.share * 100:.1f}%"></span></span>'
    return (
        f'<li{" class=sh-best" if bar.best else ""}><span class="sh-name">{mark}<span>{escape(bar.name)}</span></span>'
        f"{length if drawn else ''}<b>{escape(bar.text)}</b></li>"
    )
