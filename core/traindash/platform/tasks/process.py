"""Processes that train: started in a session of their own, known by pid and start time, ended as a group.

A training must outlive this server, so nothing ties the two together but the run folder: the child writes to files,
not to pipes, and its identity is kept on disk. A pid alone is no identity, because the system gives it to another
process later; pid and start time together are.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import psutil

import traindash
from traindash.files import write_whole
from traindash.frameworks.spec import trainer_module
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout

_CODE_ROOT = Path(traindash.__file__).resolve().parent.parent
_SAME_START_SECONDS = 0.05
# Trainers reach no server, and engines print their environment into logs.
_SECRETS = ("API_TOKEN", "SERVER_ADDRESS", "ULTRALYTICS_API_KEY")
_VMSTAT = Path("/proc/vmstat")
_LOOK_SECONDS = 5.0

GpuUse: TypeAlias = Callable[[], tuple[float, int] | None]

# The children of this operating-system process that may still run. It is a fact about the process, not about one
# supervisor: only the parent can ask for an exit code, and it must do so once or the child stays a zombie.
_children: dict[int, subprocess.Popen[bytes]] = {}
_children_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """What tells a process from every other one, and what was known when it started."""

    pid: int  # process id; also the id of its process group
    started: float  # start time as :mod:`psutil` gives it, seconds since 1970
    # the same in seconds since the machine started. Linux keeps this one and adds its boot time, which moves when the
    # clock is set; other systems keep `started`. So one of the two is always steady
    since_boot: float
    # processes the system had ended for lack of memory by then; `None` where it keeps no count
    memory_kills: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that is over."""

    exit_code: int | None  # exit code, or the negative number of the signal; `None` when this server is not its parent


_IDENTITY = msgspec.json.Decoder(ProcessIdentity)


def trainer_environment(base: Mapping[str, str], *, threads: int) -> dict[str, str]:
    """Return the environment of a training process.

    Everything of this server's environment ``base`` goes on (proxy, CUDA, offline settings), except for its secrets.
    The numeric libraries are held to the CPU threads of the agent (at least 1), so that two agents do not fight for the
    same cores.
    """
    paths = [str(_CODE_ROOT), *filter(None, [base.get("PYTHONPATH")])]
    kept = {name: value for name, value in base.items() if name not in _SECRETS}
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return {
        **kept,
        **limits,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # the order of nvidia-smi, which agents count their GPUs by
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONSAFEPATH": "1",  # a file in the run folder must never stand in for a module
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def start_process(run: RunLayout, trainer: str, environment: Mapping[str, str]) -> ProcessIdentity:
    """Start a trainer on a run folder and write down who it is.

    The folder must exist; what the process prints goes to its ``output.log``. For the trainer's name see
    :func:`traindash.frameworks.spec.trainer_module`, for the environment :func:`trainer_environment`.

    Raises:
        OSError: The process cannot be started, or its identity cannot be written; then it does not run.
    """
    command = [sys.executable, "-m", trainer_module(trainer), str(run.root)]
    # A file and no pipe: a pipe without its reader would end the trainer when this server dies.
    with run.output.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - a list, no shell; the trainer's name comes from our registry
            command,
            cwd=run.root,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl+C in the terminal of the dashboard ends no training
        )
    _remember(child)
    identity = _identify(psutil.Process(child.pid), memory_kills())
    try:
        write_identity(run, identity)
    except OSError:
        end_group(identity, force=True)
        child.wait()
        raise
    return identity


def poll(identity: ProcessIdentity) -> Ended | None:
    """Return how the process ended, ``None`` while it runs."""
    with _children_lock:
        child = _children.get(identity.pid)
    if child is not None:
        code = child.poll()
        if code is not None:
            _forget(identity.pid)
        return None if code is None else Ended(exit_code=code)
    return None if _is_alive(identity) else Ended(exit_code=None)


def end_group(identity: ProcessIdentity, *, force: bool = False) -> None:
    """Ask the process and everything it started to end; with ``force`` they are ended at once.

    A process that is gone already, or a pid that belongs to somebody else by now, is left alone.
    """
    if poll(identity) is not None:
        return
    if sys.platform == "win32":
        _end_tree(identity.pid, force=force)
        return
    try:
        os.killpg(identity.pid, signal.SIGKILL if force else signal.SIGTERM)
    except ProcessLookupError:
        return


@dataclass(slots=True)
class PatientStop:
    """Ends a process: it is asked first, and made to end when it takes too long."""

    grace: float  # seconds that it may take
    _kill_at: float | None = None

    def press(self, identity: ProcessIdentity) -> None:
        """Ask, or insist when patience is over; called again and again while the process runs."""
        now = time.monotonic()
        if self._kill_at is None:
            self._kill_at = now + self.grace
            end_group(identity)
        elif now >= self._kill_at:
            end_group(identity, force=True)


