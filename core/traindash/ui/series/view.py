"""The page of a series: how all of it goes, what is best so far, and what failed, refreshing itself."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import MEAN_IOU
from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.task import Task
from traindash.errors import AppError, InputError
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.series import NOT_SET
from traindash.steady_clock import CLOCK
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.progress import TaskProgress, TimeRange
from traindash.tasks.series_progress import (
    OVER,
    MemberState,
    SeriesSnapshot,
    SeriesWatch,
    Stage,
    TimeLeft,
    is_over,
    runs_under_way,
    states_of,
    tasks_of,
    time_left,
)
from traindash.tasks.series_record import Series, can_change
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.errors import draw_stale, draw_trouble, titled
from traindash.ui.series.actions import ask_to_cancel, compare, draw_bring_back, draw_ways_on
from traindash.ui.state import attempt, kept_here
from traindash.ui.tasks.text import duration, fraction, result_text, sentence, task_title
from traindash.ui.theme import StatusLook, plain
from traindash.ui.widgets import draw_heads
from traindash.ui.wizard.again import draw_change_button

# What a series does now and how it stands: words and numbers without any drawing.

_WORDS: Mapping[Stage, str] = {
    "running": N_("{count} running"),
    "waiting": N_("{count} in the queue"),
    "to_start": N_("{count} not started yet"),
    "failed": N_("{count} failed"),
    "refused": N_("{count} refused"),
    "stopped": N_("{count} stopped"),
}
_LOOKS: Mapping[Stage, StatusLook] = {
    "to_start": StatusLook(word=N_("Waiting"), icon=":material/schedule:", color="gray"),
    "refused": StatusLook(word=N_("Not started"), icon=":material/block:", color="red"),
    "stopped": StatusLook(word=N_("Stopped"), icon=":material/stop_circle:", color="orange"),
}
_THINGS: Mapping[str, str] = {"split": N_("split"), "repetition": N_("repetition")}
_EVERY = "2s"
_WATCH = "series_watch"
_SEEN_OPEN = "series_seen_open"
_FEWEST_TO_COMPARE = 2
_WIDTHS = [1.6, 3.5, 1.2, 1.1, 3.3]
_HEADS = (N_("Status"), N_("Experiment"), N_("Agent"), N_("Duration"), N_("Progress or result"))
_SHOWN = 3
_LIST_HEADS = (N_("Series"), N_("Started"), N_("Progress"))
_MOST = 30
_LIST_WIDTHS = [6.0, 1.2, 4.2]  # the columns of the list of tasks below, some of them together


def standing(states: Sequence[MemberState]) -> str:
    """Return how many experiments are where: ``3 of 6 finished, 1 running, 2 in the queue``."""
    counts = Counter(state.stage for state in states)
    parts = [_("{number} of {count} finished").format(number=counts["finished"], count=len(states))]
    parts += [_(words).format(count=counts[stage]) for stage, words in _WORDS.items() if counts[stage]]
    return ", ".join(parts)


def name_of(state: MemberState) -> str:
    """Return the name of an experiment."""
    return state.member.plan.experiment_name or (task_title(state.task) if state.task else state.member.key)


def varied_text(varied: Iterable[tuple[str, str]]) -> str:
    """Return what sets an experiment apart; empty where nothing does."""
    return " · ".join(
        value if thing == "model" else f"{_(_THINGS.get(thing, thing))} {_(value) if value == NOT_SET else value}"
        for thing, value in varied
    )


def score_name(states: Iterable[MemberState]) -> str:
    """Return what the experiments are ranked by: the name of the first one's score."""
    outputs = (experiment_of_output(state.task.output) for state in states if state.task is not None)
    return next((score[0] for info in outputs if info is not None and (score := info.score) is not None), "mAP")


def best_of(states: Sequence[MemberState]) -> tuple[MemberState, float] | None:
    """Return the experiment with the highest score (mAP, or mIoU) so far, the first of equals.

    None while all found nothing, and where some are measured by one and some by the other.
    """
    found, names = [], set()
    for place, state in enumerate(states):
        experiment = experiment_of_output(state.task.output) if state.task is not None else None
        if experiment is not None and (score := experiment.score) is not None:
            names.add(score[0])
            if score[1]:
                found.append((score[1], -place))  # minus the place: of equals the first one
    if not found or len(names) > 1:
        return None
    value, place = max(found)
    return states[-place], value


