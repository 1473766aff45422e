"""The log of a task: the trainer's and the platform's events as one list, read without starting over each time.

A live page asks every second for what is new. Event files only grow, so each is read once: what a reader remembers is
where rows of which moment begin, and the newest phase, failure and progress.
"""

import heapq
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause
from traindash.errors import InputError
from traindash.platform.tasks.exits import FailureEvent
from traindash.training.runs.events import format_timestamp, parse_row, read_events
from traindash.training.runs.spec import RunLayout

Row = Mapping[str, object]
_BLOCK_BYTES = 64 * 1024
_KEPT_TASKS = 64
_SUBTASK = re.compile(rb'"event_type": ?"EventType\.PROGRESS", ?"subtask": ?("(?:[^"\\]|\\.)*")')
# Colours and cursor movements as terminals know them (ECMA-48 5.4).
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveInfo:
    """The newest state that the events of a task tell."""

    phase: str | None = None  # value of the newest phase row, a `Phase`; `None` before the first
    phase_text: str = ""  # its text
    failure: FailureEvent | None = None  # the newest failure row
    # subtask → (current, total), in the order in which the subtasks first appeared
    progress: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    newest: str = ""  # timestamp of the newest row; empty before the first


@dataclass(slots=True)
class _EventFile:
    """One event file and what was learned from it."""

    path: Path
    offset: int = 0  # bytes that were read
    starts: list[int] = field(default_factory=lambda: [0])  # byte position of each block
    # newest timestamp in front of each block, growing; rows behind it start in this block at the latest
    before: list[str] = field(default_factory=lambda: [""])
    newest: str = ""
    phase: tuple[str, str, str] = ("", "", "")
    failure: FailureEvent | None = None
    progress: dict[str, tuple[int, int]] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Learn from the rows that were appended since the last time."""
        while block := _complete_lines(self.path, self.offset):
            self._learn(block.splitlines())
            self.offset += len(block)
            if self.offset - self.starts[-1] >= _BLOCK_BYTES:
                self.starts.append(self.offset)
                self.before.append(self.newest)

    def rows_after(self, since: str) -> Iterator[Row]:
        """Yield the rows younger than a moment, oldest first; reads only the blocks that can hold some."""
        block = bisect_right(self.before, since) - 1
        position, end = self.starts[block], self.offset
        while position < end:
            chunk = read_events(self.path, position, limit=_BLOCK_BYTES)
            if chunk.offset <= position:
                return
            # “After” excludes the moment itself (docs/supervisely-api.md 6.3).
            yield from (row for row in chunk.rows if _timestamp(row) > since)
            position = chunk.offset

    def _learn(self, lines: list[bytes]) -> None:
        # Most rows are progress and metrics. Only those that tell something new are parsed: a long log is read at the
        # speed of a search, not of a JSON parser.
        progress: dict[bytes, bytes] = {}
        for line in lines:
            if found := _SUBTASK.search(line):
                progress[found[1]] = line
            elif b"EventType.PHASE" in line or b"EventType.FAILURE" in line:
                self._note(parse_row(line))
        for line in progress.values():
            self._note(parse_row(line))
        youngest = next((row for line in reversed(lines) if (row := parse_row(line)) is not None), None)
        self._note(youngest)

    def _note(self, row: Row | None) -> None:
        if row is None:
            return
        moment = _timestamp(row)
        self.newest = max(self.newest, moment)
        match row:
            case {"event_type": "EventType.PHASE", "phase": str(phase), "message": str(text)}:
                self.phase = (moment, phase, text)
            case {"event_type": "EventType.FAILURE", "cause": str(cause), "message": str(text), "hint": str(hint)}:
                self.failure = FailureEvent(cause=ExitCause(cause), message=text, hint=hint)
            case {"event_type": "EventType.PROGRESS", "subtask": str(name), "current": int(now), "total": int(total)}:
                self.progress[name] = (now, total)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class _Files:
    """The event files of one run; one thread reads them at a time."""

    trainer: _EventFile
    platform: _EventFile
    lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self) -> None:
        # The platform's first: what it says of the end of a process must not be seen without what the process said.
        self.platform.catch_up()
        self.trainer.catch_up()


class TaskLogs:
    """Reads the logs of tasks and remembers how far it got. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[Path, _Files] = OrderedDict()

    def rows(
        self, task_id: TaskId, run: RunLayout, *, since: str | None = None, limit: int | None = None
    ) -> list[dict[str, object]]:
        """Return log rows as ``tasks.log.download`` answers them; a run folder that does not exist has none.

        ``since`` is an ISO 8601 moment, for which milliseconds are enough: only younger rows are given, of these at
        most ``limit``, the oldest ones. Asking again from the last row's moment gives the next. ``task_id`` goes into
        each row.

        Raises:
            InputError: ``since`` is no moment, or ``limit`` is negative.
        """
        after = _normal_moment(since) if since else ""
        if limit is not None and limit < 0:
            raise InputError("'limit' must not be negative.")
        files = self._of(run)
        with files.lock:
            files.catch_up()
            merged = heapq.merge(files.trainer.rows_after(after), files.platform.rows_after(after), key=_timestamp)
            return [{**row, "task_id": task_id} for row in islice(merged, limit)]

    def live(self, run: RunLayout) -> LiveInfo:
        """Return the newest state of a task."""
        files = self._of(run)
        with files.lock:
            files.catch_up()
            trainer, platform = files.trainer, files.platform
            _, phase, text = max(trainer.phase, platform.phase)
            return LiveInfo(
                phase=phase or None,
                phase_text=text,
                failure=trainer.failure or platform.failure,
                progress={**platform.progress, **trainer.progress},
                newest=max(trainer.newest, platform.newest),
            )

    def forget(self, run: RunLayout) -> None:
        """Forget a run folder, because it is about to be written anew."""
        with self._lock:
            self._files.pop(run.root, None)

    def _of(self, run: RunLayout) -> _Files:
        with self._lock:
            files = self._files.setdefault(run.root, _Files(_EventFile(run.events), _EventFile(run.platform_events)))
            self._files.move_to_end(run.root)
            while len(self._files) > _KEPT_TASKS:
                self._files.popitem(last=False)
            return files


