"""Plans of every kind, started on the real platform and followed to their end."""

import json
import math
from dataclasses import replace

import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import AgentId, ModuleId, TaskId, WorkspaceId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.domain.project import Project
from traindash.domain.task import ExitCause, TaskStatus
from traindash.plans.app_state import canonical, find_checkpoint, read_gui_state, read_start_state
from traindash.plans.rules import check
from traindash.plans.splits import with_fixed_split
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.supervisely.tasks import start_request
from traindash.tasks.launcher import PlanRefusedError, launch
from traindash.tasks.progress import TaskProgress
from traindash.tasks.task_watcher import TaskWatch


def _plan(client: SuperviselyClient) -> TrainingPlan:
    model = client.ecosystem.models("YOLO")[0]
    return TrainingPlan(
        project_id=project_of(client).id,
        model=PretrainedModel(framework="YOLO", name=model.name),
        hyperparameters="epochs: 3\n",
        train_val_split=RandomSplit(percent=60),
    )


def _followed(client: SuperviselyClient, task_id: TaskId) -> TaskProgress:
    watch = TaskWatch(client, task_id)

    def over() -> TaskProgress | None:
        progress = watch.refresh()
        return progress if progress.task.status.is_terminal else None

    return wait_for(over, f"task {task_id} is over", seconds=60)


def test_a_split_with_a_seed_is_frozen_before_the_start(working: LivePlatform) -> None:
    with connected(working) as client:
        plan = replace(_plan(client), train_val_split=RandomSplit(percent=60, seed=3))
        state = client.tasks.get(launch(client, plan)).params
        assert state is not None
        started = read_start_state(state, framework="YOLO", locate=lambda *_: None)
        assert started.train_val_split == with_fixed_split(client, plan).train_val_split
        assert isinstance(started.train_val_split, CollectionsSplit)
        assert with_fixed_split(client, started) is started


def _splits(client: SuperviselyClient, project: Project) -> tuple[TrainValSplit, ...]:
    datasets = {dataset.name: dataset.id for dataset in client.datasets.list(project.id)}
    collections = {collection.name: collection.id for collection in client.collections.list(project.id)}
    return (
        RandomSplit(percent=60, split="val"),
        DatasetsSplit(train_datasets=(datasets["train"],), val_datasets=(datasets["val"],)),
        TagsSplit(train_tag="train", val_tag="val", untagged_action="train"),
        CollectionsSplit(
            train_collections=(collections["first"],),
            val_collections=(collections["second"],),
        ),
    )


def test_a_plan_becomes_an_experiment(working: LivePlatform) -> None:
    with connected(working) as client:
        project = project_of(client)
        plan = replace(_plan(client), experiment_name="Über 1", enable_speedtest=True, export_onnx=True)
        assert [problem.severity for problem in check(client, plan)] == ["warning"]  # 56 % of the images train
        progress = _followed(client, launch(client, plan))
        task = progress.task
        assert (task.status, task.project_id) == (TaskStatus.FINISHED, project.id)
        assert task.exit_report is not None
        assert task.exit_report.cause is ExitCause.FINISHED
        assert (progress.epoch, progress.epochs, progress.phase) == (3, 3, None)
        names = [span.name for span in progress.phases]
        assert names[:2] == ["preparing_data", "training"]
        assert names[-1] == "uploading"
        assert all(span.ended_at is not None for span in progress.phases)
        assert progress.curves["metrics/mAP50-95(B)"].steps == (1, 2, 3)
        assert set(progress.per_class) == {item.name for item in client.projects.meta(project.id).classes}

        experiment = client.experiments.of_task(task.id)
        assert experiment is not None
        team = client.teams.list()[0].id
        (folder,) = client.experiments.folders(team)
        assert client.experiments.of_folder(team, folder.path) == experiment
        assert experiment.experiment_name == "Über 1"
        assert not math.isnan(experiment.evaluation_metrics["mAP"])
        assert experiment.evaluation_report_id is not None
        report = client.files.info(experiment.evaluation_report_id)
        assert report.path.endswith("/visualizations/template.vue")

        assert task.params is not None
        again = read_start_state(task.params, framework="YOLO", locate=lambda *_: None)
        assert replace(again, agent_id=plan.agent_id) == canonical(plan, client.projects.meta(project.id))


