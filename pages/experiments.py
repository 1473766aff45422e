"""Finished experiments: find them, mark them, choose some, compare them."""

import streamlit as st

from traindash.experiments.listing import selected
from traindash.language import gettext as _
from traindash.ui.experiments.actions import draw_actions, show_dialog
from traindash.ui.experiments.filters import current_query, draw_filters, draw_order
from traindash.ui.experiments.index import listing, look
from traindash.ui.experiments.removal import draw_removed
from traindash.ui.experiments.view import draw_choice_by_name, draw_news, draw_nothing, draw_rows, summary
from traindash.ui.theme import plain

st.title(_("Experiments"), anchor=False)
found = look()
if not found.entries:
    draw_nothing(found)
else:
    query = current_query()
    known = listing(found)
    draw_filters(known, query)
    shown = selected(known, query)
    chosen = [known.by_task[task] for task in query.chosen if task in known.by_task]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="experiments-actions"):
        st.markdown(plain(summary(len(chosen), len(shown.rows), len(known.rows))), width="stretch")
        draw_choice_by_name(known, query)
        draw_order(query)
        draw_actions(chosen, known.tags)
    draw_news(found)
    draw_rows(shown, query, known)
    draw_removed(known.removed)
    show_dialog(known.by_task)
