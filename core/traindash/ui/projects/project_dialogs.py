"""The project as a whole: name and description, a clone, deleting it and bringing it back."""

import time
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from traindash.domain.ids import ProjectId
from traindash.errors import StateError
from traindash.formatting import count, day, listing, plural, quoted
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.data_changes import drafts_on
from traindash.plans.draft import WizardDraft
from traindash.plans.facts import ProjectFacts
from traindash.projects.choosing import LONGEST_NAME, checked_name, free_name
from traindash.projects.moving import Tell
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.project_edits import CloneParts, Deleted
from traindash.ui import connection, lookups, screens
from traindash.ui.projects import work
from traindash.ui.projects.dialogs import Dialog, Dialogs, ask, draw_end, ending, value
from traindash.ui.projects.work import Outcome, Undo
from traindash.ui.state import flash, telling_errors
from traindash.ui.theme import plain
from traindash.ui.wizard.drafts import draft_title

_CLONE_WAYS = {
    N_("Everything"): CloneParts(),
    N_("Images without annotations"): CloneParts(annotations=False),
    N_("Classes and tags only"): CloneParts(images=False),
}
_LOOK_SECONDS = 1.0
_ASKED = "project-menu"
_FAILED = frozenset({"error", "stopped", "terminating"})


def draw_menu(facts: ProjectFacts) -> None:
    """Draw the menu of the project."""
    number = facts.project.id
    # Another one for each dialog that it opened: it would stay open behind them (1.67).
    key = f"project-menu-{st.session_state.get(_ASKED, 0)}"
    with (
        st.popover(_("Project"), icon=":material/more_horiz:", width="content", key=key),
        st.container(key="project-menu-items", gap=None),
    ):
        st.button(
            _("Label images"), icon=":material/label:", key="go-label", width="stretch", type="tertiary",
            on_click=_label, args=(number,),
        )  # fmt: skip
        for name, label, icon in (
            ("rename", _("Rename or describe"), "edit"),
            ("clone", _("Clone"), "content_copy"),
            ("delete", _("Delete"), "delete"),
        ):
            st.button(
                label, icon=f":material/{icon}:", key=f"ask-{name}", width="stretch", type="tertiary", on_click=_ask,
                args=(name, number),
            )  # fmt: skip


def _label(number: ProjectId) -> None:
    screens.go("label", project=number)


def _ask(name: str, number: ProjectId) -> None:
    st.session_state[_ASKED] = st.session_state.get(_ASKED, 0) + 1
    ask(name, number)


def draw_manage_link(facts: ProjectFacts, draft: WizardDraft) -> None:
    """Draw the ways from the wizard to where the project is changed, and to where a model labels its images."""
    with st.container(horizontal=True):
        screens.link("manage", _("Manage this project"), "tune", of=facts.project.id, draft=draft.id)
        screens.link("label", _("Label images"), "label", project=facts.project.id)


def _other_names(facts: ProjectFacts) -> set[str]:
    return {item.name for item in lookups.projects(facts.project.workspace_id) if item.id != facts.project.id}


def _draw_rename(facts: ProjectFacts, _about: tuple[Any, ...]) -> None:
    project = facts.project

    def save() -> None:
        name = checked_name(value("project-name"), _other_names(facts), "project", own=project.name)
        connection.client().project_edits.describe(project.id, name, value("project-description").strip())
        work.forget(project.id)
        flash(_("Saved."))

    with ending(_("Save"), save):
        st.text_input(_("Name"), project.name, key="project-name", max_chars=LONGEST_NAME)
        st.text_area(_("Description"), project.description, key="project-description", height=96)
        st.caption(_("Drafts and experiments keep to the project: they know it by its number."))


