"""The platform dies and comes back; trainers go on meanwhile."""

import os
import signal
from typing import Any

from tests.fakes import FAKE_TRAINER, trainer_variables
from tests.fakes.small_platform import SmallPlatform, wait_for
from tests.process.conftest import ENVIRONMENT, PlatformProcess
from tests.process.test_supervisor import experiment, starts
from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause, TaskStatus
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.process import Ended, poll, read_identity, start_process, trainer_environment


def end_soon(desk: SmallPlatform, task_id: TaskId) -> None:
    """Let a training end well after its running epoch."""
    desk.services.layout.run(task_id).stop_after_epoch.touch()


def running(desk: SmallPlatform, other: PlatformProcess, **behaviour: Any) -> TaskId:  # noqa: ANN401 - whatever the fake trainer understands
    """Start the other platform and one training on it; the training has finished an epoch."""
    other.start()
    task_id = desk.train(**{"epochs": 10_000, "seconds_per_epoch": 0.1, **behaviour})
    desk.wait_for_epoch(task_id)
    return task_id


def test_a_training_survives_the_platform_and_is_adopted(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other)
    other.kill()
    assert desk.task(task_id).status is TaskStatus.STARTED
    epoch = desk.services.logs.live(desk.services.layout.run(task_id)).progress["Epochs"][0]
    desk.wait_for_epoch(task_id, epoch + 1)
    other.start()
    end_soon(desk, task_id)
    desk.wait_for_status(task_id, TaskStatus.FINISHED)
    assert starts(desk, task_id) == 1
    assert experiment(desk, task_id)["evaluation_report_id"]
    assert any("the task went on meanwhile" in message for message in desk.messages(task_id))


def test_an_adopted_training_can_be_stopped(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other)
    other.kill()
    other.start()
    desk.supervisor.request_stop(task_id)
    desk.wait_for_status(task_id, TaskStatus.STOPPED)


def test_a_training_that_ends_while_nobody_looks_is_collected(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other, epochs=3)
    other.kill()
    run = desk.services.layout.run(task_id)
    wait_for(run.result.is_file, "the trainer ends")
    other.start()
    desk.wait_for_status(task_id, TaskStatus.FINISHED)
    assert starts(desk, task_id) == 1


def test_a_trainer_that_dies_while_nobody_looks_is_lost(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other)
    waiting = [desk.train(epochs=1) for _ in range(3)]
    other.kill()
    identity = read_identity(desk.services.layout.run(task_id))
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    wait_for(lambda: poll(identity), "the trainer is gone")
    other.start()
    task = desk.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.LOST
    assert task.exit_report.hint
    for task_id in waiting:
        desk.wait_for_status(task_id, TaskStatus.FINISHED)


def test_a_failure_while_nobody_looks_keeps_its_reason(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other, fail_at_epoch=5, fail_cause="bad_hyperparameter")
    other.kill()
    identity = read_identity(desk.services.layout.run(task_id))
    assert identity is not None
    wait_for(lambda: poll(identity), "the trainer ends")
    other.start()
    task = desk.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.BAD_HYPERPARAMETER


def test_a_stop_that_the_platform_did_not_live_to_see(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other)
    other.kill()
    desk.supervisor.request_stop(task_id)
    assert desk.task(task_id).status is TaskStatus.TERMINATING
    other.start()
    desk.wait_for_status(task_id, TaskStatus.STOPPED)


def test_a_task_that_was_taken_but_not_begun_waits_again(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = desk.train(epochs=1)
    agent = desk.services.agents.all()[0]
    assert desk.services.tasks.take_next(agent.id, agent.team_id) is not None
    other.start()
    task = desk.wait_for_status(task_id, TaskStatus.FINISHED)
    assert task.attempt == 2
    assert starts(desk, task_id) == 1


def test_a_process_that_was_not_written_down_is_found(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other)
    other.kill()
    desk.services.layout.run(task_id).process.unlink()
    with desk.services.database.write() as connection:  # as if the server had died right after the start
        connection.execute("UPDATE tasks SET status = 'consumed', started_at = NULL WHERE id = ?", (task_id,))
    other.start()
    end_soon(desk, task_id)
    desk.wait_for_status(task_id, TaskStatus.FINISHED)
    assert starts(desk, task_id) == 1


def test_a_pid_that_another_process_has_now(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other)
    other.kill()
    run = desk.services.layout.run(task_id)
    identity = read_identity(run)
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    wait_for(lambda: poll(identity), "the trainer is gone")
    stranger = desk.services.layout.run(TaskId(999))
    stranger.root.mkdir()
    bystander = start_process(stranger, FAKE_TRAINER, trainer_environment(trainer_variables(ENVIRONMENT), threads=1))
    text = run.process.read_text(encoding="utf-8").replace(str(identity.pid), str(bystander.pid))
    run.process.write_text(text, encoding="utf-8")
    other.start()
    task = desk.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.LOST
    # The bystander found no spec in its folder and ended by itself; nobody killed it.
    assert wait_for(lambda: poll(bystander), "the bystander ends") == Ended(exit_code=1)


def test_a_run_folder_that_is_gone(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = desk.train(epochs=1)
    agent = desk.services.agents.all()[0]
    desk.services.tasks.take_next(agent.id, agent.team_id)
    desk.services.tasks.move(task_id, TaskStatus.STARTED)
    root = desk.services.layout.run(task_id).root
    (root / "platform_events.jsonl").unlink()
    root.rmdir()
    other.start()
    task = desk.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.LOST


def test_a_publication_cut_in_the_middle_is_done_again(desk: SmallPlatform, other: PlatformProcess) -> None:
    task_id = running(desk, other, epochs=3)
    other.kill()
    run = desk.services.layout.run(task_id)
    wait_for(run.result.is_file, "the trainer ends")
    folder = f"/experiments/1_Shapes/{task_id}_YOLO"
    half = desk.services.files.put(desk.task(task_id).team_id, f"{folder}/checkpoints/best.pt", run.process)
    other.start()
    task = desk.wait_for_status(task_id, TaskStatus.FINISHED)
    stored = desk.services.files.find(task.team_id, half.path)
    assert stored is not None
    assert (stored.id, stored.size) == (half.id, 4096)
    assert experiment(desk, task_id)["artifacts_dir"] == folder + "/"


def test_a_task_that_waits_for_its_start_goes_on_waiting(desk: SmallPlatform, other: PlatformProcess) -> None:
    admission = Admission(desk.services)
    task_id = admission.submit(desk.body(state=desk.state(start_training=False))).id
    other.start()
    desk.wait_for_status(task_id, TaskStatus.STARTED)
    other.kill()
    other.start()
    desk.wait_for_status(desk.train(epochs=1), TaskStatus.FINISHED)
    assert desk.task(task_id).status is TaskStatus.STARTED
    assert starts(desk, task_id) == 0
    admission.release(task_id)
    agent = desk.services.agents.all()[0]
    wait_for(lambda: starts(desk, task_id) == 1, f"agent {agent.name} begins")
    desk.wait_for_status(task_id, TaskStatus.FINISHED)
