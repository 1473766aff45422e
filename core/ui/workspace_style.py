"""The style sheet of the task, experiment and comparison pages."""

from pathlib import Path

import streamlit as st

from core.compare.palette import SERIES
from core.ui import theme

_STYLE = Path(__file__).with_name("workspace.css").read_text(encoding="utf-8")
_WORDS = {
    "light": {
        "amber": "#9A5B00",
        "red": "#B3261E",
        "green": "#1B7A43",
        "line": "#DFE2E8",
        "soft": "#F5F6F8",
        "ground": "#FFFFFF",
    },
    "dark": {
        "amber": "#F0B24A",
        "red": "#FF8A80",
        "green": "#6FD79A",
        "line": "#2B303B",
        "soft": "#171B23",
        "ground": "#0E1117",
    },
}
"""Colours of words on the page's background, contrast at least 4.5:1."""


def apply_workspace_style() -> None:
    """Put the style sheet into the page, with the colours of the theme that the person sees."""
    name = theme.theme_name()
    colors = {f"s{i}": color for i, color in enumerate(SERIES[name])} | _WORDS[name]
    variables = "".join(f"--td-{key}:{color};" for key, color in colors.items())
    st.html(f"<style>:root{{{variables}}}{_STYLE}</style>")
