"""What this machine computes with."""

import importlib.metadata
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_NVIDIA_QUERY = ("--query-gpu=name,memory.total,memory.free,utilization.gpu", "--format=csv,noheader,nounits")
_NVIDIA_SECONDS = 10.0
_FRESH_SECONDS = 5.0
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A device and its memory in bytes. For the CPU it is the machine's main memory.

    Attributes:
        busy_percent: How busy a GPU is, 0 to 100; ``None`` where the driver does not say, and for the CPU.
    """

    name: str
    total: int
    available: int
    busy_percent: float | None = None


@dataclass(slots=True)
class Hardware:
    """Looks at processors and memory; answers about GPUs are remembered for a few seconds.

    Attributes:
        list_gpus: Finds the GPUs that a training can use; replaced in tests.
        cores: Number of CPU cores this process may use.
    """

    list_gpus: Callable[[], tuple[Memory, ...]] = field(default_factory=lambda: usable_gpus)
    cores: int = field(default_factory=lambda: psutil.cpu_count() or 1)
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
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"


def _gpu(line: str) -> Memory | None:
    name, total, free, busy = [*(part.strip() for part in line.split(",")), "", "", ""][:4]
    if not (total.isdecimal() and free.isdecimal()):
        return None
    return Memory(
        name=name,
        total=int(total) * _MIB,
        available=int(free) * _MIB,
        busy_percent=float(busy) if busy.isdecimal() else None,
    )
