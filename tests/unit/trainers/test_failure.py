"""Exceptions become causes that people can act on."""

import errno

import pytest

from core.domain.task import ExitCause
from core.errors import InputError, StorageError
from core.trainers.failure import RunError, explain


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), ExitCause.OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "x"), ExitCause.OUT_OF_MEMORY),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), ExitCause.OUT_OF_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), ExitCause.OUT_OF_MEMORY),
        (OSError(errno.ENOSPC, "x"), ExitCause.DISK_FULL),
        (OSError(errno.EFBIG, "x"), ExitCause.DISK_FULL),
        (RuntimeError("write failed: No space left on device"), ExitCause.DISK_FULL),
        (StorageError("The database does not answer."), ExitCause.DISK_FULL),
        (InputError("spec.json does not exist."), ExitCause.BAD_INPUT),
        (RuntimeError("something else"), ExitCause.CRASHED),
    ],
)
def test_an_exception_has_a_cause(error: Exception, cause: ExitCause) -> None:
    explained = explain(error)
    assert explained.cause is cause
    assert explained.message
    assert explained.hint or isinstance(error, (InputError, StorageError))


def test_a_crash_keeps_the_engines_words_in_one_line() -> None:
    explained = explain(ValueError("first\n   second"))
    assert "ValueError: first second" in explained.message


def test_an_explained_failure_stays_as_it_is() -> None:
    error = RunError(ExitCause.BAD_DATA, "No image.", "Add one.")
    assert explain(error) is error
