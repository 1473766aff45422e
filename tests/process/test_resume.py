"""Going on with trainings that were stopped, failed or lost."""

import os
import signal

import pytest

from tests.fakes.small_platform import SmallPlatform, wait_for
from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause, TaskStatus
from traindash.errors import InputError, StateError
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.process import read_identity
from traindash.platform.tasks.resuming import can_resume
from traindash.training.runs.spec import TrainSpec, read_images, read_spec

SPLIT = {"method": "random", "split": "train", "percent": 60}
FIRST_EPOCHS = 8


def start(platform: SmallPlatform, hyperparameters: str, **changes: object) -> TaskId:
    """Take in a training with a random split."""
    state = platform.state(hyperparameters=hyperparameters, train_val_split=SPLIT, **changes)
    task = Admission(platform.services).submit(platform.body(state=state))
    platform.supervisor.wake()
    return task.id


def resume(platform: SmallPlatform, source: TaskId, **changes: object) -> TaskRecord:
    """Ask for a task that continues another one."""
    wanted = {"trainTaskId": int(source), "trainMode": "resume", "slyProjectId": int(platform.project_id), **changes}
    task = Admission(platform.services).submit(platform.body(state=wanted))
    platform.supervisor.wake()
    return task


def epochs(platform: SmallPlatform, task_id: TaskId) -> list[tuple[int, float]]:
    """Return number and seconds of each epoch in the log of a task."""
    rows = platform.services.logs.rows(task_id, platform.services.layout.run(task_id))
    found = []
    for row in rows:
        match row:
            case {"event_type": "EventType.METRICS", "epoch": int(epoch), "seconds": float(seconds)}:
                found.append((epoch, seconds))
            case _:
                pass
    return found


def stopped(platform: SmallPlatform) -> TaskId:
    """Return a training that was stopped after a few of its epochs."""
    task_id = start(platform, f"epochs: {FIRST_EPOCHS}\nseconds_per_epoch: 0.2\n")
    platform.wait_for_epoch(task_id, 2)
    platform.supervisor.request_stop(task_id)
    platform.wait_for_status(task_id, TaskStatus.STOPPED)
    return task_id


def test_a_stopped_training_goes_on_to_its_planned_end(platform: SmallPlatform) -> None:
    first = stopped(platform)
    assert can_resume(platform.services, platform.task(first))
    done = epochs(platform, first)
    second = resume(platform, first).id
    task = platform.wait_for_status(second, TaskStatus.FINISHED)
    after = epochs(platform, second)
    assert [epoch for epoch, _ in after] == list(range(1, FIRST_EPOCHS + 1))
    assert after[: len(done)] == done
    assert [seconds for _, seconds in after] == sorted(seconds for _, seconds in after)
    layout = platform.services.layout
    assert list(read_images(layout.run(first).images)) == list(read_images(layout.run(second).images))
    specs = [read_spec(layout.run(item).spec) for item in (first, second)]
    assert all(isinstance(spec, TrainSpec) for spec in specs)
    assert "experiment" not in platform.task(first).output
    assert "experiment" in task.output
    assert f"Continues task {first}, which had done {len(done)} epochs." in platform.messages(second)
    assert not can_resume(platform.services, task)


def test_a_killed_and_a_failed_training_go_on(platform: SmallPlatform) -> None:
    killed = start(platform, "epochs: 6\nseconds_per_epoch: 0.2\n")
    platform.wait_for_epoch(killed, 1)
    identity = read_identity(platform.services.layout.run(killed))
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    platform.wait_for_status(killed, TaskStatus.ERROR)
    second = resume(platform, killed).id
    platform.wait_for_status(second, TaskStatus.FINISHED)
    assert [epoch for epoch, _ in epochs(platform, second)] == [1, 2, 3, 4, 5, 6]

    failed = start(platform, "epochs: 4\nfail_at_epoch: 3\n")
    assert platform.wait_for_status(failed, TaskStatus.ERROR).exit_report is not None
    again = resume(platform, failed).id  # fails in the same epoch, and can still go on from what was given to it
    report = platform.wait_for_status(again, TaskStatus.ERROR).exit_report
    assert report is not None
    assert report.cause is ExitCause.BAD_DATA
    assert [epoch for epoch, _ in epochs(platform, again)] == [1, 2]
    assert can_resume(platform.services, platform.task(again))
    third = resume(platform, again).id
    platform.wait_for_status(third, TaskStatus.ERROR)
    assert [epoch for epoch, _ in epochs(platform, third)] == [1, 2]


def test_twice_resumed_is_still_one_curve(platform: SmallPlatform) -> None:
    first = stopped(platform)
    second = resume(platform, first).id
    wait_for(lambda: len(epochs(platform, second)) > len(epochs(platform, first)), "a further epoch")
    platform.supervisor.request_stop(second)
    platform.wait_for_status(second, TaskStatus.STOPPED)
    third = resume(platform, second).id
    platform.wait_for_status(third, TaskStatus.FINISHED)
    assert [epoch for epoch, _ in epochs(platform, third)] == list(range(1, FIRST_EPOCHS + 1))


def test_what_cannot_go_on_is_refused_with_the_reason(platform: SmallPlatform) -> None:
    finished = start(platform, "epochs: 1\n")
    platform.wait_for_status(finished, TaskStatus.FINISHED)
    with pytest.raises(StateError, match="is finished"):
        resume(platform, finished)
    early = start(platform, "epochs: 3\nfail_at_epoch: 1\n")
    platform.wait_for_status(early, TaskStatus.ERROR)
    assert not can_resume(platform.services, platform.task(early))
    with pytest.raises(StateError, match="no checkpoint"):
        resume(platform, early)
    complete = start(platform, "epochs: 2\nexit_without_result: true\n")
    platform.wait_for_status(complete, TaskStatus.ERROR)
    with pytest.raises(StateError, match="no checkpoint"):
        resume(platform, complete)
    running = start(platform, "epochs: 100000\nseconds_per_epoch: 0.1\n")
    platform.wait_for_epoch(running)
    with pytest.raises(StateError, match="is not over"):
        resume(platform, running)
    with pytest.raises(InputError, match="no YOLO training on project"):
        resume(platform, early, slyProjectId=99)
    platform.supervisor.request_stop(running)
    platform.wait_for_status(running, TaskStatus.STOPPED)
