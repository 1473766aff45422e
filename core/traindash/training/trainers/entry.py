"""What all trainers' ``__main__`` share: arguments, stop, failure, result."""

import errno
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from traindash.domain.task import ExitCause
from traindash.errors import AppError, StorageError
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import Role, Roles
from traindash.language import N_
from traindash.language import gettext as _
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import (
    CompareSpec,
    DryRunSpec,
    ExportSpec,
    LabelSpec,
    RunLayout,
    RunResult,
    read_images,
    read_spec,
    write_result,
)

# Exit code of a trainer that was stopped, as shells report a process that SIGTERM ended.
STOPPED_EXIT_CODE = 128 + signal.SIGTERM


class Stopped(BaseException):
    """The run was asked to stop. Not an ``Exception``: an engine that swallows those must not swallow this."""


class StopSwitch:
    """Turns SIGTERM into :class:`Stopped`, raised at once wherever the main thread is.

    Attributes:
        requested: SIGTERM has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._held = 0

    def install(self) -> None:
        """Take over SIGTERM. Call it once, from the main thread."""
        # The platform stops a run by SIGTERM and kills it when that takes too long
        signal.signal(signal.SIGTERM, self._on_signal)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put a stop off until the block is done, e.g. while a checkpoint is written.

        Raises:
            Stopped: At the end of the block, if the stop came inside it.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self.check()

    def check(self) -> None:
        """Stop here if a stop was asked for.

        Needed between steps of an engine: an exception from a signal handler is lost when it hits a destructor or a
        callback from C code.

        Raises:
            Stopped: SIGTERM has come and nothing holds it back.
        """
        if self.requested and not self._held:
            raise Stopped

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            return  # once is enough: a second exception would hit the tidy-up
        self.requested = True
        self.check()


class RunError(Exception):
    """Ends a run with a failure event."""

    def __init__(self, cause: ExitCause, message: str, hint: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.hint = hint


_NO_ROLES = Roles(keys={})
DISK_FULL_HINT = N_("Free some space on the disk that holds the data directory and start the training again.")

# Ultralytics 8.4 goes back to its last checkpoint when the loss is not finite; it gives up when that does not help.
_NOT_A_NUMBER_WORDS = ("nan persisted", "nan/inf detected", "nan/inf weights")
_LOST_WORKER = re.compile(
    r"DataLoader worker \(pid\(?s?\)? [\d, ]+\) (?:is killed by signal: (\w[\w ]*)|exited unexpectedly)"
)
_UNREADABLE_IMAGE = re.compile(r"Image Not Found (\S.*?\.\w{3,5})(?:\s|$)")
_OUT_OF_MEMORY_WORDS = (
    "out of memory",
    "cannot allocate memory",
    "can't allocate memory",
    "cublas_status_alloc_failed",
)


def explain(error: BaseException, images: Path | None = None, roles: Roles = _NO_ROLES) -> RunError:
    """Say what an exception means for the person who started the run.

    An exception that is nobody's fault but the program's becomes ``crashed`` with its own text. ``images`` is the run's
    image list, which tells the own name of a file that the engine names; ``roles`` tell how the framework calls what
    may help.
    """
    match error:
        case RunError():
            return error
        case StorageError():
            return RunError(ExitCause.DISK_FULL, error.message, error.hint)
        case AppError():
            return RunError(ExitCause.BAD_INPUT, error.message, error.hint)
        case _ if _is_out_of_memory(error):
            hint = _("Use a smaller {batch} or {size}, a smaller model, or an agent with more memory.")
            hint = hint.format(**_sizes(roles))
            return RunError(ExitCause.OUT_OF_MEMORY, _("The memory was not enough for this training."), hint)
        case _ if _is_disk_full(error):
            return RunError(ExitCause.DISK_FULL, _("The disk is full."), _(DISK_FULL_HINT))
        case _:
            message = _("The training engine failed: {kind}: {error}").format(
                kind=type(error).__name__, error=_text(error)[:500]
            )
            unknown = RunError(ExitCause.CRASHED, message, _("The log has the details. Try other hyperparameters."))
            return _from_words(_text(error), images, roles) or unknown


def _from_words(text: str, images: Path | None, roles: Roles) -> RunError | None:
    """Say what a text of the engine means, ``None`` for one that is not known here."""
    # Texts of Ultralytics 8.4 and torch 2; tests/training/test_causes.py provokes most of them
    if any(words in text.lower() for words in _NOT_A_NUMBER_WORDS):
        message = _("The loss was no finite number any more, and the training could not recover.")
        precision = f"“{key}: False”" if (key := roles.key("mixed_precision")) else _("full precision")
        rate = _named(roles, "learning_rate", _("learning rate"))
        hint = _("Start again with a smaller {rate}, a tenth for example; on a GPU, {precision} may help, too.").format(
            rate=rate, precision=precision
        )
        return RunError(ExitCause.BAD_HYPERPARAMETER, message, hint)
    if found := _UNREADABLE_IMAGE.search(text):
        name = _own_name(Path(found[1]), images)
        message = _("The image {name} cannot be read: it is damaged, or it was removed during the training.").format(
            name=name
        )
        return RunError(ExitCause.BAD_DATA, message, _("Repair it or take it out of the project, and start again."))
    if found := _LOST_WORKER.search(text):
        message = _("A process that loads images was ended; the usual reason is that memory ran out.")
        if found[1]:
            message = _(
                "A process that loads images was ended by the operating system ({signal}); the usual reason is that "
                "memory ran out."
            ).format(signal=found[1].strip())
        hint = _("Use no such processes, or a smaller {batch} or {size}.")
        if key := roles.key("workers"):
            hint = _("Use “{key}: 0”, or a smaller {batch} or {size}.")
        return RunError(ExitCause.OUT_OF_MEMORY, message, hint.format(key=key, **_sizes(roles)))
    return None


def _sizes(roles: Roles) -> Mapping[str, str]:
    """Return the placeholders for what may be smaller."""
    return {"batch": _named(roles, "batch", _("batch")), "size": _named(roles, "image_size", _("image size"))}


def _named(roles: Roles, role: Role, otherwise: str) -> str:
    key = roles.key(role)
    return otherwise if key is None else f"“{key}”"


def _roles_of(layout: RunLayout) -> Roles:
    """Return how the framework of a run calls its hyperparameters; none where that cannot be told."""
    try:
        spec = read_spec(layout.spec)
        training = spec.training if isinstance(spec, DryRunSpec) else spec
        return (
            _NO_ROLES
            if isinstance(training, CompareSpec | ExportSpec | LabelSpec)
            else framework(training.framework).roles
        )
    except AppError:
        return _NO_ROLES


def _own_name(file: Path, images: Path | None) -> str:
    """The name that people gave to a file of the data set, where files have the numbers of the image list."""
    if images is not None and images.is_file() and file.stem.isdecimal():
        for image in islice(read_images(images), int(file.stem) - 1, int(file.stem)):
            return f"“{image.dataset_name}/{image.name}”"
    return file.name


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    # torch.cuda.OutOfMemoryError is a RuntimeError, and the CPU allocator raises a plain one
    return any(words in _text(error).lower() for words in _OUT_OF_MEMORY_WORDS)


def _is_disk_full(error: BaseException) -> bool:
    # EFBIG: a limit of the shell or of the file system, which means the same to a person
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return True
    return "no space left on device" in _text(error).lower()


def _text(error: BaseException) -> str:
    """Engines wrap the system's errors in exceptions of their own; what is left of them is the text."""
    return " ".join(str(error).split())


