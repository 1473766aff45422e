"""Series on disk, beside the drafts: which tasks belong together is known on this machine only, not by the server."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from core.domain.ids import SeriesId, TaskId
from core.domain.plan import TrainingPlan
from core.files import JsonRecords
from core.launch.series.record import (
    Member,
    Series,
    changed,
    continued,
    to_start_again,
    with_plan,
    with_removed_back,
    without,
)

_ADAPTER: TypeAdapter[Series] = TypeAdapter(Series)


class SeriesStore:
    """All series that were started from this machine. Safe for use from several threads.

    Args:
        folder: Where the files are; made when the first series is written.
    """

    def __init__(self, folder: Path) -> None:
        self._records = JsonRecords(
            folder=folder, decode=_ADAPTER.validate_json, noun="series", way_out="Open one from the list of tasks."
        )

    def add(self, series: Series) -> Series:
        """Keep a new series; if there is one with its id, that one is returned and nothing changes."""
        return self._records.add(series.id, series)

    def load(self, series_id: str) -> Series:
        """Return a series.

        Raises:
            NotFoundError: There is no such series.
            InputError: Its file is damaged.
        """
        return self._records.load(series_id)

    def find(self, series_id: str) -> Series | None:
        """Return a series, ``None`` if there is none or its file is damaged."""
        return next((item for item in self._records.all() if item.id == series_id), None)

    def of_server(self, server: str) -> tuple[Series, ...]:
        """Return the series of a server, newest first; damaged files are left out and logged."""
        own = (series for series in self._records.all() if series.server == server)
        return tuple(sorted(own, key=lambda series: series.created_at, reverse=True))

    def with_work(self) -> tuple[Series, ...]:
        """Return the series of all servers that have something to be started or stopped, oldest first."""
        open_ones = (series for series in self._records.all() if series.needs_work)
        return tuple(sorted(open_ones, key=lambda series: series.created_at))

    def change(self, series_id: SeriesId, key: str, change: Callable[[Member], Member]) -> Series:
        """Change one experiment of a series as it is stored. Errors as :meth:`load`, and StorageError."""
        return self._records.update(series_id, lambda series: changed(series, key, change))

    def append(self, series_id: SeriesId, member: Member) -> Series:
        """Add an experiment at the end of a series."""
        return self._records.update(series_id, lambda series: replace(series, members=(*series.members, member)))

    def start_again(
        self, series_id: SeriesId, key: str, *, after: TaskId | None, plan: TrainingPlan | None = None
    ) -> Series:
        """Let an experiment wait for its start once more.

        Args:
            series_id: The series.
            key: The experiment.
            after: Its task, which is over; if it has another one by now, nothing changes.
            plan: What to run in place of its plan so far.
        """
        return self.change(
            series_id, key, lambda member: to_start_again(member, plan) if member.task_id == after else member
        )

    def change_plan(self, series_id: SeriesId, key: str, *, after: TaskId | None, plan: TrainingPlan) -> Series:
        """Give an experiment another plan, see :func:`core.launch.series.record.with_plan`."""
        return self._records.update(series_id, lambda series: with_plan(series, key, after, plan))

    def remove(self, series_id: SeriesId, key: str) -> Series:
        """Take an experiment out of a series, see :func:`core.launch.series.record.without`."""
        return self._records.update(series_id, lambda series: without(series, key))

    def bring_back(self, series_id: SeriesId) -> Series:
        """Put all experiments back that were taken out of a series."""
        return self._records.update(series_id, with_removed_back)

    def place_of(self, server: str, task_id: TaskId) -> tuple[Series, Member] | None:
        """Return the series and the experiment that a task is the newest one of; ``None`` for other tasks."""
        return next(
            (
                (series, member)
                for series in self.of_server(server)
                for member in series.members
                if member.task_id == task_id
            ),
            None,
        )

    def go_on(self, series_id: SeriesId, key: str, task_id: TaskId) -> Series:
        """Note that another task goes on with an experiment."""
        return self.change(series_id, key, lambda member: continued(member, task_id))

    def cancel(self, series_id: SeriesId) -> Series:
        """Note that nothing more shall be started and everything stopped."""
        return self._records.update(series_id, lambda series: replace(series, is_cancelled=True))

    def open_comparison(self, series_id: SeriesId, *, wanted: bool) -> Series:
        """Note whether the comparison shall open by itself at the end."""
        return self._records.update(series_id, lambda series: replace(series, opens_comparison=wanted))