def _draw_clone(facts: ProjectFacts, _about: tuple[Any, ...]) -> None:
    project = facts.project
    taken = {project.name, *_other_names(facts)}

    def start() -> None:
        name = checked_name(value("clone-name"), taken, "project")
        wanted = _CLONE_WAYS[value("clone-way")]

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            del tell
            task = client.project_edits.clone(project.id, project.workspace_id, name, wanted)
            while (state := client.project_edits.clone_state(task)).status != "finished":
                if state.status in _FAILED:
                    msg = _("The server could not clone “{project}”.").format(project=project.name)
                    raise StateError(msg, _("Look at its task {task}.").format(task=task))
                time.sleep(_LOOK_SECONDS)
            text = _("“{name}” is made. It is among the projects now.").format(name=name)
            return Outcome(text=text, made=state.project_id)

        work.begin(project.id, _("Cloning “{name}”").format(name=project.name), 0, run)

    images = ngettext("{images} in {count} dataset", "{images} in {count} datasets", len(facts.datasets)).format(
        images=plural(project.items_count, "image", "images"), count=count(len(facts.datasets))
    )
    objects = plural(sum(item.objects for item in facts.statistics.classes), "object", "objects")
    classes = plural(len(facts.meta.classes), "class", "classes")
    with ending(_("Clone"), start, disabled=work.is_busy(project.id)):
        copy = _("{name} copy").format(name=project.name)
        st.text_input(_("Name of the clone"), free_name(copy, taken), key="clone-name")
        st.radio(
            _("What it takes"),
            list(_CLONE_WAYS),
            format_func=_,
            captions=[
                f"{images}, {objects}, {classes}",
                f"{images}, {classes}",
                _("{classes}, no image").format(classes=classes),
            ],
            key="clone-way",
        )
        st.caption(_("Image files are shared, not copied. Collections stay with this project."))


def _draw_delete(facts: ProjectFacts, _about: tuple[Any, ...]) -> None:
    project = facts.project
    objects = sum(item.objects for item in facts.statistics.classes)
    st.markdown(
        _("**{project}** with {images} and {objects} goes from every list. Experiments made with it stay.").format(
            project=plain(project.name),
            images=plural(project.items_count, "image", "images"),
            objects=plural(objects, "object", "objects"),
        )
    )
    drafts = drafts_on(connection.drafts().drafts(connection.server_name()), project.id)
    if drafts:
        names = listing([quoted(plain(draft_title(item))) for item in drafts])
        there = _("{drafts} on it: {names}.").format(drafts=plural(len(drafts), "draft", "drafts"), names=names)
        st.caption(f":material/edit_note: {there}")
    st.caption(kept_words())

    def delete() -> None:
        connection.client().writing.archive(project.id)
        undo = Undo(kind="project", ids=(project.id,), project_id=project.id)
        work.tell_outcome(
            project.id, Outcome(text=_("Project “{name}” is deleted.").format(name=project.name), undo=undo)
        )

    draw_end(_("Delete project"), delete)


def draw_deleted(wanted: ProjectId | None = None) -> None:
    """Draw deleted projects that can come back, if there are any; opened where a draft wants one of them."""
    here = [item for item in lookups.deleted_projects() if item.parent_id == connection.workspace_id()]
    if not here:
        return
    is_wanted = any(item.id == wanted for item in here)
    with st.expander(
        _("Deleted projects ({count})").format(count=count(len(here))), icon=":material/delete:", expanded=is_wanted
    ):
        if is_wanted:
            st.markdown(_("The project of this draft is among them."))
        for item in here:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"deleted-{item.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(item.name)}**")
                    st.caption(f"{plural(item.items_count, 'image', 'images')}, {until(item.removed_after)}")
                st.button(
                    _("Restore"), icon=":material/undo:", key=f"restore-{item.id}", on_click=_restore, args=(item,)
                )


def kept_words() -> str:
    """Return what becomes of one thing that is deleted."""
    if lookups.can_restore():
        return _("It can be brought back for 30 days.")
    return _("The server keeps it in its own trash.")


def until(moment: datetime | None) -> str:
    """Return until when something can come back, ``None`` where the server does not say."""
    if moment is None:
        return _("can be brought back")
    days = max(0, (moment - datetime.now(UTC)).days)
    return ngettext(
        "can be brought back until {day} ({count} day)", "can be brought back until {day} ({count} days)", days
    ).format(day=day(moment), count=count(days))


@telling_errors()
def _restore(item: Deleted) -> None:
    number = ProjectId(item.id)
    work.bring_back(Undo(kind="project", ids=(item.id,), project_id=number))


DIALOGS: Dialogs = {
    "rename": Dialog(N_("Name and description"), "edit", _draw_rename),
    "clone": Dialog(N_("Clone this project"), "content_copy", _draw_clone),
    "delete": Dialog(N_("Delete this project?"), "delete", _draw_delete),
}
