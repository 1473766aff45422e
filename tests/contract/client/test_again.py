"""What can follow a training that is over, on the real platform."""

import pytest

from tests.contract.client.conftest import connected
from tests.contract.client.test_task_commands import followed, plan_for
from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import AgentId, TaskId
from traindash.domain.task import ExitCause, Task, TaskStatus
from traindash.errors import StateError
from traindash.supervisely.client import SuperviselyClient
from traindash.tasks import again, queues
from traindash.tasks.launcher import launch
from traindash.tasks.task_watcher import TaskWatch


def ended(client: SuperviselyClient, task_id: TaskId) -> Task:
    """Return a task at its end."""
    return followed(client, task_id).task


def test_again_and_fine_tune(working: LivePlatform) -> None:
    with connected(working) as client:
        first = ended(client, launch(client, plan_for(client)))
        assert again.is_repeatable(first)
        second = ended(client, again.rerun(client, first))
        tuned = ended(client, again.fine_tune(client, first))
        for task in (second, tuned):
            assert task.status is TaskStatus.FINISHED
            assert client.experiments.of_task(task.id) is not None
        assert tuned.settings is not None
        model = {"source": "Custom models", "task_id": first.id, "checkpoint": "best.pt"}
        assert tuned.settings["guiState"]["model"] == model  # type: ignore[index]
        with pytest.raises(StateError, match="cannot be resumed"):
            again.resume(client, first)


def test_resume(working: LivePlatform) -> None:
    with connected(working) as client:
        task_id = launch(client, plan_for(client, "epochs: 6\nseconds_per_epoch: 0.3\n"))
        watch = TaskWatch(client, task_id)
        wait_for(lambda: (watch.refresh().epoch or 0) > 1, "two epochs")
        client.tasks.stop(task_id)
        stopped = ended(client, task_id)
        assert stopped.can_resume
        progress = followed(client, again.resume(client, stopped))
        assert progress.task.status is TaskStatus.FINISHED
        assert progress.curves["train/box_loss"].steps == (1, 2, 3, 4, 5, 6)
        assert progress.task.config_hash == stopped.config_hash != ""


def test_retry_with_half_the_batch(working: LivePlatform) -> None:
    with connected(working) as client:
        failed = ended(client, launch(client, plan_for(client, "epochs: 2\nbatch: 16\noom: true\n")))
        assert failed.exit_report is not None
        assert failed.exit_report.cause is ExitCause.OUT_OF_MEMORY
        safer = again.safer_retry(failed)
        assert safer is not None
        assert (safer.name, safer.before, safer.after) == ("batch", 16, 8)
        retried = ended(client, again.start_over(client, failed, safer))
        assert retried.settings is not None
        assert retried.settings["guiState"]["hyperparameters"] == "epochs: 2\nbatch: 8\noom: true\n"  # type: ignore[index]
        assert not failed.can_resume


def test_queues_over_the_wire(working: LivePlatform) -> None:
    with connected(working) as client:
        team = client.teams.list()[0].id
        assert queues.settings(client, team).max_threads == 2
        assert queues.configure(client, team, count=1, threads=2).count == 1
        queues.pause(client, AgentId(1), paused=True)
        first, second = (launch(client, plan_for(client, text)) for text in ("epochs: 1\n", "epochs: 2\n"))
        queues.move(client, second, "first", AgentId(1))
        workspace = client.tasks.get(first).workspace_id
        assert workspace is not None
        queue, offline = queues.read_queues(client, team, workspace)
        assert [task.id for task in queue.waiting] == [second, first]
        assert (queue.running, offline.waiting) == ((), ())
        assert (queue.agent.queue_paused, queue.agent.threads) == (True, 2)
        queues.pause(client, AgentId(1), paused=False)
        assert {ended(client, task).status for task in (first, second)} == {TaskStatus.FINISHED}
