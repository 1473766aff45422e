"""What the layouts that can be brought in look like, for a person who prepares a folder."""

import streamlit as st

_EXAMPLES = (
    (
        "Supervisely",
        "my-project/\n  meta.json\n  dataset 1/\n    img/\n      photo.jpg\n    ann/\n      photo.jpg.json",
        "As Supervisely exports a project. Boxes, polygons and bitmap masks; datasets may be nested.",
    ),
    (
        "COCO",
        "my-data/\n  annotations/\n    train.json\n    val.json\n  images/\n    photo.jpg",
        "Boxes, polygons and run-length masks. Each annotation file becomes a dataset.",
    ),
    (
        "YOLO",
        "my-data/\n  data.yaml\n  images/\n    train/\n      photo.jpg\n  labels/\n    train/\n      photo.txt",
        "Boxes or polygons, a text file per image. data.yaml names the classes and the sides.",
    ),
)
"""Name, folder and a sentence of each layout."""


def draw_layout_examples() -> None:
    """Draw a folder of each layout."""
    st.subheader("What a folder looks like", anchor=False)
    with st.grid(len(_EXAMPLES), min_column_width=220, gap="small"):
        for name, folder, about in _EXAMPLES:
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{name}**")
                st.code(folder, language=None)
                st.caption(about)
