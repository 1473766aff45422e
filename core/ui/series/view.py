"""The page of a series: how all of it goes, what is best so far, and what failed, refreshing itself."""

from datetime import UTC, datetime

import streamlit as st

from core.compare import formatting
from core.domain.ids import SeriesId, TaskId
from core.errors import AppError, InputError
from core.launch.series.progress import OVER, MemberState, TimeLeft, runs_under_way, time_left
from core.launch.series.record import can_change
from core.launch.series.watch import SeriesSnapshot, SeriesWatch
from core.ui import connection, lookups, screens, theme
from core.ui.series.actions import ask_to_cancel, compare, draw_bring_back, draw_ways_on, keep_opening
from core.ui.series.text import (
    best_of,
    doing_text,
    left_text,
    look_of,
    name_of,
    result_text,
    standing,
    varied_text,
    why_text,
)
from core.ui.state import TASK_PARAM
from core.ui.tasks.text import duration, fraction
from core.ui.text import plain
from core.ui.wizard.in_place import draw_change_button

_EVERY = "2s"
_WATCHES = "series_watches"
_SEEN_OPEN = "series_seen_open"
_FEWEST_TO_COMPARE = 2
_WIDTHS = [1.3, 3.6, 1.3, 1.1, 3.4]
_HEADS = ("Status", "Experiment", "Agent", "Duration", "Progress")


def draw_series_page(wanted: str | None) -> None:
    """Draw the page.

    Args:
        wanted: Series id as the URL has it.

    Raises:
        InputError: It is missing, or the series belongs to another server.
        NotFoundError: There is no such series.
    """
    if not wanted:
        msg = "No series is chosen."
        raise InputError(msg, "Open one from the list of tasks.")
    watch = _watch(SeriesId(wanted))
    snapshot = watch.refresh()
    if snapshot.series.server != connection.server_name():
        msg = f"This series runs on {snapshot.series.server}, and this is {connection.server_name()}."
        raise InputError(msg, "Start the dashboard with the other server.")
    _open_comparison(snapshot)
    _draw_head(snapshot)
    st.fragment(_live, run_every=None if snapshot.is_over else _EVERY)(watch, snapshot)


def _watch(series_id: SeriesId) -> SeriesWatch:
    """Return this tab's watch of a series, made anew for another server."""
    watches: dict[tuple[str, SeriesId], SeriesWatch] = st.session_state.setdefault(_WATCHES, {})
    key = (connection.address(), series_id)
    if key not in watches:
        watches.clear()
        watches[key] = SeriesWatch(connection.client(), connection.series(), series_id)
    return watches[key]


def _open_comparison(snapshot: SeriesSnapshot) -> None:
    """Open the comparison if the series has ended before the eyes of the person, who wants that."""
    series_id = snapshot.series.id
    if not snapshot.is_over:
        st.session_state[_SEEN_OPEN] = series_id
    elif st.session_state.pop(_SEEN_OPEN, None) == series_id and snapshot.series.opens_comparison:
        ids = _comparable(snapshot)
        if len(ids) >= _FEWEST_TO_COMPARE:
            compare(ids)


def _comparable(snapshot: SeriesSnapshot) -> tuple[TaskId, ...]:
    return tuple(state.task.id for state in snapshot.states if state.task is not None and state.stage == "finished")


def _draw_head(snapshot: SeriesSnapshot) -> None:
    series = snapshot.series
    st.page_link(screens.page("tasks"), label="All tasks", icon=":material/arrow_back:")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="series-head"
    ):
        st.title(plain(series.name), anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="medium"):
            if not snapshot.is_over:
                st.toggle(
                    "Open the comparison at the end",
                    value=series.opens_comparison,
                    key=f"series-opens-{series.id}",
                    on_change=keep_opening,
                    args=(series.id, not series.opens_comparison),
                )
                if not series.is_cancelled and st.button(
                    "Cancel the series", icon=":material/stop_circle:", key="series-cancel"
                ):
                    ask_to_cancel(series, sum(state.stage not in OVER for state in snapshot.states))
            ids = _comparable(snapshot)
            enough = len(ids) >= _FEWEST_TO_COMPARE
            st.button(
                f"Compare {len(ids)}" if enough else "Compare",
                type="primary",
                icon=":material/compare_arrows:",
                key="series-compare",
                disabled=not enough,
                help=None if enough else "Two experiments have to be finished.",
                on_click=compare,
                args=(ids,),
            )
    names = {item.id: item.name for item in lookups.projects(connection.workspace_id())}
    project = names.get(series.project_id, f"{series.project_id}")
    facts = [
        f"Series of {formatting.plural(len(series.members), 'experiment')}",
        f"Project {project}",
        f"started {formatting.recent(series.created_at, datetime.now(UTC))}",
        *(["cancelled"] if series.is_cancelled else []),
    ]
    st.caption(plain(" · ".join(facts)))


def _live(watch: SeriesWatch, before: SeriesSnapshot) -> None:
    try:
        snapshot = watch.refresh()
    except AppError as error:
        st.warning(plain(f"{error.message} The numbers below are the last known ones."), icon=":material/sync_problem:")
        snapshot = before
    if snapshot.is_over != before.is_over or len(_comparable(snapshot)) != len(_comparable(before)):
        st.rerun()
    if (trouble := connection.starter().trouble(snapshot.series.id)) is not None:
        st.warning(plain(f"{trouble.message} It is tried again by itself."), icon=":material/sync_problem:")
    done = [1.0 if state.stage in OVER else _part(state, snapshot) for state in snapshot.states]
    st.progress(sum(done) / len(done), text=plain(standing(snapshot.states)))
    _draw_cards(snapshot)
    _draw_rows(snapshot)
    draw_bring_back(snapshot.series)


