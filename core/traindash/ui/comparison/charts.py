"""Drawings onto the page."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import streamlit as st

from traindash.comparison.charts import echarts
from traindash.comparison.charts.drawing import Axis, Bars, Drawing, Line, Panel, View
from traindash.comparison.charts.echarts import NARROW, WIDE
from traindash.comparison.charts.registry import Chart
from traindash.comparison.charts.training import axis_name
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_query import ImageQuery
from traindash.comparison.report.parts import figures_table, panels_legend
from traindash.language import N_, Language, current, speaking
from traindash.language import gettext as _
from traindash.ui import theme
from traindash.ui.comparison.changes import ask_for_images, draw_asked
from traindash.ui.saving import draw_chart_saving
from traindash.ui.theme import plain

# pixels; the same in the report and in pictures that are saved (heightOf in saving.js)
_HEIGHT = 340
_SQUARE_HEIGHT = 420
_PER_ROW = 2
_HERE = Path(__file__).parent
_lines = st.components.v2.component(
    "traindash_lines",
    html='<div class="lines"><div class="legend" role="group"></div><svg role="img"></svg>'
    '<div class="told" hidden></div><button type="button" class="full">'
    '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"/></svg>'
    "</button></div>",
    css=(_HERE / "lines.css").read_text(encoding="utf-8"),
    js=(_HERE / "lines.js").read_text(encoding="utf-8"),
)
OnQuery = Callable[[ImageQuery], None]


def draw_drawing(drawing: Drawing, key: str, width: int = echarts.WIDE, on_query: OnQuery | None = None) -> None:
    """Draw a chart of any number of panels, or why there is none; ``width`` pixels there are at least.

    ``on_query`` gets what is behind a bar, cell or point when it is clicked.
    """
    if drawing.empty:
        st.info(plain(drawing.empty), icon=":material/info:")
    if len(drawing.panels) == 1:
        draw_panel(drawing.panels[0], f"{key}-0", width=width, on_query=on_query)
    elif drawing.panels:
        if legend := panels_legend(drawing.panels):
            st.html(legend)
        for start in range(0, len(drawing.panels), _PER_ROW):
            cells = zip(st.columns(_PER_ROW, gap="medium"), drawing.panels[start : start + _PER_ROW], strict=False)
            for place, (cell, panel) in enumerate(cells, start=start):
                with cell:
                    draw_panel(replace(panel, has_legend=False), f"{key}-{place}", on_query=on_query)
    for table in drawing.tables:
        st.html(figures_table(table))
    for note in drawing.notes:
        st.caption(plain(note))


def draw_panel(
    panel: Panel, key: str, *, height: int | None = None, width: int = echarts.NARROW, on_query: OnQuery | None = None
) -> None:
    """Draw one panel; data may change under the same key, the canvas stays."""
    if panel.title:
        st.markdown(f"**{plain(panel.title)}**")
    option = echarts.option(panel, theme.theme_name(), width)
    tall = height or (_SQUARE_HEIGHT if panel.size == "square" else _HEIGHT)
    if on_query is None or not panel.leads_to_images:
        st.echarts_chart(option, height=tall, key=key, alt=panel.alt)
        return
    st.echarts_chart(option, height=tall, key=key, alt=panel.alt, on_select=lambda: _follow(panel, key, on_query))


def draw_lines(panel: Panel, key: str, *, height: int) -> None:
    """Draw a panel of lines without the library that draws the others, which is 2.2 MB; as high as so many pixels.

    For what stands on first screens, and leads to no images.
    """
    if panel.title:
        st.markdown(f"**{plain(panel.title)}**")
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    _lines(
        key=key,
        height=height,
        data={
            "height": height,
            "alt": panel.alt,
            "legend": panel.has_legend,
            "x": _axis_data(panel.x),
            "y": _axis_data(panel.y),
            "lines": [_line_data(line) for line in lines],
        },
    )


def draw_bars(panel: Panel) -> None:
    """Draw a panel of bars of one kind as rows, each with its name and number, without that library, too.

    The axis of the values begins at zero and has a fixed end.
    """
    (bars,) = (mark for mark in panel.marks if isinstance(mark, Bars) and mark.style is not None)
    color = "" if bars.style is None else f"light-dark({bars.style.hex('light')}, {bars.style.hex('dark')})"
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f'<td><i style="width:{100 * (value or 0) / (panel.y.high or 1):.1f}%;background:{color}"></i></td>'
        f"<td>{escape(text)}</td></tr>"
        for name, value, text in zip(panel.x.categories, bars.values, bars.texts, strict=True)
    )
    st.markdown(f"**{plain(panel.title)}**")
    st.caption(plain(panel.y.title))
    st.html(f'<table class="td-bars" aria-label="{escape(panel.title)}"><tbody>{rows}</tbody></table>')


def _axis_data(axis: Axis) -> dict[str, object]:
    return {
        "title": axis.title,
        "low": axis.low,
        "high": axis.high,
        "decimals": axis.decimals,
        "whole": axis.whole,
    }


def _line_data(line: Line) -> dict[str, object]:
    style, at = line.style, line.highlight
    dash = echarts.DASHES[style.dash] if style else [4, 4]
    marked = at is not None and line.y[at] is not None
    return {
        "name": line.name,
        "x": line.x,
        "y": line.y,
        "color": [style.hex("light"), style.hex("dark")] if style else [],
        "dash": [] if isinstance(dash, str) else dash,
        "width": 2 if style else 1,
        "marker": style.marker if style else "circle",
        "points": line.points,
        "size": line.point_size,
        "mark": {
            "at": at,
            "text": line.highlight_text,
            "align": line.highlight_align,
            "below": line.highlight_below,
        }
        if marked
        else None,
    }


def _follow(panel: Panel, key: str, on_query: OnQuery) -> None:
    """Hand over the query of the bar, cell or point that was clicked.

    ECharts keeps one choice per series and takes a second click on it as taking the choice back. Here both ask the
    same question: what was clicked is what came in, or else what went out.
    """
    remembered = f"{key}-chosen"
    groups = st.session_state[key].selection.selected
    now = {(group["series_index"], place) for group in groups for place in group["data_indices"]}
    before: set[tuple[int, int]] = st.session_state.get(remembered, set())
    st.session_state[remembered] = now
    for clicked in (now - before) or (before - now):
        query = panel.query(*clicked)
        if query is not None:
            on_query(query)


# Drawings of charts, made once for the same experiments and the same choice; all pages and tabs share them.

_MOST_KEPT = 1000  # 23 charts and some choices of about 40 comparisons
_SECONDS = 3600


def drawn(chart: Chart, comparison: Comparison, view: View | None = None) -> Drawing:
    """Return the drawing of a chart as the person chose to see it."""
    return _drawn(comparison.fingerprint, chart.key, view or View(), current(), chart, comparison)


def draw_ahead(charts: Sequence[Chart], comparison: Comparison) -> None:
    """Make drawings in the background while the person looks at the first ones, so that nobody waits further down."""
    _draw_ahead(comparison.fingerprint, current(), charts, comparison)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _drawn(
    fingerprint: str, chart_key: str, view: View, language: Language, _chart: Chart, _comparison: Comparison
) -> Drawing:
    del fingerprint, chart_key, language
    return _chart.draw(_comparison, view)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _draw_ahead(
    fingerprint: str, language: Language, _charts: Sequence[Chart], _comparison: Comparison
) -> threading.Thread:
    del fingerprint

    def work() -> None:
        with speaking(language):
            for chart in _charts:
                drawn(chart, _comparison)

    thread = threading.Thread(target=work, name="traindash-drawings", daemon=True)
    thread.start()
    return thread


# Charts of a comparison as cards: with their choices, what to read in them, and the images behind them.

ROW_HEIGHT = 496  # pixels that a row of cards takes about
_MEAN = N_("Mean of all classes")


def draw_rows(rows: tuple[tuple[Chart, ...], ...], comparison: Comparison) -> None:
    """Draw rows of charts."""
    for charts in rows:
        with st.container(key=f"row-of-charts-{charts[0].key}"):
            for cell, item in zip(st.columns(len(charts), gap="medium"), charts, strict=True):
                with cell:
                    _draw_chart(item, comparison)


@st.fragment  # a click in a chart opens its images without drawing the whole page again
def _draw_chart(item: Chart, comparison: Comparison) -> None:
    with st.container(border=True, height="stretch", key=f"chart-{item.key}"):
        head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        with head:
            st.subheader(_(item.title), anchor=item.key, width="stretch")
        st.caption(_(item.reading))
        width = NARROW if item.narrow else WIDE
        view = _choose_view(item, comparison)
        drawing = drawn(item, comparison, view)
        place = _choose_panel(drawing, item) if item.one_at_a_time and drawing.panels else None
        shown = _with_panel(drawing, place)
        draw_drawing(shown, f"chart-{item.key}", width, on_query=ask_for_images)
        with head:
            draw_chart_saving(item.key, _(item.title), shown, lambda: _with_panel(item.draw(comparison, view), place))
    draw_asked(comparison)


def _choose_view(item: Chart, comparison: Comparison) -> View:
    """Offer the choices of a chart."""
    if item.key == "pr_curves":
        return View(class_name=_choose_class(comparison))
    if item.key == "training_curves":
        with st.container(horizontal=True, vertical_alignment="center", gap="large"):
            axis = st.segmented_control(
                _("Horizontal axis"),
                (False, True),
                default=False,
                required=True,
                format_func=lambda is_time: _("Time") if is_time else axis_name(comparison),
                key="curve-axis",
                label_visibility="collapsed",
            )
            about = _("Draws a moving average; the best points stay marked.")
            smooth = st.toggle(_("Smooth"), key="curve-smooth", help=about)
        return View(time_axis=bool(axis), smoothing=0.6 if smooth else 0.0)
    return View()


def _choose_class(comparison: Comparison) -> str | None:
    if not comparison.classes:
        return None
    return st.selectbox(
        _("Class"),
        (None, *comparison.classes),
        format_func=lambda name: name or _(_MEAN),
        key="pr-class",
        label_visibility="collapsed",
        persist_state="session",
        width=260,
    )


def _choose_panel(drawing: Drawing, item: Chart) -> int:
    """Offer one panel at a time, and return its place."""
    return st.segmented_control(
        _(item.one_at_a_time),
        range(len(drawing.panels)),
        default=0,
        required=True,
        format_func=lambda place: drawing.panels[place].title,
        key=f"shown-{item.key}",
        label_visibility="collapsed",
    )


def _with_panel(drawing: Drawing, place: int | None) -> Drawing:
    """Return a chart with a single panel, named by the choice above it; ``None`` leaves all."""
    return drawing if place is None else replace(drawing, panels=(replace(drawing.panels[place], title=""),))
