"""Bring data in: a folder or an archive becomes a project."""

import streamlit as st

from traindash.domain.jobs import JobStatus
from traindash.language import gettext as _
from traindash.ui import lookups
from traindash.ui.import_data import (
    current_import,
    draw_choice,
    draw_elsewhere,
    draw_end,
    draw_latest,
    draw_layout_examples,
    draw_next_steps,
    draw_ready,
    draw_running,
    layouts_sentence,
)
from traindash.ui.import_report import draw_report

st.title(_("Bring data in"), anchor=False)
with st.container(border=True, key="panel-import", width=960):
    if not lookups.can_import():
        draw_elsewhere()
    elif (found := current_import()) is None:
        st.markdown(layouts_sentence())
        draw_choice()
        draw_latest()
        draw_layout_examples()
    elif found.status.is_active:
        draw_running(found)
    elif found.status is JobStatus.READY:
        draw_ready(found)
    elif found.report is not None and found.project_id is not None:
        draw_report(found, found.report)
        draw_next_steps(found.project_id, found.report)
    else:
        draw_end(found)
