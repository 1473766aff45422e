"""The verdict on top of a comparison."""

import streamlit as st

from core.compare.verdict import Verdict
from core.ui.text import plain

_ICONS = {
    "winner": ":material/trophy:",
    "tie": ":material/balance:",
    "unlike": ":material/warning:",
    "nothing": ":material/info:",
}


def draw_verdict(verdict: Verdict) -> None:
    """Draw headline and reasons."""
    with st.container(border=True, key=f"verdict-{verdict.kind}"):
        st.markdown(f"### {_ICONS[verdict.kind]} {plain(verdict.headline)}", anchors=False)
        for sentence in verdict.sentences:
            st.markdown(plain(sentence))
        for warning in verdict.warnings:
            st.caption(plain(warning))
