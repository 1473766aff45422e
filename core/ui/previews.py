"""Images of experiments as they are shown on pages: fetched through the client when they are looked at, kept small."""

import streamlit as st

from core.compare.embedded_picture import embedded
from core.domain.ids import ImageId
from core.errors import AppError
from core.ui import connection

LONGEST_SIDE = 1280
_SECONDS = 3600
_MOST_PREVIEWS, _MOST_FILES = 96, 16


def preview_source(sly_id: int | None) -> str:
    """Return a data URI of an image for a page; empty where it cannot be had.

    Args:
        sly_id: Its id on the platform; ``None`` where the evaluation names none.
    """
    if sly_id is None:
        return ""
    try:
        return _preview(connection.address(), ImageId(sly_id))
    except AppError:  # the gallery says so and draws the boxes alone
        return ""


def original(sly_id: int) -> bytes | None:
    """Return an image's file; ``None`` where it cannot be had."""
    try:
        return _file(connection.address(), ImageId(sly_id))
    except AppError:  # crops say so and draw the boxes alone
        return None


@st.cache_data(ttl=_SECONDS, max_entries=_MOST_PREVIEWS, show_spinner=False)
def _preview(server: str, image: ImageId) -> str:
    return embedded(_file(server, image), LONGEST_SIDE)


@st.cache_data(ttl=_SECONDS, max_entries=_MOST_FILES, show_spinner=False)
def _file(server: str, image: ImageId) -> bytes:
    """Return the file of an image; an id means the same content for ever."""
    del server
    return connection.client().images.download(image)