def sweep_group(identity: ProcessIdentity) -> None:
    """End what a process that was just seen to end has left running (data loaders, for instance)."""
    if sys.platform == "win32":
        return
    try:
        os.killpg(identity.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def write_identity(run: RunLayout, identity: ProcessIdentity) -> None:
    """Write ``process.json`` in one step."""
    write_whole(run.process, msgspec.json.encode(identity))


def read_identity(run: RunLayout) -> ProcessIdentity | None:
    """Return who runs or ran on a run folder, ``None`` when nothing was ever written down."""
    try:
        return _IDENTITY.decode(run.process.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def remove_leftovers(folder: Path, prefix: str) -> None:
    """End what runs in the run folders of that prefix, which a killed server left, and remove them."""
    for leftover in folder.glob(f"{prefix}*"):
        # The process first: it would go on writing into a folder that is gone.
        if (identity := read_identity(RunLayout(leftover))) is not None:
            end_group(identity, force=True)
        shutil.rmtree(leftover, ignore_errors=True)


def find_process(run: RunLayout) -> ProcessIdentity | None:
    """Look for a trainer of this run folder among all processes.

    A server that died between starting a process and writing down its identity leaves such a process behind.
    """
    for process in psutil.process_iter(["cmdline", "status"]):
        command: list[str] = process.info["cmdline"] or []
        alive = process.info["status"] != psutil.STATUS_ZOMBIE
        if alive and command[1:2] == ["-m"] and command[-1] == str(run.root):
            try:
                return _identify(process, None)
            except psutil.Error:
                continue
    return None


def memory_kills() -> int | None:
    """Return how many processes this machine has ended for lack of memory since it started, ``None`` if unknown.

    Linux counts them as ``oom_kill`` in ``/proc/vmstat`` (kernel 4.13 and later).
    """
    try:
        lines = _VMSTAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def _is_alive(identity: ProcessIdentity) -> bool:
    try:
        process = psutil.Process(identity.pid)
        # Over, but its parent has not asked how: after a crash that may be the init process of a container.
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        now = _identify(process, None)
    except psutil.NoSuchProcess:
        return False
    steady = abs(now.since_boot - identity.since_boot) < _SAME_START_SECONDS
    return steady or abs(now.started - identity.started) < _SAME_START_SECONDS


def _identify(process: psutil.Process, kills: int | None) -> ProcessIdentity:
    started = process.create_time()
    since_boot = started - psutil.boot_time()
    return ProcessIdentity(pid=process.pid, started=started, since_boot=since_boot, memory_kills=kills)


def _remember(child: subprocess.Popen[bytes]) -> None:
    with _children_lock:
        _children[child.pid] = child


def _forget(pid: int) -> None:
    with _children_lock:
        _children.pop(pid, None)


def _end_tree(pid: int, *, force: bool) -> None:
    try:
        leader = psutil.Process(pid)
        family = [*leader.children(recursive=True), leader]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill() if force else process.terminate()
        except psutil.NoSuchProcess:
            continue


@dataclass(slots=True)
class ResourceMeter:
    """Looks every few seconds at what the processes of one task use, and writes it into the task's log."""

    every: float = _LOOK_SECONDS  # seconds between two looks
    _looked_at: float = float("-inf")
    _cpu_seconds: float | None = None

    def look(self, events: EventWriter, identity: ProcessIdentity, gpu_use: GpuUse = lambda: None) -> None:
        """Write a row if it is time. A process that ends meanwhile has none; neither has the first look.

        ``gpu_use`` looks at its GPU, see :meth:`traindash.platform.agents.Agents.gpu_use`.
        """
        now = time.monotonic()
        if now - self._looked_at < self.every:
            return
        with contextlib.suppress(psutil.Error, OSError):
            cpu_seconds, memory = _usage(identity.pid)
            if self._cpu_seconds is not None:
                used = max(cpu_seconds - self._cpu_seconds, 0.0)  # a child that ended takes its time with it
                events.resources(100 * used / (now - self._looked_at), memory, gpu_use())
            self._cpu_seconds = cpu_seconds
        self._looked_at = now


def _usage(pid: int) -> tuple[float, int]:
    """Return CPU seconds and resident bytes of a process and everything it started."""
    leader = psutil.Process(pid)
    seconds, memory = 0.0, 0
    for process in (leader, *leader.children(recursive=True)):
        try:
            with process.oneshot():
                times = process.cpu_times()
                seconds += times.user + times.system
                memory += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return seconds, memory
