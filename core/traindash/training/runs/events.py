"""Events of a run, one JSON object a line, in the very form of Supervisely's task log rows.

Rows keep the keys that the official SDK's logger prints (``message``, ``level``, ``timestamp``, ``event_type``,
``subtask``, ``current``, ``total``; docs/supervisely-api.md 6.2), so ``tasks.log.download`` hands them out as they are
and any reader of Supervisely logs understands the progress. ``EventType.METRICS``, ``EventType.PHASE``,
``EventType.RESOURCES``, ``EventType.SAMPLES``, ``EventType.PREDICTIONS`` and ``EventType.FAILURE`` rows add keys of
ours; readers that do not know them see a plain message.
"""

import json
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal

from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId
from traindash.domain.task import ExitCause
from traindash.errors import without_folders
from traindash.steady_clock import CLOCK, SteadyClock

_TAIL_BYTES = 64 * 1024  # of a file, in which its youngest row is looked for
Level = Literal["debug", "info", "warning", "error"]


class Phase(StrEnum):
    """Phases of a task in the order they happen; those that a plan does not ask for are left out."""

    PREPARING_DATA = "preparing_data"
    TRAINING = "training"
    EVALUATION = "evaluation"
    SPEED_TEST = "speed_test"
    EXPORT = "export"
    UPLOADING = "uploading"
    COMPARING = "comparing"
    LABELLING = "labelling"


# Texts of ``train_status`` (docs/supervisely-api.md 6.1) for each phase.
PHASE_TEXTS: Mapping[Phase, str] = {
    Phase.PREPARING_DATA: "Preparing data for training...",
    Phase.TRAINING: "Training is in progress...",
    Phase.EVALUATION: "Running Model Benchmark evaluation...",
    Phase.SPEED_TEST: "Running speed test...",
    Phase.EXPORT: "Converting to ONNXRuntime",
    Phase.UPLOADING: "Uploading training artifacts...",
    Phase.COMPARING: "Comparing models...",
    Phase.LABELLING: "Labelling images...",
}


