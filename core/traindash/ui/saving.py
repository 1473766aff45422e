"""“Save as” beside a chart or a table: a picture of it, and its values for other programs; drawn when it is opened."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from traindash.comparison.charts.drawing import Drawing
from traindash.comparison.charts.echarts import LIBRARY, NARROW, WIDE, look, panel_data
from traindash.comparison.exports import Record, chart_records, csv_text, json_text
from traindash.comparison.report.rendering import own_text
from traindash.language import Language, speaking
from traindash.language import gettext as _
from traindash.ui.streamlit_internals import PopoverContainer

_HTML = """
<button type="button" class="png" disabled>PNG</button><button type="button" class="svg" disabled>SVG</button>
"""
_HERE = Path(__file__).parent
# bytes are made when the button is pressed, for a table may be large
_FORMATS = (("csv", "text/csv", csv_text), ("json", "application/json", json_text))
_pictures = st.components.v2.component(
    "traindash_save",
    html=_HTML,
    css=(_HERE / "saving.css").read_text(encoding="utf-8"),
    # Streamlit's own ECharts is out of reach of a component, so it brings the library along, when its menu is opened.
    js="\n".join(
        [
            LIBRARY.read_text(encoding="utf-8"),
            own_text("saving.js"),
            (_HERE / "saving.js").read_text(encoding="utf-8"),
        ]
    ),
)


def draw_chart_saving(name: str, title: str, drawing: Drawing, again: Callable[[], Drawing]) -> None:
    """Offer a chart as PNG and SVG, and its values as CSV and JSON.

    ``name`` is unique on the page, and the name of the files; ``again`` draws the chart once more, for files, which are
    in English whatever the page speaks.
    """
    if not drawing.panels:
        return
    menu = _menu(name)
    if menu.open:
        with menu:
            alone = len(drawing.panels) == 1  # several share the names that stand above them
            panels = [
                panel_data(replace(panel, has_legend=alone), WIDE if alone else NARROW) for panel in drawing.panels
            ]
            data = {"name": name, "title": title, "panels": panels, "look": look()}
            _pictures(key=f"save-{name}-picture", data=data)
            _draw_values(name, lambda: chart_records(again()))


def draw_table_saving(name: str, records: Callable[[], Sequence[Record]]) -> None:
    """Offer a table as CSV and JSON; its values are asked for when the menu is opened."""
    menu = _menu(name)
    if menu.open:
        with menu:
            _draw_values(name, records)


def _menu(name: str) -> PopoverContainer:
    return st.popover(_("Save as"), icon=":material/download:", type="tertiary", key=f"save-{name}", on_change="rerun")


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
    with speaking(Language.ENGLISH):  # what programs read is the same in every language
        return write(records()).encode()
