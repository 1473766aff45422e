"""Why a run cannot go on, in the words of the exit report."""

import errno

from core.domain.task import ExitCause
from core.errors import AppError, StorageError


class RunError(Exception):
    """Ends a run with a failure event.

    Args:
        cause: One word for programs.
        message: What happened, to what; for people.
        hint: The next step.
    """

    def __init__(self, cause: ExitCause, message: str, hint: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.hint = hint


OUT_OF_MEMORY_HINT = "Use a smaller “batch” or “imgsz”, a smaller model, or an agent with more memory."
DISK_FULL_HINT = "Free some space on the disk that holds the data directory and start the training again."

_OUT_OF_MEMORY_WORDS = (
    "out of memory",
    "cannot allocate memory",
    "can't allocate memory",
    "cublas_status_alloc_failed",
)


def explain(error: BaseException) -> RunError:
    """Say what an exception means for the person who started the run.

    An exception that is nobody's fault but the program's becomes ``crashed`` with its own text.
    """
    match error:
        case RunError():
            return error
        case StorageError():
            return RunError(ExitCause.DISK_FULL, error.message, error.hint)
        case AppError():
            return RunError(ExitCause.BAD_INPUT, error.message, error.hint)
        case _ if _is_out_of_memory(error):
            return RunError(ExitCause.OUT_OF_MEMORY, "The memory was not enough for this training.", OUT_OF_MEMORY_HINT)
        case _ if _is_disk_full(error):
            return RunError(ExitCause.DISK_FULL, "The disk is full.", DISK_FULL_HINT)
        case _:
            message = f"The training engine failed: {type(error).__name__}: {_text(error)[:500]}"
            return RunError(ExitCause.CRASHED, message, "The log has the details. Try other hyperparameters.")


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return any(words in _text(error).lower() for words in _OUT_OF_MEMORY_WORDS)


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return True
    return "no space left on device" in _text(error).lower()


def _text(error: BaseException) -> str:
    """Engines wrap the system's errors in exceptions of their own; what is left of them is the text."""
    return " ".join(str(error).split())
