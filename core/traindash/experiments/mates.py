"""What an experiment is held against first: its series, what it was changed from, or the best of its project. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.experiments.overview import best_by_project


@dataclass(frozen=True, slots=True, kw_only=True)
class Mates:
    """A comparison to open."""

    words: str  # what it is compared with, the rest of a sentence after “Compare with”
    ids: tuple[TaskId, ...]  # its tasks with that of the experiment itself, lowest first


def mates_of(
    own: ExperimentInfo, found: Iterable[ExperimentInfo], *, series: Collection[TaskId], base: TaskId | None
) -> Mates | None:
    """Return what to compare an experiment with; ``None`` where there is nothing.

    ``series`` are the tasks of its series, ``base`` the task that it was changed from.
    """
    known = {info.task_id: info for info in found if info.task_type == own.task_type}
    together = [task for task in series if task in known and task != own.task_id]
    if together:
        return Mates(words="its series", ids=tuple(sorted([*together, own.task_id])))
    if base is not None and base != own.task_id and base in known:
        return Mates(words=f"“{known[base].experiment_name}”", ids=tuple(sorted([base, own.task_id])))
    rows = best_by_project(info for info in known.values() if info.task_id != own.task_id)
    row = next((row for row in rows if row.project_id == own.project_id), None)
    if row is None:
        return None
    return Mates(words="the best of its project", ids=tuple(sorted([row.best.task_id, own.task_id])))