def doing_text(state: MemberState, progress: TaskProgress | None) -> str:
    """Return what an experiment does or waits for."""
    if state.task is not None:
        return sentence(progress or TaskProgress(task=state.task))
    if state.stage == "stopped":
        return _("Not started: the series was cancelled") if state.member.task_id is None else _("Its task is gone")
    return _("Waits for its start")


def time_text(time: TimeRange | None) -> str:
    """Return an expected time as a range, a dash where it is not known."""
    return formatting.MISSING if time is None else formatting.time_range(time.low, time.high)


def draw_series_page(wanted: str | None) -> None:
    """Draw the page of the series that the URL names.

    Raises:
        InputError: It is missing, or the series belongs to another server.
        NotFoundError: There is no such series.
    """
    with titled(_("Series")):
        watch, snapshot = _open_series(wanted)
    _open_comparison(snapshot)
    _draw_head(snapshot)
    st.fragment(_live, run_every=None if snapshot.is_over else _EVERY)(watch, snapshot)


def _open_series(wanted: str | None) -> tuple[SeriesWatch, SeriesSnapshot]:
    if not wanted:
        raise InputError(_("No series is chosen."), _("Open one from the list of tasks."))
    series_id = SeriesId(wanted)
    key = (connection.cache_key(), series_id)
    watch = kept_here(_WATCH, key, lambda: SeriesWatch(connection.client(), connection.series(), series_id))
    snapshot = watch.refresh()
    # Its task ids belong to that server.
    if snapshot.series.server != connection.server_name():
        msg = _("This series runs on {server}, and this is {here}.").format(
            server=snapshot.series.server, here=connection.server_name()
        )
        raise InputError(msg, _("Start the dashboard with the other server."))
    return watch, snapshot


def _open_comparison(snapshot: SeriesSnapshot) -> None:
    """Open the comparison if the series has ended before the eyes of the person, who wants that."""
    series_id = snapshot.series.id
    if not snapshot.is_over:
        st.session_state[_SEEN_OPEN] = series_id
    # Only once and only who has seen it run: somebody who opens an old series wants that page.
    elif st.session_state.pop(_SEEN_OPEN, None) == series_id and snapshot.series.opens_comparison:
        ids = _comparable(snapshot)
        if len(ids) >= _FEWEST_TO_COMPARE:
            compare(ids)


def _comparable(snapshot: SeriesSnapshot) -> tuple[TaskId, ...]:
    return tuple(state.task.id for state in snapshot.states if state.task is not None and state.stage == "finished")


def _draw_head(snapshot: SeriesSnapshot) -> None:
    series = snapshot.series
    screens.link("tasks", _("All tasks"), "arrow_back")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="series-head"
    ):
        st.title(plain(series.name), anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="medium"):
            if not snapshot.is_over:
                st.toggle(
                    _("Open the comparison at the end"),
                    value=series.opens_comparison,
                    key=f"series-opens-{series.id}",
                    on_change=attempt,
                    args=(
                        lambda: connection.series().update(
                            series.id, lambda kept: replace(kept, opens_comparison=not series.opens_comparison)
                        ),
                    ),
                )
                if not series.is_cancelled and st.button(
                    _("Cancel the series"), icon=":material/stop_circle:", key="series-cancel"
                ):
                    ask_to_cancel(series, sum(state.stage not in OVER for state in snapshot.states))
            ids = _comparable(snapshot)
            enough = len(ids) >= _FEWEST_TO_COMPARE
            st.button(
                _("Compare {count}").format(count=len(ids)) if enough else _("Compare"),
                type="primary",
                icon=":material/compare_arrows:",
                key="series-compare",
                disabled=not enough,
                help=None if enough else _("Two experiments have to be finished."),
                on_click=compare,
                args=(ids,),
            )
    facts = [
        ngettext("Series of {count} experiment", "Series of {count} experiments", len(series.members)).format(
            count=len(series.members)
        ),
        _("Project {name}").format(name=lookups.project_names().get(series.project_id, series.project_id)),
        _("started {moment}").format(moment=formatting.recent(series.created_at, CLOCK.now())),
        *([_("cancelled")] if series.is_cancelled else []),
    ]
    st.caption(plain(" · ".join(facts)))


