"""An experiment is called otherwise, or deleted: first out of all lists, with a way back, then for good."""

from collections.abc import Sequence

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import TeamFile
from traindash.domain.ids import TaskId
from traindash.experiments.marks import LONGEST_NAME
from traindash.experiments.query import Row
from traindash.language import gettext as _
from traindash.ui import connection
from traindash.ui.experiments.index import give_label, marks, read_again
from traindash.ui.state import attempt, flash, telling_errors
from traindash.ui.theme import plain

_FOLDER = "/experiments/"  # below it lies everything that an experiment leaves (docs/supervisely-api.md 7.1)


def draw_rename(row: Row) -> None:
    """Draw the dialog's field for another name."""
    if row.task_id is not None:
        draw_name_form(row.task_id, row.name, row.info.experiment_name if row.info is not None else row.name)


def draw_name_form(task: TaskId, shown: str, own: str) -> None:
    """Draw the field for another name of a task and what it leaves; ``own`` is the one without any of ours."""
    with st.form("rename", border=False):
        name = st.text_input(_("Name"), shown, max_chars=LONGEST_NAME, placeholder=own)
        st.caption(
            _("Kept on this machine; lists and comparisons use it. Empty: “{name}” again.").format(name=plain(own))
        )
        # Enter presses the first button of a form (Streamlit 1.67); the style sheet puts it behind “Cancel”.
        with st.container(horizontal=True, key="dialog-form-end"):
            is_given = st.form_submit_button(_("Rename"), type="primary", icon=":material/check:")
            if st.form_submit_button(_("Cancel")):
                st.rerun()
        if is_given:
            wanted = "" if (name or "").strip() == own else name or ""
            marks().rename(task, wanted)
            give_label(str(task), wanted)
            st.rerun()


def draw_deletion(row: Row) -> None:
    """Draw what goes with an experiment, and the button that deletes it."""
    task = row.task_id
    if task is None:
        return
    files = _files(row)
    st.markdown(
        _(
            "It leaves all lists; its task and log stay. Below the list it can be brought back, or deleted for good, "
            "which frees {size}."
        ).format(size=_size_text(files))
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Keep it"), key="delete-no"):
            st.rerun()
        if st.button(_("Delete"), type="primary", icon=":material/delete:", key="delete-yes"):
            marks().remove(task, removed=True)
            flash(_("“{name}” was deleted. It can be brought back below the list.").format(name=row.name))
            st.rerun()


def draw_removed(rows: Sequence[Row]) -> None:
    """Draw the deleted experiments, folded: each can be brought back, or deleted for good. Nothing without any."""
    if not rows:
        return
    with st.expander(
        _("Deleted: {experiments}").format(experiments=formatting.plural(len(rows), "experiment", "experiments")),
        icon=":material/delete:",
    ):
        # Sizes are asked for when somebody wants them: each is a request.
        shows_sizes = st.toggle(_("Show what deleting for good frees"), key="removed-sizes")
        for row in rows:
            _draw_row(row, with_size=shows_sizes)


def _draw_row(row: Row, *, with_size: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"removed-{row.task_id}"):
        size = f" :gray[{_size_text(_files(row))}]" if with_size else ""
        st.markdown(
            f"{plain(row.name)} :gray[{plain(row.project)}]{size}",
            width="stretch",
        )
        st.button(
            _("Bring back"),
            icon=":material/undo:",
            key=f"removed-back-{row.task_id}",
            on_click=_bring_back,
            args=(row,),
        )
        with st.popover(_("Delete for good"), icon=":material/delete_forever:", key=f"removed-menu-{row.task_id}"):
            st.markdown(_("Its checkpoints, exports and logs are gone then, on the server. Nothing brings them back."))
            st.button(
                _("Delete its files"),
                icon=":material/delete_forever:",
                key=f"removed-good-{row.task_id}",
                on_click=_delete_for_good,
                args=(row,),
            )


def _bring_back(row: Row) -> None:
    task = row.task_id
    if task is not None:
        attempt(lambda: marks().remove(task, removed=False), _("“{name}” is back.").format(name=row.name))


@telling_errors()
def _delete_for_good(row: Row) -> None:
    files = _files(row)
    connection.client().files.remove(connection.team_id(), files)
    read_again()
    flash(
        _("The files of “{name}” were deleted: {size}.").format(
            name=row.name, size=formatting.size(sum(file.size_bytes for file in files))
        )
    )


def _files(row: Row) -> tuple[TeamFile, ...]:
    # The folder in which the record was found, and not the one that it names: records are written by whoever likes.
    folder = row.entry.folder.path.rstrip("/") + "/"
    found = connection.client().files.list(connection.team_id(), folder)
    return tuple(file for file in found if file.path.startswith(folder) and folder.startswith(_FOLDER))


def _size_text(files: Sequence[TeamFile]) -> str:
    total = formatting.size(sum(file.size_bytes for file in files))
    return _("{size} in {files}").format(size=total, files=formatting.plural(len(files), "file", "files"))
