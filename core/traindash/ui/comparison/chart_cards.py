"""Charts of a comparison as cards: with their choices, what to read in them, and the images behind them."""

from dataclasses import replace

import streamlit as st

from traindash.comparison.charts.drawing import Drawing, View
from traindash.comparison.charts.echarts import NARROW, WIDE
from traindash.comparison.charts.registry import Chart
from traindash.comparison.experiment import Comparison
from traindash.ui.comparison.changes import ask_for_images, draw_asked
from traindash.ui.comparison.charts import draw_drawing, drawn
from traindash.ui.saving import draw_chart_saving

ROW_HEIGHT = 496
"""Pixels that a row of cards takes about."""

_MEAN = "Mean of all classes"


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
            st.subheader(item.title, anchor=item.key, width="stretch")
        st.caption(item.reading)
        width = NARROW if item.narrow else WIDE
        drawing = _drawing(item, comparison)
        draw_drawing(drawing, f"chart-{item.key}", width, on_query=ask_for_images)
        with head:
            draw_chart_saving(item.key, item.title, drawing)
    draw_asked(comparison)


def _drawing(item: Chart, comparison: Comparison) -> Drawing:
    """Offer the choices of a chart and return it as chosen."""
    if item.key == "pr_curves":
        return drawn(item, comparison, View(class_name=_choose_class(comparison)))
    if item.key == "training_curves":
        return drawn(item, comparison, _choose_axis())
    drawing = drawn(item, comparison)
    return _choose_panel(drawing, item) if item.one_at_a_time else drawing


def _choose_class(comparison: Comparison) -> str | None:
    names = [_MEAN, *comparison.classes]
    if len(names) == 1:
        return None
    name = st.selectbox(
        "Class", names, key="pr-class", label_visibility="collapsed", persist_state="session", width=260
    )
    return None if name == _MEAN else name


def _choose_axis() -> View:
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        axis = st.segmented_control(
            "Horizontal axis",
            ["Epoch", "Time"],
            default="Epoch",
            required=True,
            key="curve-axis",
            label_visibility="collapsed",
        )
        smooth = st.toggle("Smooth", key="curve-smooth", help="Draws a moving average; the best epochs stay marked.")
    return View(time_axis=axis == "Time", smoothing=0.6 if smooth else 0.0)


def _choose_panel(drawing: Drawing, item: Chart) -> Drawing:
    """Offer one panel at a time."""
    if not drawing.panels:
        return drawing
    titles = [panel.title for panel in drawing.panels]
    chosen = st.segmented_control(
        item.one_at_a_time,
        titles,
        default=titles[0],
        required=True,
        key=f"shown-{item.key}",
        label_visibility="collapsed",
    )
    return replace(drawing, panels=tuple(replace(p, title="") for p in drawing.panels if p.title == chosen))
