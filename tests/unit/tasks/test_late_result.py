"""Results that arrive after their task has ended."""

from datetime import UTC, datetime, timedelta

import pytest

from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.tasks.task_watcher import lacks_result, result_is_due

END = datetime(2026, 11, 23, 10, tzinfo=UTC)
TRAINING = {"slyProjectId": 6, "guiState": {}}


def _task(**changes: object) -> Task:
    values: dict[str, object] = {"id": TaskId(1), "status": TaskStatus.FINISHED, "finished_at": END, "params": TRAINING}
    return Task(**{**values, **changes})  # type: ignore[arg-type]


def test_a_result_is_due_for_a_while() -> None:
    assert result_is_due(_task(), END + timedelta(seconds=119))
    assert not result_is_due(_task(), END + timedelta(seconds=121))
    assert result_is_due(_task(params={"trainTaskId": 3}, output={"general": {}}), END)


@pytest.mark.parametrize(
    "task",
    [
        _task(output={"experiment": {"data": {}}}),
        _task(status=TaskStatus.STOPPED),
        _task(params={"eval_dirs": []}),
        _task(params=None),
    ],
)
def test_nothing_is_missed_where_nothing_is_to_come(task: Task) -> None:
    assert not lacks_result(task)
