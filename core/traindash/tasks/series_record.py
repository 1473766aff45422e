"""A series that was started: its experiments, and what became of the start of each. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from traindash.domain.ids import AgentId, ProjectId, SeriesId, TaskId
from traindash.domain.plan import TrainingPlan
from traindash.errors import InputError, NotFoundError, StateError
from traindash.files import JsonRecords
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.plan_file import decoder_of
from traindash.plans.series import Experiment, SeriesChoices, varied_in
from traindash.steady_clock import CLOCK
from traindash.tasks.launcher import StartMark


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an experiment could not be started."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Experiment):
    """An experiment of a series that was started; the name of its plan is unique in the series."""

    # written down right before the start was sent. With a mark and without a task, the task has to be looked for before
    # anything else is sent
    mark: StartMark | None = None
    task_id: TaskId | None = None  # its task
    agent_id: AgentId | None = None  # agent that it was sent to; `None` for the first free one
    earlier: tuple[TaskId, ...] = ()  # tasks that were replaced by starting the experiment again
    refusal: Refusal | None = None  # why there is no task, and will be none by itself
    is_stopped: bool = False  # the stop of the task was sent because the series was cancelled
    is_changed: bool = False  # a person changed its plan after the series was started

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.plan.experiment_name or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series."""

    # short text; part of the URL. That of the draft it was started from, so that a draft starts one series
    id: SeriesId
    server: str  # name of the server that it runs on
    name: str
    project_id: ProjectId
    created_at: datetime  # in UTC
    members: tuple[Member, ...]
    opens_comparison: bool = True  # the comparison opens when the last experiment is over
    is_cancelled: bool = False  # nothing more is started, and what runs is stopped
    removed: tuple[Member, ...] = ()  # experiments that a person took out of it; their tasks stay where they are

    def member(self, key: str) -> Member:
        """Return an experiment by its key.

        Raises:
            StateError: It is not in the series any more.
        """
        for item in self.members:
            if item.key == key:
                return item
        msg = _("The experiment is not in the series “{name}” any more.").format(name=self.name)
        raise StateError(msg, _("Bring it back on the page of the series."))

    @property
    def task_ids(self) -> tuple[TaskId, ...]:
        """Tasks of the experiments that have one."""
        return tuple(item.task_id for item in self.members if item.task_id is not None)

    @property
    def needs_work(self) -> bool:
        """Whether an experiment waits for its start, or a task of a cancelled series for its stop."""
        return any(waits_for_stop(item) if self.is_cancelled else waits_for_start(item) for item in self.members)


def new_series(
    series_id: SeriesId, server: str, name: str, planned: Sequence[Experiment], choices: SeriesChoices | None = None
) -> Series:
    """Return a series of which nothing was started yet.

    A second series with the same id starts nothing. At least one experiment is planned.
    """
    return Series(
        id=series_id,
        server=server,
        name=name,
        project_id=planned[0].plan.project_id,
        created_at=CLOCK.now(),
        members=tuple(Member(key=item.key, plan=item.plan, varied=item.varied) for item in planned),
        opens_comparison=choices is None or choices.opens_comparison,
    )


def waits_for_start(member: Member) -> bool:
    """Return whether the start of an experiment is still to be sent, or to be looked up."""
    return member.task_id is None and member.refusal is None


def waits_for_stop(member: Member) -> bool:
    """Return whether an experiment of a cancelled series may have a task that was not told to stop."""
    return not member.is_stopped and (member.task_id is not None or member.mark is not None)


def changed(series: Series, key: str, change: Callable[[Member], Member]) -> Series:
    """Return the series with one experiment changed."""
    return replace(series, members=tuple(change(item) if item.key == key else item for item in series.members))


def _to_start_again(member: Member, plan: TrainingPlan | None = None) -> Member:
    """Return an experiment that waits for its start once more.

    Its task, if it has one, is over. Without a task the mark stays: if it is not known whether a start arrived, that
    has to be found out first.
    """
    # Tasks that were replaced stay on the server; the page still links to them.
    done = () if member.task_id is None else (member.task_id,)
    return replace(
        member,
        plan=member.plan if plan is None else plan,
        varied=member.varied if plan is None else varied_in(member.varied, plan),
        is_changed=member.is_changed or plan is not None,
        earlier=(*member.earlier, *done),
        task_id=None,
        mark=None if done else member.mark,
        refusal=None,
        is_stopped=False,
    )


def can_change(member: Member) -> bool:
    """Return whether an experiment may get another plan: nobody is sending its start just now."""
    return member.task_id is not None or member.mark is None or member.refusal is not None


