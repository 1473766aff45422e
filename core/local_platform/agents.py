"""Agents of this machine: slices of it that run one task at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.agent import AgentStatus
from core.domain.ids import AgentId, TeamId
from core.errors import NotFoundError
from core.local_platform.hardware import Hardware, Memory
from core.local_platform.store.accounts import Home
from core.local_platform.store.database import Database, now_text
from core.local_platform.store.listing import Clause, Column, IdPage, Listing, fetch_page, rows_by_id

AGENT_TYPE = "sly_agent"
CPU_AGENTS = 2
"""Agents of a machine without GPU and with at least as many cores. Each job computes with one thread: two of them
side by side end in the time one would need with both cores."""

_SELECT = (
    "SELECT agents.*, (SELECT COUNT(*) FROM tasks WHERE tasks.agent_id = agents.id"
    " AND tasks.status IN ('queued', 'consumed', 'started', 'terminating')) AS tasks FROM agents"
)
_COLUMNS = {
    "id": Column("id", "number"),
    "name": Column("name"),
    "status": Column("status"),
    "type": Column("type"),
    "createdAt": Column("created_at"),
    "updatedAt": Column("updated_at"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAgent:
    """An agent of this machine.

    Attributes:
        status: ``running``, or ``waiting`` when its device is no longer there.
        threads: CPU threads a job may use.
        device: ``cpu`` or a CUDA index such as ``0``.
        memory: The device's memory right now.
        tasks: Tasks that run on it or wait for it.
    """

    id: AgentId
    team_id: TeamId
    user_id: int
    name: str
    status: AgentStatus
    threads: int
    device: str
    memory: Memory
    tasks: int
    created_at: str
    updated_at: str

    @property
    def free_bytes(self) -> int:
        """Memory that one more task can count on: what is free, shared with the tasks that are already here.

        The agents of one machine see the same memory. Clients start on the agent with most of it (the SDK's rule), so
        without the sharing every task would go to the first agent.
        """
        return self.memory.available // (1 + self.tasks)

    @property
    def is_gpu(self) -> bool:
        """Whether it computes on a GPU."""
        return self.device != "cpu"


class Agents:
    """The agents of this machine.

    Args:
        database: A row per agent.
        hardware: What there is to compute with.
    """

    def __init__(self, database: Database, hardware: Hardware) -> None:
        self._database = database
        self._hardware = hardware

    @property
    def kind(self) -> str:
        """``gpu`` if trainings run on GPUs here, otherwise ``cpu``."""
        return "gpu" if self._hardware.gpus() else "cpu"

    def ensure(self, home: Home) -> None:
        """Make the agents that fit this machine; those without a device any more go offline."""
        devices = self._devices()
        now = now_text()
        with self._database.write() as connection:
            connection.execute("UPDATE agents SET status = ? WHERE team_id = ?", (AgentStatus.WAITING, home.team_id))
            for number, device in enumerate(devices, start=1):
                connection.execute(
                    "INSERT INTO agents (team_id, user_id, name, type, status, device, created_at, updated_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (team_id, name) DO UPDATE SET"
                    " status = excluded.status, device = excluded.device",
                    (
                        home.team_id,
                        home.user_id,
                        f"local-{number}",
                        AGENT_TYPE,
                        AgentStatus.RUNNING,
                        device,
                        now,
                        now,
                    ),
                )

    def page(self, team_id: int, listing: Listing) -> tuple[IdPage, tuple[LocalAgent, ...]]:
        """Return a page of the agents of a team."""
        with self._database.read() as connection:
            page = fetch_page(connection, "agents", _COLUMNS, [Clause("team_id = ?", (team_id,))], listing)
        return page, self._by_id(page.ids)

    def get(self, agent_id: AgentId) -> LocalAgent:
        """Return an agent.

        Raises:
            NotFoundError: There is no such agent.
        """
        found = self._by_id([agent_id])
        if not found:
            msg = f"There is no agent {agent_id}."
            raise NotFoundError(msg)
        return found[0]

    def all(self) -> tuple[LocalAgent, ...]:
        """Return all agents, by id."""
        with self._database.read() as connection:
            ids = [int(row[0]) for row in connection.execute("SELECT id FROM agents ORDER BY id")]
        return self._by_id(ids)

    def names(self) -> dict[AgentId, str]:
        """Return agent id → name, without looking at devices."""
        with self._database.read() as connection:
            return {AgentId(row["id"]): row["name"] for row in connection.execute("SELECT id, name FROM agents")}

    def running(self, team_id: int) -> tuple[LocalAgent, ...]:
        """Return the agents of a team that can take tasks, by id."""
        return tuple(agent for agent in self.all() if agent.team_id == team_id and agent.status is AgentStatus.RUNNING)

    def _devices(self) -> tuple[str, ...]:
        if gpus := self._hardware.gpus():
            return tuple(str(index) for index in range(len(gpus)))
        return ("cpu",) * min(CPU_AGENTS, self._hardware.cores)

    def _by_id(self, ids: Sequence[int]) -> tuple[LocalAgent, ...]:
        with self._database.read() as connection:
            rows = rows_by_id(connection, _SELECT, ids)
        return tuple(
            LocalAgent(
                id=AgentId(row["id"]),
                team_id=TeamId(row["team_id"]),
                user_id=row["user_id"],
                name=row["name"],
                status=AgentStatus(row["status"]),
                threads=row["threads"],
                device=row["device"],
                memory=self._hardware.device(row["device"]),
                tasks=row["tasks"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
            for row in rows
        )
