"""Drawings onto the page."""

from dataclasses import replace

import streamlit as st

from core.compare.charts import echarts
from core.compare.charts.drawing import Drawing, Panel
from core.compare.report.tables import panels_legend
from core.ui import theme
from core.ui.text import plain

_HEIGHT = 340
_SQUARE_HEIGHT = 420
_PER_ROW = 2


def draw_drawing(drawing: Drawing, key: str, width: int = echarts.WIDE) -> None:
    """Draw a chart of any number of panels, or why there is none.

    Args:
        drawing: What to draw.
        key: Unique on the page.
        width: Pixels there are at least.
    """
    if drawing.empty:
        st.info(plain(drawing.empty), icon=":material/info:")
    if len(drawing.panels) == 1:
        draw_panel(drawing.panels[0], f"{key}-0", width=width)
    elif drawing.panels:
        if legend := panels_legend(drawing.panels):
            st.html(legend)
        for start in range(0, len(drawing.panels), _PER_ROW):
            cells = zip(st.columns(_PER_ROW, gap="medium"), drawing.panels[start : start + _PER_ROW], strict=False)
            for place, (cell, panel) in enumerate(cells, start=start):
                with cell:
                    draw_panel(replace(panel, has_legend=False), f"{key}-{place}")
    for note in drawing.notes:
        st.caption(plain(note))


def draw_panel(panel: Panel, key: str, *, height: int | None = None, width: int = echarts.NARROW) -> None:
    """Draw one panel; data may change under the same key, the canvas stays."""
    if panel.title:
        st.markdown(f"**{plain(panel.title)}**")
    st.echarts_chart(
        echarts.option(panel, theme.theme_name(), width),
        height=height or (_SQUARE_HEIGHT if panel.size == "square" else _HEIGHT),
        key=key,
        alt=panel.alt,
    )
