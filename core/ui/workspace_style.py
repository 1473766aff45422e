"""The style sheet of the task, experiment and comparison pages."""

from pathlib import Path

import streamlit as st

from core.compare.report.style import read_part, table_style

_GROUND = "[data-testid=stApp]{--cx-ground:light-dark(#FFFFFF,#0E1117)}"
_STYLE = _GROUND + table_style() + Path(__file__).with_name("workspace.css").read_text(encoding="utf-8")
_SORTING = read_part("sorting.js")


def apply_workspace_style() -> None:
    """Put the style sheet into the page; colours follow the theme that the person sees."""
    st.html(f"<style>{_STYLE}</style>")


def make_tables_sortable() -> None:
    """Let the heads of sortable tables be clicked; the script is ours and knows nothing of the data."""
    st.html(f"<script>{_SORTING}</script>", unsafe_allow_javascript=True)
