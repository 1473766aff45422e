"""Images that a model shall label."""

import streamlit as st

from traindash.ui.labelling.start import draw_label_start

draw_label_start(st.query_params.get("task"), st.query_params.get("project"))
