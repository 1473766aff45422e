"""Jobs of the embedded platform's own: what it does for a person beside tasks, such as imports and dry runs.

A Supervisely server does such things with apps, so these values belong to methods that only we have
(``traindash.…``): both ends use them as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from traindash.domain.task import ExitCause


class JobStatus(StrEnum):
    """How a job stands; ``ready`` waits for a person's decision."""

    WAITING = "waiting"
    INSPECTING = "inspecting"
    READY = "ready"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def is_active(self) -> bool:
        """Whether the server works on it, or will by itself."""
        return self in {JobStatus.WAITING, JobStatus.INSPECTING, JobStatus.RUNNING}

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return not JOB_MOVES[self]


_ENDS_EARLY = frozenset({JobStatus.ERROR, JobStatus.CANCELED})
JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.WAITING: _ENDS_EARLY | {JobStatus.RUNNING},
    JobStatus.INSPECTING: _ENDS_EARLY | {JobStatus.READY},
    JobStatus.READY: _ENDS_EARLY | {JobStatus.RUNNING},
    JobStatus.RUNNING: _ENDS_EARLY | {JobStatus.FINISHED},
    JobStatus.FINISHED: frozenset(),
    JobStatus.ERROR: frozenset(),
    JobStatus.CANCELED: frozenset(),
}
"""Status → statuses that may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all jobs have.

    Attributes:
        id: Unique among the jobs of its kind.
        step: What it does now, one word; empty when nothing happens.
        cause: Why it failed, in one word; ``None`` unless the status is ``error``.
        message: What went wrong; empty unless the status is ``error``.
        hint: The next step then.
    """

    id: int
    status: JobStatus
    step: str = ""
    cause: ExitCause | None = None
    message: str = ""
    hint: str = ""