def test_every_split_is_accepted_and_comes_back(working: LivePlatform) -> None:
    with connected(working) as client:
        project = project_of(client)
        meta = client.projects.meta(project.id)
        plans = [replace(_plan(client), train_val_split=split) for split in _splits(client, project)]
        tasks = [launch(client, plan) for plan in plans]
        assert len(set(tasks)) == len(plans)
        for plan, task_id in zip(plans, tasks, strict=True):
            task = _followed(client, task_id).task
            assert task.status is TaskStatus.FINISHED, task.exit_report
            experiment = client.experiments.of_task(task_id)
            assert experiment is not None
            assert experiment.train_size
            assert experiment.val_size
            path = f"{experiment.artifacts_dir}{experiment.app_state}"
            stored = client.files.read(client.teams.list()[0].id, path)
            gui_state = _json(stored)
            kept = read_gui_state(gui_state, project_id=project.id, framework="YOLO", locate=lambda *_: None)
            assert kept.train_val_split == canonical(plan, meta).train_val_split


def test_a_custom_checkpoint_is_trained_on(working: LivePlatform) -> None:
    with connected(working) as client:
        plan = _plan(client)
        first = launch(client, plan)
        _followed(client, first)
        experiment = client.experiments.of_task(first)
        assert experiment is not None
        path = f"{experiment.artifacts_dir}checkpoints/{experiment.best_checkpoint}"
        team = client.teams.list()[0].id
        assert find_checkpoint(client, team, path).experiment == experiment
        second = launch(client, replace(plan, model=CustomCheckpoint(path=path)))
        assert _followed(client, second).task.status is TaskStatus.FINISHED
        task = client.tasks.get(second)
        assert task.params is not None
        found = read_start_state(task.params, framework="YOLO", locate=lambda _, name: path if name in path else None)
        assert found.model == CustomCheckpoint(path=path)


def test_a_training_is_stopped(working: LivePlatform) -> None:
    with connected(working) as client:
        task_id = launch(client, replace(_plan(client), hyperparameters="epochs: 100000\n"))
        watch = TaskWatch(client, task_id)
        wait_for(lambda: watch.refresh().epoch, "the first epoch")
        assert client.tasks.stop(task_id) in {TaskStatus.TERMINATING, TaskStatus.STOPPED}
        progress = _followed(client, task_id)
        assert progress.task.status is TaskStatus.STOPPED
        assert progress.phase is None
        assert client.experiments.of_task(task_id) is None


def test_a_task_that_waits_says_its_place(working: LivePlatform) -> None:
    with connected(working) as client:
        agent = client.agents.available(client.teams.list()[0].id)[0]
        plan = replace(_plan(client), hyperparameters="epochs: 100000\n", agent_id=agent.id)
        first, second, third = (launch(client, plan) for _ in range(3))
        watch = TaskWatch(client, first)
        wait_for(lambda: watch.refresh().epoch, "the first training runs")
        assert [client.tasks.get(task).queue_position for task in (first, second, third)] == [None, 1, 2]
        running = client.tasks.list(project_of(client).workspace_id, (TaskStatus.STARTED,))
        assert [task.id for task in running] == [first]
        for task in (third, second, first):
            client.tasks.stop(task)
        assert {_followed(client, task).task.status for task in (first, second, third)} == {TaskStatus.STOPPED}


def test_what_the_client_refuses_is_never_sent(working: LivePlatform) -> None:
    with connected(working) as client:
        plan = _plan(client)
        bad = replace(plan, classes=("nope",), agent_id=AgentId(77), experiment_name="a/b")
        with pytest.raises(PlanRefusedError) as caught:
            launch(client, bad)
        wrong = [problem.step for problem in caught.value.problems if problem.severity == "error"]
        assert wrong == ["classes", "launch", "launch"]
        assert client.tasks.list(project_of(client).workspace_id) == ()


def test_what_the_platform_refuses_is_told_in_its_words(working: LivePlatform) -> None:
    with connected(working) as client:
        request = start_request(
            module_id=ModuleId(999), workspace_id=WorkspaceId(1), agent_id=None, state={"slyProjectId": 1}
        )
        with pytest.raises(MissingError) as caught:
            client.tasks.start(request)
        assert str(caught.value) == "There is no app 999 in the ecosystem. Ask ecosystem.list for what there is."
        assert client.tasks.list(project_of(client).workspace_id) == ()


def _json(content: bytes) -> dict[str, object]:
    value = json.loads(content)
    assert isinstance(value, dict)
    return value
