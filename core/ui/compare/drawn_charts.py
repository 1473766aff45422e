"""Drawings of charts, made once for the same experiments and the same choice; all pages and tabs share them."""

import threading
from collections.abc import Sequence

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


def draw_ahead(charts: Sequence[Chart], comparison: Comparison) -> None:
    """Make drawings in the background while the person looks at the first ones, so that nobody waits further down."""
    _draw_ahead(comparison.fingerprint, charts, comparison)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _drawn(fingerprint: str, chart_key: str, view: View, _chart: Chart, _comparison: Comparison) -> Drawing:
    del fingerprint, chart_key
    return _chart.draw(_comparison, view)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _draw_ahead(fingerprint: str, _charts: Sequence[Chart], _comparison: Comparison) -> threading.Thread:
    del fingerprint

    def work() -> None:
        for chart in _charts:
            drawn(chart, _comparison)

    thread = threading.Thread(target=work, name="traindash-drawings", daemon=True)
    thread.start()
    return thread
