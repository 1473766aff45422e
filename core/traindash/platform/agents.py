"""Agents of this machine: slices of it that run one task at a time."""

import importlib.metadata
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection, Row

import psutil

from traindash.domain.ecosystem import AgentSettings, AgentStatus
from traindash.domain.ids import AgentId, TeamId
from traindash.errors import InputError
from traindash.platform.store.accounts import Home, store_setting
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.listing import Clause, IdPage, Listing, Table, numbers, texts

_NVIDIA_QUERY = ("--query-gpu=name,memory.total,memory.free,utilization.gpu", "--format=csv,noheader,nounits")
_NVIDIA_SECONDS = 10.0
_FRESH_SECONDS = 5.0  # every list of agents asks, and each answer starts a process
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A device and its memory in bytes. For the CPU it is the machine's main memory."""

    name: str
    total: int
    available: int
    # how busy a GPU is, 0 to 100; `None` where the driver does not say, and for the CPU
    busy_percent: float | None = None


@dataclass(slots=True)
class Hardware:
    """Looks at processors and memory; answers about GPUs are remembered for a few seconds."""

    # finds the GPUs that a training can use; replaced in tests
    list_gpus: Callable[[], tuple[Memory, ...]] = field(default_factory=lambda: usable_gpus)
    cores: int = field(default_factory=lambda: psutil.cpu_count() or 1)  # number of CPU cores this process may use
    _gpus: tuple[Memory, ...] = ()
    _looked_at: float = float("-inf")

    def gpus(self) -> tuple[Memory, ...]:
        """Return the GPUs in the order of their CUDA index."""
        now = time.monotonic()
        if now - self._looked_at > _FRESH_SECONDS:
            self._gpus = self.list_gpus()
            self._looked_at = now
        return self._gpus

    def cpu(self) -> Memory:
        """Return the CPU with the machine's main memory."""
        memory = psutil.virtual_memory()
        return Memory(name=cpu_name(), total=memory.total, available=memory.available)

    def device(self, name: str) -> Memory:
        """Return a device by the name trainers use: ``cpu`` or a CUDA index; a GPU that is gone has no free memory."""
        if name == "cpu":
            return self.cpu()
        gpus = self.gpus()
        index = int(name)
        return gpus[index] if index < len(gpus) else Memory(name=f"GPU {index}", total=0, available=0)


def usable_gpus() -> tuple[Memory, ...]:
    """Return the NVIDIA GPUs, none if the installed PyTorch is a CPU build or missing."""
    try:
        # A CPU build cannot use the card, however new its driver is. The version says so without importing torch, which
        # takes seconds and must not happen in this process.
        if "+cpu" in importlib.metadata.version("torch"):
            return ()
    except importlib.metadata.PackageNotFoundError:
        return ()
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command without input from outside
            [command, *_NVIDIA_QUERY], capture_output=True, text=True, timeout=_NVIDIA_SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return ()
    return tuple(gpu for line in answer.stdout.splitlines() if (gpu := _gpu(line)) is not None)


def cpu_name() -> str:
    """Return the model name of the CPU, as far as the operating system tells."""
    try:  # platform.processor() is empty on most Linux systems
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"


def _gpu(line: str) -> Memory | None:
    # Some drivers leave columns out or write "[N/A]": what is no number is not known.
    name, total, free, busy = [*(part.strip() for part in line.split(",")), "", "", ""][:4]
    if not (total.isdecimal() and free.isdecimal()):
        return None
    return Memory(
        name=name,
        total=int(total) * _MIB,
        available=int(free) * _MIB,
        busy_percent=float(busy) if busy.isdecimal() else None,
    )


AGENT_TYPE = "sly_agent"  # of an agent on one machine; the SDK asks for its memory (docs/supervisely-api.md 3.1)

# Agents of a machine without GPU and with at least as many cores. Each job computes with one thread: two of them side
# by side end in the time one would need with both cores.
CPU_AGENTS = 2

# Each agent needs memory for a training of its own; more than this only makes all of them slow.
MOST_AGENTS_PER_CORE = 2
_COUNT_KEY = "agents.count"
_AGENTS = Table(
    name="agents",
    noun="agent",
    columns=numbers("id") | texts("name", "status", "type", "created_at", "updated_at"),
    computed=", (SELECT COUNT(*) FROM tasks WHERE tasks.agent_id = agents.id"
    " AND tasks.status IN ('queued', 'consumed', 'started', 'terminating')) AS tasks",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAgent:
    """An agent of this machine."""

    id: AgentId
    team_id: TeamId
    user_id: int
    name: str
    status: AgentStatus  # `running`, or `waiting` when its device is no longer there
    threads: int  # CPU threads a job may use
    paused: bool  # it takes no further task until someone lets its queue go on
    device: str  # `cpu` or a CUDA index such as `0`
    memory: Memory  # the device's memory right now
    tasks: int  # tasks that run on it or wait for it
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


def _wanted_count(connection: Connection) -> int | None:
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (_COUNT_KEY,)).fetchone()
    return None if row is None else int(row[0])