@dataclass(slots=True)
class EventWriter:
    """Appends rows to an event file, each flushed at once, with strictly growing timestamps.

    Several threads of one process may share a writer; several processes may not. The first row is later than all that
    are in the file and in those beside it, so that a log read from several has the order in which they were written.
    """

    path: Path  # the file in the run folder; both are created when the first row is written
    clock: SteadyClock = CLOCK
    _last: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Make the folder."""
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def phase(self, phase: Phase, text: str | None = None) -> None:
        """Say that a phase begins, in the words of a training unless others are given."""
        self._append(text or PHASE_TEXTS[phase], "info", {"event_type": "EventType.PHASE", "phase": phase.value})

    def progress(self, subtask: str, current: int, total: int) -> None:
        """Report progress.

        ``Epochs`` and ``Steps`` (batches of the running epoch) have a meaning for readers; any other subtask is shown
        as it is.
        """
        keys = {"event_type": "EventType.PROGRESS", "subtask": subtask, "current": current, "total": total}
        self._append("progress", "info", keys)

    def metrics(self, epoch: int, epochs: int, values: Mapping[str, float], *, seconds: float) -> None:
        """Report the numbers of a finished epoch.

        Epochs count from 1, seconds from the begin of the training. Values go by the framework's own names, e.g.
        ``train/box_loss``, ``metrics/mAP50-95(B)``; one that is not finite is written as the text ``nan``: the row
        stays JSON.
        """
        # JSON has no NaN: no other parser than Python's would read the row
        clean = {name: value if math.isfinite(value) else "nan" for name, value in values.items()}
        keys = {"event_type": "EventType.METRICS", "epoch": epoch, "epochs": epochs, "seconds": seconds}
        self._append("metrics", "info", {**keys, "values": clean})

    def resources(self, cpu_percent: float, memory_bytes: int, gpu: tuple[float, int] | None = None) -> None:
        """Report what the processes of a run use at this moment.

        CPU: 100 for one fully used core. GPU: how busy, 0 to 100, and the bytes taken of its memory.
        """
        # Debug: nothing of it is for people to read
        keys = {"event_type": "EventType.RESOURCES", "cpu_percent": round(cpu_percent, 1), "memory_bytes": memory_bytes}
        about_gpu = {} if gpu is None else {"gpu_percent": gpu[0], "gpu_memory_bytes": gpu[1]}
        self._append("resources", "debug", {**keys, **about_gpu})

    def samples(self, images: Sequence[SampleImage]) -> None:
        """Say which validation images :meth:`predictions` will be about, with what is annotated on them."""
        rows = [
            {
                "id": int(image.id),
                "name": image.name,
                "width": image.width,
                "height": image.height,
                "objects": [_box_row(box) for box in image.objects],
            }
            for image in images
        ]
        self._append("samples", "debug", {"event_type": "EventType.SAMPLES", "images": rows})

    def predictions(self, epoch: int, found: Mapping[ImageId, Sequence[SampleBox]]) -> None:
        """Report what the model finds on the sample images.

        The epoch was just evaluated, 1 for the first; each image has its boxes with scores, best first.
        """
        rows = {str(image): [_box_row(box) for box in boxes] for image, boxes in found.items()}
        self._append("predictions", "debug", {"event_type": "EventType.PREDICTIONS", "epoch": epoch, "found": rows})

    def log(self, message: str, level: Level = "info") -> None:
        """Write a line for people."""
        self._append(message, level, {})

    def failure(self, cause: ExitCause, message: str, hint: str) -> None:
        """Say why the task cannot go on; the process ends with a non-zero exit code right after."""
        keys = {"event_type": "EventType.FAILURE", "cause": cause.value, "hint": self._plain(hint)}
        self._append(message, "error", keys)

    def _append(self, message: str, level: Level, keys: Mapping[str, object]) -> None:
        with self._lock:
            if self._last is None:
                self._last = self._newest()
                self.clock.not_before(self._last)
            # Rows are told apart and ordered by their time.
            self._last = now = max(self.clock.now(), self._last + timedelta(microseconds=1))
            row = {"message": self._plain(message), "level": level, "timestamp": format_timestamp(now), **keys}
            # Opened anew each time: what is written is there even if the process is killed right after
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _newest(self) -> datetime:
        """Return the moment of the youngest row that is there already."""
        newest = datetime(1970, 1, 1, tzinfo=UTC)
        for path in self.path.parent.glob("*events.jsonl"):
            size = path.stat().st_size
            for row in read_events(path, max(0, size - _TAIL_BYTES)).rows:
                with suppress(KeyError, TypeError, ValueError):
                    newest = max(newest, datetime.fromisoformat(row["timestamp"]))  # type: ignore[arg-type]
        return newest

    def _plain(self, text: str) -> str:
        """Return a text with names that people know; texts of engines are full of folders."""
        # A run folder lies two below the data directory (traindash.platform.home.HomeLayout).
        return without_folders(text, self.path.parent.parent.parent)


def _box_row(box: SampleBox) -> list[object]:
    """Return ``[class, left, top, width, height, score, outlines]``: many of them, so no keys.

    The score is ``null`` for what was annotated, an outline is ``[x, y, x, y, …]``. What would be empty is left out
    at the end.
    """
    # A tenth of a pixel is finer than anybody sees, and half the bytes of a float
    row: list[object] = [box.class_name, *(round(side, 1) for side in (box.left, box.top, box.width, box.height))]
    score = None if box.score is None else round(box.score, 3)
    if box.borders:
        return [*row, score, [[round(side, 1) for side in border] for border in box.borders]]
    return row if score is None else [*row, score]


def append_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Append rows as they are, with the moments they have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def format_timestamp(moment: datetime) -> str:
    """Return an ISO 8601 text in UTC with microseconds and ``Z``, which sorts as the moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChunk:
    """Rows read from an event file."""

    rows: tuple[dict[str, object], ...]  # complete rows, oldest first
    offset: int  # byte position to go on from


def read_events(path: Path, offset: int = 0, *, limit: int = -1) -> EventChunk:
    """Read the complete rows behind a byte position.

    A row begins at the offset. Ends with the row in which ``limit`` bytes are reached; a negative number reads all.

    A half-written last line stays for the next call; a line that is no JSON object (a torn write before a crash) is
    skipped. A missing file has no rows.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
            if limit >= 0:
                data += file.readline()
    except FileNotFoundError:
        return EventChunk(rows=(), offset=0)
    # The trainer may be in the middle of a line
    complete = data[: data.rfind(b"\n") + 1]
    rows = tuple(row for line in complete.splitlines() if (row := parse_row(line)) is not None)
    return EventChunk(rows=rows, offset=offset + len(complete))


def parse_row(line: bytes) -> dict[str, object] | None:
    """Return a line of an event file as a row, ``None`` if it is no JSON object."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
