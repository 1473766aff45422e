"""All drafts of this machine: open, rename, duplicate, delete and have it back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from traindash.domain.plan import CustomCheckpoint, PretrainedModel
from traindash.formatting import duration, listing, setting
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.hyperparameters import differences, read_text
from traindash.plans.steps import reached, step
from traindash.ui import connection, lookups, screens
from traindash.ui.state import (
    attempt,
    change_draft,
    disputed_change,
    is_resumed,
    settle_dispute,
    start_new_draft,
    telling_errors,
)
from traindash.ui.theme import plain

# The menu of drafts: start over, start from a plan, go on with another one.

_SHOWN = 5
_UNITS = (86_400, 3_600, 60)
_DELETED = "deleted_draft"
_LONGEST_NAME = 120
_AT_ONCE = 25
_KINDS = (N_("Not started"), N_("Started"))


def draw_draft_menu(current: WizardDraft) -> None:
    """Draw the menu at the top right of the wizard."""
    open_drafts = [item for item in connection.drafts().drafts(connection.server_name()) if not item.is_started]
    others = [item for item in open_drafts if item.id != current.id and not item.is_untouched]
    with st.popover(_("Drafts"), icon=":material/edit_note:", width="content"):
        st.caption(_("This one is “{name}”. Every change is saved at once.").format(name=plain(draft_title(current))))
        st.button(_("Start over with an empty draft"), icon=":material/add:", width="stretch", on_click=_new)
        screens.link("plan", _("Start from a plan"), "input", draft=current.id)
        for draft in others[:_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", key=f"draft-{draft.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(draft_title(draft))}**")
                    details = (_differences_text(draft), _("changed {ago}").format(ago=ago(draft.changed_at)))
                    st.caption(plain(" · ".join(filter(None, details))))
                st.button(_("Open"), key=f"open-{draft.id}", on_click=_open, args=(draft,))
        screens.link("drafts", _("All drafts: rename, duplicate, delete"), "list_alt")


# Which draft this is, and what to do where two tabs have changed the same.

_FIELDS: Mapping[str, str] = {
    "project_id": N_("project"),
    "model": N_("model"),
    "classes": N_("classes"),
    "split": N_("split"),
    "hyperparameters": N_("hyperparameters"),
    "series": N_("what varies in the series"),
    "experiment_name": N_("experiment name"),
    "agent_id": N_("agent"),
}


def draw_standing(draft: WizardDraft) -> None:
    """Draw that this tab goes on with an older draft, or that another tab has changed what was changed here."""
    if (aside := disputed_change(draft.id)) is not None:
        names = listing([_(_FIELDS.get(name, name.replace("_", " "))) for name in aside.names])
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="draft-dispute"):
            st.markdown(
                ":material/tab: "
                + _(
                    "**Changed in another tab: {names}.** You see what was chosen there; your own change is put aside."
                ).format(names=plain(names)),
                width="stretch",
            )
            for label, keeps_mine in ((_("Use the other tab's"), False), (_("Keep mine"), True)):
                st.button(
                    label,
                    key=f"dispute-{keeps_mine}",
                    type="primary" if keeps_mine else "secondary",
                    on_click=settle_dispute,
                    args=(draft.id,),
                    kwargs={"keeps_mine": keeps_mine},
                )
    elif is_resumed(draft):
        with st.container(horizontal=True, vertical_alignment="center", key="draft-resumed"):
            st.caption(
                ":material/history: "
                + _("You go on with the draft “{name}”, changed {ago}.").format(
                    name=plain(draft_title(draft)), ago=ago(draft.changed_at)
                ),
                width="content",
            )
            st.button(_("Start over"), key="draft-fresh", type="tertiary", icon=":material/add:", on_click=_new)


def draft_title(draft: WizardDraft) -> str:
    """Return the name of a draft: the person's own, or one made of project and model."""
    return draft.name or project_and_model(draft)


def project_and_model(draft: WizardDraft) -> str:
    """Return what a draft is about in a few words."""
    known = None if draft.project_id is None else lookups.project(draft.project_id)
    project = known.project.name if known else _("no project")
    match draft.model:
        case PretrainedModel(name=name):
            return f"{project}, {name}"
        case CustomCheckpoint():
            return _("{project}, own checkpoint").format(project=project)
        case _:
            return _("{project}, no model").format(project=project)


def _differences_text(draft: WizardDraft) -> str:
    """Return how the hyperparameters of a draft differ from the defaults: what tells drafts alike apart."""
    if draft.hyperparameters is None or draft.model is None:
        return ""
    model = lookups.model(connection.team_id(), draft.model)
    if model is None or read_text(draft.hyperparameters).errors:
        return ""
    found = differences(read_text(draft.hyperparameters).values, read_text(model.default_hyperparameters).values)
    return listing(
        [f"{item.key} {_('removed') if item.is_removed else setting(item.value)}" for item in found], limit=2
    )


