"""The page on which a model is given images to label."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.handover import ChosenModel
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.domain.labelling import LabelOrder
from traindash.domain.prediction import LEAST_CONFIDENCE, ModelFile
from traindash.domain.project import Project
from traindash.errors import AppError, InputError
from traindash.evaluation.operating_points import THRESHOLD_DECIMALS
from traindash.experiments.models import USUAL_CONFIDENCE, models_of
from traindash.language import N_, current, speaking
from traindash.language import gettext as _
from traindash.projects.moving import project_of_copies
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.ui import connection, lookups, screens
from traindash.ui.background_work import BackgroundWork
from traindash.ui.errors import draw_trouble, titled
from traindash.ui.experiments.data import recommended_confidence
from traindash.ui.experiments.index import find_experiments, given_names, kept_experiments, parse_ids
from traindash.ui.handover.view import chosen_models
from traindash.ui.state import remember_start, task_just_started
from traindash.ui.theme import plain

_UNLABELLED, _EVERY = N_("Images without labels"), N_("All images")
_COPIES, _HERE = N_("A new project (copies)"), N_("This project, beside what is there")
_WAIT_SECONDS = 1.0
_Key: TypeAlias = tuple[str, ProjectId, ModelFile]  # server, project, model
_STARTS: BackgroundWork[_Key, None, TaskId] = BackgroundWork("label", threads=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What shall be labelled."""

    order: LabelOrder
    project: Project
    images: tuple[ImageId, ...]  # that the model is given
    copies: bool  # of them, in a new project


def draw_label_start(wanted: str | None, project: str | None = None) -> None:
    """Draw the page for the experiment that the address names, or for one that is chosen here.

    ``project`` is the number of the project whose images shall be labelled; by default the one of the training.

    Raises:
        InputError: The address holds something that is no task.
        NotFoundError: There is no experiment of the task.
    """
    with titled(_("Label images")):
        ids = parse_ids(wanted)
        info = find_experiments(ids[:1])[ids[0]] if ids else None
        known = () if info is not None else _experiments_with_models()
    if info is not None:
        screens.link("task", _("The training"), "arrow_back", task=info.task_id)
        st.title(_("Label images with this model"), anchor=False)
        st.caption(plain(f"{info.experiment_name} · {info.framework_name} {info.model_name}"))
    else:
        st.title(_("Label images"), anchor=False)
    first = ProjectId(int(project)) if project is not None and project.isascii() and project.isdecimal() else None
    with st.container(border=True, key="panel-label", width=840):
        if info is None:
            st.markdown(_("A model draws what it finds on the images; the review accepts, corrects or rejects it."))
            info = _choose_model(known)
        if info is None:
            _draw_no_model()
            return
        chosen = next(
            (one for one in chosen_models(connection.team_id(), info.project_id) if one.task_id == info.task_id), None
        )
        wish = _draw_wish(info, chosen, first or info.project_id)
        _draw_start(wish, info)


def _experiments_with_models() -> tuple[ExperimentInfo, ...]:
    team = connection.team_id()
    return tuple(info for info in kept_experiments() if models_of(info, team))


def _choose_model(known: Sequence[ExperimentInfo]) -> ExperimentInfo | None:
    """Draw the choice of an experiment whose best model labels, the newest first; ``None`` where there is none."""
    names, infos = given_names(), {info.task_id: info for info in known}
    if not infos:
        return None
    task = st.selectbox(
        _("Model"),
        list(infos),
        format_func=lambda task: (
            f"{names.get(task) or infos[task].experiment_name} · {infos[task].framework_name} {infos[task].model_name}"
        ),
        key="label-model",
    )
    return infos[task]


def _draw_no_model() -> None:
    st.info(
        _("There is no trained model yet. Train one on a project whose images have labels; it can label others then."),
        icon=":material/info:",
    )
    screens.link("project", _("New training"), "add_circle")


