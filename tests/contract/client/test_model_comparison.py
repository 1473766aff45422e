"""The server's own comparison, started by our client on the real platform."""

from dataclasses import replace

import pytest

from tests.contract.client.conftest import connected, project_of
from tests.contract.client.test_task_commands import followed, plan_for
from tests.fakes.live_platform import LivePlatform
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import InputError
from traindash.supervisely.client import SuperviselyClient
from traindash.tasks.launcher import TaskPlace, launch
from traindash.tasks.model_comparison import evaluation_folder, report_link, start_comparison


def _trained(client: SuperviselyClient, epochs: int) -> ExperimentInfo:
    task_id = launch(client, replace(plan_for(client, f"epochs: {epochs}\n"), experiment_name=f"{epochs} epochs"))
    assert followed(client, task_id).task.status is TaskStatus.FINISHED
    info = client.experiments.of_task(task_id)
    assert info is not None
    return info


def _place(client: SuperviselyClient) -> TaskPlace:
    team = client.teams.list()[0].id
    return TaskPlace(team_id=team, workspace_id=client.workspaces.list(team)[0].id)


def test_two_experiments_are_compared_in_the_order_given(working: LivePlatform) -> None:
    with connected(working) as client:
        first, second = _trained(client, 2), _trained(client, 3)
        task_id = start_comparison(client, [second, first], _place(client))
        task = followed(client, task_id).task
        assert task.status is TaskStatus.FINISHED, task.exit_report
        assert task.params is not None
        folders = [evaluation_folder(client, info) for info in (second, first)]
        assert task.params == {"eval_dirs": folders}
        assert task.description == "3 epochs vs. 2 epochs"
        link = report_link(task, client.address)
        assert link is not None
        assert "/model-benchmark?id=" in link


def test_what_the_server_would_refuse_is_refused_before_anything_is_sent(working: LivePlatform) -> None:
    with connected(working) as client:
        info = _trained(client, 2)
        before = client.tasks.newest(_place(client).workspace_id, 1)[0].id
        cases = {
            "at least two": [info],
            "has no evaluation": [info, replace(info, evaluation_report_id=None)],
            "different tasks": [info, replace(info, task_type="instance segmentation")],
            "different projects": [info, replace(info, project_id=ProjectId(info.project_id + 1))],
        }
        for words, experiments in cases.items():
            with pytest.raises(InputError, match=words):
                start_comparison(client, experiments, _place(client))
        assert client.tasks.newest(project_of(client).workspace_id, 1)[0].id == before


def test_a_link_is_there_only_when_the_comparison_is_done() -> None:
    done = Task(id=TaskId(1), status=TaskStatus.FINISHED, output={"general": {"titleUrl": "/model-benchmark?id=7"}})
    assert report_link(done, "https://one.example") == "https://one.example/model-benchmark?id=7"
    assert report_link(replace(done, status=TaskStatus.STARTED), "https://one.example") is None
    assert report_link(replace(done, output=None), "https://one.example") is None
    assert report_link(replace(done, output={"general": {"titleUrl": 3}}), "https://one.example") is None
