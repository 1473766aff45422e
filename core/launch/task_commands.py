"""Commands to a task that runs, beyond the start and the stop that every server has."""

from core.api.client import SuperviselyClient
from core.api.errors import MissingError, ServerFailedError
from core.domain.ids import TaskId
from core.errors import StateError

STOP_AFTER_EPOCH = "stop_after_epoch"
"""Command of ours (``tasks.request.direct``): the training ends well after the running epoch."""


def stop_after_epoch(client: SuperviselyClient, task_id: TaskId) -> None:
    """Ask a training to end after the running epoch: its best checkpoint is kept, evaluated and registered.

    Raises:
        StateError: The server's training app has no such command.
        ApiError: The server refuses, for instance because the task is not training, or could not be asked.
    """
    try:
        client.tasks.request(task_id, STOP_AFTER_EPOCH)
    except (MissingError, ServerFailedError) as error:
        msg = f"The training app of task {task_id} cannot end after an epoch: {error.message}"
        raise StateError(msg, "Let the task go on, or stop it now.") from error
