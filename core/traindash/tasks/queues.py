"""Queues of agents: who runs what, what waits for whom, and how that is changed.

Holding and reordering queues and dividing the machine are extensions of the embedded platform. On another server they
lead to a plain message; pages do not offer them there, because the server says nothing of pausing
(:attr:`traindash.domain.ecosystem.Agent.queue_paused` is ``None``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from traindash.domain.ecosystem import Agent, AgentSettings
from traindash.domain.ids import AgentId, TaskId, TeamId, WorkspaceId
from traindash.domain.task import QueueMove, Task, TaskStatus
from traindash.errors import StateError
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, ServerFailedError

_OPEN = (TaskStatus.QUEUED, TaskStatus.CONSUMED, TaskStatus.STARTED, TaskStatus.DEPLOYED, TaskStatus.TERMINATING)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentQueue:
    """What an agent does and what it will do."""

    agent: Agent
    running: tuple[Task, ...]  # tasks it works on
    waiting: tuple[Task, ...]  # tasks that wait for it or for any agent, the next one first


def read_queues(client: SuperviselyClient, team_id: TeamId, workspace_id: WorkspaceId) -> tuple[AgentQueue, ...]:
    """Return the queues of all agents of a team; tasks of other workspaces are not among them."""
    return _queues(client.agents.list(team_id), client.tasks.list(workspace_id, _OPEN))


def _queues(agents: tuple[Agent, ...], tasks: tuple[Task, ...]) -> tuple[AgentQueue, ...]:
    """Bring agents and open tasks together. Pure."""
    waiting = sorted((task for task in tasks if _waits(task)), key=lambda task: (task.queue_order or 0, task.id))
    running = [task for task in tasks if not _waits(task)]
    return tuple(
        AgentQueue(
            agent=agent,
            running=tuple(task for task in running if task.agent_id == agent.id),
            # A task for any agent stands in every queue: whoever is free first takes it.
            waiting=tuple(task for task in waiting if task.agent_id in {None, agent.id}),
        )
        for agent in agents
    )


def move(client: SuperviselyClient, task_id: TaskId, to: QueueMove, agent_id: AgentId) -> None:
    """Change the place of a task in the queue of an agent.

    Raises:
        StateError: The server's queues cannot be changed.
        ApiError: The server refuses, for instance because the task runs by now.
    """
    _offered(
        lambda: client.tasks.move_in_queue(task_id, to, agent_id),
        _("This server cannot change the order of a queue: {reason}"),
    )


def pause(client: SuperviselyClient, agent_id: AgentId, *, paused: bool) -> None:
    """Hold a queue or let it go on. Errors as :func:`move`."""
    _offered(
        lambda: client.agents.pause(agent_id, paused=paused),
        _("This server cannot hold the queue of an agent: {reason}"),
    )


def settings(client: SuperviselyClient, team_id: TeamId) -> AgentSettings:
    """Return how the machine is divided into agents. Errors as :func:`move`."""
    return _offered(
        lambda: client.agents.settings(team_id), _("This server cannot divide its machine into agents: {reason}")
    )


def configure(client: SuperviselyClient, team_id: TeamId, *, count: int, threads: int) -> AgentSettings:
    """Divide the machine into agents anew. Errors as :func:`move`."""
    return _offered(
        lambda: client.agents.configure(team_id, count=count, threads=threads),
        _("This server cannot divide its machine: {reason}"),
    )


def _waits(task: Task) -> bool:
    # A task that is given back to the queue keeps the status started.
    return task.status is TaskStatus.QUEUED or task.queue_position is not None


def _offered(action: Callable[[], _Value], refusal: str) -> _Value:
    try:
        return action()
    # An extension of the embedded platform; Supervisely's API has no such method.
    except MissingError as error:
        msg = refusal.format(reason=error.message)
        raise StateError(msg, _("Use the pages of the server itself.")) from error


# Commands to a task that runs, beyond the start and the stop that every server has.


# command of ours (``tasks.request.direct``): the training ends well after the running epoch
STOP_AFTER_EPOCH = "stop_after_epoch"


def stop_after_epoch(client: SuperviselyClient, task_id: TaskId) -> None:
    """Ask a training to end after the running epoch: its best checkpoint is kept, evaluated and registered.

    Raises:
        StateError: The server's training app has no such command.
        ApiError: The server refuses, for instance because the task is not training, or could not be asked.
    """
    try:
        client.tasks.request(task_id, STOP_AFTER_EPOCH)
    except (MissingError, ServerFailedError) as error:
        msg = _("The training app of task {task_id} cannot end after an epoch: {reason}").format(
            task_id=task_id, reason=error.message
        )
        raise StateError(msg, _("Let the task go on, or stop it now.")) from error
