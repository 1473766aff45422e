"""Why a task ended, in words for people. Pure: from what was observed to an :class:`traindash.domain.task.ExitReport`.

What is known for sure is said as a fact; what is only likely is said as likely. Nothing is guessed.
"""

import errno
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from traindash.domain.task import ExitCause, ExitReport
from traindash.errors import AppError, reason_of
from traindash.language import N_
from traindash.language import gettext as _

_SEE_LOG = N_("Read the last lines of the log below; the run folder keeps the whole output.")
_MEMORY_HINT = N_(
    "Use a smaller batch or image size, or a smaller model, and close other programs; then start it again."
)
_DISK_HINT = N_("Free some space on the disk of the data directory (old runs, old experiments); then start it again.")
_ENGINE_HINT = N_(
    'Add it with: pip install -e ".[local]" (in the folder of the dashboard); then start the training again.'
)
# A shell, and Python programs that copy it, answer 128 + the number of the signal (POSIX, sh, 2.8.2).
_SHELL_SIGNAL_BASE = 128
_SIGKILL = 9  # a number, because Windows has no such name

# What PyTorch, CUDA, the C++ library and Python write when an allocation fails; they have no exit code for it.
_MEMORY_TEXTS = (
    "MemoryError",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "OutOfMemoryError",
    "DefaultCPUAllocator: can't allocate memory",
    "std::bad_alloc",
    "Cannot allocate memory",
)
_DISK_TEXTS = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "database or disk is full",
)
_MISSING_MODULE = re.compile(
    r"ModuleNotFoundError: No module named '([\w.]+)'|No module named (traindash\.training\.trainers\.\w+)"
)
_LAST_ERROR = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit)\b.*")
_DISK_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WRITE_NUMBERS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# The last lines of a log explain a failure; under a good end they would only look like one.
_NO_TROUBLE = frozenset({ExitCause.FINISHED, ExitCause.STOPPED_BY_USER})


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureEvent:
    """What the trainer itself said of its failure, the last such row of its events."""

    cause: ExitCause
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """Everything observed at the end of a process."""

    # exit code, negative signal number, or `None` when nobody could ask for it (the server was restarted while the
    # process ran)
    exit_code: int | None
    has_result: bool = False  # a complete `result.json` is there
    stop_requested: bool = False  # a person asked for the stop before the process ended
    failure: FailureEvent | None = None  # the trainer's own words
    output_tail: tuple[str, ...] = ()  # last lines of standard output and error, oldest first
    # whether the system ended any process for lack of memory while this one ran; `None` if unknown
    memory_kill: bool | None = None


def classify(end: ProcessEnd) -> ExitReport:
    """Say how a process ended.

    A complete result counts most: it is the very last thing a trainer writes, so whatever came after it (a stop that
    was too late, a crash while the interpreter shut down) took nothing away. Then a person's stop, then the trainer's
    own words, then what the output says, then the exit code.
    """
    if end.has_result:
        return _report(end, ExitCause.FINISHED, _("Finished."), "")
    if end.stop_requested:
        return _report(end, ExitCause.STOPPED_BY_USER, _("Stopped by you."), "")
    if end.failure is not None:
        return _report(end, end.failure.cause, end.failure.message, end.failure.hint)
    for look in (_from_output, _from_exit_code):
        if (report := look(end)) is not None:
            return report
    return _report(end, ExitCause.CRASHED, _crash_message(end), _SEE_LOG)


def report_platform_error(error: Exception, doing: str) -> ExitReport:
    """Say that this server itself could not go on with a task; ``doing``: what it did, e.g. ``preparing the data``."""
    # A StorageError wraps what the operating system said; that says more.
    source = error.__cause__ if isinstance(error.__cause__, OSError) else error
    number = source.errno if isinstance(source, OSError) else None
    said = reason_of(error) if isinstance(error, OSError) else str(error)
    if number in _DISK_NUMBERS or any(text in str(error) for text in _DISK_TEXTS):
        message = _("The disk is full, or a limit on file size was reached, while {doing}: {said}").format(
            doing=doing, said=said
        )
        return ExitReport(cause=ExitCause.DISK_FULL, message=message, hint=_(_DISK_HINT))
    if number in _WRITE_NUMBERS:
        message = _("A file could not be written while {doing}: {said}").format(doing=doing, said=said)
        hint = _("Check that the data directory belongs to you and is not read-only; then start it again.")
        return ExitReport(cause=ExitCause.CRASHED, message=message, hint=hint)
    if isinstance(error, AppError):
        return ExitReport(cause=ExitCause.BAD_INPUT, message=error.message, hint=error.hint)
    message = _("An error of the dashboard itself while {doing}: {kind}: {said}").format(
        doing=doing, kind=type(error).__name__, said=said
    )
    return ExitReport(
        cause=ExitCause.CRASHED, message=message, hint=_("Start it again; if it happens again, report it.")
    )


def report_lost() -> ExitReport:
    """Say that nothing is left of a task that was running."""
    return ExitReport(
        cause=ExitCause.LOST,
        message=_(
            "The training process is gone, and it left neither a result nor a reason. The dashboard "
            "had been restarted meanwhile, so it cannot tell whether the process was ended from "
            "outside or with the computer."
        ),
        hint=_("Start the training again; its settings are kept."),
    )


