"""“Save as” beside a chart or a table: a picture of it, and its values for other programs; drawn when it is opened."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from traindash.comparison.charts.drawing import Drawing
from traindash.comparison.exports import Record, chart_records, csv_text, json_text
from traindash.comparison.report.panels import panel_data
from traindash.comparison.report.style import read_part, table_style
from traindash.ui.streamlit_internals import PopoverContainer

_HTML = """
<button type="button" class="png">PNG</button><button type="button" class="svg">SVG</button><div class="paper"></div>
"""
_HERE = Path(__file__).parent
_FORMATS = (("csv", "text/csv", csv_text), ("json", "application/json", json_text))
_pictures = st.components.v2.component(
    "traindash_save",
    html=_HTML,
    css="".join(
        [
            table_style(),
            read_part("report.css").replace(":root", ".paper"),
            (_HERE / "saving.css").read_text(encoding="utf-8"),
        ]
    ),
    js="".join([read_part("report.js"), read_part("saving.js"), (_HERE / "saving.js").read_text(encoding="utf-8")]),
)


def draw_chart_saving(name: str, title: str, drawing: Drawing) -> None:
    """Offer a chart as PNG and SVG, and its values as CSV and JSON.

    Args:
        name: Unique on the page; the name of the file.
        title: Of the chart.
        drawing: What is drawn.
    """
    if not drawing.panels:
        return
    menu = _menu(name)
    if menu.open:
        with menu:
            panels = [panel_data(panel) for panel in drawing.panels]
            _pictures(key=f"save-{name}-picture", data={"name": name, "title": title, "panels": panels})
            _draw_values(name, lambda: chart_records(drawing))


def draw_table_saving(name: str, records: Callable[[], Sequence[Record]]) -> None:
    """Offer a table as CSV and JSON.

    Args:
        name: Unique on the page; the name of the file.
        records: Gives the values when the menu is opened.
    """
    menu = _menu(name)
    if menu.open:
        with menu:
            _draw_values(name, records)


def _menu(name: str) -> PopoverContainer:
    return st.popover("Save as", icon=":material/download:", type="tertiary", key=f"save-{name}", on_change="rerun")


def _draw_values(name: str, records: Callable[[], Sequence[Record]]) -> None:
    for ending, mime, write in _FORMATS:
        st.download_button(
            ending.upper(),
            data=partial(_file, write, records),
            file_name=f"{name}.{ending}",
            mime=mime,
            on_click="ignore",
            type="tertiary",
            key=f"save-{name}-{ending}",
        )


def _file(write: Callable[[Sequence[Record]], str], records: Callable[[], Sequence[Record]]) -> bytes:
    return write(records()).encode()
