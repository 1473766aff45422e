"""What people do with experiments: compare, open, note, tag, star, hide, go on from them, fetch their files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

import streamlit as st

from traindash import formatting
from traindash.domain.ids import TaskId
from traindash.experiments.marks import LONGEST_NOTE, LONGEST_TAG
from traindash.experiments.query import Row
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui import connection, screens
from traindash.ui.errors import guarded_part
from traindash.ui.experiments.filters import change_query
from traindash.ui.experiments.index import marks
from traindash.ui.experiments.removal import draw_deletion, draw_rename
from traindash.ui.state import attempt, flash, telling_errors
from traindash.ui.tasks.actions import draw_follow_ups
from traindash.ui.tasks.files import draw_download
from traindash.ui.tasks.serving import can_be_deployed, draw_deployment
from traindash.ui.theme import plain
from traindash.ui.trying.models import wanted

Action: TypeAlias = Literal["open", "try", "deploy", "rename", "notes", "next", "handover", "files", "hide", "delete"]
_MENU: Mapping[Action, tuple[str, str]] = {  # icon and words
    "open": ("open_in_new", N_("Open the training")),
    "try": ("image_search", N_("Try on a picture")),
    "deploy": ("rocket_launch", N_("Deploy")),
    "rename": ("edit", N_("Rename")),
    "notes": ("edit_note", N_("Note and tags")),
    "next": ("replay", N_("Train again")),
    "handover": ("inventory_2", N_("Choose and hand over")),
    "files": ("folder_open", N_("Report and files")),
    "hide": ("visibility_off", N_("Hide or show again")),
    "delete": ("delete", N_("Delete")),
}
_WANTED = "experiments-dialog"


def menu() -> Mapping[str, Action]:
    """Return what can be done with one experiment, by its words in the language of the person."""
    # Without the icons: screen readers hear the text of the cell as it is (1.67).
    return {_(words): action for action, (_icon, words) in _MENU.items()}


def draw_actions(chosen: Sequence[Row], tags: Sequence[str]) -> None:
    """Draw what can be done with the chosen experiments, whether the filter shows them or not."""
    ids = [task for row in chosen if (task := row.task_id) is not None]
    with st.popover(
        _("Mark"),
        icon=":material/sell:",
        disabled=not chosen,
        help=None if chosen else _("Choose experiments in the table to star, tag or hide them."),
    ):
        _draw_marks(chosen, ids, tags)
    st.button(
        _("Clear"),
        icon=":material/close:",
        key="clear",
        disabled=not chosen,
        help=_("Chooses none of them.") if chosen else None,
        on_click=change_query,
        kwargs={"chosen": ()},
    )
    st.button(
        _("Try"),
        icon=":material/image_search:",
        key="try",
        disabled=not chosen,
        help=_("Up to six of them look at pictures of yours, side by side.")
        if chosen
        else _("Choose experiments in the table to try them on pictures of yours."),
        on_click=lambda: screens.go("try_model", models=wanted(sorted(ids))),
    )
    alone = len(chosen) == 1
    st.button(
        _("Open"),
        icon=":material/open_in_new:",
        key="open",
        disabled=not alone,
        help=_("Opens the page of its training.") if alone else _("Choose one experiment in the table to open it."),
        on_click=lambda: open_dialog("open", chosen[0]),
    )
    st.button(
        _("Show evaluation")
        if alone
        else _("Compare {count}").format(count=formatting.count(len(chosen)))
        if chosen
        else _("Compare"),
        type="primary",
        icon=":material/photo_library:" if alone else ":material/compare_arrows:",
        key="compare",
        disabled=not chosen,
        help=None if len(chosen) > 1 else _("Choose at least two experiments in the table to compare them."),
        on_click=lambda: screens.go("compare", ids=",".join(map(str, sorted(ids)))),
    )


def toggle_star(row: Row) -> None:
    """Put a star on an experiment or take it away; for callbacks."""
    if (task := row.task_id) is not None:
        attempt(lambda: marks().star([task], starred=not row.mark.starred))


def open_dialog(action: Action, row: Row) -> None:
    """Do something with one experiment; for callbacks. What needs a dialog gets it in the next run."""
    if row.task_id is None:
        flash(_("This folder belongs to no task, so nothing can be done with it here."), "error")
    elif action == "open":
        screens.go("task", task=row.task_id)
    elif action == "try":
        screens.go("try_model", models=wanted([row.task_id]))
    elif action == "handover":
        screens.go("handover", task=row.task_id)
    elif action == "hide":
        hidden, task = not row.mark.hidden, row.task_id
        attempt(lambda: marks().hide([task], hidden=hidden))
    else:
        st.session_state[_WANTED] = (action, row.task_id)


def show_dialog(rows: Mapping[TaskId, Row]) -> None:
    """Open the dialog that was asked for."""
    # Popped: a dialog that was closed must not come back with the next run.
    action, task = st.session_state.pop(_WANTED, (None, None))
    row = rows.get(task)
    if row is None:
        return
    # One dialog at a time (Streamlit 1.67), opened by the page and never by a callback.
    titles = {
        "rename": _("Rename"),
        "delete": _("Delete this experiment?"),
        "notes": _("Note and tags"),
        "next": _("Train again"),
        "files": _("Report and files"),
        "deploy": _("Deploy this model?"),
    }
    draw: Callable[[Row], None] = {
        "rename": draw_rename,
        "delete": draw_deletion,
        "notes": _draw_notes,
        "next": _draw_next,
        "files": _draw_files,
        "deploy": _draw_deployment,
    }[action]

    @st.dialog(titles[action], width="medium", icon=f":material/{_MENU[action][0]}:")
    def dialog() -> None:
        st.markdown(f"**{plain(row.name)}**")
        with guarded_part("dialog"):
            draw(row)

    dialog()


def _button(label: str, icon: str, change: Callable[[], None]) -> None:
    st.button(label, icon=f":material/{icon}:", key=f"chosen-{icon}", on_click=attempt, args=(change,))


def _draw_marks(chosen: Sequence[Row], ids: Sequence[TaskId], tags: Sequence[str]) -> None:
    with st.container(horizontal=True):
        starred = bool(chosen) and all(row.mark.starred for row in chosen)
        _button(_("Remove star") if starred else _("Star"), "star", lambda: marks().star(ids, starred=not starred))
        hidden = bool(chosen) and all(row.mark.hidden for row in chosen)
        _button(
            _("Show again") if hidden else _("Hide"),
            "visibility" if hidden else "visibility_off",
            lambda: marks().hide(ids, hidden=not hidden),
        )
    on_all = [tag for tag in tags if all(tag in row.mark.tags for row in chosen)]
    st.multiselect(
        _("Add tags"),
        [tag for tag in tags if tag not in on_all],
        accept_new_options=True,
        placeholder=_("Choose or type"),
        key="tags-add",
        width=320,
    )
    there = sorted({tag for row in chosen for tag in row.mark.tags})
    st.multiselect(_("Remove tags"), there, placeholder=_("None"), key="tags-remove", disabled=not there, width=320)
    st.button(_("Apply to chosen"), icon=":material/check:", key="tags-apply", on_click=_apply_tags, args=(ids,))


@telling_errors()
def _apply_tags(ids: Sequence[TaskId]) -> None:
    add, remove = st.session_state["tags-add"], st.session_state["tags-remove"]
    marks().tag(ids, add=add, remove=remove)
    st.session_state["tags-add"], st.session_state["tags-remove"] = [], []


def _draw_notes(row: Row) -> None:
    task = row.task_id
    if task is None:
        return
    note = st.text_area(
        _("Note"), row.mark.note, max_chars=LONGEST_NOTE, placeholder=_("What was tried, what was learnt")
    )
    known = sorted({tag for mark in marks().all().values() for tag in mark.tags})
    tags = st.multiselect(
        _("Tags"), known, default=list(row.mark.tags), accept_new_options=True, placeholder=_("Choose or type")
    )
    st.caption(_("Kept on this machine. A tag has {count} characters at most.").format(count=LONGEST_TAG))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Cancel"), key="notes-no"):
            st.rerun()
        if st.button(_("Save"), type="primary", icon=":material/check:", key="notes-save"):
            # Not a callback: an error is told in the dialog, and what was typed stays.
            marks().note(task, note or "")
            marks().tag([task], add=tags, remove=[tag for tag in row.mark.tags if tag not in tags])
            st.rerun()


def _draw_next(row: Row) -> None:
    if row.task_id is None:
        return
    task = connection.client().tasks.get(row.task_id)
    draw_follow_ups(task)
    screens.link("task", _("Open the task with its settings"), "open_in_new", task=row.task_id)


def _draw_deployment(row: Row) -> None:
    if row.info is None or not can_be_deployed(row.info):
        st.info(_("This experiment has no model that can be served."), icon=":material/info:")
        return
    draw_deployment(row.info)


def _draw_files(row: Row) -> None:
    info = row.info
    if info is None:
        st.info(_("The record of this experiment could not be read yet."), icon=":material/info:")
        return
    address, team = connection.address(), connection.team_id()
    if info.evaluation_report_id is None:
        st.caption(_("There is no evaluation report: it was trained without the benchmark, or that failed."))
    else:
        st.link_button(
            _("Open the evaluation report"),
            # docs/supervisely-api.md 5.3: the address of a report.
            f"{address}/model-benchmark?id={info.evaluation_report_id}",
            icon=":material/bar_chart:",
        )
    folder = info.artifacts_dir.rstrip("/")
    files = connection.client().files.list(team, folder + "/")
    total = formatting.size(sum(file.size_bytes for file in files))
    st.caption(
        plain(
            _("{files}, {size} in {folder}").format(
                files=formatting.plural(len(files), "file", "files"), size=total, folder=folder
            )
        )
    )
    with st.container(horizontal=True):
        best = [path for path in info.checkpoints if PurePosixPath(path).name == info.best_checkpoint]
        for path in (*best, *info.export.values(), info.hyperparameters):
            draw_download(PurePosixPath(path).name, f"{folder}/{path}")
        draw_download(_("All files (tar)"), f"{folder}/", f"{info.task_id}_{info.framework_name}.tar")
