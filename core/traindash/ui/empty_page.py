"""What a page shows while there is nothing on it: why, and the next step as a button."""

import streamlit as st

from traindash.ui import screens


def draw_empty_page(title: str, sentence: str, *, next_step: str, icon: str, screen: str) -> None:
    """Draw the reason and the button.

    Args:
        title: What is missing.
        sentence: What would be here.
        next_step: Words of the button.
        icon: Name of its Material symbol.
        screen: Where it leads, a key of :mod:`traindash.ui.screens`.
    """
    with st.container(border=True, horizontal_alignment="center", key="empty-page"):
        st.space("medium")
        st.markdown(f"#### {title}", text_alignment="center", anchors=False)
        st.markdown(sentence, text_alignment="center")
        if st.button(next_step, icon=f":material/{icon}:", type="primary"):
            st.switch_page(screens.page(screen))
        st.space("medium")