def _draw_wish(info: ExperimentInfo, chosen: ChosenModel | None, first: ProjectId) -> _Wish:
    """Draw which images of which project the model is given, and where its labels go."""
    project = _choose_project(lookups.projects(connection.workspace_id()), first)
    images = _images(project.id, str(project.updated_at))
    empty = [image for image, labels in images if not labels]
    which = st.segmented_control(
        _("Which images"),
        [_UNLABELLED, _EVERY],
        default=_UNLABELLED if empty else _EVERY,
        required=True,
        format_func=_,
        key=f"label-which-{project.id}",
    )
    if images and not empty:
        st.caption(_("Every image of this project has labels already; choose another one to label what is new."))
    where = st.segmented_control(
        _("Where the labels go"),
        [_COPIES, _HERE],
        default=_COPIES,
        required=True,
        format_func=_,
        key="label-where",
    )
    known = recommended_confidence(info) if chosen is None else chosen.thresholds.default
    confidence = st.slider(
        _("Confidence, from"),
        LEAST_CONFIDENCE,
        1.0,
        USUAL_CONFIDENCE if known is None else max(LEAST_CONFIDENCE, known),
        10.0**-THRESHOLD_DECIMALS,
        format=f"%.{THRESHOLD_DECIMALS}f",
        key=f"label-confidence-{info.task_id}",
        help=_("Lower finds more and is wrong more often: what is wrong is rejected with one key in the review."),
        width=420,
    )
    if known is None:
        st.caption(_("It was not evaluated, so none is known to be best."))
    order = LabelOrder(
        project_id=project.id,
        model=models_of(info, connection.team_id())[0].model,
        name=chosen.title if chosen is not None else info.experiment_name,
        only_unlabelled=which == _UNLABELLED and where == _HERE,
        confidence=confidence,
    )
    asked = empty if which == _UNLABELLED else [image for image, _labels in images]
    return _Wish(order=order, project=project, images=tuple(asked), copies=where == _COPIES)


def _draw_start(wish: _Wish, info: ExperimentInfo) -> None:
    st.info(plain(_what_happens(wish)), icon=":material/info:")
    key = (connection.server_name(), wish.order.project_id, wish.order.model)
    is_busy = _STARTS.is_busy(key)
    st.button(
        _("Starting") if is_busy else _("Start labelling"),
        type="primary",
        icon=":material/label:",
        key="label-start",
        disabled=not wish.images or is_busy,
        on_click=_start,
        args=(key, wish, info),
    )
    if is_busy:
        with st.spinner(_("Copying images") if wish.copies else _("Starting")):
            _STARTS.wait(key, _WAIT_SECONDS)
        st.rerun()
    try:
        task = _STARTS.take(key)
    except AppError as error:
        draw_trouble(error.message, error.hint)
        return
    if task is not None:
        remember_start(task)
        screens.go("task", task=task)


@connection.lookup(seconds=10, most=10)
def _images(project: ProjectId, state: str) -> tuple[tuple[ImageId, int], ...]:
    del state
    return tuple((image.id, image.labels_count) for image in connection.client().images.list(project_id=project))


def _choose_project(projects: Sequence[Project], first: ProjectId) -> Project:
    ids = [item.id for item in projects]
    names = {item.id: f"{item.name} ({formatting.plural(item.items_count, 'image', 'images')})" for item in projects}
    if not ids:
        raise InputError(_("There is no project with images."), _("Bring data in first."))
    number = st.selectbox(
        _("Project"),
        ids,
        index=ids.index(first) if first in ids else 0,
        format_func=names.__getitem__,
        key="label-project",
    )
    return next(item for item in projects if item.id == number)


def _what_happens(wish: _Wish) -> str:
    project = wish.project.name
    if not wish.images:
        return _("“{project}” has no image without labels.").format(project=project)
    if wish.copies:
        text = _("{images} of “{project}” are copied without labels into a new project; the original stays as it is.")
    else:
        text = _("Objects are added to {images} of “{project}”. Nothing that is there is changed or removed.")
    return text.format(images=formatting.plural(len(wish.images), "image", "images"), project=project)


def _start(key: _Key, wish: _Wish, info: ExperimentInfo) -> None:
    """Start once, however often the button is clicked."""
    if (started := task_just_started()) is not None:  # this click was on its way when the first one's task was there
        screens.go("task", task=started)
    client, language = connection.client(), current()
    copy_name = _("{project}, labelled by {experiment}").format(
        project=wish.project.name, experiment=info.experiment_name
    )

    def begin(_tell: Callable[[None], None]) -> TaskId:
        with speaking(language):
            return _label(client, wish, copy_name)

    _STARTS.begin_once(key, begin, None)


def _label(client: SuperviselyClient, wish: _Wish, copy_name: str) -> TaskId:
    made, order = None, wish.order
    if wish.copies:
        made = project_of_copies(client, order.project_id, copy_name, wish.images, keeps_labels=False)
        order = replace(order, project_id=made.id)
    try:
        return client.labelling.start(order)
    except AppError as error:
        if made is not None:  # nobody wants copies that nothing labels
            client.writing.archive(made.id)
        if not isinstance(error, MissingError):
            raise
        why = error.message.rstrip(".")
        msg = _("This server does not label images for us ({reason}).").format(reason=why)
        raise InputError(msg, _("Use its own app “Apply NN to Images Project”.")) from error
