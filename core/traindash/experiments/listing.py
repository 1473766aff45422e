"""The list of experiments with all that is known of them, and what its filters offer: made once for each change.

A page is drawn anew with every click. With ten thousand experiments most of that time went into finding out again what
had not changed since the last click.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from traindash.domain.ids import TaskId
from traindash.experiments import query as columns
from traindash.experiments.index import Entry
from traindash.experiments.marks import UNMARKED, Mark
from traindash.experiments.query import Query, Row, select
from traindash.experiments.record_cache import Settings, folder_of

# A click draws the page anew with the same selection and the same columns; a few tabs look at different ones.
_SELECTIONS, _BESTS = 16, 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listing:
    """All experiments at a moment. Equal to itself only, so that what is found out of it can be kept."""

    rows: tuple[Row, ...]  # newest task first, without deleted ones
    removed: tuple[Row, ...]  # those that were deleted and whose files are there
    by_task: Mapping[TaskId, Row]  # task → its experiment
    projects: tuple[str, ...]  # names that the filter offers, alphabetical. So are the next four
    models: tuple[str, ...]
    frameworks: tuple[str, ...]
    task_types: tuple[str, ...]
    tags: tuple[str, ...]
    metrics: tuple[str, ...]  # keys of the columns for all metrics that any of the experiments has


class Listings:
    """Makes the list, and keeps it until something has changed. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_of: tuple[object, Mapping[TaskId, Mark], object] | None = None
        self._last = _listing_of((), {}, {})

    def of(self, entries: tuple[Entry, ...], noted: Mapping[TaskId, Mark], settings: Mapping[str, Settings]) -> Listing:
        """Return the list from entries, newest task first.

        Experiments of which nothing is noted may be left out of ``noted``; ``settings`` maps a folder to the
        hyperparameters that were read. After each change, ``entries`` is another tuple and ``settings`` another
        mapping.
        """
        with self._lock:
            known = self._made_of
            # By identity where a change makes another object: comparing ten thousand entries would cost what is saved.
            if known is None or known[0] is not entries or known[2] is not settings or known[1] != noted:
                self._last = _listing_of(entries, noted, settings)
                self._made_of = (entries, noted, settings)
            return self._last


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What a query finds, in its order. Equal to itself only, as :class:`Listing`."""

    rows: tuple[Row, ...]

    def best_values(self, key: str) -> Mapping[str, float]:
        """Return project → the best value of a metric's column; without those where none is better than another."""
        return _best_values(self, key)


def selected(listing: Listing, query: Query) -> Selection:
    """Return the experiments that a query looks for; columns and choice make no difference."""
    return _selected(listing, replace(query, columns=(), chosen=()))


def _listing_of(entries: Iterable[Entry], noted: Mapping[TaskId, Mark], settings: Mapping[str, Settings]) -> Listing:
    """Make a list anew; arguments as of :meth:`Listings.of`."""
    every = tuple(
        Row(
            entry=entry,
            mark=UNMARKED if entry.task_id is None else noted.get(entry.task_id, UNMARKED),
            settings=None if entry.info is None else settings.get(folder_of(entry.info)),
        )
        for entry in entries
    )
    rows = tuple(row for row in every if not row.mark.removed)
    infos = [row.info for row in rows if row.info is not None]
    return Listing(
        rows=rows,
        removed=tuple(row for row in every if row.mark.removed),
        by_task={task: row for row in rows if (task := row.task_id) is not None},
        projects=_names(row.project for row in rows),
        models=_names(info.model_name for info in infos),
        frameworks=_names(row.framework for row in rows),
        task_types=_names(info.task_type for info in infos),
        tags=_names(tag for row in rows for tag in row.mark.tags),
        metrics=columns.metric_keys(rows),
    )


@lru_cache(maxsize=_SELECTIONS)
def _selected(listing: Listing, query: Query) -> Selection:
    return Selection(rows=tuple(select(listing.rows, query)))


@lru_cache(maxsize=_BESTS)
def _best_values(selection: Selection, key: str) -> Mapping[str, float]:
    wanted = columns.column(key)
    return {} if wanted is None else columns.best_values(selection.rows, wanted)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=str.casefold))  # as people look for them: "apple" before "Banana"
