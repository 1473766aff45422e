"""A model of an experiment is deployed by our client, as pages do it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment
from tests.fakes.small_platform import wait_for
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.domain.task import TaskStatus
from traindash.platform.tasks.training import find_experiment
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.tasks.deploying import Deployments, model_path, start_serving
from traindash.tasks.launcher import TaskPlace

PLACE = TaskPlace(team_id=TeamId(1), workspace_id=WorkspaceId(1))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LivePlatform]:
    """A server with an experiment of the quick engine, and one whose checkpoint is no model."""
    with live_platform(tmp_path / "home", working=True, trainer=QUICK_ENGINE) as live:
        add_experiment(live.platform.services, tmp_path / "7", 7, export=True)
        add_experiment(live.platform.services, tmp_path / "8", 8, b"no model")
        yield live


@pytest.fixture
def client(served: LivePlatform) -> Iterator[SuperviselyClient]:
    with connected(served) as made:
        yield made


def _experiment(live: LivePlatform, task: int) -> ExperimentInfo:
    return find_experiment(live.platform.services, TeamId(1), TaskId(task))


def test_a_deployed_model_is_known_by_its_task(served: LivePlatform, client: SuperviselyClient) -> None:
    experiment, deployments = _experiment(served, 7), Deployments()
    path = model_path(experiment)
    task_id = deployments.begin(client, experiment, path, PLACE)
    wait_for(lambda: client.serving.status(task_id).is_deployed, "the model is loaded")
    wait_for(lambda: deployments.of_task(client.address, task_id) is None, "nothing is on its way")
    task = client.tasks.get(task_id)
    assert (task.status, task.description) == (TaskStatus.STARTED, "7 Shapes Quick (best.pt)")
    assert task.module_id in client.serving.module_ids()
    assert task.session_token
    assert task.session_token not in repr(task)
    model = client.serving.model(task_id)
    assert (model.checkpoint_name, model.custom_checkpoint_path, model.architecture) == ("best.pt", path, "YOLO")
    figures = client.serving.status(task_id).figures
    assert figures is not None
    assert (figures.requests, figures.is_loaded) == (0, True)
    assert figures.memory > 0


def test_a_model_that_cannot_be_loaded_is_told(served: LivePlatform, client: SuperviselyClient) -> None:
    experiment, deployments = _experiment(served, 8), Deployments()
    task_id = deployments.begin(client, experiment, model_path(experiment), PLACE)

    def problem() -> str | None:
        loading = deployments.of_task(client.address, task_id)
        return None if loading is None or loading.problem is None else loading.problem.message

    assert "best.pt is no model" in wait_for(problem, "it is told")
    assert not client.serving.status(task_id).is_deployed
    assert client.tasks.stop(task_id) is TaskStatus.TERMINATING
    wait_for(lambda: client.tasks.get(task_id).status is TaskStatus.STOPPED, "it is stopped")


def test_a_framework_without_a_serving_app_is_refused(served: LivePlatform, client: SuperviselyClient) -> None:
    other = replace(_experiment(served, 7), framework_name="MaskDINO")
    with pytest.raises(MissingError, match="no app that serves MaskDINO"):
        start_serving(client, other, model_path(other), PLACE)


def test_a_task_that_ends_while_it_is_waited_for_is_told(served: LivePlatform, client: SuperviselyClient) -> None:
    experiment, deployments = _experiment(served, 7), Deployments()
    task_id = start_serving(client, experiment, model_path(experiment), PLACE)
    client.tasks.stop(task_id)
    wait_for(lambda: client.tasks.get(task_id).status is TaskStatus.STOPPED, "it is stopped")
    deployments.load(client, task_id, experiment, model_path(experiment))

    def problem() -> str | None:
        loading = deployments.of_task(client.address, task_id)
        return None if loading is None or loading.problem is None else loading.problem.message

    assert "serves no more" in wait_for(problem, "it is told")
