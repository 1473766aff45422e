"""What the front page says, and what an experiment is held against first."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from traindash.comparison.setup_differences import project_name
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.language import gettext as _
from traindash.plans.draft import WizardDraft

_PAIR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectBest:
    """The experiments of one project."""

    project_id: ProjectId
    project: str  # its name
    ranked: tuple[ExperimentInfo, ...]  # those that were evaluated, highest score first, of equals the newest
    newest: ExperimentInfo

    @property
    def best(self) -> ExperimentInfo:
        """The one with the highest score."""
        return self.ranked[0]

    @property
    def pair(self) -> tuple[TaskId, ...]:
        """The tasks to compare first: the best two; fewer where there are not two."""
        return tuple(sorted(item.task_id for item in self.ranked[:_PAIR]))

    @property
    def newest_pair(self) -> tuple[TaskId, ...]:
        """The tasks of the two that were trained last, the earlier one first; fewer where there are not two."""
        return tuple(sorted(item.task_id for item in self.ranked)[-_PAIR:])


def _score_of(info: ExperimentInfo) -> float | None:
    """Return the figure of an experiment that says most; ``None`` where it was not evaluated."""
    return None if info.score is None else info.score[1]


def best_by_project(found: Iterable[ExperimentInfo], hidden: Collection[TaskId] = ()) -> tuple[ProjectBest, ...]:
    """Return the evaluated experiments by project, the project that was trained last first; hidden ones are left out.

    Those of one kind of task stand together: boxes and masks have figures that cannot be ranked.
    """
    groups: dict[tuple[ProjectId, str], list[ExperimentInfo]] = {}
    for info in found:
        if _score_of(info) is not None and info.task_id not in hidden:
            groups.setdefault((info.project_id, info.task_type), []).append(info)
    rows = [
        ProjectBest(
            project_id=key[0],
            project=project_name(items[0]),
            ranked=tuple(sorted(items, key=lambda info: (-(_score_of(info) or 0.0), -info.task_id))),
            newest=max(items, key=lambda info: info.task_id),
        )
        for key, items in groups.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.newest.task_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class BringData:
    """There is no project to train on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """The newest task failed."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """A project has experiments that can be compared."""

    row: ProjectBest


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOn:
    """A training is planned and was not started."""

    draft: WizardDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Another:
    """There is one experiment and nothing to hold it against."""

    info: ExperimentInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Nothing was trained before what runs now."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Nothing was trained yet."""


NextStep: TypeAlias = BringData | Mend | Compare | GoOn | Another | Watch | Train


def next_step(
    tasks: Sequence[Task], rows: Sequence[ProjectBest], draft: WizardDraft | None, *, has_project: bool
) -> NextStep:
    """Return what to do next.

    ``tasks`` come newest first; ``rows`` as of :func:`best_by_project`; ``draft`` is the one that was changed last and
    not started.
    """
    if not has_project and not rows:
        return BringData()
    newest = next((task for task in tasks if task.status.is_terminal), None)
    if newest is not None and newest.status is TaskStatus.ERROR:
        return Mend(task=newest)
    # A plan that is younger than what was trained last is what the person is at.
    trained_at = None if newest is None else newest.finished_at
    if draft is not None and not draft.is_untouched and (trained_at is None or draft.changed_at > trained_at):
        return GoOn(draft=draft)
    if rows and len(rows[0].ranked) >= _PAIR:
        return Compare(row=rows[0])
    if rows:
        return Another(info=rows[0].best)
    active = next((task for task in tasks if not task.status.is_terminal), None)
    return Train() if active is None else Watch(task=active)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mates:
    """A comparison to open."""

    title: str  # of the link to it
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
        return Mates(title=_("Compare with its series"), ids=tuple(sorted([*together, own.task_id])))
    if base is not None and base != own.task_id and base in known:
        title = _("Compare with “{experiment}”").format(experiment=known[base].experiment_name)
        return Mates(title=title, ids=tuple(sorted([base, own.task_id])))
    rows = best_by_project(info for info in known.values() if info.task_id != own.task_id)
    row = next((row for row in rows if row.project_id == own.project_id), None)
    if row is None:
        return None
    return Mates(title=_("Compare with the best of its project"), ids=tuple(sorted([row.best.task_id, own.task_id])))
