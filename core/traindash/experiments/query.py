"""What somebody looks at in the list of experiments: filters, order, columns, choice. All of it fits into a URL."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qs, urlencode

from traindash import formatting
from traindash.comparison.rows import METRICS
from traindash.comparison.setup_differences import same, start_of
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.experiments.index import Entry
from traindash.experiments.marks import UNMARKED, Mark
from traindash.experiments.record_cache import Settings
from traindash.language import N_
from traindash.language import gettext as _

# The columns that the list of experiments can have: what a record says, any metric, any hyperparameter, marks.


Kind: TypeAlias = Literal["text", "metric", "number", "moment", "tags"]
Value: TypeAlias = str | float | datetime | tuple[str, ...] | None
METRIC, SETTING = "metric:", "setting:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An experiment with everything that the list can show of it."""

    entry: Entry
    mark: Mark = UNMARKED
    settings: Settings | None = None  # hyperparameters; `None` as long as they were not read

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
        if self.mark.name:
            return self.mark.name
        if self.info is not None:
            return self.info.experiment_name
        return (
            _("Task {number}").format(number=self.task_id)
            if self.task_id is not None
            else self.entry.folder.path.rsplit("/", 1)[-1]
        )

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
    """A column."""

    key: str  # in the URL
    title: str  # with its unit
    kind: Kind  # how its values are shown and sorted
    read: Callable[[Row], Value]  # its value of an experiment; `None` where there is none
    better: Literal["higher", "lower", "neither"] = "neither"  # which values are good
    about: str = ""  # one sentence for people who do not know it


def _from_info(read: Callable[[ExperimentInfo], Value]) -> Callable[[Row], Value]:
    return lambda row: None if row.info is None else read(row.info)


def _moment_of(info: ExperimentInfo) -> datetime | None:
    """Return when a training ended; records write it without a zone (``2026-11-23 14:00:22``), which is UTC."""
    try:
        found = datetime.fromisoformat(info.datetime) if info.datetime else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


NAME = Column(key="name", title=N_("Experiment"), kind="text", read=lambda row: row.name)
# Keys stand in URLs and in views that people saved: a key that was there once stays.
_FIXED: tuple[Column, ...] = (
    NAME,
    Column(key="model", title=N_("Model"), kind="text", read=_from_info(lambda info: info.model_name)),
    Column(key="framework", title=N_("Framework"), kind="text", read=lambda row: row.framework),
    Column(key="task_type", title=N_("Task"), kind="text", read=_from_info(lambda info: info.task_type)),
    Column(key="project", title=N_("Project"), kind="text", read=lambda row: row.project),
    Column(key="start", title=N_("Started from"), kind="text", read=_from_info(start_of)),
    Column(key="tags", title=N_("Tags"), kind="tags", read=lambda row: row.mark.tags or None),
    Column(key="note", title=N_("Note"), kind="text", read=lambda row: row.mark.note or None),
    Column(key="finished", title=N_("Finished"), kind="moment", read=_from_info(_moment_of)),
    Column(
        key="duration",
        title=N_("Training time"),
        kind="number",
        read=_from_info(lambda info: info.training_duration),
        about=N_("How long the training took on its agent."),
    ),
    Column(
        key="train_images", title=N_("Training images"), kind="number", read=_from_info(lambda info: info.train_size)
    ),
    Column(key="val_images", title=N_("Validation images"), kind="number", read=_from_info(lambda info: info.val_size)),
    Column(key="device", title=N_("Device"), kind="text", read=_from_info(lambda info: info.device)),
    Column(
        key="onnx",
        title=N_("mAP of the ONNX file"),
        kind="metric",
        read=_from_info(lambda info: score.score if (score := info.export_scores.get("ONNXRuntime")) else None),
        about=N_("The exported file, run over validation images: it should equal the checkpoint to half a point."),
    ),
    Column(key="task", title=N_("Task id"), kind="number", read=lambda row: row.task_id),
)
FIXED: Mapping[str, Column] = {column.key: column for column in _FIXED}
# Figures right behind what they belong to: on half a screen the rest is reached by scrolling
DEFAULT = (
    *("project", "metric:mAP", "metric:AP50", "metric:mIoU", "model", "finished", "duration"),
    *("tags", "metric:f1", "start"),
)
_USUAL = frozenset({"metric:mAP", "metric:AP50", "metric:f1"})  # what is shown as long as no record was read
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
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        return formatting.setting(value)

    return Column(
        key=SETTING + name, title=name, kind="number", read=read, about=N_("A hyperparameter, as it was used.")
    )


