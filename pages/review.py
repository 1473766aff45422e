"""What a model has labelled, reviewed by a person."""

import streamlit as st

from traindash.ui.labelling.review import draw_review

draw_review(st.query_params.get("project"), st.query_params.get("run"))
