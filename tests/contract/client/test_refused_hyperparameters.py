"""Hyperparameters that cannot work are told before a task is taken in: by the rules of plans and by the start."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.plans.facts import gather
from traindash.plans.rules import problems_of
from traindash.supervisely.client import SuperviselyClient
from traindash.tasks.launcher import request_for


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server with the real trainers, which starts nothing."""
    folder: Path = tmp_path_factory.mktemp("strict")
    with live_platform(folder / "home", trainer=None) as live:
        yield live


def _plan(client: SuperviselyClient, text: str | None) -> TrainingPlan:
    model = PretrainedModel(framework="YOLO", name="YOLO26n-det")
    return TrainingPlan(project_id=project_of(client).id, model=model, hyperparameters=text)


@pytest.mark.parametrize(
    ("text", "said", "way_out"),
    [
        ("lr0: 1e-3\n", "“lr0” is '1e-3'; it has to be a number", "write 1.0e-3"),
        ("epoch: 3\n", "“epoch” is not known to Ultralytics train()", "Did you mean “epochs”?"),
        ("colour_of_the_moon: 3\n", "is not known to Ultralytics train()", "Leave it out"),
        ("epochs: many\n", "“epochs” is 'many'; it has to be a whole number, 1 or more", "Passes over"),
        ("epochs:\n", "“epochs” is empty", "Passes over"),
        ("single_cls: true\n", "“single_cls” cannot be used here", "choose one class"),
    ],
)
def test_a_start_is_refused_in_words_that_help_and_no_task_is_there(
    strict: LivePlatform, text: str, said: str, way_out: str
) -> None:
    with connected(strict) as client:
        plan = _plan(client, text)
        found = gather(client, plan)
        errors = [problem for problem in problems_of(plan, found.facts) if problem.severity == "error"]
        is_told = [problem.step for problem in errors] == ["hyperparameters"]
        assert is_told or text.startswith("single_cls")
        answer = strict.post("tasks.run.app", **msgspec.to_builtins(request_for(plan, found)))
        assert answer.status_code == 400
        told = str(answer.json())
        assert (said in answer.json()["error"], way_out in told) == (True, True), told
        assert client.tasks.newest(project_of(client).workspace_id) == ()


def test_texts_that_work_are_taken(strict: LivePlatform) -> None:
    with connected(strict) as client:
        for text in ("lr0: 1.0e-3\nepochs: 1\n", "device: 0\n", "single_cls: False\n", "freeze: None\n", None):
            plan = _plan(client, text)
            found = gather(client, plan)
            assert [p for p in problems_of(plan, found.facts) if p.severity == "error"] == []
            answer = strict.post("tasks.run.app", **msgspec.to_builtins(request_for(plan, found)))
            assert answer.status_code == 200, answer.text
            client.tasks.stop(answer.json()[0]["id"])
