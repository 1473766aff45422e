"""The time that is left, phase by phase: what follows a training takes as long as it took the last time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.api.client import SuperviselyClient
from core.api.resources.experiments import experiment_of_output
from core.domain.task import Task, TaskStatus
from core.launch.watching.log_reading import reduce
from core.launch.watching.progress import TaskProgress, TimeRange

_LOOKED_THROUGH = 50
_BEFORE_TRAINING = frozenset({"preparing_data", "training"})
_SHORTER, _LONGER = 0.7, 1.4
"""Between two trainings of one model on one project, what follows them differs by about that much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTime:
    """A phase that is not over.

    Attributes:
        name: See :class:`core.launch.watching.progress.PhaseSpan`.
        left: How long it still takes; ``None`` if nothing can be said.
    """

    name: str
    left: TimeRange | None


def typical_durations(client: SuperviselyClient, task: Task) -> Mapping[str, float]:
    """Return how long the phases after the training took in the last finished training like this one.

    Args:
        client: The server.
        task: A training.

    Returns:
        Phase → seconds; empty if there is no such training, or its log does not say.

    Raises:
        ApiError: The server does not answer as it should.
    """
    if task.workspace_id is None or (wanted := _likeness(task)) is None:
        return {}
    newest = client.tasks.newest(task.workspace_id, _LOOKED_THROUGH)
    like = next((old for old in newest if old.status is TaskStatus.FINISHED and _likeness(old) == wanted), None)
    experiment = None if like is None else experiment_of_output(like.output)
    if like is None or like.started_at is None or experiment is None or experiment.training_duration is None:
        return {}
    # Only the rows behind the training travel: those of a long training are many.
    since = like.started_at + timedelta(seconds=experiment.training_duration)
    rows = client.tasks.log(like.id, since=since.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    spans = reduce(TaskProgress(task=like), rows).phases
    return {
        span.name: (span.ended_at - span.started_at).total_seconds()
        for span in spans
        if span.ended_at is not None and span.name not in _BEFORE_TRAINING
    }


def phases_left(
    progress: TaskProgress, planned: Sequence[str], typical: Mapping[str, float], now: datetime
) -> tuple[PhaseTime, ...]:
    """Return the phases that are not over, the running one first.

    Args:
        progress: Of a running task.
        planned: Its phases in their order.
        typical: See :func:`typical_durations`.
        now: The moment, with a time zone.
    """
    if progress.phase not in planned:
        return ()
    left: list[PhaseTime] = []
    for name in planned[planned.index(progress.phase) :]:
        if name == "training":
            known = progress.eta_seconds if progress.phase == "training" else None
        elif name in typical:
            spent = (now - progress.phases[-1].started_at).total_seconds() if name == progress.phase else 0.0
            low, high = (max(part * typical[name] - spent, 0.0) for part in (_SHORTER, _LONGER))
            known = TimeRange(low=low, high=high)
        else:
            known = None
        left.append(PhaseTime(name=name, left=known))
    return tuple(left)


def total(phases: Sequence[PhaseTime]) -> TimeRange | None:
    """Return the time until everything is done; ``None`` if a phase is not known or nothing is left."""
    known = [phase.left for phase in phases if phase.left is not None]
    if not known or len(known) < len(phases):
        return None
    return TimeRange(low=sum(left.low for left in known), high=sum(left.high for left in known))


def _likeness(task: Task) -> tuple[object, ...] | None:
    """Return what two trainings must share to be compared; ``None`` if the task is no training."""
    state = (task.settings or task.params or {}).get("guiState")
    if not isinstance(state, Mapping):
        return None
    return (task.project_id, task.app_name, repr(state.get("model")))
