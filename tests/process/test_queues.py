"""Queues of agents: order, holding, number of agents."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes.small_platform import SmallPlatform, wait_for
from traindash.domain.ecosystem import AgentStatus
from traindash.domain.ids import AgentId, TaskId
from traindash.domain.task import QueueMove, TaskStatus
from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.store.task_queue import moved

ENDLESS: dict[str, Any] = {"epochs": 100000, "seconds_per_epoch": 0.05}


def positions(platform: SmallPlatform, tasks: Sequence[TaskId]) -> list[int | None]:
    """Return the places of tasks."""
    return [platform.services.tasks.queue_position(platform.task(task)) for task in tasks]


def end(platform: SmallPlatform, *tasks: TaskId) -> None:
    """Stop tasks, the last ones first."""
    for task in reversed(tasks):
        platform.supervisor.request_stop(task)
    for task in tasks:
        platform.wait_for_status(task, TaskStatus.STOPPED)


@pytest.mark.parametrize(
    ("to", "after"), [("first", [3, 1, 2, 4]), ("up", [1, 3, 2, 4]), ("down", [1, 2, 4, 3]), ("last", [1, 2, 4, 3])]
)
def test_moves(to: QueueMove, after: list[int]) -> None:
    assert moved([TaskId(1), TaskId(2), TaskId(3), TaskId(4)], TaskId(3), to) == after
    assert moved([TaskId(3)], TaskId(3), to) == [3]


def test_a_queue_is_reordered(platform: SmallPlatform) -> None:
    running = platform.train(agent=1, **ENDLESS)
    platform.wait_for_epoch(running)
    other = platform.train(agent=2, **ENDLESS)
    platform.wait_for_epoch(other)
    a, b, any_agent, c = (platform.train(agent=agent, epochs=1) for agent in (1, 1, None, 1))
    queue = platform.services.queue
    assert queue.move(c, "first") == (c, a, b, any_agent)
    assert positions(platform, (c, a, b)) == [1, 2, 3]
    assert queue.move(any_agent, "up", AgentId(1)) == (c, a, any_agent, b)
    assert queue.move(c, "up") == (c, a, any_agent, b)
    with pytest.raises(StateError, match="does not wait"):
        queue.move(running, "up")
    with pytest.raises(StateError, match="does not wait"):
        queue.move(a, "up", AgentId(2))
    with pytest.raises(NotFoundError):
        queue.move(TaskId(99), "up")
    platform.supervisor.request_stop(running)
    for task in (c, a, any_agent, b):
        platform.wait_for_status(task, TaskStatus.FINISHED)
    begun = [str(platform.task(task).started_at) for task in (c, a, any_agent, b)]
    assert begun == sorted(begun)
    end(platform, other)


def test_a_held_queue_starts_nothing_until_it_goes_on(platform: SmallPlatform) -> None:
    agents = platform.services.agents
    assert agents.pause(AgentId(1), paused=True).paused
    pinned = platform.train(agent=1, epochs=1)
    free = platform.train(epochs=1)
    assert platform.wait_for_status(free, TaskStatus.FINISHED).agent_id == AgentId(2)
    assert platform.task(pinned).status is TaskStatus.QUEUED
    agents.pause(AgentId(1), paused=False)
    platform.supervisor.wake()
    platform.wait_for_status(pinned, TaskStatus.FINISHED)
    with pytest.raises(NotFoundError):
        agents.pause(AgentId(9), paused=True)


def test_agents_are_added_and_removed_while_tasks_run(platform: SmallPlatform) -> None:
    agents, home = platform.services.agents, platform.services.accounts.home()
    first, second, third = (platform.train(**ENDLESS) for _ in range(3))
    for task in (first, second):
        platform.wait_for_epoch(task)
    assert platform.task(third).status is TaskStatus.QUEUED
    settings = agents.configure(home, count=3, threads=2)
    platform.supervisor.wake()
    assert (settings.count, settings.threads) == (3, 2)
    platform.wait_for_epoch(third)
    assert platform.task(third).agent_id == AgentId(3)

    waiting = platform.train(agent=3, epochs=1)
    agents.configure(home, count=1, threads=1)
    assert [agent.status for agent in agents.all()] == [AgentStatus.RUNNING, AgentStatus.WAITING, AgentStatus.WAITING]
    assert platform.task(waiting).agent_id is None  # its agent is no more: any one will do
    assert platform.task(third).status is TaskStatus.STARTED
    end(platform, first, second, third)
    assert platform.wait_for_status(waiting, TaskStatus.FINISHED).agent_id == AgentId(1)


@pytest.mark.parametrize(("count", "threads"), [(0, 1), (5, 1), (1, 0), (1, 3)])
def test_impossible_numbers_are_refused(platform: SmallPlatform, count: int, threads: int) -> None:
    before = platform.services.agents.settings()
    with pytest.raises(InputError, match="cannot"):
        platform.services.agents.configure(platform.services.accounts.home(), count=count, threads=threads)
    assert platform.services.agents.settings() == before


def test_the_number_of_agents_outlives_a_restart(platform: SmallPlatform) -> None:
    services = platform.services
    services.agents.configure(services.accounts.home(), count=1, threads=2)
    services.agents.ensure(services.accounts.home())
    running = [agent for agent in services.agents.all() if agent.status is AgentStatus.RUNNING]
    assert [(agent.id, agent.threads) for agent in running] == [(1, 2)]
    assert wait_for(lambda: services.agents.settings().count, "a count") == 1
