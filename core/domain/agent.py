"""Agents: the machines (or slices of one) that run tasks."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.ids import AgentId, TeamId


class AgentStatus(StrEnum):
    """Status words of the Supervisely agent API (``AgentApi.Status``): connected or not."""

    RUNNING = "running"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A compute device of an agent.

    Attributes:
        name: E.g. ``NVIDIA RTX 4090`` or the CPU's model name.
        total_bytes: Memory it has.
        available_bytes: Memory that is free now.
    """

    name: str
    total_bytes: float | None
    available_bytes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent.

    Attributes:
        type: ``sly_agent`` or ``kubernetes``.
        is_gpu: Whether its devices are CUDA devices; CPU-only agents of the embedded platform report RAM instead.
        devices: First device first.
        threads: CPU threads that a task may use; ``None`` where the server does not say.
        queue_paused: It takes no further task for now; ``None`` on servers that cannot hold a queue.
    """

    id: AgentId
    name: str
    type: str
    status: AgentStatus
    team_id: TeamId | None = None
    is_gpu: bool = False
    devices: tuple[Device, ...] = ()
    threads: int | None = None
    queue_paused: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """How a machine is divided into agents.

    Attributes:
        count: Number of agents.
        threads: CPU threads that a task of each may use.
        most_agents: Largest possible number.
        most_threads: Largest possible number.
    """

    count: int
    threads: int
    most_agents: int
    most_threads: int
