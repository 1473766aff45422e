"""The page on which a model is chosen for use and handed over."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import streamlit as st

from traindash import formatting
from traindash.comparison.decision import Requirements, number_of
from traindash.comparison.decision_words import GOAL_NAMES
from traindash.comparison.experiment import ComparedExperiment
from traindash.domain.experiment import ExperimentInfo, TeamFile
from traindash.domain.handover import ChosenModel, Need, Thresholds
from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.operating_points import (
    THRESHOLD_DECIMALS,
    BestF1,
    Goal,
    OperatingPoints,
    choose_threshold,
    operating_points,
    operating_points_per_class,
)
from traindash.experiments.models import USUAL_CONFIDENCE
from traindash.handover.card import need_words
from traindash.handover.choices import LONGEST_WHO, LONGEST_WHY, choices_of, keep_choice
from traindash.handover.package import FORMS, Form, package_name
from traindash.handover.snippets import snippets
from traindash.language import N_, current
from traindash.language import gettext as _
from traindash.steady_clock import CLOCK
from traindash.ui import connection, lookups, screens
from traindash.ui.comparison.decision import choose_goal, requirements_of
from traindash.ui.errors import draw_empty_page, titled
from traindash.ui.experiments.data import experiment_reader, load_comparison
from traindash.ui.experiments.index import parse_ids
from traindash.ui.handover.work import (
    Made,
    Wanted,
    begin_package,
    checkpoint_of,
    draw_package_work,
    is_making,
    onnx_of,
)
from traindash.ui.state import flash, telling_errors
from traindash.ui.streamlit_internals import DeltaGenerator
from traindash.ui.theme import plain

BESIDE = "beside"  # in the address: the experiments that it was compared with
_TITLES: Mapping[str, str] = {"precision": N_("Precision"), "recall": N_("Recall"), "f1": "F1"}
_FEW_SECONDS = N_("usually 10 to 60 seconds on a processor")


@connection.lookup(seconds=10, most=50)
def chosen_models(team: TeamId, project: ProjectId) -> tuple[ChosenModel, ...]:
    """Return the chosen models of a project, the newest first."""
    return choices_of(connection.client(), team, project)


def draw_handover(wanted: str | None, beside: str | None) -> None:
    """Draw the page of the experiment that the address names.

    Raises:
        InputError: The address holds something that is no task.
        NotFoundError: There is no experiment of the task.
    """
    with titled(_("Hand over")):
        ids = parse_ids(wanted)
        if not ids:
            st.title(_("Hand over"), anchor=False)
            sentence = _("Choose an experiment; what was trained is handed over from its page.")
            draw_empty_page(
                _("No model yet"), sentence, next_step=_("Experiments"), icon="science", screen="experiments"
            )
            return
        experiment = load_comparison(ids[:1], None).experiments[0]
    info = experiment.info
    if info is None:
        return
    screens.link("task", _("The training"), "arrow_back", task=info.task_id)
    st.title(_("Hand over"), anchor=False)
    project = lookups.project_names().get(info.project_id) or _("Project {number}").format(number=info.project_id)
    st.caption(plain(f"{info.experiment_name} · {info.framework_name} {info.model_name} · {project}"))
    known = chosen_models(connection.team_id(), info.project_id)
    own = next((choice for choice in known if choice.task_id == info.task_id), None)
    with st.container(key="handover-columns"):
        left, right = st.columns([2, 1], gap="medium")
    with left:
        if own is None:
            with st.container(border=True, key="panel-choice"):
                st.header(_("Choose this model"), anchor=False)
                _draw_form(experiment, info, (project, parse_ids(beside)))
        else:
            _draw_chosen(own)
            with st.expander(_("Choose it again, for another need"), icon=":material/tune:"):
                _draw_form(experiment, info, (project, parse_ids(beside)))
        if own is not None:
            _draw_package(own, experiment, info)
    with right:
        _draw_versions(known, info.task_id)


def _draw_chosen(choice: ChosenModel) -> None:
    with st.container(border=True, key="panel-chosen"):
        st.header(f":material/verified: {plain(choice.title)}", anchor=False)
        st.markdown(f"{plain(choice.why)}")
        st.markdown(_("Needed: {need}.").format(need=plain(need_words(choice.need))))
        own = "".join(
            f" · {name} {formatting.decimal(value, THRESHOLD_DECIMALS)}"
            for name, value in choice.thresholds.classes.items()
        )
        st.markdown(
            _("An object counts from a confidence of **{threshold}** on{classes}.").format(
                threshold=formatting.decimal(choice.thresholds.default, THRESHOLD_DECIMALS), classes=plain(own)
            )
        )
        st.caption(
            plain(
                _("Chosen by {who}, {time}").format(
                    who=choice.who, time=formatting.moment(datetime.fromisoformat(choice.chosen_at))
                )
            )
        )


def _draw_form(experiment: ComparedExperiment, info: ExperimentInfo, about: tuple[str, Sequence[TaskId]]) -> None:
    project, beside = about
    requirements = _requirements()
    found = experiment.evaluation
    evaluation = found if isinstance(found, Evaluation) and not found.pair.gt.crowd.all() else None
    goal = _choose_goal(requirements.goal) if evaluation is not None else requirements.goal
    thresholds, figures = _thresholds(evaluation, goal)
    who = st.text_input(_("Who chooses"), connection.client().user(), max_chars=LONGEST_WHO, key="choice-who")
    why = st.text_area(
        _("Why this one (required)"),
        max_chars=LONGEST_WHY,
        key="choice-why",
        placeholder=_("What it is for, and what spoke for it"),
        height=90,
    )
    at_the_field = st.container()
    kind, number = number_of(goal)
    if st.button(_("Choose this model"), type="primary", icon=":material/verified:", key="choose"):
        _choose(
            ChosenModel(
                version=0,
                project_id=info.project_id,
                project_name=project,
                task_id=info.task_id,
                experiment_name=info.experiment_name,
                who=who or "",
                why=why or "",
                need=Need(goal=kind, number=number, latency=requirements.latency, size=requirements.size),
                thresholds=thresholds,
                chosen_at=CLOCK.now().isoformat(timespec="seconds"),
                compared_with=tuple(task for task in beside if task != info.task_id),
                figures={**({"mAP": evaluation.key_metrics.mAP} if evaluation else {}), **figures},
            ),
            at_the_field,
        )


def _choose(choice: ChosenModel, at_the_field: DeltaGenerator) -> None:
    """Keep a choice; what is missing in it is told below the fields."""
    team = connection.team_id()
    # Clicks that were already on their way run this again
    known = chosen_models(team, choice.project_id)
    if any(replace(one, version=0, chosen_at="") == replace(choice, chosen_at="") for one in known[:1]):
        return
    with telling_errors():
        try:
            made = keep_choice(connection.client(), team, choice)
        except InputError as error:
            at_the_field.error(plain(str(error)), icon=":material/error:")
            return
        chosen_models.forget(team, choice.project_id)
        flash(_("“{name}” is now {title}.").format(name=choice.experiment_name, title=made.title))
        st.rerun()
    st.rerun()


def _requirements() -> Requirements:
    try:
        return requirements_of(st.query_params)
    except InputError as error:
        st.warning(plain(f"{error.message} {error.hint}"), icon=":material/warning:")
        return Requirements()


def _choose_goal(begin: Goal) -> Goal:
    st.session_state.setdefault("choice-goal", GOAL_NAMES[type(begin)])
    chosen = st.segmented_control(
        _("What matters"), list(GOAL_NAMES.values()), required=True, key="choice-goal", format_func=_
    )
    kind = next((kind for kind, name in GOAL_NAMES.items() if name == chosen), BestF1)
    return choose_goal(kind, begin)


def _thresholds(evaluation: Evaluation | None, goal: Goal) -> tuple[Thresholds, Mapping[str, float]]:
    """Draw the thresholds; what the goal asks for stands first."""
    if evaluation is None:
        value = st.number_input(
            _("Confidence threshold"), 0.0, 1.0, USUAL_CONFIDENCE, 0.01, format="%.3f", key="threshold"
        )
        st.caption(_("This training was not evaluated, so nothing speaks for a threshold."))
        return Thresholds(default=value), {}
    points = operating_points(evaluation)
    key = "-".join(map(str, number_of(goal)))
    value = st.number_input(
        _("Confidence threshold"),
        0.0,
        1.0,
        _wanted(goal, points),
        0.01,
        format="%.3f",
        key=f"threshold-{key}",
        help=_("From which confidence on an object counts. What the need asks for stands here first."),
        width=240,
    )
    point = points.at(value)
    figures = {name: one for name, one in _figures(point.precision, point.recall, point.f1) if math.isfinite(one)}
    told = " · ".join(f"{_(_TITLES[name])} {formatting.metric(one)}" for name, one in figures.items())
    st.caption(_("{figures} on the validation images, at IoU 0.50").format(figures=told))
    if not choose_threshold(goal, points).reached:
        st.warning(
            _("No threshold meets this need; the one that comes closest stands here."), icon=":material/warning:"
        )
    own: dict[str, float] = {}
    with st.expander(_("Thresholds of single classes"), icon=":material/category:"):
        names = st.multiselect(_("Classes with one of their own"), evaluation.classes, key="threshold-classes")
        by_class = dict(zip(evaluation.classes, operating_points_per_class(evaluation), strict=True))
        for name in names:
            own[name] = st.number_input(
                plain(name), 0.0, 1.0, _wanted(goal, by_class[name]), 0.01, format="%.3f", key=f"threshold-{key}-{name}"
            )
    return Thresholds(default=round(value, THRESHOLD_DECIMALS), classes=own), figures


def _figures(precision: float, recall: float, f1: float) -> tuple[tuple[str, float], ...]:
    return ("precision", precision), ("recall", recall), ("f1", f1)


def _wanted(goal: Goal, points: OperatingPoints) -> float:
    best = choose_threshold(goal, points).threshold
    return best if best < 1.0 and points.tp[-1] else USUAL_CONFIDENCE  # where nothing it finds is right


def _draw_versions(known: Sequence[ChosenModel], here: TaskId) -> None:
    with st.container(border=True, key="panel-versions"):
        st.header(_("Chosen models of this project"), anchor=False)
        if not known:
            st.caption(_("None yet. Who, why and the need are written down with the files of the team."))
        for choice in known:
            with st.container(key=f"version-{choice.version}", gap=None):
                name = f"v{choice.version} · {choice.experiment_name}"
                if choice.task_id == here:
                    st.markdown(f"**{plain(name)}**")
                else:
                    screens.link("handover", plain(name), task=choice.task_id)
                chosen_at = formatting.moment(datetime.fromisoformat(choice.chosen_at))
                st.caption(plain(f"{choice.who}, {chosen_at}: {choice.why}"))


def _draw_package(choice: ChosenModel, experiment: ComparedExperiment, info: ExperimentInfo) -> None:
    reader = experiment_reader()
    files = reader.folder(info.artifacts_dir)
    with st.container(border=True, key="panel-package"):
        st.header(_("Package"), anchor=False)
        st.caption(
            _(
                "Weights, ONNX, classes, thresholds, what is done before and after the network, a model card, a Python "
                "file that runs with onnxruntime alone, and a check on an enclosed picture."
            )
        )
        form: Form = st.segmented_control(
            _("Form"),
            list(FORMS),
            format_func=lambda one: _(FORMS[one]),
            default="folder",
            required=True,
            key="package-form",
        )
        has_onnx = onnx_of(info, files) is not None
        makes_onnx = not has_onnx and _offer_onnx()
        made = draw_package_work(choice, form)
        making = is_making(choice, form)
        if made is not None:
            _draw_made(made)
        if not making and (made is None or (makes_onnx and not has_onnx)):
            st.button(
                _("Make the package"),
                type="primary",
                icon=":material/inventory_2:",
                key="make-package",
                on_click=begin_package,
                args=(
                    reader,
                    Wanted(
                        choice=choice,
                        experiment=experiment,
                        info=info,
                        form=form,
                        makes_onnx=makes_onnx,
                        language=current(),
                    ),
                ),
            )
            st.caption(plain(_("It will be called {name}.").format(name=package_name(choice, form))))
    _draw_code(choice, checkpoint_of(info, files))


def _offer_onnx() -> bool:
    """Offer to make the ONNX file that is missing, and say how long that takes."""
    if not lookups.can_export():
        st.info(
            _(
                "There is no ONNX file, and this server makes none afterwards: the package runs only with the engine "
                "that trained the model. Train it with the export to ONNX switched on."
            ),
            icon=":material/info:",
        )
        return False
    took = next((job.seconds for job in connection.client().exports.list() if job.seconds is not None), None)
    last = _("the last one took {time}")
    time = _(_FEW_SECONDS) if took is None else last.format(time=formatting.duration(took))
    return st.toggle(
        _("Make the ONNX file, which is missing ({time})").format(time=time),
        value=True,
        key="make-onnx",
        help=_("Without it the package runs only with the engine that trained the model."),
    )


def _draw_made(made: Made) -> None:
    packed = made.packed
    if packed.is_same:
        st.success(
            plain(_("Tried on this machine. {outcome}").format(outcome=packed.checked)), icon=":material/check_circle:"
        )
    elif packed.is_same is False:
        st.error(plain(_("Tried on this machine. {outcome}").format(outcome=packed.checked)), icon=":material/error:")
    for problem in packed.problems:
        st.warning(plain(_(problem)), icon=":material/warning:")
    st.download_button(
        _("Download {name} ({size})").format(name=plain(made.name), size=formatting.size(packed.size)),
        data=made.path.read_bytes,
        file_name=made.name,
        mime="application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key="download-package",
    )
    if made.export_seconds is not None:
        made_in = _("The ONNX file was made in {time} and is kept in Team Files.")
        st.caption(made_in.format(time=formatting.duration(made.export_seconds)))
    with st.expander(f"{formatting.plural(len(packed.files), 'file', 'files')}", icon=":material/folder_zip:"):
        st.code("\n".join(packed.files), language=None)


def _draw_code(choice: ChosenModel, checkpoint: TeamFile) -> None:
    with st.container(border=True, key="panel-code"):
        st.header(_("Code to copy"), anchor=False)
        ways = snippets(choice, connection.team_id(), checkpoint.path)
        for tab, way in zip(st.tabs([_(way.title) for way in ways]), ways, strict=True):
            with tab:
                st.caption(plain(_(way.about)))
                st.code(way.text, language=way.language)
