"""Training apps that have their settings and do not begin: SparseInst's and MaskDINO's do not look at `start_training`.

Such an app is started with the command ``train_from_api``, which gives it the settings once more
(docs/supervisely-api.md 6.1 and 8). It must be sent once: an app that is asked twice trains twice.
"""

import re
from datetime import datetime, timedelta

from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.supervisely.client import SuperviselyClient
from traindash.tasks.progress import TaskProgress

# An app that starts by itself says so as soon as it answers; this is long enough for a slow machine.
BEGINS_WITHIN = timedelta(seconds=20)
# A person is asked later than the thread that begins tasks by itself: both at a time would be two trainings.
LEFT_TO_PEOPLE = timedelta(seconds=60)
_ALL_VALID = "All steps have been validated successfully"  # TrainGUI.load_from_app_state of the official SDK
_FAILED_STEP = re.compile(r"Step '(?P<step>[^']+)' \d+/\d+ failed to validate")


def is_idle(progress: TaskProgress, now: datetime, patience: timedelta = BEGINS_WITHIN) -> bool:
    """Return whether the app of a training answers that it does nothing, and has had time to begin by itself.

    One that was opened with the settings of an earlier task is not meant: its own are not in its state.
    """
    last = progress.last_sign or progress.task.started_at
    running = progress.task.status is TaskStatus.STARTED and progress.phase is None and bool(progress.task.gui_state)
    return running and progress.train_status == "" and last is not None and now - last >= patience


def failed_step(progress: TaskProgress) -> str | None:
    """Return the step at which the app gave up its settings, ``None`` if its log names none."""
    found = (_FAILED_STEP.search(row.message) for row in reversed(progress.log))
    return next((match["step"] for match in found if match), None)


def can_be_started(progress: TaskProgress) -> bool:
    """Return whether the app said that all of its settings are good and now only has to be told to begin."""
    is_wanted = progress.task.gui_state.get("start_training") is True
    return is_wanted and failed_step(progress) is None and any(_ALL_VALID in row.message for row in progress.log)


def start_app(client: SuperviselyClient, task: Task) -> None:
    """Tell the app of a task to train with the settings of the task. Sent once.

    Raises:
        ApiError: The app does not answer, or refuses.
    """
    wanted = {"app_state": dict(task.gui_state), "wait": False}
    client.tasks.request(TaskId(task.id), "train_from_api", wanted)
