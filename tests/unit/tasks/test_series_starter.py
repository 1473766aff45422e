"""Starting the experiments of a series, each once, whatever breaks and whenever the process dies."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.plans.world import PLAN, world
from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.domain.ecosystem import Agent, AgentStatus, Device
from traindash.domain.ids import AgentId, SeriesId, TaskId
from traindash.errors import NotFoundError
from traindash.tasks.series_record import Member, Series, SeriesStore, cancelled
from traindash.tasks.series_runner import Access, SeriesStarter, spread

NAME = "a server"
ID = SeriesId("series1")
KEYS = ("a", "b", "c")


class SuddenDeathError(BaseException):
    """What kill -9 is to the code that runs."""


class Stage:
    """A server that keeps the tasks it starts, and one series."""

    def __init__(self, folder: Path) -> None:
        self.server: Scripted = world()
        self.store = SeriesStore(folder)
        self.made: list[dict[str, Any]] = []
        self.stopped: list[int] = []
        members = tuple(Member(key=key, plan=replace(PLAN, experiment_name=f"Run {key}")) for key in KEYS)
        now = datetime(2026, 11, 26, tzinfo=UTC)
        self.store.add(
            ID,
            Series(id=ID, server=NAME, name="Night", project_id=PLAN.project_id, created_at=now, members=members),
        )
        self.answer("tasks.run.app", self._start)
        self.answer("tasks.list", lambda _: page([*reversed(self.made), {"id": 90, "status": "finished"}]))
        self.answer("tasks.info", lambda body: next(task for task in self.made if task["id"] == body["id"]))
        self.answer("tasks.stop", self._stop)

    def answer(self, method: str, reply: object) -> None:
        """Let the server answer a method."""
        self.server.answers.pop(method, None)
        self.server.add(method, reply)

    def keep(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make a task."""
        meta = {"params": {"state": body["params"]["state"]}}
        task = {"id": 91 + len(self.made), "status": "queued", "description": body["description"], "meta": meta}
        self.made.append({**task, "agentId": body["agentId"]})
        return task

    def starter(self, looks: tuple[float, ...] = ()) -> SeriesStarter:
        """Return a process's starter."""
        access = Access(client=self.server.client(), looks=looks)
        return SeriesStarter(self.store, lambda name: access if name == NAME else None, sleep=lambda _: None)

    @property
    def series(self) -> Series:
        """The series as it is on disk."""
        return self.store.load(ID)

    def names(self) -> list[str]:
        """Return the names of the experiments that the server has, in the order of their tasks."""
        return [task["meta"]["params"]["state"]["guiState"]["experiment_name"] for task in self.made]

    def _start(self, body: dict[str, Any]) -> object:
        return [{"id": self.keep(body)["id"]}]

    def _stop(self, body: dict[str, Any]) -> object:
        self.stopped.append(body["id"])
        return {"status": "terminating"}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Nothing is started yet."""
    return Stage(tmp_path)


def test_every_experiment_is_started_once_in_order(stage: Stage) -> None:
    assert stage.starter().round() is False
    assert stage.names() == ["Run a", "Run b", "Run c"]
    assert stage.series.task_ids == (91, 92, 93)
    assert not stage.series.needs_work
    stage.starter().round()
    assert len(stage.made) == 3


def test_a_series_whose_server_cannot_be_reached_waits(stage: Stage) -> None:
    assert SeriesStarter(stage.store, lambda _: None).round() is True
    assert not stage.made


@pytest.mark.parametrize("seed", range(80))
def test_nothing_starts_twice_or_never_wherever_the_process_dies(stage: Stage, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a schedule of deaths

    def start(body: dict[str, Any]) -> object:
        fate = dice.random()
        if fate < 0.2:
            raise SuddenDeathError  # before the server has it
        task = stage.keep(body)
        if fate < 0.5:
            raise SuddenDeathError  # before the answer arrives
        return [{"id": task["id"]}] if fate < 0.8 else refusal(502, "lost on the way")

    stage.answer("tasks.run.app", start)

    class CutOffStore(SeriesStore):
        """On a disk that the power is cut from, before a change or after it."""

        def change(self, series_id: SeriesId, key: str, change: Callable[[Member], Member]) -> Series:
            if dice.random() < 0.15:
                raise SuddenDeathError
            changed = super().change(series_id, key, change)
            if dice.random() < 0.15:
                raise SuddenDeathError
            return changed

    stage.store = CutOffStore(stage.store.folder)
    deaths = 0
    while stage.series.needs_work:
        try:
            stage.starter().round()
        except SuddenDeathError:
            deaths += 1
    assert stage.names() == ["Run a", "Run b", "Run c"], f"{deaths} deaths"
    assert stage.series.task_ids == (91, 92, 93)


def test_an_unreachable_server_is_asked_again_later(stage: Stage) -> None:
    stage.answer("projects.info", httpx.ConnectError("refused"))
    starter = stage.starter()
    assert starter.round() is True
    trouble = starter.trouble(ID)
    assert trouble is not None
    assert stage.series.needs_work
    stage.answer(
        "projects.info", {"id": 6, "name": "Fruit", "workspaceId": 2, "teamId": 1, "type": "images", "itemsCount": 10}
    )
    assert starter.round() is False
    assert starter.trouble(ID) is None
    assert len(stage.made) == 3


def test_a_refused_experiment_does_not_keep_the_others(stage: Stage) -> None:
    bad = replace(PLAN, experiment_name="Run b", hyperparameters="a: [")
    stage.store.change(ID, "b", lambda member: replace(member, plan=bad))
    stage.starter().round()
    assert stage.names() == ["Run a", "Run c"]
    refusal_of_b = stage.series.member("b").refusal
    assert refusal_of_b is not None
    assert "not valid YAML" in refusal_of_b.message
    good = replace(PLAN, experiment_name="Run b")
    stage.store.start_again(ID, "b", after=None, plan=good)
    stage.starter().round()
    assert stage.names() == ["Run a", "Run c", "Run b"]


def test_an_unclear_start_is_looked_up_before_it_is_sent_again(stage: Stage) -> None:
    lost: list[dict[str, Any]] = []

    def start(body: dict[str, Any]) -> object:
        lost.append(body)
        return refusal(502, "lost")

    stage.answer("tasks.run.app", start)
    stage.starter().round()
    told = stage.series.member("a").refusal
    assert told is not None
    assert "not known whether" in told.message
    stage.keep(lost[0])  # it did arrive, late
    stage.store.start_again(ID, "a", after=None)
    stage.starter().round()
    assert stage.series.member("a").task_id == 91
    assert len(stage.made) == 1


def test_again_starts_a_new_task_and_a_second_click_does_nothing(stage: Stage) -> None:
    starter = stage.starter()
    starter.round()
    stage.store.start_again(ID, "b", after=TaskId(92))
    stage.store.start_again(ID, "b", after=TaskId(92))
    starter.round()
    stage.store.start_again(ID, "b", after=TaskId(92))  # of a page that is not up to date
    starter.round()
    member = stage.series.member("b")
    assert (member.task_id, member.earlier) == (94, (92,))
    assert len(stage.made) == 4


def test_a_cancelled_series_stops_what_runs_and_starts_nothing_more(stage: Stage) -> None:
    starter = stage.starter()
    sent: list[object] = []

    def start(body: dict[str, Any]) -> object:
        sent.append(body)
        if len(sent) == 2:
            stage.keep(body)
            stage.store.update(ID, cancelled)
            raise SuddenDeathError
        return [{"id": stage.keep(body)["id"]}]

    stage.answer("tasks.run.app", start)
    with pytest.raises(SuddenDeathError):
        starter.round()
    stage.starter().round()
    assert stage.names() == ["Run a", "Run b"]
    assert stage.stopped == [91, 92]
    assert not stage.series.needs_work
    stage.starter().round()
    assert stage.stopped == [91, 92]


def _agent(number: int, free: float, *, paused: bool | None = None) -> Agent:
    return Agent(
        id=AgentId(number),
        name=f"{number}",
        type="sly_agent",
        status=AgentStatus.RUNNING,
        devices=(Device(name="d", total_bytes=9, available_bytes=free),),
        queue_paused=paused,
    )


def test_agents_without_a_queue_of_their_server_share_the_experiments(stage: Stage) -> None:
    agents = [
        {"id": number, "type": "sly_agent", "status": "running", "gpuInfo": {"device_memory": [{"available": number}]}}
        for number in (3, 4)
    ]
    stage.answer("agents.available", agents)
    stage.starter().round()
    assert [task["agentId"] for task in stage.made] == [4, 3, 4]


def test_where_the_server_keeps_queues_any_agent_may_take_the_next_one(stage: Stage) -> None:
    assert spread((_agent(1, 5, paused=False), _agent(2, 9, paused=True)), stage.series) is None
    assert spread((), stage.series) is None


def test_there_is_one_series_with_an_id(stage: Stage) -> None:
    other = replace(stage.series, name="Another", members=())
    assert stage.store.add(other.id, other).name == "Night"
    with pytest.raises(NotFoundError):
        stage.store.load("nothere")
