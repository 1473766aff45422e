"""The frame that every page runs in. Alone in its folder: beside a folder `pages` Streamlit would bypass it."""
