"""What a person can do to a series and to an experiment that left nothing."""

import threading
from dataclasses import replace

import streamlit as st

from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.plan import TrainingPlan
from traindash.errors import AppError
from traindash.language import gettext as _
from traindash.language import ngettext
from traindash.tasks import again
from traindash.tasks.series_progress import MemberState
from traindash.tasks.series_record import Member, Series, cancelled, continued, with_removed_back, without
from traindash.ui import connection, screens
from traindash.ui.state import attempt, flash
from traindash.ui.theme import plain
from traindash.ui.wizard.again import draw_change_button, step_to_mend

_ONE_AT_A_TIME = threading.Lock()  # callbacks of quick clicks run side by side; a training is gone on with once


def ask_to_cancel(series: Series, open_experiments: int) -> None:
    """Ask before a series is cancelled, naming it."""
    st.dialog(_("Cancel this series?"), icon=":material/stop_circle:")(_ask_to_cancel)(series, open_experiments)


def _ask_to_cancel(series: Series, open_experiments: int) -> None:
    st.markdown(f"**{plain(series.name)}**")
    st.caption(
        ngettext(
            "{count} experiment will be stopped or not started. What is finished stays.",
            "{count} experiments will be stopped or not started. What is finished stays.",
            open_experiments,
        ).format(count=open_experiments)
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Keep running"), key="series-cancel-no"):
            st.rerun()
        if st.button(_("Cancel the series"), type="primary", icon=":material/stop_circle:", key="series-cancel-yes"):
            attempt(lambda: connection.series().update(series.id, cancelled), _("The series is being cancelled."))
            connection.starter().wake()
            st.rerun()


def draw_ways_on(series: Series, state: MemberState, *, opens_series: bool = False) -> None:
    """Draw the buttons that make sense for an experiment that left nothing.

    Outside the page of the series that opens (``opens_series``): what is started is seen there.
    """
    target = series.id if opens_series else None
    task, key = state.task, state.member.key
    safer = again.safer_retry(task) if task is not None else None
    mendable = task is not None and step_to_mend(task) is not None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if safer is not None:
            plan = replace(state.member.plan, hyperparameters=safer.hyperparameters)
            st.button(
                _("Retry with {change}").format(change=safer.words),
                icon=":material/restart_alt:",
                key=f"series-safer-{key}",
                help=safer.sentence,
                on_click=_start_again,
                args=(series.id, state.member, plan, target),
            )
        if mendable:
            draw_change_button(series, state, primary=opens_series)
        if task is not None and task.can_resume:
            st.button(
                _("Resume"),
                icon=":material/play_arrow:",
                key=f"series-resume-{key}",
                help=_("Goes on from the last checkpoint up to the planned length."),
                on_click=_resume,
                args=(series.id, state, target),
            )
        st.button(
            _("Start again"),
            icon=":material/replay:",
            key=f"series-again-{key}",
            on_click=_start_again,
            args=(series.id, state.member, None, target),
        )
        if not mendable:
            draw_change_button(series, state)
        if len(series.members) > 1:
            st.button(
                _("Remove"),
                icon=":material/close:",
                key=f"series-remove-{key}",
                type="tertiary",
                help=_("Takes it out of the series; its task and its log stay."),
                on_click=attempt,
                args=(
                    lambda: connection.series().update(series.id, lambda kept: without(kept, key)),
                    _("Removed from the series."),
                ),
            )


def draw_bring_back(series: Series) -> None:
    """Draw the button that puts removed experiments back; nothing where there are none."""
    if series.removed:
        st.button(
            _("Bring back {count} removed").format(count=len(series.removed)),
            icon=":material/undo:",
            type="tertiary",
            key="series-bring-back",
            on_click=attempt,
            args=(lambda: connection.series().update(series.id, with_removed_back), _("Back in the series.")),
        )


def compare(ids: tuple[TaskId, ...]) -> None:
    """Open the comparison of experiments."""
    screens.go("compare", ids=",".join(map(str, ids)))


def _start_again(series_id: SeriesId, member: Member, plan: TrainingPlan | None, target: SeriesId | None) -> None:
    attempt(
        lambda: connection.series().start_again(series_id, member.key, after=member.task_id, plan=plan),
        _("The experiment starts again."),
    )
    connection.starter().wake()
    _open(target)


def _open(target: SeriesId | None) -> None:
    if target is not None:
        screens.go("series", series=target)


def _resume(series_id: SeriesId, state: MemberState, target: SeriesId | None) -> None:
    task, store = state.task, connection.series()
    if task is None:
        return
    # Looked at again under the lock: the click before may have gone on with it.
    with _ONE_AT_A_TIME:
        try:
            if store.load(series_id).member(state.member.key).task_id == task.id:
                resume = connection.watched(lambda: again.resume(connection.client(), task))
                task_id = resume()
                store.change(series_id, state.member.key, lambda known: continued(known, task_id))
        except AppError as error:
            flash(str(error), "error")
        else:
            flash(_("The training goes on."))
    _open(target)
