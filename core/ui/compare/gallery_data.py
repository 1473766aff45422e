"""What galleries need besides the images: the image set of a comparison and the colours of its classes."""

from collections.abc import Mapping

import streamlit as st

from core.compare.experiment import Comparison
from core.compare.image_set import ImageSet, image_set
from core.datasets.palette import class_color
from core.errors import AppError
from core.ui import connection, lookups

_MOST_KEPT = 8
_SECONDS = 600


def load_images(comparison: Comparison) -> ImageSet:
    """Return the image set of a comparison, brought together once for the same experiments in the same order."""
    return _images(connection.cache_key(), comparison.fingerprint, comparison)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner="Bringing the images together")
def _images(server: str, fingerprint: str, _comparison: Comparison) -> ImageSet:
    del server, fingerprint
    return image_set(_comparison)


def class_colors(comparison: Comparison) -> Mapping[str, str]:
    """Return class name → ``#RRGGBB`` as the projects of the experiments have them; the baseline's project first.

    A class that no project has any more gets a colour of its own.
    """
    order = [comparison.experiments[comparison.baseline], *comparison.experiments] if comparison.experiments else []
    colors: dict[str, str] = {}
    for project in dict.fromkeys(one.info.project_id for one in order if one.info is not None):
        try:
            facts = lookups.project(project)
        except AppError:  # colours are worth no error
            continue
        for item in facts.meta.classes if facts else ():
            colors.setdefault(item.name, item.color)
    for number, name in enumerate(comparison.classes):
        colors.setdefault(name, class_color(number))
    return colors
