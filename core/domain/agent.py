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
    """

    id: AgentId
    name: str
    type: str
    status: AgentStatus
    team_id: TeamId | None = None
    is_gpu: bool = False
    devices: tuple[Device, ...] = ()
