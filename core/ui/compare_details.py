"""The tables of the comparison page."""

import streamlit as st

from core.compare import formatting
from core.compare.certainty import Certainty
from core.compare.differences import SettingRow, compare_settings
from core.compare.experiment import Comparison, Missing, explain_missing
from core.compare.report import READING
from core.compare.report.tables import class_table, metric_table, settings_table
from core.compare.rows import key_metric_rows
from core.compare.training_setup import setup_of
from core.ui.text import plain


def draw_metrics(comparison: Comparison, certainty: Certainty) -> None:
    """Draw the key metrics; the best marked, differences to the baseline."""
    rows = key_metric_rows(comparison, certainty)
    if not rows:
        st.info(
            "None of these experiments has metrics: all were trained without the benchmark.", icon=":material/info:"
        )
        return
    st.html(metric_table(rows, comparison))
    if len(comparison.experiments) > 1:
        st.caption(READING)
    for note in explain_missing([(e.label, e.evaluation) for e in comparison.experiments]):
        st.caption(plain(note))


def draw_class_table(comparison: Comparison, certainty: Certainty) -> None:
    """Offer the figures of every class as a table."""
    del certainty
    if comparison.evaluated:
        with st.expander(
            f"Table of all {formatting.plural(len(comparison.classes), 'class', 'classes')}",
            icon=":material/table_chart:",
        ):
            st.html(class_table(comparison))


def draw_settings(comparison: Comparison, certainty: Certainty) -> None:
    """Draw the hyperparameters, differences only by default."""
    del certainty
    known = [None if isinstance(e.hyperparameters, Missing) else e.hyperparameters for e in comparison.experiments]
    _draw(compare_settings(known), comparison, "hyperparameters")
    for note in explain_missing([(e.label, e.hyperparameters) for e in comparison.experiments]):
        st.caption(plain(note))


def draw_setup(comparison: Comparison, certainty: Certainty) -> None:
    """Draw model, data, options and cost, differences only by default."""
    del certainty
    _draw(compare_settings([setup_of(e) or None for e in comparison.experiments]), comparison, "setup")


def _draw(rows: tuple[SettingRow, ...], comparison: Comparison, key: str) -> None:
    if not rows:
        st.info("Nothing is known of these experiments here.", icon=":material/info:")
        return
    differing = [row for row in rows if row.differs]
    everything = len(comparison.experiments) < 2  # noqa: PLR2004 - alone, nothing differs
    if not everything:
        everything = st.toggle(f"Show all {formatting.count(len(rows))}", key=f"all-{key}", persist_state="session")
    shown = rows if everything else differing
    if not shown:
        st.markdown(f"All {formatting.plural(len(rows), 'setting')} are the same.")
        return
    st.html(settings_table(shown, comparison))
    if not everything:
        equal = formatting.count(len(rows) - len(differing))
        st.caption(f"{formatting.plural(len(differing), 'difference')}; {equal} are the same.")