class Agents:
    """The agents of this machine, each with a row in the database; ``hardware`` is what there is to compute with."""

    def __init__(self, database: Database, hardware: Hardware) -> None:
        self._database = database
        self._hardware = hardware

    @property
    def kind(self) -> str:
        """``gpu`` if trainings run on GPUs here, otherwise ``cpu``."""
        return "gpu" if self._hardware.gpus() else "cpu"

    def ensure(self, home: Home) -> None:
        """Make the agents that fit this machine; those without a device any more go offline."""
        now = now_text()
        with self._database.write() as connection:
            devices = self._devices(_wanted_count(connection))
            # First all of them wait, then those that have a device run again: a card may be gone since the last start.
            connection.execute("UPDATE agents SET status = ? WHERE team_id = ?", (AgentStatus.WAITING, home.team_id))
            for number, device in enumerate(devices, start=1):
                name = f"local-{number}"
                known = connection.execute(
                    "UPDATE agents SET status = ?, device = ? WHERE team_id = ? AND name = ?",
                    (AgentStatus.RUNNING, device, home.team_id, name),
                )
                if known.rowcount == 0:  # not an upsert: that would use up an id each time
                    connection.execute(
                        "INSERT INTO agents (team_id, user_id, name, type, status, device, created_at, updated_at)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (home.team_id, home.user_id, name, AGENT_TYPE, AgentStatus.RUNNING, device, now, now),
                    )

    def settings(self) -> AgentSettings:
        """Return how many agents there are and what each may use."""
        with self._database.read() as connection:
            devices = self._devices(_wanted_count(connection))
            row = connection.execute("SELECT max(threads) FROM agents WHERE status = 'running'").fetchone()
        by_device = bool(self._hardware.gpus())
        return AgentSettings(
            count=len(devices),
            threads=int(row[0] or 1),
            max_count=len(devices) if by_device else MOST_AGENTS_PER_CORE * self._hardware.cores,
            max_threads=self._hardware.cores,
        )

    def configure(self, home: Home, *, count: int, threads: int) -> AgentSettings:
        """Change number and threads of the agents; what runs is left alone.

        Tasks that wait for an agent which is no more wait for any agent.

        Raises:
            InputError: A number is out of range for this machine.
        """
        known = self.settings()
        least = known.max_count if self._hardware.gpus() else 1
        if not least <= count <= known.max_count:
            allowed = f"{least} to {known.max_count}" if least < known.max_count else str(least)
            msg = f"This machine cannot have {count} agents."
            raise InputError(msg, f"Choose {allowed}; a machine with GPUs has one agent for each of them.")
        if not 1 <= threads <= known.max_threads:
            msg = f"An agent cannot use {threads} threads on this machine."
            raise InputError(msg, f"Choose 1 to {known.max_threads}.")
        with self._database.write() as connection:
            store_setting(connection, _COUNT_KEY, str(count))
        self.ensure(home)
        with self._database.write() as connection:
            connection.execute("UPDATE agents SET threads = ?, updated_at = ?", (threads, now_text()))
            # An agent that is no more would keep its queue waiting for ever.
            connection.execute(
                "UPDATE tasks SET agent_id = NULL WHERE queue_order > 0 AND agent_id IN"
                " (SELECT id FROM agents WHERE status <> 'running')"
            )
        return self.settings()

    def pause(self, agent_id: AgentId, *, paused: bool) -> LocalAgent:
        """Hold the queue of an agent, or let it go on; a running task is left alone.

        Raises:
            NotFoundError: There is no such agent.
        """
        self.get(agent_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE agents SET paused = ?, updated_at = ? WHERE id = ?", (paused, now_text(), agent_id)
            )
        return self.get(agent_id)

    def page(self, team_id: int, listing: Listing) -> tuple[IdPage, tuple[LocalAgent, ...]]:
        """Return a page of the agents of a team."""
        with self._database.read() as connection:
            page, rows = _AGENTS.page(connection, listing, [Clause("team_id = ?", (team_id,))])
        return page, tuple(map(self._agent, rows))

    def get(self, agent_id: AgentId) -> LocalAgent:
        """Return an agent.

        Raises:
            NotFoundError: There is no such agent.
        """
        with self._database.read() as connection:
            return self._agent(_AGENTS.row(connection, agent_id))

    def all(self) -> tuple[LocalAgent, ...]:
        """Return all agents, by id."""
        with self._database.read() as connection:
            rows = connection.execute(f"{_AGENTS.select} ORDER BY id").fetchall()
        return tuple(map(self._agent, rows))

    def names(self) -> dict[AgentId, str]:
        """Return agent id → name, without looking at devices."""
        with self._database.read() as connection:
            return {AgentId(row["id"]): row["name"] for row in connection.execute("SELECT id, name FROM agents")}

    def gpu_use(self, agent_id: AgentId | None) -> tuple[float, int] | None:
        """Return how busy an agent's GPU is, 0 to 100, and the bytes that are taken; ``None`` where it has none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT device FROM agents WHERE id = ?", (agent_id,)).fetchone()
        if row is None or row["device"] == "cpu":
            return None
        memory = self._hardware.device(row["device"])
        return None if memory.busy_percent is None else (memory.busy_percent, memory.total - memory.available)

    def device_name(self, device: str) -> str:
        """Return the name of the processor or card that trainers call ``cpu`` or by a CUDA index."""
        return self._hardware.device(device).name

    def running(self, team_id: int) -> tuple[LocalAgent, ...]:
        """Return the agents of a team that can take tasks, by id."""
        return tuple(agent for agent in self.all() if agent.team_id == team_id and agent.status is AgentStatus.RUNNING)

    def _devices(self, wanted: int | None) -> tuple[str, ...]:
        if gpus := self._hardware.gpus():
            return tuple(str(index) for index in range(len(gpus)))
        return ("cpu",) * (wanted or min(CPU_AGENTS, self._hardware.cores))

    def _agent(self, row: Row) -> LocalAgent:
        return LocalAgent(
            id=AgentId(row["id"]),
            team_id=TeamId(row["team_id"]),
            user_id=row["user_id"],
            name=row["name"],
            status=AgentStatus(row["status"]),
            threads=row["threads"],
            paused=bool(row["paused"]),
            device=row["device"],
            memory=self._hardware.device(row["device"]),
            tasks=row["tasks"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )
