"""Starting a plan exactly once."""

import random
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.unit.plans.world import CHECKPOINT, PLAN, world
from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.domain.ecosystem import Agent, AgentStatus, Device
from traindash.domain.ids import AgentId
from traindash.domain.plan import CustomCheckpoint, PretrainedModel
from traindash.errors import NotFoundError
from traindash.supervisely.errors import ApiError, ConnectionFailedError, ForbiddenError, RateLimitedError
from traindash.tasks.launcher import LaunchUncertainError, PlanRefusedError, check_and_launch, choose_agent, launch


def _task(number: int, body: dict[str, Any]) -> dict[str, Any]:
    meta = {"params": {"state": body["params"]["state"]}}
    return {"id": number, "status": "queued", "description": body["description"], "meta": meta}


def _set(server: Scripted, method: str, *replies: Any) -> None:  # noqa: ANN401 - as Scripted.add
    server.answers[method].clear()
    server.add(method, *replies)


def _launch(server: Scripted) -> int:
    with server.client() as client:
        return launch(client, PLAN, sleep=lambda _: None)


def test_a_start_sends_what_the_sdk_sends() -> None:
    server = world()
    assert _launch(server) == 91
    method, body = server.calls[-1]
    assert method == "tasks.run.app"
    state = body["params"].pop("state")
    assert (state["slyProjectId"], state["guiState"]["model"]["model_name"]) == (6, "Pico-det")
    assert body == {
        "agentId": 3,
        "workspaceId": 2,
        "description": "Pico-det",
        "params": {},
        "logLevel": "info",
        "usersIds": [],
        "appVersion": "",
        "isBranch": False,
        "taskName": "pythonSpawned",
        "restartPolicy": "never",
        "proxyKeepUrl": False,
        "advancedSettings": {"limitByWorkspace": False},
        "moduleId": 12,
    }


def test_a_custom_checkpoint_brings_its_framework_and_its_model_s_name() -> None:
    server = world()
    with server.client() as client:
        launch(client, replace(PLAN, model=CustomCheckpoint(path=CHECKPOINT), description=None))
    body = server.calls[-1][1]
    assert body["params"]["state"]["guiState"]["model"]["task_id"] == 456
    assert (body["moduleId"], body["description"]) == (12, "Pico-det")


def test_a_plan_with_errors_is_not_sent_and_every_error_is_told() -> None:
    server = world()
    plan = replace(PLAN, classes=(), experiment_name="a/b", enable_benchmark=False, enable_speedtest=True)
    with server.client() as client, pytest.raises(PlanRefusedError) as caught:
        launch(client, plan)
    assert "tasks.run.app" not in server.methods()
    assert "No class is chosen" in str(caught.value)
    assert "slash" in str(caught.value)
    assert [problem.severity for problem in caught.value.problems] == ["error", "warning", "error"]


def test_a_project_that_does_not_exist_is_told_before_anything_else() -> None:
    server = world()
    _set(server, "projects.info", refusal(404, "none"))
    with server.client() as client, pytest.raises(NotFoundError, match="Project 6 does not exist"):
        launch(client, PLAN)


def test_warnings_come_back_with_the_task() -> None:
    with world().client() as client:
        launched = check_and_launch(client, replace(PLAN, export_tensorrt=True))
    assert launched.task_id == 91
    assert [problem.step for problem in launched.warnings] == ["export"]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        refusal(500, "x"),
        refusal(502, "x"),
        refusal(504, "x"),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=[]),
    ],
)
def test_a_start_whose_answer_is_lost_is_looked_up_and_not_repeated(failure: object) -> None:
    server = world()
    _set(server, "tasks.run.app", failure)

    def newest(_: dict[str, Any]) -> dict[str, Any]:
        sent = [body for method, body in server.calls if method == "tasks.run.app"]
        return page([*(_task(91, body) for body in sent), {"id": 90, "status": "finished"}])

    _set(server, "tasks.list", newest)
    assert _launch(server) == 91
    assert server.methods().count("tasks.run.app") == 1


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError("refused"), ConnectionFailedError),
        (refusal(403, "no"), ForbiddenError),
        (refusal(429, "slow"), RateLimitedError),
    ],
)
def test_a_clear_refusal_is_told_at_once(failure: object, kind: type[ApiError]) -> None:
    server = world()
    _set(server, "tasks.run.app", failure)
    with pytest.raises(kind):
        _launch(server)
    assert server.methods()[-1] == "tasks.run.app"


