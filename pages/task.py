"""One task, live."""

import streamlit as st

from traindash.ui.tasks.actions import draw_start
from traindash.ui.tasks.charts import draw_charts
from traindash.ui.tasks.details import draw_details
from traindash.ui.tasks.live import draw_numbers
from traindash.ui.tasks.log import draw_log
from traindash.ui.tasks.serving import draw_deploy_again, draw_serving, is_serving
from traindash.ui.tasks.text import is_labelling
from traindash.ui.tasks.view import draw_end, draw_header, draw_settings, open_task

# What comes and goes has a place of its own, empty or not: what follows stays where it is, and keeps what is typed. A
# fragment that is still running when the task ends would otherwise write into what has taken its place.
live = open_task(st.query_params.get("task"))
draw_header(live)
if is_serving(live.progress.task):
    with st.container():
        draw_serving(live)
    with st.container():
        draw_end(live)
        draw_deploy_again(live.progress.task)
    draw_log(live)
    st.stop()
if is_labelling(live.progress.task):
    draw_numbers(live)
    with st.container():
        draw_end(live)
    draw_log(live)
    st.stop()
with st.container():
    draw_start(live.progress)
draw_numbers(live)
with st.container():
    draw_end(live)
with st.container(key="live-columns"):
    left, right = st.columns([2, 1], gap="medium")
with left:
    draw_charts(live)
with right:
    draw_log(live)
draw_details(live)
draw_settings(live.progress.task)
