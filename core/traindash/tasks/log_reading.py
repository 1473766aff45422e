"""From log rows to progress, purely: the same rows in any portions give the same progress.

Rows have the form of Supervisely's task log (docs/supervisely-api.md 6.2). The embedded platform adds phase and metrics
rows; a log that only counts epochs and steps is understood too.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from traindash.domain.curves import Curve
from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId
from traindash.domain.task import LogRow
from traindash.tasks.progress import Counter, EpochMark, PhaseSpan, Resources, TaskProgress, TimeRange, time_left

_DecodedT = TypeVar("_DecodedT")


def _or_nothing(kind: type[_DecodedT], value: object) -> _DecodedT:
    """Return samples of a row; what does not fit is left out: a log is not worth an error."""
    try:
        return msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError:
        return kind()


KEPT_LOG_ROWS = 2000
KEPT_USAGE = 240  # looks at the processes; the embedded platform looks every five seconds, so these are twenty minutes
_PER_CLASS = "per_class/"
# begin of what Supervisely's app counts → phase
_PHASE_OF_SUBTASK: Mapping[str, str] = {
    "Preparing": "preparing_data",
    "Downloading input data": "preparing_data",
    "Retrieving data from cache": "preparing_data",
    "Applying train/val splits": "preparing_data",
    "Processing splits": "preparing_data",
    "Downloading model files": "preparing_data",
    "Training is in progress": "training",
    "Epochs": "training",
    "Steps": "training",
    "Iterations": "training",
    "Finalizing and uploading": "uploading",
    "Uploading": "uploading",
    "Evaluation:": "evaluation",
    "Visualizations:": "evaluation",
    "Speedtest:": "speed_test",
    "Converting to": "export",
}


def reduce(progress: TaskProgress, rows: Iterable[LogRow]) -> TaskProgress:
    """Return the progress after further rows, oldest first."""
    reader = _Reader(progress)
    for row in rows:
        reader.take(row)
    return reader.result()


def ended(progress: TaskProgress) -> TaskProgress:
    """Return the progress of a task that is over: no phase is open, no time is left."""
    at = progress.task.finished_at or progress.newest
    # The last phase has no successor that would end it.
    phases = progress.phases
    if phases and phases[-1].ended_at is None and at is not None:
        phases = (*phases[:-1], replace(phases[-1], ended_at=max(at, phases[-1].started_at)))
    return replace(progress, phase=None, phases=phases, eta_seconds=None)


class _Reader:
    """Collects rows on top of a progress. Lists grow here; the result is frozen again."""

    def __init__(self, before: TaskProgress) -> None:
        self._before = before
        self._phases = list(before.phases)
        self._epoch, self._epochs = before.epoch, before.epochs
        self._step, self._steps = before.step, before.steps
        self._counts = before.counts
        self._points: dict[str, list[tuple[int, float, float]]] = {}
        self._not_finite = dict(before.not_finite)
        self._counters = {counter.name: counter for counter in before.counters}
        self._log: list[LogRow] = []
        self._marks = list(before.epoch_marks)
        self._newest = before.newest
        self._reports_phases = before.reports_phases
        self._last_sign, self._longest = before.last_sign, before.longest_silence
        self._usage = list(before.usage)
        self._samples = before.samples
        self._predictions = dict(before.predictions)

    def take(self, row: LogRow) -> None:
        """Read one row."""
        at = moment_of(row)
        if at is not None:
            self._newest = at if self._newest is None else max(self._newest, at)
        # A look at a process is no sign of life: it is taken of one that hangs, too.
        if row.fields.get("event_type") == "EventType.RESOURCES":
            self._take_resources(row, at)
            return
        self._note_sign(at)
        match row.fields.get("event_type"):
            case "EventType.PROGRESS":
                self._take_count(row, at)
            case "EventType.METRICS":
                self._take_metrics(row, at)
            case "EventType.PHASE":
                self._take_phase(row, at)
            case "EventType.SAMPLES":
                self._samples = _or_nothing(tuple[SampleImage, ...], row.fields.get("images")) or self._samples
            case "EventType.PREDICTIONS":
                self._take_predictions(row)
            case _:
                self._log.append(row)

    def result(self) -> TaskProgress:
        """Return the progress with all rows taken in."""
        before = self._before
        training = bool(self._phases) and self._phases[-1].name == "training"
        progress = replace(
            before,
            phase=self._phases[-1].name if self._phases else None,
            phases=tuple(self._phases),
            epoch=self._epoch,
            epochs=self._epochs,
            counts=self._counts,
            step=self._step,
            steps=self._steps,
            curves=self._curves(before.curves, per_class=False),
            per_class=self._curves(before.per_class, per_class=True),
            not_finite=self._not_finite,
            counters=tuple(self._counters.values()),
            log=(*before.log, *self._log)[-KEPT_LOG_ROWS:],
            epoch_marks=tuple(self._marks),
            newest=self._newest,
            last_sign=self._last_sign,
            longest_silence=self._longest,
            usage=tuple(self._usage[-KEPT_USAGE:]),
            samples=self._samples,
            predictions=self._predictions,
            reports_phases=self._reports_phases,
            eta_seconds=self._time_left() if training else None,
        )
        return ended(progress) if progress.task.status.is_terminal else progress

    def _note_sign(self, at: datetime | None) -> None:
        if at is None:
            return
        if self._last_sign is not None and self._phases and self._last_sign >= self._phases[-1].started_at:
            self._longest = max(self._longest, (at - self._last_sign).total_seconds())
        self._last_sign = at if self._last_sign is None else max(self._last_sign, at)

    def _take_resources(self, row: LogRow, at: datetime | None) -> None:
        cpu, memory = _number(row.fields.get("cpu_percent")), _number(row.fields.get("memory_bytes"))
        gpu, gpu_memory = _number(row.fields.get("gpu_percent")), _number(row.fields.get("gpu_memory_bytes"))
        if at is not None and math.isfinite(cpu) and math.isfinite(memory):
            self._usage.append(
                Resources(
                    at=at,
                    cpu_percent=cpu,
                    memory_bytes=memory,
                    gpu_percent=gpu if math.isfinite(gpu) else None,
                    gpu_memory_bytes=gpu_memory if math.isfinite(gpu_memory) else None,
                )
            )

    def _take_predictions(self, row: LogRow) -> None:
        epoch = _count(row.fields.get("epoch"))
        found = _or_nothing(dict[ImageId, tuple[SampleBox, ...]], row.fields.get("found"))
        if epoch is not None and found:
            self._predictions[epoch] = found

    def _take_phase(self, row: LogRow, at: datetime | None) -> None:
        self._log.append(row)
        self._reports_phases = True
        phase = row.fields.get("phase")
        if isinstance(phase, str):
            self._enter(phase, at)

    def _take_count(self, row: LogRow, at: datetime | None) -> None:
        name = str(row.fields.get("subtask") or "")
        current, total = _count(row.fields.get("current")), _count(row.fields.get("total"))
        if current is None or total is None:
            return
        # Supervisely's apps write no phases; what they count tells where they are (docs/supervisely-api.md 6.2).
        if not self._reports_phases:
            phase = next((phase for begin, phase in _PHASE_OF_SUBTASK.items() if name.startswith(begin)), None)
            if phase is not None:
                self._enter(phase, at)
        match name:
            case "Epochs":
                self._finish_epoch(current, total, at)
            case "Iterations":  # of detectron2's apps, which know no epochs
                self._counts = "iteration"
                self._finish_epoch(current, total, at)
            case "Steps":
                self._step, self._steps = current, total
            case _:
                self._counters[name] = Counter(name=name, current=current, total=total)

    def _take_metrics(self, row: LogRow, at: datetime | None) -> None:
        epoch, epochs = _count(row.fields.get("epoch")), _count(row.fields.get("epochs"))
        values = row.fields.get("values")
        if epoch is None or not isinstance(values, Mapping):
            return
        seconds = _number(row.fields.get("seconds"))
        for name, given in values.items():
            value = _number(given)
            self._points.setdefault(str(name), []).append((epoch, seconds, value))
            # Written as “nan”, since JSON has no word for it; the first epoch is what a person looks for.
            if not math.isfinite(value):
                self._not_finite.setdefault(str(name), epoch)
        self._finish_epoch(epoch, epochs, at)

    def _finish_epoch(self, epoch: int, epochs: int | None, at: datetime | None) -> None:
        if self._epoch is None or epoch > self._epoch:
            self._epoch, self._step = epoch, None
            if at is not None:
                self._marks.append(EpochMark(epoch=epoch, at=at))
        elif epoch == self._epoch and at is not None and self._goes_on(at):
            self._marks.append(EpochMark(epoch=epoch, at=at))
        self._epochs = epochs if epochs is not None else self._epochs

    def _goes_on(self, at: datetime) -> bool:
        """Return whether a continued training begins here: the time since its last epoch was no time of training."""
        if not self._marks or not self._phases or self._phases[-1].name != "training":
            return False
        return self._marks[-1].at < self._phases[-1].started_at <= at

    def _enter(self, phase: str, at: datetime | None) -> None:
        moment = at or self._newest or datetime.fromtimestamp(0, UTC)
        if self._phases:
            last = self._phases[-1]
            if last.name == phase:
                return
            if last.ended_at is None:
                self._phases[-1] = replace(last, ended_at=max(moment, last.started_at))
        # Phases may come back: a run that goes on after a crash prepares and trains again.
        self._phases.append(PhaseSpan(name=phase, started_at=moment))
        self._longest = 0.0

    def _time_left(self) -> TimeRange | None:
        if self._epochs is None:
            return None
        part = self._step / self._steps if self._step is not None and self._steps else None
        return time_left(self._marks, self._epochs, part=part, newest=self._newest)

    def _curves(self, before: Mapping[str, Curve], *, per_class: bool) -> Mapping[str, Curve]:
        curves = dict(before)
        for name, points in self._points.items():
            if name.startswith(_PER_CLASS) is per_class:
                key = name.removeprefix(_PER_CLASS) if per_class else name
                curves[key] = _extended(curves.get(key, Curve()), points)
        return curves


def _extended(curve: Curve, points: list[tuple[int, float, float]]) -> Curve:
    # A run that goes on after a crash may report an epoch twice: the later report counts.
    known = {
        epoch: (seconds, value) for epoch, seconds, value in zip(curve.steps, curve.seconds, curve.values, strict=True)
    }
    known.update({epoch: (seconds, value) for epoch, seconds, value in points})
    epochs = tuple(sorted(known))
    return Curve(
        steps=epochs,
        seconds=tuple(known[epoch][0] for epoch in epochs),
        values=tuple(known[epoch][1] for epoch in epochs),
    )


def moment_of(row: LogRow) -> datetime | None:
    """Return the moment of a row, ``None`` if it has none that can be read."""
    try:
        moment = datetime.fromisoformat(row.timestamp)
    except ValueError:
        return None
    # A moment without a zone is taken for UTC, which servers write.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