def test_an_older_task_or_another_one_is_never_taken_for_this_one() -> None:
    server = world()
    _set(server, "tasks.run.app", refusal(500, "lost"))

    def newest(_: dict[str, Any]) -> dict[str, Any]:
        sent = [body for method, body in server.calls if method == "tasks.run.app"]
        if not sent:
            return page([{"id": 90, "status": "started"}])
        twin = _task(90, sent[0])
        other = _task(92, {**sent[0], "description": "another"})
        changed = _task(93, {**sent[0], "params": {"state": {"slyProjectId": 6}}})
        return page([changed, other, twin])

    _set(server, "tasks.list", newest)
    with pytest.raises(LaunchUncertainError, match="not known whether the training was started") as caught:
        _launch(server)
    assert "list of tasks" in caught.value.hint
    assert server.methods().count("tasks.run.app") == 1


def test_a_task_that_appears_late_is_found() -> None:
    server = world()
    _set(server, "tasks.run.app", refusal(503, "busy"))
    looks: list[int] = []

    def newest(_: dict[str, Any]) -> object:
        sent = [body for method, body in server.calls if method == "tasks.run.app"]
        looks.append(len(sent))
        if len(looks) < 4:
            return refusal(404, "not yet") if sent else page([])
        return page([_task(95, sent[0])])

    _set(server, "tasks.list", newest)
    assert _launch(server) == 95


@pytest.mark.parametrize("seed", range(60))
def test_no_start_happens_twice_whatever_breaks(seed: int) -> None:
    """The server starts the task or not, and its answers are lost at random; the launcher never sends twice."""
    chance = random.Random(seed)  # noqa: S311 - a schedule of faults
    server = world()
    made: list[dict[str, Any]] = []

    def start(body: dict[str, Any]) -> object:
        if chance.random() < 0.6:
            made.append(_task(91 + len(made), body))
        return [{"id": made[-1]["id"]}] if made and chance.random() < 0.4 else refusal(500, "lost")

    def newest(_: dict[str, Any]) -> object:
        return (
            refusal(404, "x") if made and chance.random() < 0.3 else page([*reversed(made), {"id": 90, "status": "x"}])
        )

    _set(server, "tasks.run.app", start)
    _set(server, "tasks.list", newest)
    try:
        found: int | None = _launch(server)
    except LaunchUncertainError:
        found = None
    assert server.methods().count("tasks.run.app") == 1
    assert found == (made[0]["id"] if made else None)


def _agent(number: int, kind: str = "sly_agent", free: float | None = None) -> Agent:
    devices = () if free is None else (Device(name="d", total_bytes=None, available_bytes=free),)
    return Agent(id=AgentId(number), name="", type=kind, status=AgentStatus.RUNNING, devices=devices)


@pytest.mark.parametrize(
    ("agents", "chosen"),
    [
        ((_agent(1, free=3), _agent(2, free=5), _agent(3, free=5)), 2),
        ((_agent(1, "kubernetes"), _agent(2, free=0)), 2),
        ((_agent(1, "other"), _agent(2, "kubernetes"), _agent(3, "kubernetes")), 2),
        ((_agent(1, "other"),), None),
        ((_agent(1), _agent(2, free=1)), 2),
    ],
)
def test_the_agent_is_the_one_that_the_sdk_takes(agents: tuple[Agent, ...], chosen: int | None) -> None:
    assert choose_agent(agents) == chosen


def test_a_given_agent_is_kept() -> None:
    server = world()
    with server.client() as client:
        launch(client, replace(PLAN, agent_id=AgentId(3), model=PretrainedModel(framework="YOLO", name="Pico-seg")))
    assert server.calls[-1][1]["agentId"] == 3
    assert "agents.available" not in server.methods()
