"""Which models look at the pictures: one to six of all that the experiments have left, and from which confidence on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from traindash import formatting
from traindash.comparison.experiment import ComparedExperiment, Missing, parse_hyperparameters
from traindash.comparison.palette import SeriesStyle, styles_together
from traindash.comparison.pictures.gallery import MOST_COLUMNS
from traindash.comparison.short_names import short_labels
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.domain.prediction import LEAST_CONFIDENCE, ModelFile
from traindash.errors import InputError, NotFoundError
from traindash.evaluation.operating_points import THRESHOLD_DECIMALS
from traindash.experiments.models import USUAL_CONFIDENCE, ExperimentModel, models_of, read_wanted, write_wanted
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui import connection, lookups, screens
from traindash.ui.experiments.data import recommended_confidence
from traindash.ui.experiments.index import given_labels, given_names, kept_experiments
from traindash.ui.theme import plain

MODELS = "models"  # in the address
_CHOICE, _READ = "try-models", "try-models-written"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedModel:
    """A model that is looked at beside others."""

    key: str  # unique among all models of the server; in the address
    model: ModelFile
    info: ExperimentInfo
    label: str  # short, unique among those that are chosen
    name: str  # in full
    style: SeriesStyle
    best: float | None  # confidence that its verdict recommends; `None` where nobody knows one

    @property
    def usual(self) -> float:
        """Confidence from which on its objects count, where nobody chooses another."""
        return USUAL_CONFIDENCE if self.best is None else max(LEAST_CONFIDENCE, self.best)

    @property
    def slider(self) -> str:
        """Key of the widget that chooses the confidence."""
        return f"try-confidence-{self.key}"

    @property
    def confidence(self) -> float:
        """The chosen confidence."""
        return float(st.session_state.get(self.slider, self.usual))


def draw_choice() -> tuple[TriedModel, ...]:
    """Draw the choice of models and return what is chosen; nothing where there is no model at all.

    Raises:
        InputError: The address names something that is no model.
        NotFoundError: It names a model that is not there.
    """
    infos = {info.task_id: info for info in kept_experiments()}
    options = {one.key: one for info in infos.values() for one in models_of(info, connection.team_id())}
    if not options:
        return ()
    _take_from_address(options)
    titles = _titles(infos, options)
    chosen = st.multiselect(
        _("Models"),
        list(options),
        format_func=lambda key: titles.get(key, key),
        key=_CHOICE,
        max_selections=MOST_COLUMNS,
        persist_state="session",
        placeholder=_("Choose up to six"),
        help=_("The best checkpoint of each experiment, its ONNX file, and its other checkpoints. Type to search."),
    )
    found = _tried([options[key] for key in chosen if key in options], infos, titles)
    for one in found:
        st.session_state.setdefault(one.slider, one.usual)
    remember(found)
    return found


def remember(models: Sequence[TriedModel]) -> None:
    """Write what is chosen into the address: it survives a reload and can be sent on."""
    text = write_wanted((one.key, None if one.confidence == one.usual else one.confidence) for one in models)
    st.session_state[_READ] = text
    if text != st.query_params.get(MODELS, ""):
        if text:
            st.query_params[MODELS] = text
        else:
            del st.query_params[MODELS]


def draw_confidences(models: Sequence[TriedModel]) -> None:
    """Draw a slider for each model."""
    for column, one in zip(st.columns(max(len(models), 2), gap="medium"), models, strict=False):
        column.slider(
            _("Confidence of “{name}”").format(name=plain(one.label)),
            LEAST_CONFIDENCE,
            1.0,
            step=10.0**-THRESHOLD_DECIMALS,
            format=_("from %.3f"),
            key=one.slider,
            persist_state="session",
            help=_("Confidence from which on objects of “{name}” are shown. {usual}").format(
                name=one.name, usual=_about_usual(one)
            ),
        )


def _about_usual(model: TriedModel) -> str:
    if model.best is None:
        return _("It was not evaluated, so none is known to be best.")
    best = _("Its evaluation had the best F1 from {confidence} on.")
    return best.format(confidence=formatting.decimal(model.best, THRESHOLD_DECIMALS))


def link(ids: Sequence[TaskId], label: str, *, confidences: Mapping[TaskId, float] | None = None) -> None:
    """Draw a link that opens experiments here, with the confidences that somebody recommends."""
    screens.link("try_model", label, "image_search", models=wanted(ids, confidences))


def wanted(ids: Sequence[TaskId], confidences: Mapping[TaskId, float] | None = None) -> str:
    """Return what an address says of experiments that shall be tried."""
    known = confidences or {}
    return write_wanted((str(task), known.get(task)) for task in ids[:MOST_COLUMNS])


def _take_from_address(options: Mapping[str, ExperimentModel]) -> None:
    """Choose what the address names when the page opens; without a name the newest experiment."""
    text = st.query_params.get(MODELS, "")
    # What this page has written there itself is no wish of somebody, and neither is an address without models
    if _CHOICE in st.session_state and text in {"", st.session_state.get(_READ)}:
        st.session_state[_CHOICE] = [key for key in st.session_state[_CHOICE] if key in options]
        return
    named = read_wanted(text)
    missing = next((one for one in named if one.key not in options), None)
    if missing is not None:
        # By the task alone for one whose best checkpoint has another name
        msg = _("The experiment of task {number} has left no such model on this server.")
        hint = _("Choose another one on the experiments page.")
        raise NotFoundError(msg.format(number=missing.task_id), hint)
    keys = [one.key for one in named][:MOST_COLUMNS] or [next(iter(options))]
    for one in named:
        if one.confidence is not None:
            st.session_state[f"try-confidence-{one.key}"] = round(one.confidence, THRESHOLD_DECIMALS)
    st.session_state[_CHOICE] = keys


def _titles(infos: Mapping[TaskId, ExperimentInfo], options: Mapping[str, ExperimentModel]) -> dict[str, str]:
    names = given_names()
    return {
        key: f"{names.get(one.task_id) or infos[one.task_id].experiment_name}{_kind(one)}"
        for key, one in options.items()
    }


def _kind(model: ExperimentModel) -> str:
    return f" · {model.kind}" if model.kind else ""


def _tried(
    chosen: Sequence[ExperimentModel], infos: Mapping[TaskId, ExperimentInfo], titles: Mapping[str, str]
) -> tuple[TriedModel, ...]:
    tasks = list(dict.fromkeys(one.task_id for one in chosen))
    labels = dict(zip(tasks, short_labels([_known(infos[task]) for task in tasks], given_labels()), strict=True))
    styles = styles_together([one.task_id for one in chosen])
    return tuple(
        TriedModel(
            key=one.key,
            model=one.model,
            info=infos[one.task_id],
            label=f"{labels[one.task_id]}{_kind(one)}",
            name=titles[one.key],
            style=style,
            best=recommended_confidence(infos[one.task_id]),
        )
        for one, style in zip(chosen, styles, strict=True)
    )


def _known(info: ExperimentInfo) -> ComparedExperiment:
    """Return what tells an experiment from others without reading its evaluation."""
    text = lookups.hyperparameters(connection.team_id(), info)
    try:
        settings = Missing(reason=N_("left none")) if text is None else parse_hyperparameters(text.encode())
    except InputError:
        settings = Missing(reason=N_("cannot be read"))
    name = given_names().get(info.task_id) or info.experiment_name
    return ComparedExperiment(key=str(info.task_id), label=name, name=name, info=info, hyperparameters=settings)