def _live(watch: SeriesWatch, before: SeriesSnapshot) -> None:
    try:
        snapshot = watch.refresh()
    except AppError as error:
        draw_stale(error, _("The numbers below are the last known ones."))
        snapshot = before
    # Head and button are outside the fragment and change with these alone.
    if snapshot.is_over != before.is_over or len(_comparable(snapshot)) != len(_comparable(before)):
        st.rerun()
    if (trouble := connection.starter().trouble(snapshot.series.id)) is not None:
        draw_stale(trouble, _("It is tried again by itself."))
    training = {task_id: fraction(item) for task_id, item in snapshot.progress.items()}
    done = [
        1.0 if state.stage in OVER else training.get(state.task.id, 0.0) if state.task else 0.0
        for state in snapshot.states
    ]
    screens.title_tab(snapshot.series.name, None if snapshot.is_over else sum(done) / len(done))
    st.progress(sum(done) / len(done), text=plain(standing(snapshot.states)))
    _draw_cards(snapshot)
    _draw_rows(snapshot)
    draw_bring_back(snapshot.series)


def _draw_cards(snapshot: SeriesSnapshot) -> None:
    now = CLOCK.now()
    runs, models = lookups.past_times(connection.workspace_id())
    agents = sum(agent.status.value == "running" for agent in lookups.agents(connection.team_id()))
    training = {key: item.eta_seconds for key, item in snapshot.progress.items() if item.eta_seconds is not None}
    # Experiments of the series itself are the best examples for those that wait.
    runs = (*runs_under_way(snapshot.states, training, now), *runs)
    left = time_left(snapshot.states, runs, models, agents=max(agents, 1), now=now, training=training)
    best = best_of(snapshot.states)
    finished = sum(state.stage == "finished" for state in snapshot.states)
    failed = sum(state.stage in {"failed", "refused"} for state in snapshot.states)
    begun = [state.task.started_at for state in snapshot.states if state.task and state.task.started_at]
    ended = [state.task.finished_at for state in snapshot.states if state.task and state.task.finished_at]
    until = max(ended) if snapshot.is_over and ended else now
    score = score_name(snapshot.states)
    cards = (
        (
            _("Finished"),
            _("{number} of {count}").format(number=finished, count=len(snapshot.states)),
            _("{count} failed").format(count=failed) if failed else _("none failed"),
        ),
        (
            _("Best {score}").format(score=score) if snapshot.is_over else _("Best {score} so far").format(score=score),
            formatting.metric(best[1] if best else None),
            name_of(best[0]) if best else _("no result above 0") if snapshot.is_over else _("none yet"),
        ),
        (_("Time left"), *_time_left(snapshot, left)),
        (
            _("Time"),
            formatting.duration((until - min(begun)).total_seconds() if begun else None),
            _("on {agents}").format(agents=formatting.plural(agents, "agent", "agents")),
        ),
    )
    for place, (label, value, below) in zip(st.columns(4), cards, strict=True):
        theme.number_card(label, value, plain(below), place)


def _time_left(snapshot: SeriesSnapshot, left: TimeLeft) -> tuple[str, str]:
    """Return how long a series will still take, as far as that is known, and how that is known."""
    if left.range is None:
        text = _("Not known yet") if left.unknown else formatting.MISSING
        note = _("no such training went through yet")
    else:
        text = time_text(left.range)
        text = _("{time} and more").format(time=text) if left.unknown else text
        note = _("not known of {count}").format(count=left.unknown) if left.unknown else _("by trainings so far")
    return text, _("all are over") if snapshot.is_over else note


def _draw_rows(snapshot: SeriesSnapshot) -> None:
    best = best_of(snapshot.states)
    best_key = best[0].member.key if best else None
    with st.container(key="task-list", gap=None):
        draw_heads(_WIDTHS, _HEADS)
        for state in snapshot.states:
            with st.container(key=f"task-row-{state.member.key}"):
                _draw_row(snapshot, state, is_best=state.member.key == best_key)


