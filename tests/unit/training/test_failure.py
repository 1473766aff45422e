"""Exceptions become causes that people can act on."""

import errno
from pathlib import Path

import pytest

from tests.training.run_folders import annotation_of, run_image, train_spec, write_run
from traindash.domain.task import ExitCause
from traindash.errors import InputError, StorageError
from traindash.training.trainers.entry import RunError, explain


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


@pytest.mark.parametrize(
    ("text", "cause", "words"),
    [
        ("Training failed: NaN persisted for 4 epochs", ExitCause.BAD_HYPERPARAMETER, "no finite number"),
        ("Loss NaN/Inf detected but no valid last.pt is available for recovery", ExitCause.BAD_HYPERPARAMETER, "loss"),
        (
            "Caught X in DataLoader worker process 0. Image Not Found /d/000001.jpg",
            ExitCause.BAD_DATA,
            "image 000001.jpg cannot",
        ),
        ("DataLoader worker (pid 12) is killed by signal: Killed. ", ExitCause.OUT_OF_MEMORY, "(Killed)"),
        ("DataLoader worker (pid(s) 1, 2) exited unexpectedly", ExitCause.OUT_OF_MEMORY, "loads images"),
    ],
)
def test_words_of_the_engine(text: str, cause: ExitCause, words: str) -> None:
    found = explain(RuntimeError(text))
    assert found.cause is cause
    assert words in found.message
    assert found.hint


def test_an_image_that_the_engine_cannot_read_has_its_own_name(tmp_path: Path) -> None:
    first, second = (run_image(tmp_path / "x.png", number, "val", annotation_of(9, 9)) for number in (1, 2))
    images = write_run(tmp_path, train_spec(tmp_path), (first, second)).images
    error = FileNotFoundError(f"Image Not Found {tmp_path}/work/dataset/images/val/000002.png")
    message = explain(error, images).message
    assert f"“{second.dataset_name}/{second.name}”" in message
    assert str(tmp_path) not in message
