"""What a person can do to a task beyond starting and stopping it, on the real platform."""

from dataclasses import replace

import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import TaskId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import RejectedError
from traindash.tasks.launcher import launch
from traindash.tasks.progress import TaskProgress
from traindash.tasks.queues import stop_after_epoch
from traindash.tasks.task_watcher import TaskWatch

ENDLESS = "epochs: 100000\nseconds_per_epoch: 0.01\n"


def plan_for(client: SuperviselyClient, hyperparameters: str = "epochs: 3\n") -> TrainingPlan:
    """Return a plan on the tiny project."""
    project = project_of(client)
    datasets = {item.name: item.id for item in client.datasets.list(project.id)}
    return TrainingPlan(
        project_id=project.id,
        model=PretrainedModel(framework="YOLO", name=client.ecosystem.models("YOLO")[0].name),
        hyperparameters=hyperparameters,
        train_val_split=DatasetsSplit(train_datasets=(datasets["train"],), val_datasets=(datasets["val"],)),
    )


def followed(client: SuperviselyClient, task_id: TaskId) -> TaskProgress:
    """Return the progress of a task at its end."""
    watch = TaskWatch(client, task_id)

    def over() -> TaskProgress | None:
        progress = watch.refresh()
        return progress if progress.task.status.is_terminal else None

    return wait_for(over, f"task {task_id} is over", seconds=60)


def test_a_training_ends_after_its_epoch(working: LivePlatform) -> None:
    with connected(working) as client:
        task_id = launch(client, plan_for(client, ENDLESS))
        watch = TaskWatch(client, task_id)
        wait_for(lambda: watch.refresh().epoch, "the first epoch")
        stop_after_epoch(client, task_id)
        progress = followed(client, task_id)
        assert progress.task.status is TaskStatus.FINISHED
        assert client.experiments.of_task(task_id) is not None
        assert sum(row.message.startswith("Ends after this epoch") for row in progress.log) == 1


def test_a_waiting_training_cannot_end_after_an_epoch(working: LivePlatform) -> None:
    with connected(working) as client:
        task_id = launch(client, replace(plan_for(client), autostart=False))
        with pytest.raises(RejectedError, match="not training"):
            stop_after_epoch(client, task_id)
