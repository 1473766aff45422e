"""What a running app answers when it is asked directly (``tasks.request.direct``), contract section 6.1.

Our apps have no web server of their own: the platform answers for them from the task and its log.
"""

from collections.abc import Mapping

from core.domain.ids import TaskId
from core.domain.task import TaskStatus
from core.errors import NotFoundError, StateError
from core.local_platform.parts import Parts
from core.local_platform.store.task_rows import TaskRecord
from core.local_platform.tasks.admission import Admission
from core.local_platform.tasks.log import LiveInfo
from core.runs.events import Phase

_STAGES: Mapping[str, str] = {
    Phase.PREPARING_DATA: "data preparation",
    Phase.UPLOADING: "finalizing and uploading training artifacts",
}
_FIXED: Mapping[str, Mapping[str, object]] = {
    "is_running": {"running": True, "mode": "production"},
    "is_ready": {"status": "ready"},
    "sly/state": {},
}


def answer(parts: Parts, task_id: TaskId, command: str, state: Mapping[str, object]) -> dict[str, object]:
    """Answer a command to an app.

    ``is_running`` is true for every task that exists, also when it is over: the SDK takes anything else for "not
    ready" and waits 100 seconds. ``train_from_api`` answers at once, whatever ``wait`` says; follow the task instead.
    After ``train_from_api`` the caller wakes the supervisor.

    Args:
        parts: The platform.
        task_id: The task.
        command: Path of the app's endpoint without the first slash.
        state: Its argument.

    Raises:
        NotFoundError: There is no such task or command.
        StateError: The task cannot do this now.
        InputError: The argument cannot be used.
    """
    task = parts.tasks.get(task_id)
    name = command.strip("/")
    match name:
        case "is_running" | "is_ready" | "sly/state":
            return dict(_FIXED[name])
        case "train_status":
            return {"status": train_status(parts, task)}
        case "train_from_api":
            Admission(parts).release(task_id, state.get("app_state"))
            return {"result": "model training started"}
        case "stop_after_epoch":
            return _stop_after_epoch(parts, task)
        case "sly/data":
            return _widgets(parts.logs.live(parts.layout.run(task_id)))
        case _:
            msg = f"The app of task {task_id} does not know the command {command!r}."
            raise NotFoundError(msg, "Use is_running, is_ready, train_status, train_from_api or sly/data.")


def train_status(parts: Parts, task: TaskRecord) -> str:
    """Return the status text of a training app; empty when it has nothing to say."""
    live = parts.logs.live(parts.layout.run(task.id))
    match task.status:
        case TaskStatus.ERROR:
            stage = _STAGES.get(live.phase or "", "training" if live.phase else "training initialization")
            text = f"Error occurred during {stage}. Please check the logs for more details."
            report = task.exit_report
            return text if report is None else f"{text} {report.message} {report.hint}".strip()
        case TaskStatus.STARTED | TaskStatus.TERMINATING:
            if live.phase is not None:
                return f"Status: {live.phase_text}"
            return "Training has been started..." if task.autostart and task.queue_order == 0 else ""
        case _:
            return ""


def _stop_after_epoch(parts: Parts, task: TaskRecord) -> dict[str, object]:
    run = parts.layout.run(task.id)
    if task.status is not TaskStatus.STARTED or not run.process.is_file():
        msg = f"Task {task.id} is not training; it is {task.status.value}."
        raise StateError(msg, "Only a running training can end after its epoch.")
    run.stop_after_epoch.touch()
    return {"result": "the training ends after this epoch"}


def _widgets(live: LiveInfo) -> dict[str, object]:
    """Return the progress bars as the widgets of a real app hold them; the first one counts epochs."""
    order = sorted(live.progress, key=lambda name: {"Epochs": 0, "Steps": 1}.get(name, 2))
    return {f"ProgressAutoId{number}": _bar(name, live.progress[name]) for number, name in enumerate(order, start=1)}


def _bar(name: str, progress: tuple[int, int]) -> dict[str, object]:
    current, total = progress
    percent = round(100 * current / total) if total > 0 else 0
    return {
        "percent": percent,
        "info": f"{current} / {total}",
        "message": name,
        "status": "success" if total > 0 and current >= total else None,
        "n": current,
        "hide": False,
    }
