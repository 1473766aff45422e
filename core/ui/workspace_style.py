"""The style sheet of the task, experiment and comparison pages."""

from pathlib import Path

import streamlit as st

from core.compare.palette import SERIES

_STYLE = Path(__file__).with_name("workspace.css").read_text(encoding="utf-8")
_PAIRS = zip(SERIES["light"], SERIES["dark"], strict=True)
_COLORS = "".join(f".cx-c{i}{{color:light-dark({light},{dark})}}" for i, (light, dark) in enumerate(_PAIRS))
_GROUND = "[data-testid=stApp]{--cx-ground:light-dark(#FFFFFF,#0E1117)}"


def apply_workspace_style() -> None:
    """Put the style sheet into the page; colours follow the theme that the person sees."""
    st.html(f"<style>{_GROUND}{_COLORS}{_STYLE}</style>")