def with_plan(series: Series, key: str, after: TaskId | None, plan: TrainingPlan) -> Series:
    """Return the series with another plan for an experiment, which then waits for its start.

    ``after`` is its task as the person saw it; over, or taken back. A plan without a name keeps the experiment's.

    Raises:
        StateError: The experiment was started again meanwhile, or is not in the series any more.
        InputError: Another experiment of the series has the name.
    """
    member = series.member(key)
    # The page was drawn before: somebody else may have been quicker.
    if member.task_id != after or not can_change(member) or series.is_cancelled:
        msg = _("“{name}” cannot be changed any more: it was started again, or the series was cancelled.").format(
            name=member.name
        )
        raise StateError(msg, _("Look at the page of the series."))
    named = replace(plan, experiment_name=_name_after(member, plan))
    taken = {item.plan.experiment_name for item in series.members if item.key != key}
    if named.experiment_name is not None and named.experiment_name in taken:
        msg = _("Another experiment of this series is called “{experiment_name}”.").format(
            experiment_name=named.experiment_name
        )
        raise InputError(msg, _("Choose another name."))
    return changed(series, key, lambda known: _to_start_again(known, named))


def _name_after(member: Member, plan: TrainingPlan) -> str | None:
    """Return the name of a changed experiment: the new one, or the old one with the values of today in it."""
    old = member.plan.experiment_name
    if old is None or plan.experiment_name not in {None, old}:
        return plan.experiment_name
    name = old
    # A name that tells a value must not tell the old one.
    for (thing, before), (_thing, now) in zip(member.varied, varied_in(member.varied, plan), strict=True):
        words = "{}" if thing in {"model", "split"} else f"{thing} {{}}"
        name = name.replace(words.format(before), words.format(now))
    return name


def with_plans(series: Series, change: Callable[[TrainingPlan], TrainingPlan]) -> Series:
    """Return the series with changed plans for all experiments whose start nobody sends just now and that have none."""

    def followed(members: Sequence[Member]) -> tuple[Member, ...]:
        return tuple(
            replace(item, plan=change(item.plan)) if item.task_id is None and can_change(item) else item
            for item in members
        )

    return replace(series, members=followed(series.members), removed=followed(series.removed))


def without(series: Series, key: str) -> Series:
    """Return the series without an experiment, which can be had back.

    Raises:
        StateError: It is the last one, or not in the series any more.
    """
    member = series.member(key)
    # A series without experiments would have no project and no page.
    if len(series.members) == 1:
        raise StateError(
            _("“{name}” is the only experiment of this series.").format(name=member.name),
            _("Leave it, or start it again."),
        )
    kept = tuple(item for item in series.members if item.key != key)
    return replace(series, members=kept, removed=(*series.removed, member))


def with_removed_back(series: Series) -> Series:
    """Return the series with all experiments that were taken out of it, at its end."""
    return replace(series, members=(*series.members, *series.removed), removed=())


def continued(member: Member, task_id: TaskId) -> Member:
    """Return an experiment that another task goes on with."""
    return replace(_to_start_again(member), task_id=task_id)


def with_member(series: Series, member: Member) -> Series:
    """Return the series with one more experiment, at its end."""
    return replace(series, members=(*series.members, member))


def cancelled(series: Series) -> Series:
    """Return the series of which nothing more shall be started and everything stopped."""
    return replace(series, is_cancelled=True)


# Series on disk, beside the drafts: which tasks belong together is known on this machine only, not by the server.


class SeriesStore(JsonRecords[Series]):
    """All series that were started from this machine. Safe for use from several threads.

    The folder is made when the first series is written.
    """

    def __init__(self, folder: Path) -> None:
        way_out = N_("Open one from the list of tasks.")
        super().__init__(folder=folder, decode=decoder_of(Series), noun=N_("series"), way_out=way_out)

    def find(self, series_id: str) -> Series | None:
        """Return a series, ``None`` if there is none or its file is damaged."""
        try:
            return self.load(series_id)
        # A damaged file is told by whoever opens the series; here it only means that it is not known.
        except (NotFoundError, InputError):
            return None

    def of_server(self, server: str) -> tuple[Series, ...]:
        """Return the series of a server, newest first; damaged files are left out and logged."""
        own = (series for series in self.all() if series.server == server)
        return tuple(sorted(own, key=lambda series: series.created_at, reverse=True))

    def with_work(self) -> tuple[Series, ...]:
        """Return the series of all servers that have something to be started or stopped, oldest first."""
        open_ones = (series for series in self.all() if series.needs_work)
        return tuple(sorted(open_ones, key=lambda series: series.created_at))

    def change(self, series_id: SeriesId, key: str, change: Callable[[Member], Member]) -> Series:
        """Change one experiment of a series as it is stored. Errors as :meth:`load`, and StorageError."""
        return self.update(series_id, lambda series: changed(series, key, change))

    def start_again(
        self, series_id: SeriesId, key: str, *, after: TaskId | None, plan: TrainingPlan | None = None
    ) -> Series:
        """Let an experiment wait for its start once more.

        ``after`` is its task, which is over; if it has another one by now, nothing changes. ``plan`` replaces its own.
        """
        return self.change(
            series_id, key, lambda member: _to_start_again(member, plan) if member.task_id == after else member
        )

    def place_of(self, server: str, task_id: TaskId) -> tuple[Series, Member] | None:
        """Return the series and the experiment that a task is the newest one of; ``None`` for other tasks."""
        pairs = ((series, member) for series in self.of_server(server) for member in series.members)
        return next((pair for pair in pairs if pair[1].task_id == task_id), None)
