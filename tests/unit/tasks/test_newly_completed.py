"""Which tasks have ended since the last look."""

from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.tasks.completions import NewlyCompleted


def _task(number: int, status: TaskStatus) -> Task:
    return Task(id=TaskId(number), status=status)


STARTED, QUEUED, FINISHED, ERROR = TaskStatus.STARTED, TaskStatus.QUEUED, TaskStatus.FINISHED, TaskStatus.ERROR


def test_only_ends_that_were_seen_coming_are_told_and_each_once() -> None:
    watch = NewlyCompleted()
    assert watch.look([_task(3, STARTED), _task(2, QUEUED), _task(1, FINISHED)]) == ()
    assert [task.id for task in watch.look([_task(3, ERROR), _task(2, STARTED), _task(1, FINISHED)])] == [3]
    assert watch.all_over() == ()
    assert [task.id for task in watch.look([_task(3, ERROR), _task(2, FINISHED)])] == [2]
    assert [task.id for task in watch.all_over()] == [3, 2]
    assert watch.look([_task(3, ERROR), _task(2, FINISHED)]) == ()
    assert watch.all_over() == ()
