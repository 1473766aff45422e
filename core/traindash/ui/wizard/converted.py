"""The classes step: an app that passes over some of the classes, and the copy of the project that it takes whole."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from traindash.domain.project import Project
from traindash.errors import AppError
from traindash.formatting import count, listing, plural, quoted
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.app_rules import CopyNeed, copy_need
from traindash.plans.converted_copy import ConvertedCopy, CopyOrder, find_copy, make_copy, origin_of_copy, use_copy
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.facts import ModelFacts, ProjectFacts
from traindash.plans.suggestions import begin_with
from traindash.ui import connection, lookups, screens
from traindash.ui.background_work import BackgroundWork
from traindash.ui.errors import draw_trouble
from traindash.ui.state import change_draft, flash
from traindash.ui.theme import plain
from traindash.ui.wizard.frame import WizardView

_LOOK_SECONDS = 1.0
_SHAPES: Mapping[str, str] = {"boxes": N_("boxes"), "masks": N_("masks")}
COPIES: BackgroundWork[DraftId, int, ConvertedCopy] = BackgroundWork("copy", threads=4)  # told: images so far


def draw_copy(view: WizardView) -> None:
    """Draw what the training app would leave out and the way to a copy that it takes; nothing where it takes all."""
    _take_over(view.draft.id)
    project, model = view.facts.project, view.facts.model
    if project is None or model is None:
        return
    chosen = project.default_classes if view.draft.classes is None else view.draft.classes
    items = [item for item in project.meta.classes if item.name in chosen]
    need = copy_need(items, model.task_type, view.facts.app)
    if need is None:
        _draw_origin(project.project)
        return
    collections = view.draft.split.collections if view.draft.split.method == "collections" else None
    order = CopyOrder(
        project=project,
        shape=need.shape,
        framework=model.framework,
        collections=() if collections is None else (*collections.train_collections, *collections.val_collections),
    )
    with st.container(border=True, key="converted-copy"):
        if COPIES.is_busy(view.draft.id):
            _draw_progress(view.draft.id, project.project.items_count, order.name)
        else:
            _draw_offer(view.draft, order, need, project, model)


def _draw_origin(project: Project) -> None:
    """Draw what a copy was made from, with the way there; nothing for other projects."""
    origin = origin_of_copy(project)
    if origin is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="copy-origin"):
        st.caption(
            _("This project is a copy of “{name}” with {shape}.").format(
                name=plain(origin.name), shape=_(_SHAPES.get(origin.shape, origin.shape))
            ),
            width="content",
        )
        screens.link("project", _("Open the original"), "open_in_new", project=origin.project_id)


def _draw_offer(draft: WizardDraft, order: CopyOrder, need: CopyNeed, project: ProjectFacts, model: ModelFacts) -> None:
    names = listing([quoted(plain(name)) for name in need.classes if name not in need.hopeless])
    st.markdown(
        ":material/content_copy: "
        + _("**A copy with {shape}** lets {framework} learn {names}.").format(
            shape=_(_SHAPES[need.shape]), framework=plain(model.framework), names=names
        )
    )
    st.caption(_about(need, project))
    known = find_copy(lookups.projects(connection.workspace_id()), order)
    with st.container(horizontal=True, vertical_alignment="center"):
        if known is not None:
            st.button(
                _("Use “{name}”").format(name=plain(known.name)),
                icon=":material/check:",
                key="use-copy",
                type="primary",
                on_click=_use_known,
                args=(draft.id, known),
            )
        st.button(
            _("Make a new copy") if known is not None else _("Make “{name}”").format(name=plain(order.name)),
            icon=":material/content_copy:",
            key="make-copy",
            type="secondary" if known is not None else "primary",
            on_click=_make,
            args=(draft.id, order),
        )


def _about(need: CopyNeed, project: ProjectFacts) -> str:
    objects = {item.name: item.objects for item in project.statistics.classes}
    whole = (
        _(
            "It is a project of its own beside this one: the same {images} without their files a second time, "
            "every object as a box. This project stays as it is."
        )
        if need.shape == "boxes"
        else _(
            "It is a project of its own beside this one: the same {images} without their files a second time, "
            "every object as a mask. This project stays as it is."
        )
    )
    text = whole.format(
        images=plural(project.project.items_count, "image", "images"),
    )
    boxes = [item.name for item in project.meta.classes if item.name in need.classes and item.shape == "rectangle"]
    if need.shape == "masks" and boxes:
        text += " " + _("A box becomes a filled one: from such masks a model learns boxes, not outlines.")
    lost = sum(objects.get(name, 0) for name in need.hopeless)
    if need.hopeless:
        gone = listing([quoted(plain(name)) for name in need.hopeless])
        text += " " + _("{gone} cannot become {shape}: {objects} of the chosen classes stay out.").format(
            gone=gone, shape=_(_SHAPES[need.shape]), objects=plural(lost, "object", "objects")
        )
    return text


@st.fragment(run_every=_LOOK_SECONDS)
def _draw_progress(draft_id: DraftId, images: int, name: str) -> None:
    done = COPIES.progress(draft_id)
    if done is None:
        st.rerun()
    st.progress(
        min(done / max(images, 1), 1.0),
        text=_("Making “{name}”: {done} of {images}").format(name=plain(name), done=count(done), images=count(images)),
    )
    st.caption(_("You can go on elsewhere meanwhile; this draft uses the copy when it is whole."))


def _make(draft_id: DraftId, order: CopyOrder) -> None:
    client = connection.client()
    COPIES.begin_once(draft_id, lambda tell: make_copy(client, order, tell), 0)


def _take_over(draft_id: DraftId) -> None:
    """Go on with a copy that has just become whole, or say why there is none."""
    try:
        copy = COPIES.take(draft_id)
    except AppError as error:
        draw_trouble(error.message, f"{error.hint} {_('Nothing was changed in the draft.')}".strip())
        return
    if copy is None:
        return
    lookups.projects.forget(connection.workspace_id())
    made = lookups.project(copy.project_id)
    if made is None:
        return
    change_draft(draft_id, lambda draft: use_copy(draft, copy, made.meta))
    lost = (
        " " + _("{objects} without such a shape stayed out.").format(objects=plural(copy.left_out, "object", "objects"))
        if copy.left_out
        else ""
    )
    flash(_("This draft now trains on “{name}”.").format(name=copy.name) + lost)
    st.rerun()


def _use_known(draft_id: DraftId, known: Project) -> None:
    facts = lookups.project(known.id)
    if facts is not None:
        names = set(facts.class_names)

        def change(draft: WizardDraft) -> WizardDraft:
            moved = begin_with(draft, facts)
            wanted = None if draft.classes is None else tuple(name for name in draft.classes if name in names)
            return replace(moved, classes=wanted)

        change_draft(draft_id, change)
