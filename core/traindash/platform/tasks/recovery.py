"""After a start: which tasks of the time before still run, which are over, which begin anew.

Trainers outlive the server, so nothing may be concluded from the server's own death. What counts is on disk: the
identity of the process, and the result.
"""

import contextlib
from dataclasses import dataclass

from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.platform.services import Services
from traindash.platform.store.tasks import OpenTask
from traindash.platform.tasks.process import ProcessIdentity, find_process, poll, read_identity, write_identity
from traindash.training.runs.events import EventWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was found.

    Attributes:
        watched: Task → its process, running or over; the supervisor goes on with it as if it had started it.
        lost: Tasks that were running and have no run folder any more.
    """

    watched: dict[TaskId, ProcessIdentity]
    lost: tuple[TaskId, ...]


def recover(parts: Services) -> Recovered:
    """Look at every task that is not over; those that never began wait for an agent again."""
    watched: dict[TaskId, ProcessIdentity] = {}
    lost: list[TaskId] = []
    for task in parts.tasks.open_tasks():
        if not _took_place(task):
            continue
        if (identity := _identify(parts, task)) is not None:
            watched[task.id] = identity
            if poll(identity) is None:
                _say(parts, task.id, "The dashboard was restarted; the task went on meanwhile.")
        elif task.status is TaskStatus.STARTED and not parts.layout.run(task.id).root.is_dir():
            lost.append(task.id)
        elif parts.tasks.give_back(task.id):
            _say(parts, task.id, "The dashboard was restarted before the task began; it waits for an agent again.")
    return Recovered(watched=watched, lost=tuple(lost))


def _took_place(task: OpenTask) -> bool:
    """Whether an agent had taken the task; it then may have a process."""
    return task.autostart and not task.waits and task.status is not TaskStatus.QUEUED


def _identify(parts: Services, task: OpenTask) -> ProcessIdentity | None:
    run = parts.layout.run(task.id)
    if (known := read_identity(run)) is not None:
        return known
    if not run.root.is_dir() or (found := find_process(run)) is None:
        return None
    with contextlib.suppress(OSError):
        write_identity(run, found)
    return found


def _say(parts: Services, task_id: TaskId, text: str) -> None:
    with contextlib.suppress(OSError):
        EventWriter(parts.layout.run(task_id).platform_events).log(text)