def _draw_row(snapshot: SeriesSnapshot, state: MemberState, *, is_best: bool) -> None:
    cells = st.columns(_WIDTHS, vertical_alignment="center")
    with cells[0]:
        theme.status_badge(_LOOKS[state.stage] if state.task is None else theme.TASK_STATUS[state.task.status])
    with cells[1], st.container(key=f"task-name-{state.member.key}"):
        name = plain(name_of(state))
        if state.task is not None:
            screens.link("task", name, task=state.task.id)
        else:
            st.markdown(f"**{name}**")
        task = "" if state.task is None else _("Task {number}").format(number=state.task.id)
        changed = _("changed by you") if state.member.is_changed else ""
        st.caption(plain(" · ".join(part for part in (task, varied_text(state.member.varied), changed) if part)))
        _draw_earlier(state)
    cells[2].markdown(plain((state.task.agent_name if state.task else "") or formatting.MISSING))
    cells[3].markdown(duration(state.task, CLOCK.now()) if state.task else formatting.MISSING)
    with cells[4]:
        _draw_progress(snapshot, state, is_best=is_best)
    if state.stage in {"failed", "refused", "stopped"}:
        _draw_failure(snapshot, state)


def _draw_earlier(state: MemberState) -> None:
    """Draw the way to the tasks that were replaced by starting the experiment again."""
    if not state.member.earlier:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"earlier-{state.member.key}"):
        st.caption(_("Earlier:"), width="content")
        for task_id in state.member.earlier:
            screens.link("task", _("Task {number}").format(number=task_id), task=task_id)


def _draw_progress(snapshot: SeriesSnapshot, state: MemberState, *, is_best: bool) -> None:
    progress = None if state.task is None else snapshot.progress.get(state.task.id)
    if state.stage == "finished":
        text = plain(result_text(state.task, ("mAP", "AP50", "f1", MEAN_IOU)) if state.task else "")
        word = _("best") if snapshot.is_over else _("best so far")
        st.markdown(f"**{text}** :green-badge[:material/star: {word}]" if is_best else text)
    elif state.stage == "running" and progress is not None:
        # Without the batch, which changes every second, as in the list of tasks
        st.progress(fraction(progress), text=plain(doing_text(state, replace(progress, step=None))))
    elif state.stage not in {"failed", "refused"}:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(plain(doing_text(state, progress)), width="content")
            if state.stage in {"waiting", "to_start"} and can_change(state.member):
                draw_change_button(snapshot.series, state, label=N_("Change"))


def _draw_failure(snapshot: SeriesSnapshot, state: MemberState) -> None:
    """Say why an experiment left nothing, with the ways on."""
    _status, place = st.columns([_WIDTHS[0], sum(_WIDTHS[1:])])
    with place, st.container(key=f"series-why-{state.member.key}", gap="xsmall"):
        reason = state.task.exit_report if state.task else state.member.refusal
        if state.stage != "stopped" and reason is not None:
            draw_trouble(reason.message, reason.hint)
        elif state.stage != "stopped":
            draw_trouble(_("The server does not say why the task ended."), _("Look at the last lines of its log."))
        if not snapshot.series.is_cancelled:
            draw_ways_on(snapshot.series, state)


# The series of this server, above the list of tasks.


def draw_series_list(tasks: Sequence[Task]) -> None:
    """Draw the newest series; older ones are folded. Nothing where there is none."""
    found = connection.series().of_server(connection.server_name())[:_MOST]
    if not found:
        return
    with st.container(key="series-list", gap=None):
        draw_heads(_LIST_WIDTHS, _LIST_HEADS)
        for series in found[:_SHOWN]:
            _row(series, tasks)
        if found[_SHOWN:] and st.toggle(_("Show {count} older").format(count=len(found) - _SHOWN), key="series-older"):
            for series in found[_SHOWN:]:
                _row(series, tasks)


def series_need_work() -> bool:
    """Return whether a series still has to start or stop something."""
    return any(series.needs_work for series in connection.series().of_server(connection.server_name()))


def _row(series: Series, tasks: Sequence[Task]) -> None:
    # Most of its tasks are among those that the list has read already.
    states = states_of(series, tasks_of(connection.client(), series, tasks))
    best = best_of(states)
    with st.container(key=f"task-row-series-{series.id}"):
        name, started, progress = st.columns(_LIST_WIDTHS, vertical_alignment="center")
    with name, st.container(key=f"task-name-{series.id}"):
        screens.link("series", plain(series.name), series=series.id)
    started.markdown(plain(formatting.recent(series.created_at, CLOCK.now())))
    text = standing(states)
    if best is not None:
        told = _("best {score} {value} ({experiment})").format(
            score=score_name(states), value=formatting.metric(best[1]), experiment=name_of(best[0])
        )
        text = f"{text} · {told}"
    with progress:
        if is_over(states):
            st.caption(plain(text))
        else:
            st.progress(sum(state.stage in OVER for state in states) / len(states), text=plain(text))
