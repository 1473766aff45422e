"""The guided first comparison: what it trains, as data and as a plan, and how far a person is in it.

What is trained is data, ``first_comparison.yaml`` in the folder of its framework. How far a person is, is kept on this
machine, for each server. Pure but for these files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import yaml

from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.plan import PretrainedModel
from traindash.domain.project import Project
from traindash.errors import InputError
from traindash.files import JsonFile
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import DeviceKind
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, choose_model, new_draft, plan_of_draft
from traindash.plans.facts import ProjectFacts
from traindash.plans.series import Experiment, ExperimentChange, SeriesChoices, SeriesPlan, Vary, experiments
from traindash.plans.suggestions import begin_with
from traindash.tasks.series_record import Series

SERIES_NAME = "First comparison"
SAMPLE_PROJECT = "Fruit and vegetables"  # as the embedded platform names it
_FRAMEWORK = "YOLO"  # whose folder says what is trained
Part: TypeAlias = Literal["watch", "verdict", "show"]
PARTS: tuple[Part, ...] = ("watch", "verdict", "show")


class FirstComparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two trainings on the sample project."""

    framework: str
    model: str  # name in the framework's catalogue
    preset: str  # name of the preset that both begin with
    vary: dict[str, str]  # path of a hyperparameter → its values, with commas between
    names: tuple[str, ...]  # of the experiments, in the order of the values
    seconds: float  # that both take, side by side on two idle cores


@cache
def first_comparison() -> FirstComparison:
    """Read the file, once per process."""
    file = framework(_FRAMEWORK).folder / "first_comparison.yaml"
    return msgspec.convert(yaml.safe_load(file.read_bytes()), FirstComparison)


def sample_project(projects: Sequence[Project]) -> Project | None:
    """Return the sample project, ``None`` where a person has deleted or renamed it."""
    own = (item for item in projects if item.name == SAMPLE_PROJECT and item.items_count)
    return min(own, key=lambda item: item.id, default=None)


def can_train(models: Sequence[CatalogueModel], wanted: FirstComparison) -> bool:
    """Return whether a server offers the model of the first comparison."""
    return any((model.framework, model.name) == (wanted.framework, wanted.model) for model in models)


def plan_first_comparison(
    project: ProjectFacts, wanted: FirstComparison, defaults: str, device: DeviceKind
) -> tuple[tuple[Experiment, ...], SeriesChoices]:
    """Return the trainings and the choices that make them.

    ``defaults`` are the framework's hyperparameters on this server.

    Raises:
        InputError: The project cannot be split, or the framework has no such preset.
    """
    preset = next((item for item in framework(wanted.framework).presets if item.name == wanted.preset), None)
    model = PretrainedModel(framework=wanted.framework, name=wanted.model)
    draft = choose_model(begin_with(new_draft(DraftId("first"), ""), project), model, same_framework=True)
    base = plan_of_draft(draft)
    if preset is None or base is None:
        msg = _("The first comparison cannot be planned on this project.")
        raise InputError(msg, _("Start a new training and choose the settings."))
    text = with_values(defaults, preset.values[device])
    choices = SeriesChoices(
        name=SERIES_NAME, vary=tuple(Vary(key=key, text=values) for key, values in wanted.vary.items())
    )
    # Both train at the same time, so a speed test would measure the other one, too.
    plan = replace(base, hyperparameters=text, autostart=True, enable_speedtest=False)
    series = SeriesPlan(base=plan, choices=choices)
    made = experiments(series, lambda _model: text)
    named = {item.key: ExperimentChange(name=name) for item, name in zip(made, wanted.names, strict=False)}
    choices = replace(choices, changes=named)
    return experiments(replace(series, choices=choices), lambda _model: text), choices


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """The way of one person through the first comparison."""

    series_id: SeriesId  # of the two trainings
    reached: Part = "watch"  # the furthest part that was seen
    is_left: bool = False  # put aside; the overview offers to go on
    is_over: bool = False  # seen to its end, or not wanted: nobody is asked again


class TourStore:
    """The tours of this machine; a file that is missing or damaged holds none. Safe for use from several threads."""

    def __init__(self, path: Path) -> None:
        decode = msgspec.json.Decoder(dict[str, Tour]).decode
        self._file: JsonFile[Mapping[str, Tour]] = JsonFile(
            path=path, decode=decode, empty={}, noun=N_("The guided first comparison")
        )

    def of(self, server: str) -> Tour | None:
        """Return the tour on a server, ``None`` where none was begun."""
        return self._file.read().get(server)

    def begin(self, server: str, series_id: SeriesId) -> None:
        """Begin a tour, in place of an earlier one.

        Raises:
            StorageError: The file cannot be written.
        """
        self._file.change(lambda kept: {**kept, server: Tour(series_id=series_id)})

    def change(self, server: str, change: Callable[[Tour], Tour]) -> None:
        """Change the tour on a server; nothing where there is none. Errors as :meth:`begin`."""

        def changed(kept: Mapping[str, Tour]) -> Mapping[str, Tour]:
            return {**kept, server: change(kept[server])} if server in kept else kept

        self._file.change(changed)


def arrived(tour: Tour, part: Part) -> Tour:
    """Return the tour with a part seen; the furthest one counts."""
    return tour if PARTS.index(part) <= PARTS.index(tour.reached) else replace(tour, reached=part)


def part_of(screen: str, series: Series, named: Mapping[str, str]) -> Part | None:
    """Return the part that a screen shows with what its address names; ``None`` for what is not of this series."""
    own = set(series.task_ids)
    match screen:
        case "series":
            return "watch" if named.get("series") == series.id else None
        case "task":
            return "watch" if _ids(named.get("task", "")) <= own and named.get("task") else None
        case "compare" | "show":
            ids = _ids(named.get("ids", ""))
            return None if not ids or not ids <= own else "verdict" if screen == "compare" else "show"
        case _:
            return None


def _ids(text: str) -> set[TaskId]:
    """Return the ids in an address; what is no id makes none of a series."""
    return {TaskId(int(part)) if part.isascii() and part.isdigit() else TaskId(-1) for part in text.split(",")}
