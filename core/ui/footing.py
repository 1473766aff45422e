"""On what the chosen experiments are compared, computed once for the same experiments."""

import streamlit as st

from core.compare.certainty import Certainty
from core.compare.experiment import Comparison
from core.compare.footing import Footing, footing_of
from core.ui import connection

FIGURES, AS_MEASURED = "figures", "measured"
"""Query parameter and its value for the figures as each experiment was measured."""

_SECONDS = 600
_MOST_KEPT = 40


def on_chosen_footing(measured: Comparison) -> tuple[Comparison, Certainty]:
    """Return the comparison as the person wants to see it, and what the images can tell about it.

    Unlike experiments are scored again on what they have in common, unless the address of the page says otherwise.

    Args:
        measured: As each experiment was measured; the order and the baseline make no difference to what is computed.
    """
    keys = tuple(sorted((e.key, e.version, e.label) for e in measured.experiments))
    rescore = st.query_params.get(FIGURES) != AS_MEASURED
    footing = _footing(connection.address(), keys, rescore, measured)
    return footing.applied_to(measured), footing.certainty


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner="Resampling the images")
def _footing(server: str, keys: tuple[tuple[str, str, str], ...], rescore: bool, _comparison: Comparison) -> Footing:  # noqa: FBT001 - an argument of the cache's key
    del server, keys
    return footing_of(_comparison, rescore=rescore)
