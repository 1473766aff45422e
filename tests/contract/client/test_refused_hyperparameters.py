"""Hyperparameters that cannot work are told before a task is taken in: by the rules of plans and by the start."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.frameworks.registry import FRAMEWORKS
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


def test_a_group_is_checked_by_its_paths(strict: LivePlatform) -> None:
    model = PretrainedModel(framework="RT-DETRv2", name="RT-DETRv2-S")
    for text, said in (
        ("optimizer: {lrr: 0.1}\n", "“optimizer.lrr” is not known to RT-DETRv2"),
        ("optimizer: AdamW\n", "“optimizer” has to be a group of values"),
        ("ema: {decay: 1e-3}\n", "“ema.decay” is '1e-3'; it has to be a number from 0 to 1"),
    ):
        with connected(strict) as client:
            plan = TrainingPlan(project_id=project_of(client).id, model=model, hyperparameters=text)
            answer = strict.post("tasks.run.app", **msgspec.to_builtins(request_for(plan, gather(client, plan))))
            assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text


def test_a_framework_without_its_engine_is_listed_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = replace(FRAMEWORKS["DEIM"], needs=("msgspec", "no_such_engine"))
    monkeypatch.setitem(FRAMEWORKS, "DEIM", without)
    message = "DEIM cannot be trained on this machine yet: “no_such_engine” is not installed."
    with live_platform(tmp_path / "home", trainer=None) as live, connected(live) as client:
        model = PretrainedModel(framework="DEIM", name="DEIM D-FINE-N")
        plan = TrainingPlan(project_id=project_of(client).id, model=model)
        found = gather(client, plan)
        (problem,) = [item for item in problems_of(plan, found.facts) if item.severity == "error"]
        assert (problem.step, problem.message) == ("model", message)
        assert '".[detr]"' in problem.hint
        assert client.ecosystem.train_module("YOLO").missing is None
        answer = live.post("tasks.run.app", **msgspec.to_builtins(request_for(plan, found)))
        assert (answer.status_code, answer.json()["error"]) == (400, message)
        assert client.tasks.newest(project_of(client).workspace_id) == ()
