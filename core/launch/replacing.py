"""A changed training in the place of one that failed, or that still waits in a queue.

What was frozen when a task was taken in is never changed: the waiting task is taken back, and the changed settings run
as a new task with a hash of their own.
"""

from core.api.client import SuperviselyClient
from core.domain.ids import TaskId
from core.domain.plan import TrainingPlan
from core.domain.task import TaskStatus
from core.errors import StateError
from core.launch.freezing import settled
from core.launch.launcher import launch
from core.launch.series.plan import Replaced, SeriesPlace
from core.launch.series.record import Series, with_plan
from core.launch.series.store import SeriesStore


def replace_task(client: SuperviselyClient, task_id: TaskId, plan: TrainingPlan) -> TaskId:
    """Start a plan in the place of a task that waits in a queue, at the end of that queue.

    The new task is there before the old one is taken back, so that nothing is lost if it is refused.

    Raises:
        StateError: The old task has begun to work.
        AppError: As :func:`core.launch.launcher.launch`.
    """
    check_waits_or_over(client, task_id)
    started = launch(client, plan)
    _take_back(client, task_id)
    return started


def replace_in_series(
    client: SuperviselyClient, store: SeriesStore, replaced: Replaced, place: SeriesPlace, plan: TrainingPlan
) -> Series:
    """Give an experiment of a series another plan; the starter of the series sends it.

    Raises:
        StateError: The experiment has begun to train, was started again, or is not in the series any more.
        InputError: Another experiment of the series has its name, or a new random split cannot be frozen.
        ApiError: The server could not be asked.
    """
    if replaced.task_id is not None:
        with_plan(store.load(place.series_id), place.key, replaced.task_id, plan)  # before anything is taken back
        check_waits_or_over(client, replaced.task_id)
    wanted = settled(client, plan)
    if replaced.task_id is not None:
        _take_back(client, replaced.task_id)
    return store.change_plan(place.series_id, place.key, after=replaced.task_id, plan=wanted)


def check_waits_or_over(client: SuperviselyClient, task_id: TaskId) -> None:
    """Check that a task can give way.

    Raises:
        StateError: It works.
        ApiError: The server could not be asked.
    """
    status = client.tasks.get(task_id).status
    if status is not TaskStatus.QUEUED and not status.is_terminal:
        msg = f"Task {task_id} has begun to work."
        raise StateError(msg, "Let it go on, or stop it first.")


def _take_back(client: SuperviselyClient, task_id: TaskId) -> None:
    if not client.tasks.get(task_id).status.is_terminal:
        client.tasks.stop(task_id)
