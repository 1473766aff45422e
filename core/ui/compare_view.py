"""The comparison page: verdict, then what supports it, then the details."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.compare.charts.drawing import View
from core.compare.charts.registry import CHARTS, Chart
from core.compare.experiment import Comparison
from core.compare.report.tables import legend
from core.compare.verdict import judge
from core.domain.ids import TaskId
from core.errors import InputError
from core.ui import screens
from core.ui.charts import draw_drawing
from core.ui.compare_details import draw_class_table, draw_metrics, draw_settings, draw_setup
from core.ui.experiment_data import load_comparison
from core.ui.text import plain
from core.ui.verdict_card import draw_verdict

IDS, BASELINE = "ids", "baseline"
_MEAN = "Mean of all classes"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A part of the page.

    Attributes:
        anchor: In links.
        title: In the rail and above the part.
        draw: What comes before its charts.
        charts: Section name in the registry of charts; empty for none.
    """

    anchor: str
    title: str
    draw: Callable[[Comparison], None] | None = None
    charts: str = ""


_SECTIONS = (
    _Section(anchor="key-metrics", title="Key metrics", draw=draw_metrics),
    _Section(anchor="quality", title="Quality", charts="Quality"),
    _Section(anchor="by-class", title="By class", draw=draw_class_table, charts="By class"),
    _Section(anchor="mistakes", title="Mistakes", charts="Mistakes"),
    _Section(anchor="confidence", title="Confidence", charts="Confidence"),
    _Section(anchor="speed", title="Speed", charts="Speed"),
    _Section(anchor="training", title="Training", charts="Training"),
    _Section(anchor="hyperparameters", title="Hyperparameters", draw=draw_settings),
    _Section(anchor="setup", title="Set-up and cost", draw=draw_setup),
)
_WIDE = frozenset(
    {"confusion_matrix", "inference_speed", "training_curves", "pr_by_class", "prf_by_class", "ap_by_class"}
)


def draw_comparison(wanted: str | None, baseline: str | None) -> None:
    """Draw the page.

    Args:
        wanted: Task ids with commas between, as the URL has them.
        baseline: Task id of the baseline, as the URL has it.

    Raises:
        InputError: An id is no number.
        NotFoundError: There is no such experiment.
    """
    ids = parse_ids(wanted)
    if not ids:
        _draw_empty()
        return
    chosen = parse_ids(baseline)
    comparison = load_comparison(ids, chosen[0] if chosen else None)
    _draw_head(comparison)
    draw_verdict(judge(comparison))
    rail, content = st.columns([1, 6], gap="medium")
    with rail, st.container(key="compare-rail"):
        st.html("".join(f'<a href="#{section.anchor}">{section.title}</a>' for section in _SECTIONS))
    with content:
        for section in _SECTIONS:
            _draw_section(section, comparison)


def parse_ids(text: str | None) -> list[TaskId]:
    """Read ids from the URL: digits with commas between; one that comes twice counts once.

    Raises:
        InputError: Something else is among them.
    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    wrong = next((word for word in words if not (word.isascii() and word.isdigit())), None)
    if wrong is not None:
        msg = f"“{wrong}” is no experiment id."
        raise InputError(msg, "Choose experiments on the experiments page.")
    return [TaskId(number) for number in dict.fromkeys(int(word) for word in words)]


def _draw_head(comparison: Comparison) -> None:
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", key="compare-head"
    ):
        st.html(legend(comparison.experiments, comparison.baseline if len(comparison.experiments) > 1 else None))
        if len(comparison.experiments) > 1:
            labels = list(comparison.labels)
            key = "compare-baseline"
            st.session_state[key] = labels[comparison.baseline]
            st.selectbox(
                "Baseline",
                labels,
                key=key,
                on_change=_set_baseline,
                args=(key, dict(zip(labels, (e.key for e in comparison.experiments), strict=True))),
                help="The experiment that differences are measured against.",
                width=320,
            )


def _set_baseline(key: str, ids: dict[str, str]) -> None:
    st.query_params[BASELINE] = ids[st.session_state[key]]


def _draw_section(section: _Section, comparison: Comparison) -> None:
    st.header(section.title, anchor=section.anchor)
    if section.draw is not None:
        section.draw(comparison)
    charts = [item for item in CHARTS if item.section == section.charts]
    narrow: list[Chart] = []
    for item in charts:
        if item.key in _WIDE or _panel_count(item, comparison) > 1:
            _draw_pair(narrow, comparison)
            narrow = []
            _draw_chart(item, comparison)
        else:
            narrow.append(item)
    _draw_pair(narrow, comparison)


def _panel_count(item: Chart, comparison: Comparison) -> int:
    return len(item.draw(comparison, View()).panels)


def _draw_pair(charts: list[Chart], comparison: Comparison) -> None:
    for start in range(0, len(charts), 2):
        cells = st.columns(2, gap="medium") if len(charts) - start > 1 else [st.container()]
        for cell, item in zip(cells, charts[start : start + 2], strict=True):
            with cell:
                _draw_chart(item, comparison)


def _draw_chart(item: Chart, comparison: Comparison) -> None:
    with st.container(border=True, key=f"chart-{item.key}"):
        st.subheader(item.title, anchor=item.key)
        st.caption(item.reading)
        draw_drawing(item.draw(comparison, _view(item, comparison)), f"chart-{item.key}")


def _view(item: Chart, comparison: Comparison) -> View:
    """Draw the choices that a chart offers and return what was chosen."""
    if item.key == "pr_curves" and comparison.classes:
        name = st.selectbox(
            "Class",
            [_MEAN, *comparison.classes],
            key="pr-class",
            label_visibility="collapsed",
            persist_state="session",
            width=260,
        )
        return View(class_name=None if name == _MEAN else name)
    if item.key == "training_curves":
        with st.container(horizontal=True, vertical_alignment="center", gap="large"):
            axis = st.segmented_control(
                "Horizontal axis",
                ["Epoch", "Time"],
                default="Epoch",
                required=True,
                key="curve-axis",
                label_visibility="collapsed",
            )
            smooth = st.toggle(
                "Smooth", key="curve-smooth", help="Draws a moving average; the marks stay at the true best epochs."
            )
        return View(time_axis=axis == "Time", smoothing=0.6 if smooth else 0.0)
    return View()


def _draw_empty() -> None:
    with st.container(border=True, horizontal_alignment="center", key="nothing-chosen"):
        st.space("medium")
        st.markdown("#### Nothing to compare yet")
        st.markdown(plain("Choose two or more finished experiments; they are laid side by side here."))
        st.page_link(screens.page("experiments"), label="Choose experiments", icon=":material/science:")
        st.space("medium")