def best_values(rows: Iterable[Row], wanted: Column) -> Mapping[str, float]:
    """Return project → the best value of a column in it, without projects where no value is better than another.

    Figures of different projects say nothing about each other.
    """
    if wanted.better == "neither":
        return {}
    found: dict[str, list[float]] = {}
    for row in rows:
        value = wanted.read(row)
        if isinstance(value, int | float) and math.isfinite(value):
            found.setdefault(row.project, []).append(value)
    return {
        project: max(values) if wanted.better == "higher" else min(values)
        for project, values in found.items()
        # What looks the same is the same for whoever reads the list: no best among figures that differ where none is
        # shown.
        if formatting.metric(min(values)) != formatting.metric(max(values))
    }


def differing_settings(known: Sequence[Settings]) -> tuple[str, ...]:
    """Return the names of the hyperparameters that are not the same in all of these."""
    names = sorted({name for settings in known for name in settings})
    missing = object()  # a setting that one training lacks differs from every value, None included
    return tuple(
        name
        for name in names
        if any(not same(known[0].get(name, missing), settings.get(name, missing)) for settings in known[1:])
    )


# chosen experiments that a URL names at most; browsers and servers take about eight thousand characters
MOST_IN_URL = 1000
_LONGEST_TEXT = 300  # characters of a URL that somebody else may have written
_FLAG = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A view of the list."""

    text: str = ""  # words that have to occur in name, model, project, note or task id; case does not matter
    projects: tuple[str, ...] = ()  # names; all when empty. So are the next four
    models: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()  # as Supervisely calls them: `object detection`, `instance segmentation`
    tags: tuple[str, ...] = ()  # experiments with any of them
    starred: bool = False  # only those with a star
    hidden: bool = False  # those that were hidden too
    since: date | None = None  # finished on this day or later
    until: date | None = None  # finished on this day or earlier
    sort: str = "task"  # Key of the column that decides the order; with equal values the newest comes first
    descending: bool = True  # the greatest value first. What has no value comes last either way
    columns: tuple[str, ...] = DEFAULT  # keys of the columns after the name
    chosen: tuple[TaskId, ...] = ()  # tasks of the experiments that are selected

    @property
    def filters(self) -> int:
        """How many filters are set, the text not counted."""
        several = (self.projects, self.models, self.frameworks, self.task_types, self.tags)
        return sum(map(bool, (*several, self.starred, self.hidden, self.since, self.until)))

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns after the name."""
        return tuple(found for key in self.columns if (found := column(key)) is not None)

    def filled(self, known: Collection[str]) -> tuple[Column, ...]:
        """Return the columns after the name without those of figures that nobody chose and no experiment has.

        Detectors have a mAP and semantic segmentations a mIoU: a team seldom has both. ``known`` are the keys of the
        metrics that any experiment has.
        """
        if self.columns != DEFAULT:
            return self.shown
        kept = known or _USUAL
        return tuple(found for found in self.shown if found.kind != "metric" or found.key in kept)

    @property
    def needs_settings(self) -> bool:
        """Whether the order depends on hyperparameters, so that those of all experiments are needed."""
        return self.sort.startswith("setting:")

    @property
    def shows_settings(self) -> bool:
        """Whether hyperparameters are shown."""
        return any(key.startswith("setting:") for key in self.columns)


def select(rows: Iterable[Row], query: Query) -> list[Row]:
    """Return the experiments that a query looks for, in its order, from rows with the newest task first."""
    words = query.text.casefold().split()
    found = [row for row in rows if _fits(row, query) and _has_words(row, words)]
    # Most views are sorted so, and rows come so: ten thousand need not be sorted again with every click.
    if query.sort == "task":
        return found if query.descending else found[::-1]
    wanted = column(query.sort)
    return found if wanted is None else _sorted(found, wanted, descending=query.descending)


def write(query: Query) -> dict[str, list[str]]:
    """Return a query as parameters of a URL; what is as usual is left out."""
    usual = Query()
    result: dict[str, list[str]] = {}
    for item in fields(Query):
        value = getattr(query, item.name)
        if value != getattr(usual, item.name) and item.name not in {"sort", "descending", "chosen"}:
            result[_NAMES[item.name]] = _texts(value)
    if (query.sort, query.descending) != (usual.sort, usual.descending):
        result["sort"] = [("-" if query.descending else "") + query.sort]
    if query.chosen:
        result["ids"] = [",".join(str(task) for task in query.chosen[:MOST_IN_URL])]
    return result


