"""Going on with a training that was stopped, failed or was lost: where it can be taken up, and what comes along."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.domain.task import TaskStatus
from traindash.errors import InputError, NotFoundError, StateError
from traindash.files import replacing
from traindash.platform.services import Services
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.frozen import frozen_training
from traindash.training.runs.events import EventWriter, append_rows, read_events
from traindash.training.runs.spec import RunLayout, TrainSpec, read_spec

_ENDED_EARLY = frozenset({TaskStatus.STOPPED, TaskStatus.ERROR})
_START_ANEW = "Start it again from the beginning."
# What curves and sample pictures are drawn from; phases and progress belong to the process that wrote them.
_EPOCH_ROWS = frozenset({"EventType.METRICS", "EventType.SAMPLES", "EventType.PREDICTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumableTask:
    """An earlier training that can go on."""

    task_id: TaskId
    gui_state: Mapping[str, object]  # its settings; it starts by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """What a run needs in order to go on with an earlier one."""

    checkpoint: Path  # where to go on from
    images: Path  # the images of the earlier run, as its run folder lists them
    spec: TrainSpec  # what the earlier run was asked to do
    seconds: float  # what its epochs took, and those of the runs that it continued itself


def source_of(task: TaskRecord) -> TaskId | None:
    """Return the task that a training continues, ``None`` if it began anew."""
    # Not read as a whole: lists of tasks ask this, and one with damaged settings must not take the others with it.
    number = task.settings.get("resumes")
    return TaskId(number) if isinstance(number, int) else None


def can_resume(services: Services, task: TaskRecord) -> bool:
    """Return whether a task ended before its last epoch and left what is needed to go on."""
    return task.kind == "train" and task.status in _ENDED_EARLY and _run_with_checkpoint(services, task) is not None


def find_resumable(
    services: Services, team_id: TeamId, project_id: ProjectId, framework: str, task_id: TaskId
) -> ResumableTask:
    """Check that a training can go on.

    Raises:
        NotFoundError: There is no such task in the team.
        InputError: It is no training of this project with this framework.
        StateError: It is not over, is complete, or left nothing to go on from.
    """
    task = services.tasks.get(task_id)
    # As if it was not there: a task of another team is none of the asker's business.
    if task.team_id != team_id:
        raise NotFoundError(f"There is no task {task_id} in this team.")
    if task.kind != "train" or task.project_id != project_id or task.settings.get("framework") != framework:
        msg = f"Task {task_id} is no {framework} training on project {project_id}."
        raise InputError(msg, "Name the project and the app of the training that shall go on.")
    if task.status is TaskStatus.FINISHED:
        msg = f"Task {task_id} is finished: there is nothing to resume."
        raise StateError(msg, "Fine-tune its best checkpoint, or start it again.")
    if not task.status.is_terminal:
        msg = f"Task {task_id} is not over; it is {task.status.value}."
        raise StateError(msg, "Wait for its end, or stop it first.")
    if _run_with_checkpoint(services, task) is None:
        msg = f"Task {task_id} has no checkpoint to go on from: it ended before its first or after its last epoch."
        raise StateError(msg, _START_ANEW)
    known = frozen_training(task.settings).gui_state
    # A task that waited for its start button has been started by a person once; it need not wait again.
    gui_state = {**known, "start_training": True} if "start_training" in known else known
    return ResumableTask(task_id=task_id, gui_state=gui_state)


def resume_point(services: Services, source: TaskId, task_id: TaskId) -> ResumePoint:
    """Return where to take up an earlier training, when the turn of the task that continues it has come.

    ``source`` is the earlier task; the log of ``task_id`` has the epochs so far, see :func:`carry_over`.

    Raises:
        StateError: What was left is gone.
    """
    run = _run_with_checkpoint(services, services.tasks.get(source))
    spec = None if run is None or not run.spec.is_file() else read_spec(run.spec)
    if run is None or not isinstance(spec, TrainSpec) or not run.images.is_file():
        raise StateError(f"What task {source} left to go on from is not there any more.", _START_ANEW)
    # The rows that were carried over count, too: the time of a training is that of all its services.
    seconds = [row.get("seconds") for row in _epoch_rows(services.layout.run(task_id))]
    known = [float(value) for value in seconds if isinstance(value, int | float)]
    return ResumePoint(checkpoint=run.resume_checkpoint, images=run.images, spec=spec, seconds=max(known, default=0.0))


def carry_over(services: Services, source: TaskId, task_id: TaskId) -> None:
    """Begin the log of a training that continues an earlier one with its epochs, so that curves are whole.

    A log that was begun is left as it is.
    """
    target = services.layout.run(task_id).platform_events
    if target.exists():
        return
    rows = tuple(_epoch_rows(services.layout.run(source)))
    done = max((epoch for row in rows if isinstance(epoch := row.get("epoch"), int)), default=0)
    with replacing(target) as partial:  # all of it or nothing, since nobody would find out which epochs are missing
        append_rows(partial, rows)
        EventWriter(partial, services.clock).log(f"Continues task {source}, which had done {done} epochs.")


def _epoch_rows(run: RunLayout) -> Iterator[dict[str, object]]:
    # What this run carried over itself is among the events of the platform.
    for path in (run.platform_events, run.events):
        for row in read_events(path).rows:
            if row.get("event_type") in _EPOCH_ROWS:
                yield row


def _run_with_checkpoint(services: Services, task: TaskRecord) -> RunLayout | None:
    """Return the run folder to go on from; a continued training that did no epoch hands on what it was given."""
    run = services.layout.run(task.id)
    if run.resume_checkpoint.is_file():
        return run
    source = source_of(task)
    # One that did epochs, but has no checkpoint, is through, or it was lost with its folder: nothing to hand on.
    if source is None or (run.events.exists() and any(_trained(run))):
        return None
    return _run_with_checkpoint(services, services.tasks.get(source))


def _trained(run: RunLayout) -> Iterator[bool]:
    return (row.get("event_type") == "EventType.METRICS" for row in read_events(run.events).rows)
