"""The style sheet of the task, experiment and comparison pages."""

from pathlib import Path

import streamlit as st

from core.compare.report.style import table_style

_GROUND = "[data-testid=stApp]{--cx-ground:light-dark(#FFFFFF,#0E1117)}"
_STYLE = _GROUND + table_style() + Path(__file__).with_name("workspace.css").read_text(encoding="utf-8")


def apply_workspace_style() -> None:
    """Put the style sheet into the page; colours follow the theme that the person sees."""
    st.html(f"<style>{_STYLE}</style>")