def ago(moment: datetime) -> str:
    """Return how long ago something was, e.g. ``3 min ago``."""
    # Whole units only, or the words would change with every redraw.
    seconds = (datetime.now(UTC) - moment).total_seconds()
    unit = next((size for size in _UNITS if seconds >= size), None)
    return _("just now") if unit is None else _("{time} ago").format(time=duration(seconds // unit * unit))


def _new() -> None:
    screens.go("project", draft=start_new_draft().id)


def _open(draft: WizardDraft) -> None:
    screens.go(reached(draft), draft=draft.id)


def draw_draft_list() -> None:
    """Draw the page below its title."""
    drafts = connection.drafts().drafts(connection.server_name())
    with st.container(horizontal=True, vertical_alignment="bottom", key="drafts-head"):
        kind = st.segmented_control(
            _("Drafts"),
            _KINDS,
            default=_KINDS[0],
            required=True,
            format_func=_,
            key="draft-kind",
            label_visibility="collapsed",
        )
        words = st.text_input(
            _("Search"),
            placeholder=_("Search name, project or model"),
            icon=":material/search:",
            key="draft-search",
            label_visibility="collapsed",
        )
        st.button(_("New draft"), key="draft-new", icon=":material/add:", type="primary", on_click=_new)
    _draw_way_back()
    wanted = [
        draft
        for draft in drafts
        if draft.is_started == (kind == _KINDS[1])
        # Opening the wizard makes a draft; one without a choice is nothing to come back to.
        and not draft.is_untouched
        and all(
            word in f"{draft_title(draft)} {project_and_model(draft)}".casefold()
            for word in (words or "").casefold().split()
        )
    ]
    _draw_rows(wanted, is_search=bool(words), is_open=kind == _KINDS[0])


def _draw_rows(drafts: Sequence[WizardDraft], *, is_search: bool, is_open: bool) -> None:
    if not drafts:
        none = (
            _("No draft yet. Every choice in the wizard is kept in one.")
            if is_open
            else _("No draft has been started yet.")
        )
        st.info(_("No draft fits the search.") if is_search else none, icon=":material/edit_note:")
        return
    # Each row has a menu with a field: hundreds of them take seconds to draw.
    shown = drafts[: st.session_state.get("drafts-shown", _AT_ONCE)]
    for draft in shown:
        _draw_row(draft)
    if len(shown) < len(drafts):
        st.button(
            _("Show {count} more").format(count=len(drafts) - len(shown)),
            key="drafts-more",
            on_click=st.session_state.update,
            args=({"drafts-shown": len(drafts)},),
        )


def _draw_row(draft: WizardDraft) -> None:
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", wrap=False, key=f"draft-row-{draft.id}"
    ):
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(draft_title(draft))}**")
            where = (
                _("started as task {task_id}").format(task_id=draft.task_id)
                if draft.task_id
                else _("at {step}").format(step=_(step(reached(draft)).title))
            )
            details = (
                project_and_model(draft) if draft.name else "",
                _differences_text(draft),
                _("started as a series") if draft.series_id is not None else where,
                _("changed {ago}").format(ago=ago(draft.changed_at)),
            )
            st.caption(" · ".join(plain(part) for part in details if part))
        if not draft.is_started:
            st.button(_("Open"), key=f"open-{draft.id}", icon=":material/arrow_forward:", on_click=_open, args=(draft,))
        elif draft.series_id is not None:
            screens.link("series", _("Series"), "open_in_new", series=draft.series_id)
        else:
            screens.link("task", _("Task"), "open_in_new", task=draft.task_id)
        with st.popover(_("More"), icon=":material/more_horiz:", key=f"more-{draft.id}"):
            name_key = f"name-{draft.id}"
            st.text_input(
                _("Name"),
                value=draft.name or "",
                key=name_key,
                max_chars=_LONGEST_NAME,
                placeholder=project_and_model(draft),
                on_change=_rename,
                args=(draft.id, name_key),
            )
            copy = _("{name}, copy").format(name=draft_title(draft))[:_LONGEST_NAME]
            st.button(
                _("Duplicate"),
                key=f"copy-{draft.id}",
                icon=":material/content_copy:",
                width="stretch",
                on_click=attempt,
                args=(lambda: connection.drafts().create(connection.server_name(), draft, name=copy),),
            )
            st.button(
                _("Delete"),
                key=f"delete-{draft.id}",
                icon=":material/delete:",
                width="stretch",
                on_click=_delete,
                args=(draft,),
            )


def _draw_way_back() -> None:
    deleted = st.session_state.get(_DELETED)
    if deleted is None:
        return
    draft_id, title = deleted
    with st.container(horizontal=True, vertical_alignment="center", key="draft-deleted"):
        st.info(_("“{name}” was deleted.").format(name=plain(title)), icon=":material/delete:", width="stretch")
        st.button(_("Undo"), key="draft-undo", icon=":material/undo:", on_click=_restore, args=(draft_id,))


def _rename(draft_id: DraftId, key: str) -> None:
    name = " ".join(str(st.session_state[key]).split()) or None
    change_draft(draft_id, lambda draft: replace(draft, name=name))


@telling_errors()
def _delete(draft: WizardDraft) -> None:
    # Set aside and not deleted: “Undo” brings it back, instead of a question before every deletion.
    connection.drafts().remove(draft.id)
    st.session_state[_DELETED] = (draft.id, draft_title(draft))


@telling_errors()
def _restore(draft_id: DraftId) -> None:
    st.session_state.pop(_DELETED, None)
    connection.drafts().restore(draft_id)
