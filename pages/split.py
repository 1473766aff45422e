"""Step 4: which images train and which validate."""

import streamlit as st

from traindash.ui.wizard.former import draw_former
from traindash.ui.wizard.frame import WizardView, draw_problems, wizard_page
from traindash.ui.wizard.split import draw_split_counts, draw_split_form, draw_split_sides


def form(view: WizardView) -> None:
    """Draw the split step."""
    draw_former(view, "tag")
    draw_split_form(view.draft, view.facts)
    # Right under what was chosen; below the pictures nobody sees them. There with and without any in it, so that what
    # follows stays the same elements.
    with st.container(key="split-problems"):
        draw_problems(view.own_problems)
    draw_split_counts(view.facts.split)
    draw_split_sides(view.draft, view.facts)


wizard_page("split", form)
