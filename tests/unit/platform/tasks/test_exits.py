"""Why a task ended: every branch of the classification."""

import errno

import pytest

from traindash.domain.task import ExitCause
from traindash.errors import InputError, StorageError
from traindash.platform.tasks.exits import (
    FailureEvent,
    ProcessEnd,
    classify,
    report_lost,
    report_platform_error,
    signal_number,
)

FAILURE = FailureEvent(cause=ExitCause.BAD_DATA, message="No image has an object.", hint="Draw some.")


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (ProcessEnd(exit_code=0, has_result=True), ExitCause.FINISHED),
        (ProcessEnd(exit_code=-11, has_result=True), ExitCause.FINISHED),
        (ProcessEnd(exit_code=143, has_result=True, stop_requested=True), ExitCause.FINISHED),
        (ProcessEnd(exit_code=143, stop_requested=True), ExitCause.STOPPED_BY_USER),
        (ProcessEnd(exit_code=-9, stop_requested=True, failure=FAILURE), ExitCause.STOPPED_BY_USER),
        (ProcessEnd(exit_code=1, failure=FAILURE, output_tail=("MemoryError",)), ExitCause.BAD_DATA),
        (ProcessEnd(exit_code=-9), ExitCause.OUT_OF_MEMORY),
        (ProcessEnd(exit_code=137), ExitCause.OUT_OF_MEMORY),
        (ProcessEnd(exit_code=-9, memory_kill=True), ExitCause.OUT_OF_MEMORY),
        (ProcessEnd(exit_code=-9, memory_kill=False), ExitCause.KILLED),
        (ProcessEnd(exit_code=1, output_tail=("MemoryError",)), ExitCause.OUT_OF_MEMORY),
        (
            ProcessEnd(exit_code=1, output_tail=("torch.OutOfMemoryError: CUDA out of memory.",)),
            ExitCause.OUT_OF_MEMORY,
        ),
        (ProcessEnd(exit_code=134, output_tail=("std::bad_alloc",)), ExitCause.OUT_OF_MEMORY),
        (ProcessEnd(exit_code=1, output_tail=("OSError: [Errno 28] No space left on device",)), ExitCause.DISK_FULL),
        (ProcessEnd(exit_code=1, output_tail=("OSError: [Errno 27] File too large: 'a.pt'",)), ExitCause.DISK_FULL),
        (ProcessEnd(exit_code=-25), ExitCause.DISK_FULL),
        (
            ProcessEnd(exit_code=1, output_tail=("ModuleNotFoundError: No module named 'ultralytics'",)),
            ExitCause.ENGINE_MISSING,
        ),
        (
            ProcessEnd(
                exit_code=1, output_tail=("/usr/bin/python: No module named traindash.training.trainers.other",)
            ),
            ExitCause.ENGINE_MISSING,
        ),
        (ProcessEnd(exit_code=-15), ExitCause.KILLED),
        (ProcessEnd(exit_code=143), ExitCause.KILLED),
        (ProcessEnd(exit_code=-2), ExitCause.KILLED),
        (ProcessEnd(exit_code=-1), ExitCause.KILLED),
        (ProcessEnd(exit_code=-11), ExitCause.CRASHED),
        (ProcessEnd(exit_code=134), ExitCause.CRASHED),
        (ProcessEnd(exit_code=-50), ExitCause.CRASHED),
        (ProcessEnd(exit_code=0), ExitCause.CRASHED),
        (ProcessEnd(exit_code=3), ExitCause.CRASHED),
        (ProcessEnd(exit_code=None), ExitCause.LOST),
        (ProcessEnd(exit_code=None, memory_kill=True), ExitCause.OUT_OF_MEMORY),
        (ProcessEnd(exit_code=None, output_tail=("ValueError: bad",)), ExitCause.CRASHED),
        (ProcessEnd(exit_code=None, has_result=True), ExitCause.FINISHED),
        (ProcessEnd(exit_code=None, failure=FAILURE), ExitCause.BAD_DATA),
    ],
)
def test_cause(end: ProcessEnd, cause: ExitCause) -> None:
    report = classify(end)
    assert report.cause is cause
    assert report.message.endswith((".", "bad")), report.message
    assert report.exit_code == end.exit_code
    assert report.log_tail == (() if cause is ExitCause.FINISHED else end.output_tail)
    if cause not in {ExitCause.FINISHED, ExitCause.STOPPED_BY_USER}:
        assert report.hint


def test_a_trainers_own_words_are_passed_on() -> None:
    report = classify(ProcessEnd(exit_code=1, failure=FAILURE))
    assert (report.message, report.hint) == (FAILURE.message, FAILURE.hint)


def test_memory_is_named_as_likely_only_where_the_system_says_nothing() -> None:
    assert "the usual reason" in classify(ProcessEnd(exit_code=-9)).message
    assert "because the computer ran out of memory" in classify(ProcessEnd(exit_code=-9, memory_kill=True)).message
    assert "no lack of memory" in classify(ProcessEnd(exit_code=-9, memory_kill=False)).message


@pytest.mark.parametrize(
    ("text", "device"), [("CUDA out of memory", "GPU"), ("DefaultCPUAllocator: can't allocate memory", "computer")]
)
def test_memory_of_which_device(text: str, device: str) -> None:
    assert f"The {device} ran out" in classify(ProcessEnd(exit_code=1, output_tail=(text,))).message


def test_a_crash_shows_the_last_line_of_the_traceback() -> None:
    tail = ("Traceback (most recent call last):", '  File "x.py", line 1', "ValueError: two words", "bye")
    assert classify(ProcessEnd(exit_code=1, output_tail=tail)).message.endswith("ValueError: two words")


def test_the_missing_engine_is_named_with_the_way_to_get_it() -> None:
    report = classify(ProcessEnd(exit_code=1, output_tail=("ModuleNotFoundError: No module named 'torch'",)))
    assert "“torch”" in report.message
    assert "[local]" in report.hint


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (InputError("The project has no class 'x'.", "Choose another."), ExitCause.BAD_INPUT),
        (OSError(errno.ENOSPC, "No space left on device"), ExitCause.DISK_FULL),
        (OSError(errno.EFBIG, "File too large"), ExitCause.DISK_FULL),
        (StorageError("The database does not work: database or disk is full."), ExitCause.DISK_FULL),
        (PermissionError(errno.EACCES, "Permission denied"), ExitCause.CRASHED),
        (OSError(errno.EROFS, "Read-only file system"), ExitCause.CRASHED),
        (KeyError("guiState"), ExitCause.CRASHED),
    ],
)
def test_errors_of_the_platform_itself(error: Exception, cause: ExitCause) -> None:
    report = report_platform_error(error, "preparing the task")
    assert report.cause is cause
    assert report.hint


def test_an_error_for_people_caused_by_a_full_disk_is_a_full_disk() -> None:
    error = StorageError("The file cannot be written.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert report_platform_error(error, "saving").cause is ExitCause.DISK_FULL


def test_a_lost_task_has_a_next_step() -> None:
    assert report_lost().cause is ExitCause.LOST
    assert report_lost().hint


@pytest.mark.parametrize(
    ("code", "number"), [(-9, 9), (137, 9), (143, 15), (139, 11), (1, None), (0, None), (255, None)]
)
def test_signal_numbers(code: int, number: int | None) -> None:
    assert signal_number(code) == number
