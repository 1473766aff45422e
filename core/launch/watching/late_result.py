"""Results that arrive after their task has ended (contract section 12.5). Pure."""

from datetime import datetime, timedelta

from core.domain.task import Task, TaskStatus

_PATIENCE = timedelta(minutes=2)
_TRAININGS = frozenset({"guiState", "trainTaskId"})
"""Keys of ``params.state`` that only trainings have (contract section 3.2)."""


def lacks_result(task: Task) -> bool:
    """Return whether a training is finished and the server names no experiment of it."""
    is_training = not _TRAININGS.isdisjoint(task.params or {})
    return is_training and task.status is TaskStatus.FINISHED and "experiment" not in (task.output or {})


def result_is_due(task: Task, now: datetime) -> bool:
    """Return whether the result of a training is missing and may still come.

    Args:
        task: The task.
        now: The moment, with a time zone.
    """
    return lacks_result(task) and task.finished_at is not None and now - task.finished_at < _PATIENCE
