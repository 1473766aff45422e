"""The least that a Streamlit app of two pages is: what every page of ours is set against."""

import streamlit as st


def _first() -> None:
    st.title("First")
    st.markdown("A page with a heading, a line of text and a button.")
    st.button("A button")


def _second() -> None:
    st.title("Second")
    st.markdown("Another page with a heading, a line of text and a switch.")
    st.toggle("A switch")


st.navigation([st.Page(_first, title="First", default=True), st.Page(_second, title="Second", url_path="second")]).run()
