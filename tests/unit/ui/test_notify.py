"""What notifications say."""

from typing import Any

import pytest

from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause, ExitReport, Task, TaskStatus
from traindash.ui.sidebar import message_of, message_of_all

REPORT = ExitReport(cause=ExitCause.DISK_FULL, message="The disk is full.")


def _task(number: int, status: TaskStatus, **changes: Any) -> Task:  # noqa: ANN401 - fields of a task
    return Task(id=TaskId(number), status=status, description="Pico", **changes)


@pytest.mark.parametrize(
    ("task", "title", "body"),
    [
        (_task(3, TaskStatus.FINISHED), "Finished: Pico", "After –"),
        (_task(3, TaskStatus.ERROR, exit_report=REPORT), "Error: Pico", "The disk is full."),
        (_task(3, TaskStatus.ERROR), "Error: Pico", "Open the task to see why."),
    ],
)
def test_one_task(task: Task, title: str, body: str) -> None:
    assert message_of(task) == {"id": "task-3", "title": title, "body": body, "path": "task?task=3"}


def test_several_tasks_are_summed_up() -> None:
    tasks = [_task(1, TaskStatus.FINISHED), _task(2, TaskStatus.ERROR), _task(3, TaskStatus.FINISHED)]
    summary = message_of_all(tasks)
    assert (summary["title"], summary["body"]) == ("All 3 tasks are over", "2 finished, 1 failed")