def _from_output(end: ProcessEnd) -> ExitReport | None:
    text = "\n".join(end.output_tail)
    if missing := _MISSING_MODULE.search(text):
        name = missing.group(1) or missing.group(2)
        message = _("The training engine is not installed: Python has no module “{name}”.").format(name=name)
        return _report(end, ExitCause.ENGINE_MISSING, message, _(_ENGINE_HINT))
    if any(words in text for words in _DISK_TEXTS):
        message = _("The disk is full, or a limit on file size was reached.")
        return _report(end, ExitCause.DISK_FULL, message, _(_DISK_HINT))
    if any(words in text for words in _MEMORY_TEXTS):
        message = _("The GPU ran out of memory.") if "CUDA" in text else _("The computer ran out of memory.")
        return _report(end, ExitCause.OUT_OF_MEMORY, message, _(_MEMORY_HINT))
    return None


def _from_exit_code(end: ProcessEnd) -> ExitReport | None:
    if end.exit_code is None:
        if end.output_tail and _last_error(end.output_tail):
            return None
        if end.memory_kill:
            return _killed_hard(end)
        lost = report_lost()
        return _report(end, lost.cause, lost.message, lost.hint)
    # The kernel's out-of-memory killer sends SIGKILL, so this number alone does not tell who sent it.
    number = signal_number(end.exit_code)
    if number == _SIGKILL:
        return _killed_hard(end)
    describe = _SIGNALS.get(number) if number is not None else None
    return describe(end) if describe is not None else None


def _killed_hard(end: ProcessEnd) -> ExitReport:
    match end.memory_kill:
        case True:
            message = _("The operating system ended the process because the computer ran out of memory.")
            return _report(end, ExitCause.OUT_OF_MEMORY, message, _(_MEMORY_HINT))
        case False:
            message = _(
                "The process was ended from outside (SIGKILL). It was not the dashboard, and the "
                "operating system reports no lack of memory."
            )
            hint = _("Find out what ended it (another person, a batch system's limit) and start the training again.")
            return _report(end, ExitCause.KILLED, message, hint)
        case None:
            message = _("The operating system ended the process (SIGKILL); the usual reason is that memory ran out.")
            return _report(end, ExitCause.OUT_OF_MEMORY, message, _(_MEMORY_HINT))


def _asked_to_end(end: ProcessEnd) -> ExitReport:
    message = _("The process was asked to end from outside, not by the dashboard.")
    hint = _("Find out what ended it (a log-out, a shutdown, another person) and start the training again.")
    return _report(end, ExitCause.KILLED, message, hint)


def _native_crash(end: ProcessEnd) -> ExitReport:
    name = signal.Signals(signal_number(end.exit_code or 0) or signal.SIGABRT).name
    message = _("The training engine crashed in native code ({name}).").format(name=name)
    hint = _("Start it again; if it happens again, try another model or image size, or update PyTorch.")
    return _report(end, ExitCause.CRASHED, message, hint)


def _file_limit(end: ProcessEnd) -> ExitReport:
    return _report(end, ExitCause.DISK_FULL, _("A limit on file size was reached (SIGXFSZ)."), _(_DISK_HINT))


_SIGNALS: Mapping[int, Callable[[ProcessEnd], ExitReport]] = {
    signal.SIGTERM: _asked_to_end,
    signal.SIGINT: _asked_to_end,
    **{
        getattr(signal, name): describe
        for name, describe in {
            "SIGHUP": _asked_to_end,
            "SIGXFSZ": _file_limit,
            "SIGSEGV": _native_crash,
            "SIGABRT": _native_crash,
            "SIGBUS": _native_crash,
            "SIGILL": _native_crash,
            "SIGFPE": _native_crash,
        }.items()
        if hasattr(signal, name)  # Windows knows only some of them
    },
}


def signal_number(exit_code: int) -> int | None:
    """Return the signal that an exit code stands for: ``-9`` from the system, ``137`` from a shell or a handler."""
    if exit_code < 0:
        return -exit_code
    number = exit_code - _SHELL_SIGNAL_BASE
    return number if number in {_SIGKILL, *_SIGNALS} else None


def _crash_message(end: ProcessEnd) -> str:
    if line := _last_error(end.output_tail):
        return _("The process stopped with an error: {line}").format(line=line)
    if end.exit_code == 0:
        return _("The process ended without an error, but also without a result.")
    return _("The process ended with exit code {exit_code} and gave no reason.").format(exit_code=end.exit_code)


def _last_error(tail: tuple[str, ...]) -> str:
    return next((line.strip() for line in reversed(tail) if _LAST_ERROR.match(line)), "")


def _report(end: ProcessEnd, cause: ExitCause, message: str, hint: str) -> ExitReport:
    tail = () if cause in _NO_TROUBLE else end.output_tail
    return ExitReport(cause=cause, message=message, hint=hint, exit_code=end.exit_code, log_tail=tail)
