"""Drawings of charts, made once for the same experiments and the same choice; all pages and tabs share them."""

import streamlit as st

from core.compare.charts.drawing import Drawing, View
from core.compare.charts.registry import Chart
from core.compare.experiment import Comparison

_MOST_KEPT = 1000
_SECONDS = 3600


def drawn(chart: Chart, comparison: Comparison, view: View | None = None) -> Drawing:
    """Return the drawing of a chart.

    Args:
        chart: From the registry.
        comparison: Any number of experiments.
        view: What the person chose to see.
    """
    return _drawn(comparison.fingerprint, chart.key, view or View(), chart, comparison)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _drawn(fingerprint: str, chart_key: str, view: View, _chart: Chart, _comparison: Comparison) -> Drawing:
    del fingerprint, chart_key
    return _chart.draw(_comparison, view)