# What a trainer does, from the run folder to its result.
Work: TypeAlias = Callable[[RunLayout, EventWriter, StopSwitch], RunResult]


def run(arguments: Sequence[str], work: Work) -> int:
    """Run a trainer by its command line, ``[program, run folder]``.

    Returns the exit code of the process, see :mod:`traindash.training.trainers`.
    """
    if len(arguments) != 2:  # noqa: PLR2004 - program and run folder
        print(  # noqa: T201 - to whoever called it
            f"Usage: python -m traindash.training.trainers.<name> RUN_DIR (given: {list(arguments[1:])})",
            file=sys.stderr,
        )
        return 2
    layout = RunLayout(Path(arguments[1]).absolute())
    events = EventWriter(layout.events)
    stop = StopSwitch()
    stop.install()
    try:
        result = work(layout, events, stop)
        with stop.held():
            write_result(layout.result, result)
    except Stopped:
        if layout.result.exists():  # the stop came after the last act: the run is complete
            return 0
        events.log("Stopped.", "warning")
        return STOPPED_EXIT_CODE
    except RunError as failure:
        _report(events, failure)
        return 1
    except (Exception, SystemExit) as error:  # noqa: BLE001 - edge of the process: whatever an engine throws gets a name
        traceback.print_exc()  # for the log; the event is for people
        _report(events, explain(error, layout.images, _roles_of(layout)))
        return 1
    return 0


def _report(events: EventWriter, failure: RunError) -> None:
    try:
        events.failure(failure.cause, failure.message, failure.hint)
    except OSError:  # a full disk takes no event either; the platform reads the cause from this text
        print(f"{failure.cause.value}: {failure.message} {failure.hint}", file=sys.stderr)  # noqa: T201