def _part(state: MemberState, snapshot: SeriesSnapshot) -> float:
    progress = None if state.task is None else snapshot.progress.get(state.task.id)
    return 0.0 if progress is None else fraction(progress)


def _draw_cards(snapshot: SeriesSnapshot) -> None:
    now = datetime.now(UTC)
    runs, models = lookups.past_times(connection.workspace_id())
    agents = sum(agent.status.value == "running" for agent in lookups.agents(connection.team_id()))
    training = {key: item.eta_seconds for key, item in snapshot.progress.items() if item.eta_seconds is not None}
    runs = (*runs_under_way(snapshot.states, training, now), *runs)
    left = time_left(snapshot.states, runs, models, agents=max(agents, 1), now=now, training=training)
    best = best_of(snapshot.states)
    finished = sum(state.stage == "finished" for state in snapshot.states)
    failed = sum(state.stage in {"failed", "refused"} for state in snapshot.states)
    begun = [state.task.started_at for state in snapshot.states if state.task and state.task.started_at]
    ended = [state.task.finished_at for state in snapshot.states if state.task and state.task.finished_at]
    until = max(ended) if snapshot.is_over and ended else now
    cards = (
        ("Finished", f"{finished} of {len(snapshot.states)}", f"{failed} failed" if failed else "none failed"),
        (
            "Best mAP" if snapshot.is_over else "Best mAP so far",
            formatting.metric(best[1] if best else None),
            name_of(best[0]) if best else "no result above 0" if snapshot.is_over else "none yet",
        ),
        (
            "Time left",
            left_text(left),
            _about_time(snapshot, left),
        ),
        (
            "Time",
            formatting.duration((until - min(begun)).total_seconds() if begun else None),
            f"on {formatting.plural(agents, 'agent')}",
        ),
    )
    for place, (label, value, below) in zip(st.columns(4), cards, strict=True):
        place.metric(label, value, plain(below), delta_color="off", delta_arrow="off", border=True, height="stretch")


def _about_time(snapshot: SeriesSnapshot, left: TimeLeft) -> str:
    if snapshot.is_over:
        return "all are over"
    if left.range is None:
        return "no such training went through yet"
    return f"not known of {left.unknown}" if left.unknown else "by trainings so far"


def _draw_rows(snapshot: SeriesSnapshot) -> None:
    best = best_of(snapshot.states)
    best_key = best[0].member.key if best else None
    with st.container(key="task-list", gap=None):
        for column, head in zip(st.columns(_WIDTHS), _HEADS, strict=True):
            column.caption(head)
        for state in snapshot.states:
            with st.container(key=f"task-row-{state.member.key}"):
                _draw_row(snapshot, state, is_best=state.member.key == best_key)


def _draw_row(snapshot: SeriesSnapshot, state: MemberState, *, is_best: bool) -> None:
    cells = st.columns(_WIDTHS, vertical_alignment="center")
    with cells[0]:
        theme.status_badge(look_of(state))
    with cells[1], st.container(key=f"task-name-{state.member.key}"):
        name = plain(name_of(state))
        if state.task is not None:
            st.page_link(screens.page("task"), label=name, query_params={TASK_PARAM: str(state.task.id)})
        else:
            st.markdown(f"**{name}**")
        task = "" if state.task is None else f"Task {state.task.id}"
        changed = "changed by you" if state.member.is_changed else ""
        st.caption(plain(" · ".join(part for part in (task, varied_text(state), changed) if part)))
        _draw_earlier(state)
    cells[2].markdown(plain((state.task.agent_name if state.task else "") or formatting.MISSING))
    cells[3].markdown(duration(state.task, datetime.now(UTC)) if state.task else formatting.MISSING)
    with cells[4]:
        _draw_progress(snapshot, state, is_best=is_best)
    if state.stage in {"failed", "refused", "stopped"}:
        _draw_failure(snapshot, state)


def _draw_earlier(state: MemberState) -> None:
    """Draw the way to the tasks that were replaced by starting the experiment again."""
    if not state.member.earlier:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"earlier-{state.member.key}"):
        st.caption("Earlier:", width="content")
        for task_id in state.member.earlier:
            st.page_link(
                screens.page("task"), label=f"Task {task_id}", query_params={TASK_PARAM: str(task_id)}, width="content"
            )


def _draw_progress(snapshot: SeriesSnapshot, state: MemberState, *, is_best: bool) -> None:
    progress = None if state.task is None else snapshot.progress.get(state.task.id)
    if state.stage == "finished":
        text = plain(result_text(state))
        word = "best" if snapshot.is_over else "best so far"
        st.markdown(f"**{text}** :green-badge[:material/star: {word}]" if is_best else text)
    elif state.stage == "running" and progress is not None:
        st.progress(fraction(progress), text=plain(doing_text(state, progress)))
    elif state.stage not in {"failed", "refused"}:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(plain(doing_text(state, progress)), width="content")
            if state.stage in {"waiting", "to_start"} and can_change(state.member):
                draw_change_button(snapshot.series, state, label="Change")


def _draw_failure(snapshot: SeriesSnapshot, state: MemberState) -> None:
    """Say why an experiment left nothing, with the ways on."""
    _, place = st.columns([_WIDTHS[0], sum(_WIDTHS[1:])])
    with place, st.container(key=f"series-why-{state.member.key}", gap="xsmall"):
        if state.stage != "stopped":
            message, hint = why_text(state)
            st.error(f"**{plain(message)}** {plain(hint)}", icon=":material/error:")
        if not snapshot.series.is_cancelled:
            draw_ways_on(snapshot.series, state)