def read_failure(run: RunLayout) -> FailureEvent | None:
    """Return the newest failure row of a run's trainer, ``None`` if it said nothing of the kind."""
    file = _EventFile(run.events)
    file.catch_up()
    return file.failure


def tail_lines(path: Path, lines: int = 40, most_bytes: int = 64 * 1024) -> tuple[str, ...]:
    """Return the last lines of a program's output as a terminal would show them, oldest first.

    A line that was drawn over with carriage returns (a progress bar) counts as what was drawn last; colours and cursor
    movements are left out, and so are empty lines. A missing file has none.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - most_bytes))
            data = file.read()
    except FileNotFoundError:
        return ()
    text = _CONTROL.sub("", data.decode("utf-8", errors="replace"))
    shown = (line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() for line in text.split("\n"))
    return tuple(line for line in shown if line.strip())[-lines:]


def tail_messages(run: RunLayout, lines: int = 20) -> tuple[str, ...]:
    """Return the messages of the last events of a run that are meant for people, oldest first."""
    size = run.events.stat().st_size if run.events.exists() else 0
    rows = read_events(run.events, max(0, size - _BLOCK_BYTES)).rows
    return tuple(str(row["message"]) for row in rows if "message" in row and "event_type" not in row)[-lines:]


def _complete_lines(path: Path, offset: int) -> bytes:
    """Return about a block of whole lines behind a byte position; nothing if there is no whole line."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_BLOCK_BYTES)
            # The trainer may be in the middle of a line; the rest of it is read, or the line is left for the next time.
            data += file.readline()
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def _timestamp(row: Row) -> str:
    value = row.get("timestamp")
    return value if isinstance(value, str) else ""


def _normal_moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"'sinceTime' is not a moment: {text!r}."
        raise InputError(msg, "Write it like 2026-03-30T14:28:58.816Z.") from error
    return format_timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
