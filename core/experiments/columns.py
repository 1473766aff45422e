"""The columns that the list of experiments can have: what a record says, any metric, any hyperparameter, marks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from core.compare import formatting
from core.compare.differences import same
from core.compare.rows import METRICS
from core.compare.training_setup import start_of
from core.domain.experiment import ExperimentInfo
from core.domain.ids import TaskId
from core.experiments.index import Entry
from core.experiments.marks import UNMARKED, Mark
from core.experiments.settings_reader import Settings

Kind: TypeAlias = Literal["text", "metric", "number", "moment", "tags"]
Value: TypeAlias = str | float | datetime | tuple[str, ...] | None
METRIC, SETTING = "metric:", "setting:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An experiment with everything that the list can show of it.

    Attributes:
        settings: Hyperparameters; ``None`` as long as they were not read.
    """

    entry: Entry
    mark: Mark = UNMARKED
    settings: Settings | None = None

    @property
    def info(self) -> ExperimentInfo | None:
        """The record; ``None`` as long as it was not read."""
        return self.entry.info

    @property
    def task_id(self) -> TaskId | None:
        """The task; ``None`` for a folder that is not named after one and whose record is not known."""
        return self.entry.task_id

    @property
    def name(self) -> str:
        """What people call it; the task where the record is not known."""
        if self.info is not None:
            return self.info.experiment_name
        return f"Task {self.task_id}" if self.task_id is not None else self.entry.folder.path.rsplit("/", 1)[-1]

    @property
    def project(self) -> str:
        """Its project."""
        return self.entry.project

    @property
    def framework(self) -> str:
        """Its framework."""
        return self.entry.folder.framework if self.info is None else self.info.framework_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column.

    Attributes:
        key: In the URL.
        title: With its unit.
        kind: How its values are shown and sorted.
        read: Its value of an experiment; ``None`` where there is none.
        better: Which values are good.
        about: One sentence for people who do not know it.
    """

    key: str
    title: str
    kind: Kind
    read: Callable[[Row], Value]
    better: Literal["higher", "lower", "neither"] = "neither"
    about: str = ""


def _from_info(read: Callable[[ExperimentInfo], Value]) -> Callable[[Row], Value]:
    return lambda row: None if row.info is None else read(row.info)


def moment_of(info: ExperimentInfo) -> datetime | None:
    """Return when a training ended; records write it without a zone (``2026-11-23 14:00:22``), which is UTC."""
    try:
        found = datetime.fromisoformat(info.datetime) if info.datetime else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


NAME = Column(key="name", title="Experiment", kind="text", read=lambda row: row.name)
_FIXED: tuple[Column, ...] = (
    NAME,
    Column(key="model", title="Model", kind="text", read=_from_info(lambda info: info.model_name)),
    Column(key="framework", title="Framework", kind="text", read=lambda row: row.framework),
    Column(key="task_type", title="Task", kind="text", read=_from_info(lambda info: info.task_type)),
    Column(key="project", title="Project", kind="text", read=lambda row: row.project),
    Column(key="start", title="Started from", kind="text", read=_from_info(start_of)),
    Column(key="tags", title="Tags", kind="tags", read=lambda row: row.mark.tags or None),
    Column(key="note", title="Note", kind="text", read=lambda row: row.mark.note or None),
    Column(key="finished", title="Finished", kind="moment", read=_from_info(moment_of)),
    Column(
        key="duration",
        title="Training time",
        kind="number",
        read=_from_info(lambda info: info.training_duration),
        about="How long the training took on its agent.",
    ),
    Column(key="train_images", title="Training images", kind="number", read=_from_info(lambda info: info.train_size)),
    Column(key="val_images", title="Validation images", kind="number", read=_from_info(lambda info: info.val_size)),
    Column(key="device", title="Device", kind="text", read=_from_info(lambda info: info.device)),
    Column(key="task", title="Task id", kind="number", read=lambda row: row.task_id),
)
FIXED: Mapping[str, Column] = {column.key: column for column in _FIXED}
DEFAULT = ("model", "start", "metric:mAP", "metric:AP50", "metric:f1", "duration", "finished", "project", "tags")
_KNOWN_METRICS = {metric.key: metric for metric in METRICS}


def column(key: str) -> Column | None:
    """Return a column by its key; ``None`` for a key that names none."""
    if key.startswith(METRIC) and len(key) > len(METRIC):
        return _metric(key.removeprefix(METRIC))
    if key.startswith(SETTING) and len(key) > len(SETTING):
        return _setting(key.removeprefix(SETTING))
    return FIXED.get(key)


def metric_keys(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the keys of the columns for all metrics that any of the experiments has; well known ones first."""
    met = {name for row in rows if row.info is not None for name in row.info.evaluation_metrics}
    known = [name for name in _KNOWN_METRICS if name in met]
    return tuple(METRIC + name for name in (*known, *sorted(met - set(known))))


def _metric(name: str) -> Column:
    known = _KNOWN_METRICS.get(name)
    return Column(
        key=METRIC + name,
        title=known.title if known else name,
        kind="metric",
        read=_from_info(lambda info: info.evaluation_metrics.get(name)),
        better=known.better if known else "neither",
        about=known.meaning if known else "",
    )


def _setting(name: str) -> Column:
    def read(row: Row) -> Value:
        if row.settings is None or name not in row.settings:
            return None
        value = row.settings[name]
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else _text(value)

    return Column(key=SETTING + name, title=name, kind="number", read=read, about="A hyperparameter, as it was used.")


def _text(value: object) -> str:
    return formatting.setting(value)


def best_of(rows: Iterable[Row], wanted: Column) -> float | None:
    """Return the best value of a column; ``None`` where no value is better than another."""
    if wanted.better == "neither":
        return None
    values = [value for row in rows if isinstance(value := wanted.read(row), int | float)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if formatting.metric(low) == formatting.metric(high):  # a best needs two
        return None
    return high if wanted.better == "higher" else low


def differing_settings(known: Sequence[Settings]) -> tuple[str, ...]:
    """Return the names of the hyperparameters that are not the same in all of these."""
    names = sorted({name for settings in known for name in settings})
    missing = object()
    return tuple(
        name
        for name in names
        if any(not same(known[0].get(name, missing), settings.get(name, missing)) for settings in known[1:])
    )
