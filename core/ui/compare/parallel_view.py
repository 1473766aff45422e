"""Hyperparameters against mAP as parallel coordinates, drawn on request: the browser's half of plotly is large."""

import streamlit as st

from core.compare.certainty import Significance
from core.compare.experiment import Comparison
from core.compare.parallel import FEWEST, figure, in_words, parallel
from core.ui import theme
from core.ui.text import plain


def draw_parallel(comparison: Comparison, significance: Significance) -> None:
    """Offer the chart where there are enough experiments for it."""
    if len(comparison.experiments) < FEWEST:
        return
    wanted = st.toggle(
        "Draw against mAP",
        key="parallel",
        persist_state="session",
        help="A line for each experiment through its hyperparameters to its mAP.",
    )
    if not wanted:
        return
    drawn = parallel(comparison, significance)
    with st.container(border=True, key="chart-parallel"):
        st.subheader("Hyperparameters against mAP", anchor="parallel")
        st.caption("Drag along an axis to see only the lines through that part; drag an axis by its name to move it.")
        if drawn.empty:
            st.info(plain(drawn.empty), icon=":material/info:")
            return
        st.plotly_chart(
            figure(drawn, theme.theme_name()),
            key="parallel-chart",
            config={"displayModeBar": False},
            alt=in_words(drawn),
        )
        if drawn.note:
            st.caption(plain(drawn.note))
