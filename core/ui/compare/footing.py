"""On what the chosen experiments are compared, computed once for the same experiments; resamples in the background."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import streamlit as st

from core.compare.certainty import Significance, resampled
from core.compare.experiment import Comparison
from core.compare.footing import ComparisonBasis, basis_of
from core.compare.formatting import plural
from core.ui import connection

FIGURES, AS_MEASURED = "figures", "measured"
"""Query parameter and its value for the figures as each experiment was measured."""

_SECONDS = 600
_MOST_KEPT = 40
_MOST_RESAMPLED = 8  # ten large evaluations have 40 MB of resamples
_SMALL = 20_000  # detections of all experiments together; up to that, resamples take less than a second
_UNNOTICED_SECONDS = 0.5
_TICK_SECONDS = 1.0


class Resampling:
    """The resamples of a comparison: found on this machine, or made while the person looks at the rest of the page.

    Args:
        known: What the images tell without them.
        keep: Folder that keeps them.
    """

    def __init__(self, known: Significance, keep: Path) -> None:
        self._known = known
        self._done = 0
        pool = ThreadPoolExecutor(1, thread_name_prefix="traindash-significance")
        self._result = pool.submit(resampled, known, keep=keep, told=self._tell)
        pool.shutdown(wait=False)

    def significance(self) -> Significance:
        """Return what is known by now; what is nearly there is waited for."""
        detections = sum(evaluation.table.dt_score.size for evaluation in self._known.aligned.values())
        return self.finished() if detections <= _SMALL else self._within(_UNNOTICED_SECONDS)

    def finished(self) -> Significance:
        """Return what is known in the end; waits for it."""
        return self._result.result()

    def show(self) -> Significance:
        """Return what is known in the end, and show how far it is until then."""
        room = st.empty()
        while (known := self._within(_TICK_SECONDS)).pending:
            room.progress(self.share, text=self.words)
        room.empty()
        return known

    @property
    def is_done(self) -> bool:
        """Whether :meth:`certainty` has all it will ever have."""
        return self._result.done()

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self._done / max(len(self._known.aligned), 1)

    @property
    def words(self) -> str:
        """How far it is."""
        total = plural(len(self._known.aligned), "experiment")
        return f"Drawing the images again and again to see how sure the differences are: {self._done} of {total}"

    def _within(self, seconds: float) -> Significance:
        try:
            return self._result.result(seconds)
        except TimeoutError:
            return self._known

    def _tell(self, done: int) -> None:
        self._done = done


def on_chosen_basis(measured: Comparison) -> tuple[Comparison, Resampling]:
    """Return the comparison as the person wants to see it, and what the images can tell about it.

    Unlike experiments are scored again on what they have in common, unless the address of the page says otherwise.

    Args:
        measured: As each experiment was measured; the order and the baseline make no difference to what is computed.
    """
    keys = tuple(sorted((e.key, e.version, e.label) for e in measured.experiments))
    rescore = st.query_params.get(FIGURES) != AS_MEASURED
    basis = _basis(connection.cache_key(), keys, rescore, measured)
    resampling = _resampling(connection.cache_key(), keys, rescore, basis, connection.home() / "cache" / "resamples")
    return basis.applied_to(measured), resampling


@st.fragment(run_every=_TICK_SECONDS)
def draw_progress(resampling: Resampling) -> None:
    """Say how far the resamples are, and draw the page again when they are there."""
    if resampling.is_done:
        st.rerun()
    st.progress(resampling.share, text=resampling.words)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner="Laying the experiments side by side")
def _basis(
    server: str,
    keys: tuple[tuple[str, str, str], ...],
    rescore: bool,  # noqa: FBT001 - an argument of the cache's key
    _comparison: Comparison,
) -> ComparisonBasis:
    del server, keys
    return basis_of(_comparison, rescore=rescore)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_RESAMPLED, show_spinner=False)
def _resampling(
    server: str,
    keys: tuple[tuple[str, str, str], ...],
    rescore: bool,  # noqa: FBT001 - an argument of the cache's key
    _basis: ComparisonBasis,
    _keep: Path,
) -> Resampling:
    del server, keys, rescore
    return Resampling(_basis.significance, _keep)
