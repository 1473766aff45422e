"""What a test asks the fake trainer to do, through the hyperparameters."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import yaml

from traindash.domain.task import ExitCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The fake trainer's hyperparameters; unknown keys are ignored, as any framework's YAML shall do.

    Attributes:
        epochs: Number of epochs.
        seconds_per_epoch: How long each one takes.
        start_seconds: How long it takes before the first row is written.
        fail_at_epoch: Report a failure in this epoch, with ``fail_cause``.
        crash: Die without a word in the first epoch: by an exception, a segmentation fault or an exit code of 3.
        oom: Run out of memory in the first epoch.
        hang: Do nothing for ever in the first epoch.
        ignore_sigterm: Go on when asked to stop.
        exit_without_result: End with exit code 0 before the result is written.
        file_size_limit: Bytes that a file may have; the first checkpoint is bigger.
    """

    epochs: int = 3
    seconds_per_epoch: float = 0.0
    start_seconds: float = 0.0
    fail_at_epoch: int | None = None
    fail_cause: ExitCause = ExitCause.BAD_DATA
    crash: Literal["exception", "segfault", "exit"] | None = None
    oom: bool = False
    hang: bool = False
    ignore_sigterm: bool = False
    exit_without_result: bool = False
    file_size_limit: int | None = None


def read_behaviour(hyperparameters: str) -> Behaviour:
    """Read the behaviour out of hyperparameters in YAML."""
    return msgspec.convert(yaml.safe_load(hyperparameters) or {}, Behaviour)
