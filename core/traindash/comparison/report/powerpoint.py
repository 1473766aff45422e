"""The steps of a story as a PowerPoint file: texts and charts that can be edited, with speaker notes."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Emu, Inches, Pt

from traindash.comparison.certainty import Certainty
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import Crop
from traindash.comparison.report.parts import code_of
from traindash.comparison.story_changes import Slide, link_words
from traindash.language import gettext as _

# python-pptx has no types, so shapes and charts are `Any` here

_WIDTH, _HEIGHT = 13.333, 7.5  # inches, 16:9
_LEFT, _MIDDLE, _TOP, _LOW = 0.6, 6.9, 2.0, 0.5  # inches: margin, second column, below the title, free at the bottom
_COLUMN = 5.9  # inches
_CODE, _CODE_PIXELS = 1.75, 12  # inches of the QR code with the gap beside it; pixels of one of its squares
_MUTED, _PRIMARY, _GOOD = RGBColor(0x5A, 0x61, 0x70), RGBColor(0x3A, 0x68, 0xE0), RGBColor(0x18, 0x7A, 0x4B)
_LOWER = 4.6  # inches from the top: where a chart below the words begins
_TITLES, _TEXTS, _SMALL = (
    (32, 28, 24, 20),
    (24, 20, 18, 16, 14, 12, 10),
    (14, 12, 10),
)  # sizes in points, the largest first
_SHORT_NAME = 28  # letters that fit beside a bar in the larger size
_FACT = 1.5  # a number that stands alone is so much larger than the text
# width of a letter (of a wide font) and height of a line as shares of the size; points after a paragraph
_LETTER, _LINE, _GAP = 0.58, 1.2, 6.0
_BAR, _AROUND_BARS = 0.9, 0.8  # inches of a bar with its gap at most, and of what is above and below all bars
_LEADS = 2.6  # inches of the picture of how sure it is, at most
_VALUE_LETTER = 0.035  # of a value at the end of a bar, as a share of the longest bar
_WRAP = 1.08  # lines end before a word, so a text takes more room than its letters


def render_powerpoint(slides: Sequence[Slide], crops: Mapping[str, Crop], link: str = "") -> bytes:
    """Return the steps as a ``.pptx`` file.

    Args:
        slides: The steps.
        crops: Subjects of steps as pictures, by the key of the step.
        link: Address of the live comparison, put on the last step, as a QR code too where another device can open it;
            empty for none.
    """
    deck: Any = Presentation()
    deck.slide_width, deck.slide_height = Inches(_WIDTH), Inches(_HEIGHT)
    for place, slide in enumerate(slides):
        page = deck.slides.add_slide(deck.slide_layouts[5])  # "Title Only"
        is_last = place == len(slides) - 1
        has_code = is_last and _add_code(page, link)
        _write_title(page, slide, width=_WIDTH - 2 * _LEFT - (_CODE if has_code else 0))
        crop = crops.get(slide.key)
        below = crop is not None and any(bar.share for bar in slide.bars)
        _write_words(page, slide, has_more_below=below)
        _draw(page, slide, crop)
        if slide.notes:
            page.notes_slide.notes_text_frame.text = "\n".join(slide.notes)
        if link and is_last:
            run = _box(page, _LEFT, _HEIGHT - _LOW, _WIDTH - 2 * _LEFT, 0.35).paragraphs[0].add_run()
            run.text, run.hyperlink.address, run.font.size = f"{link_words(link)}: {link}", link, Pt(12)
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def _box(page: Any, left: float, top: float, width: float, height: float) -> Any:  # noqa: ANN401 - see above
    """Return the text of a new box, in inches."""
    frame = page.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height)).text_frame
    frame.word_wrap = True
    return frame


def _fitting(texts: Sequence[tuple[str, float]], room: tuple[float, float], sizes: Sequence[int]) -> int:
    """Return the first size in points at which paragraphs fit into a box (width and height in inches).

    Each text comes with how much larger it is set than the others. PowerPoint measures only while somebody types.
    """
    width, height = (72 * side for side in room)

    def taken(points: int) -> float:
        lines = (
            (math.ceil(len(text) * _WRAP * _LETTER * points * larger / width) or 1) * _LINE * points * larger + _GAP
            for text, larger in texts
        )
        return sum(lines)

    return next((points for points in sizes if taken(points) <= height), sizes[-1])


def _paragraphs(frame: Any) -> Iterator[Any]:  # noqa: ANN401 - see above
    """Yield the paragraphs of a text box one after the other: the one it begins with, then new ones."""
    yield frame.paragraphs[0]
    while True:
        yield frame.add_paragraph()


def _add_code(page: Any, link: str) -> bool:  # noqa: ANN401 - see above
    """Add the QR code of an address in the corner beside the title; return whether it has one."""
    code = code_of(link)
    if code is None:
        return False
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=_CODE_PIXELS)
    picture.seek(0)
    place = (_WIDTH - _LEFT - _CODE + 0.1, 0.25, _CODE - 0.1, _CODE - 0.1)
    added = page.shapes.add_picture(picture, *map(Inches, place))
    added.name = _("QR code of the live comparison")
    added.click_action.hyperlink.address = link
    return True


def _write_title(page: Any, slide: Slide, *, width: float) -> None:  # noqa: ANN401 - see above
    height = 1.15
    step = _box(page, _LEFT, 0.35, width, 0.4).paragraphs[0]
    step.text = slide.step
    step.font.size, step.font.bold, step.font.color.rgb = Pt(14), True, _MUTED
    title = page.shapes.title
    title.left, title.top, title.width, title.height = map(Inches, (_LEFT, 0.7, width, height))
    title.text_frame.word_wrap = True
    title.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    title.text = slide.title
    first = title.text_frame.paragraphs[0]
    first.font.size, first.font.bold = Pt(_fitting([(slide.title, 1.0)], (width, height), _TITLES)), True
    first.alignment = PP_ALIGN.LEFT


def _write_words(page: Any, slide: Slide, *, has_more_below: bool) -> None:  # noqa: ANN401 - see above
    height = (_LOWER if has_more_below else _HEIGHT - _LOW) - _TOP - 0.1
    facts = [(f"{fact.value}  {fact.label}", _FACT) for fact in slide.facts]
    points = _fitting([*facts, *((one, 1.0) for one in slide.sentences)], (_COLUMN, height), _TEXTS)
    lines = _paragraphs(_box(page, _LEFT, _TOP, _COLUMN, height))
    for fact, line in zip(slide.facts, lines, strict=False):
        number, name = line.add_run(), line.add_run()
        number.text, number.font.size, number.font.bold = f"{fact.value}  ", Pt(round(points * _FACT)), True
        name.text, name.font.size, name.font.color.rgb = fact.label, Pt(points), _MUTED
        line.space_after = Pt(_GAP)
    for sentence, line in zip(slide.sentences, lines, strict=False):
        line.text, line.font.size, line.space_after = sentence, Pt(points), Pt(_GAP)


def _draw(page: Any, slide: Slide, crop: Crop | None) -> None:  # noqa: ANN401 - see above
    room = _HEIGHT - _TOP - _LOW - 0.2
    drawn = any(bar.share for bar in slide.bars)
    if crop is not None:
        _add_picture(page, slide, crop, room)
    elif drawn:
        share = 1.0 if slide.certainty is None else 0.5
        end = _add_bars(page, slide, (_MIDDLE, _TOP, _COLUMN, room * share))
        if slide.certainty is not None:
            _add_leads(page, slide.certainty, (_MIDDLE, end, _COLUMN, min(_HEIGHT - _LOW - end, _LEADS)))
    elif slide.bars:
        texts = [f"{bar.name}: {bar.text}" if bar.text else bar.name for bar in slide.bars]
        points = _fitting([(text, 1.0) for text in texts], (_COLUMN, room), _TEXTS)
        lines = _paragraphs(_box(page, _MIDDLE, _TOP, _COLUMN, room))
        for bar, text, line in zip(slide.bars, texts, lines, strict=False):
            sign, name = line.add_run(), line.add_run()
            sign.text, name.text = "● " if bar.style else "", text
            sign.font.size = name.font.size = Pt(points)
            if bar.style:
                sign.font.color.rgb = _color(bar.style)
            line.space_after = Pt(_GAP)
    if crop is not None and drawn:
        _add_bars(page, slide, (_LEFT, _LOWER, _COLUMN, _HEIGHT - _LOWER - _LOW))


def _add_picture(page: Any, slide: Slide, crop: Crop, room: float) -> None:  # noqa: ANN401 - see above
    """Add the object of a step with what each experiment makes of it; ``room`` is their height in inches."""
    said = [*(f"{one.name}: {one.words}" for one in slide.seen), slide.caption]
    below = 1.2
    picture = page.shapes.add_picture(io.BytesIO(crop.jpeg), Inches(_MIDDLE), Inches(_TOP), width=Inches(_COLUMN))
    picture.height = min(picture.height, Inches(room - below))
    picture.width = Emu(round(picture.height * picture.image.size[0] / picture.image.size[1]))
    points = _fitting([(text, 1.0) for text in said], (_COLUMN, below), _SMALL)
    caption = _box(page, _MIDDLE, _TOP + picture.height / Inches(1) + 0.05, _COLUMN, below)
    for text, line in zip(said, _paragraphs(caption), strict=False):
        line.text, line.font.size = text, Pt(points)


def _add_bars(page: Any, slide: Slide, place: tuple[float, float, float, float]) -> float:  # noqa: ANN401 - see above
    """Add the bars as a chart of PowerPoint, values as written at their ends; return where it ends, in inches."""
    data = CategoryChartData()
    rows = slide.bars[::-1]  # PowerPoint begins below
    data.categories = [bar.name for bar in rows]
    data.add_series(slide.bars_title or slide.step, [round(bar.share, 4) for bar in rows])
    left, top, width, height = place
    height = min(height, _BAR * len(rows) + _AROUND_BARS)
    chart = page.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *map(Inches, (left, top, width, height)), data).chart
    chart.has_legend, chart.has_title = False, bool(slide.bars_title)
    if slide.bars_title:
        chart.chart_title.text_frame.text = slide.bars_title
        chart.chart_title.text_frame.paragraphs[0].font.size = Pt(12)
    chart.value_axis.visible, chart.value_axis.has_major_gridlines = False, False
    letters = max(len(bar.text) for bar in rows)
    chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = 0, 1 + _VALUE_LETTER * (letters + 1)
    chart.category_axis.major_tick_mark = XL_TICK_MARK.NONE
    longest = max(len(bar.name) for bar in rows)
    chart.category_axis.tick_labels.font.size = Pt(_SMALL[0] if longest <= _SHORT_NAME else _SMALL[1])
    plot = chart.plots[0]
    plot.gap_width = 60
    for index, bar in enumerate(rows):
        point = plot.series[0].points[index]
        point.format.fill.solid()
        point.format.fill.fore_color.rgb = _color(bar.style) if bar.style else _PRIMARY
        label = point.data_label
        label.position = XL_LABEL_POSITION.OUTSIDE_END
        label.text_frame.text = bar.text
        label.text_frame.word_wrap = False
        label.text_frame.paragraphs[0].font.size, label.text_frame.paragraphs[0].font.bold = Pt(14), bar.best
    return top + height


def _color(style: SeriesStyle) -> RGBColor:
    return RGBColor.from_string(style.hex("light").lstrip("#"))


def _add_leads(page: Any, certainty: Certainty, place: tuple[float, float, float, float]) -> None:  # noqa: ANN401 - see above
    """Add where each lead lies as a chart of PowerPoint: a line from end to end, a dot, and the axis at zero."""
    data = XyChartData()
    rows = certainty.rows[::-1]
    for height, row in enumerate(rows, start=1):
        span = data.add_series(_("against {name}: {lead}").format(name=row.name, lead=row.text))
        for x in (row.low, row.middle, row.high):
            span.add_data_point(round(x - certainty.zero, 4), height)
    chart = page.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER_LINES, *map(Inches, place), data).chart
    chart.has_title, chart.has_legend = True, True
    chart.chart_title.text_frame.text = certainty.title
    chart.chart_title.text_frame.paragraphs[0].font.size = Pt(11)
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.legend.font.size = Pt(11)
    across, up = chart.category_axis, chart.value_axis
    across.has_major_gridlines, up.has_major_gridlines = False, False
    across.minimum_scale, across.maximum_scale = -certainty.zero, 1 - certainty.zero
    up.minimum_scale, up.maximum_scale = 0, len(rows) + 1
    # the vertical axis itself is the line at zero
    up.tick_label_position = across.tick_label_position = XL_TICK_LABEL_POSITION.NONE
    up.major_tick_mark = across.major_tick_mark = XL_TICK_MARK.NONE
    for series, row in zip(chart.plots[0].series, rows, strict=True):
        color = _GOOD if row.sure else _MUTED
        series.smooth = False
        series.format.line.width, series.format.line.color.rgb = Pt(6), color
        for index, marker in enumerate((XL_MARKER_STYLE.NONE, XL_MARKER_STYLE.CIRCLE, XL_MARKER_STYLE.NONE)):
            series.points[index].marker.style = marker
            series.points[index].marker.size = 11
