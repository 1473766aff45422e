"""The page on which a model is given images to label."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.handover import ChosenModel
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.domain.labelling import LabelOrder
from traindash.domain.prediction import LEAST_CONFIDENCE
from traindash.domain.project import Project
from traindash.errors import AppError, InputError
from traindash.experiments.models import models_of, usual_confidence
from traindash.language import N_, Language, current, speaking
from traindash.language import gettext as _
from traindash.projects.moving import project_of_copies
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.ui import connection, lookups, screens
from traindash.ui.comparison.view import parse_ids
from traindash.ui.errors import titled
from traindash.ui.experiments.index import find_experiments
from traindash.ui.handover.view import chosen_models
from traindash.ui.state import remember_start, telling_errors
from traindash.ui.theme import plain

_UNLABELLED, _EVERY = N_("Images without labels"), N_("All images")
_COPIES, _HERE = N_("A new project (copies)"), N_("This project, beside what is there")
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="traindash-label")


def draw_label_start(wanted: str | None) -> None:
    """Draw the page for the experiment that the address names.

    Raises:
        InputError: The address holds no task.
        NotFoundError: There is no experiment of the task.
    """
    with titled(_("Label images")):
        ids = parse_ids(wanted)
        if not ids:
            raise InputError(_("No model is named in the address."), _("Choose an experiment; its page leads here."))
        info = find_experiments(ids[:1])[ids[0]]
    screens.link("task", _("The training"), "arrow_back", task=info.task_id)
    st.title(_("Label images with this model"), anchor=False)
    st.caption(plain(f"{info.experiment_name} · {info.framework_name} {info.model_name}"))
    chosen = next(
        (one for one in chosen_models(connection.team_id(), info.project_id) if one.task_id == info.task_id), None
    )
    projects = lookups.projects(connection.workspace_id())
    with st.container(border=True, key="panel-label", width=840):
        project = _choose_project(projects, info.project_id)
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
        ids_chosen = empty if which == _UNLABELLED else [image for image, _labels in images]
        where = st.segmented_control(
            _("Where the labels go"),
            [_COPIES, _HERE],
            default=_COPIES,
            required=True,
            format_func=_,
            key="label-where",
        )
        confidence = st.slider(
            _("Confidence, from"),
            LEAST_CONFIDENCE,
            1.0,
            _first_confidence(chosen, info),
            0.01,
            key="label-confidence",
            help=_("Lower finds more and is wrong more often: what is wrong is rejected with one key in the review."),
            width=420,
        )
        st.info(plain(_what_happens(len(ids_chosen), where, project)), icon=":material/info:")
        order = LabelOrder(
            project_id=project.id,
            model=models_of(info, connection.team_id())[0].model,
            name=chosen.title if chosen is not None else info.experiment_name,
            only_unlabelled=which == _UNLABELLED and where == _HERE,
            confidence=confidence,
        )
        if st.button(
            _("Start labelling"), type="primary", icon=":material/label:", key="label-start", disabled=not ids_chosen
        ):
            _start(order, tuple(ids_chosen) if where == _COPIES else None, project, info)


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


def _first_confidence(chosen: ChosenModel | None, info: ExperimentInfo) -> float:
    suits = usual_confidence(info) if chosen is None else chosen.thresholds.default
    return max(LEAST_CONFIDENCE, round(suits, 2))


def _what_happens(images: int, where: str, project: Project) -> str:
    if not images:
        return _("“{project}” has no image without labels.").format(project=project.name)
    count = formatting.plural(images, "image", "images")
    if where == _COPIES:
        text = _("{images} of “{project}” are copied without labels into a new project; the original stays as it is.")
    else:
        text = _("Objects are added to {images} of “{project}”. Nothing that is there is changed or removed.")
    return text.format(images=count, project=project.name)


def _start(order: LabelOrder, copied: tuple[ImageId, ...] | None, project: Project, info: ExperimentInfo) -> None:
    client = connection.client()
    name = _("{project}, labelled by {experiment}").format(project=project.name, experiment=info.experiment_name)
    task: TaskId | None = None
    with telling_errors(), st.spinner(_("Copying images") if copied else _("Starting")):
        # In a thread: who leaves the page meanwhile still gets the task
        task = _POOL.submit(_begin, client, order, copied, name, current()).result()
    if task is None:
        st.rerun()
    remember_start(task)
    screens.go("task", task=task)


def _begin(
    client: SuperviselyClient, order: LabelOrder, copied: tuple[ImageId, ...] | None, name: str, language: Language
) -> TaskId:
    with speaking(language):
        return _label(client, order, copied, name)


def _label(client: SuperviselyClient, order: LabelOrder, copied: tuple[ImageId, ...] | None, name: str) -> TaskId:
    made = None
    if copied is not None:
        made = project_of_copies(client, order.project_id, name, copied, keeps_labels=False)
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