def read(parameters: Mapping[str, Sequence[str]]) -> Query:
    """Read a query from the parameters of a URL; what cannot be understood is as if it were not there."""
    known: dict[str, Any] = {}
    for item in fields(Query):
        given = [text for text in parameters.get(_NAMES.get(item.name, ""), ()) if text]
        if given:
            known[item.name] = _READERS.get(item.name, tuple)(given)
    sort = next(iter(parameters.get("sort", ())), "")
    if column(sort.removeprefix("-")) is not None:
        known |= {"sort": sort.removeprefix("-"), "descending": sort.startswith("-")}
    known["chosen"] = _ids(next(iter(parameters.get("ids", ())), ""))
    return Query(**{name: value for name, value in known.items() if value is not None})


def to_text(query: Query) -> str:
    """Return a query as the part of a URL behind the question mark."""
    return urlencode(write(query), doseq=True)


def from_text(text: str) -> Query:
    """Read what :func:`to_text` wrote."""
    return read(parse_qs(text))


def _fits(row: Row, query: Query) -> bool:
    if (row.mark.hidden and not query.hidden) or (query.starred and not row.mark.starred):
        return False
    if query.tags and not set(query.tags) & set(row.mark.tags):
        return False
    info = row.info
    return (
        (not query.projects or row.project in query.projects)
        and (not query.frameworks or row.framework in query.frameworks)
        and (not query.models or (info is not None and info.model_name in query.models))
        and (not query.task_types or (info is not None and info.task_type in query.task_types))
        and _is_between(row, query)
    )


def _is_between(row: Row, query: Query) -> bool:
    if query.since is None and query.until is None:
        return True
    moment = None if row.info is None else _moment_of(row.info)
    if moment is None:
        return False
    day = moment.date()
    return (query.since is None or day >= query.since) and (query.until is None or day <= query.until)


def _has_words(row: Row, words: Sequence[str]) -> bool:
    if not words:
        return True
    model = row.info.model_name if row.info else ""
    text = f"{row.name} {model} {row.project} {row.framework} {row.task_id} {row.mark.note} {' '.join(row.mark.tags)}"
    folded = text.casefold()  # "STRASSE" finds "Straße"
    return all(word in folded for word in words)


def _sorted(rows: list[Row], wanted: Column, *, descending: bool) -> list[Row]:
    """Sort by numbers first, then texts; equal values stay as they were, newest first; no value comes last."""
    keyed = [(_order(wanted.read(row)), row) for row in rows]
    known = [(order, row) for order, row in keyed if order is not None]
    # By the order alone: rows cannot be compared, and equal ones keep their places, in both directions.
    known.sort(key=lambda item: item[0], reverse=descending)
    return [row for _order, row in known] + [row for order, row in keyed if order is None]


def _order(value: Value) -> tuple[int, float, str] | None:
    match value:
        case None:
            return None
        case str():
            return (1, 0.0, value.casefold())
        case tuple():
            return (1, 0.0, " ".join(value).casefold())
        case int() | float():
            return (0, float(value), "") if math.isfinite(value) else None
        case _:
            return (0, value.timestamp(), "")


def _texts(value: object) -> list[str]:
    if isinstance(value, tuple):  # an empty list of columns is something else than the usual columns
        return [str(item) for item in value] or [_NONE]
    return [_FLAG if value is True else str(value)]


def _day(given: Sequence[str]) -> date | None:
    try:
        return date.fromisoformat(given[0])
    except ValueError:
        return None


def _columns(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in dict.fromkeys(given) if key != "name" and column(key) is not None)


def _ids(text: str) -> tuple[TaskId, ...]:
    numbers = [word for word in text.split(",") if word.isascii() and word.isdigit()]
    return tuple(TaskId(int(word)) for word in dict.fromkeys(numbers))[:MOST_IN_URL]


_NONE = "none"
_NAMES: Mapping[str, str] = {
    "text": "q",
    "projects": "project",
    "models": "model",
    "frameworks": "framework",
    "task_types": "type",
    "tags": "tag",
    "starred": "starred",
    "hidden": "hidden",
    "since": "since",
    "until": "until",
    "columns": "column",
}
_READERS: Mapping[str, Any] = {
    "text": lambda given: given[0][:_LONGEST_TEXT],
    "starred": lambda given: given[0] == _FLAG,
    "hidden": lambda given: given[0] == _FLAG,
    "since": _day,
    "until": _day,
    "columns": _columns,
}
