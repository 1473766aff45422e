"""The guided first comparison: its beginning on the front page, and the strip that leads through live page and verdict.

The strip is drawn by the frame, so that the pages that it leads through know nothing of it.
"""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import streamlit as st

from traindash.domain.ecosystem import Agent, AgentStatus
from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.project import Project
from traindash.errors import AppError, StateError
from traindash.formatting import duration, plural
from traindash.frameworks.spec import DeviceKind
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.first_comparison import (
    PARTS,
    SERIES_NAME,
    Part,
    Tour,
    TourStore,
    arrived,
    can_train,
    first_comparison,
    part_of,
    plan_first_comparison,
    sample_project,
)
from traindash.tasks.flight_check import estimate, total_time
from traindash.tasks.series_progress import OVER, MemberState, states_of, tasks_of
from traindash.tasks.series_record import Series, new_series
from traindash.tasks.series_runner import place
from traindash.ui import connection, lookups, screens
from traindash.ui.pictures import thumbnail
from traindash.ui.state import attempt, flash, telling_errors
from traindash.ui.theme import plain

_ONE_AT_A_TIME = threading.Lock()  # callbacks of quick clicks run side by side; the two trainings start once
_PICTURES = 4
_PICTURE = (320, 240)
_PAIR = 2
_TITLES: Mapping[Part, str] = {
    "watch": N_("Watch them learn"),
    "verdict": N_("Read the verdict"),
    "show": N_("Show it"),
}
_ICONS: Mapping[Part, str] = {"watch": "monitoring", "verdict": "gavel", "show": "slideshow"}
_ABOUT: Mapping[Part, str] = {
    "watch": N_("Two trainings run side by side, on this machine, on the same images."),
    "verdict": N_("Which of the two to take, why, and how sure that is."),
    "show": N_("The same as slides, for people who have a minute."),
}
_OFFER = N_(
    "The same small model learns twice, once from small pictures and once from larger ones. Then you see which one to "
    "take."
)
_READY = N_("Both are trained. The verdict says which one to take and how sure that is.")
_LEADS: Mapping[Part, str] = {
    "watch": N_(
        "Both trainings learn from the same images now. The numbers are live; the verdict opens by itself when "
        "both are over. You can leave: they go on."
    ),
    "verdict": N_(
        "The first lines say which one to take and how sure that is; the pictures below show where they differ."
    ),
    "show": N_("That was the first comparison: trained, judged and shown. The next one can be about your own images."),
}


def tours() -> TourStore:
    """Return the tours of this machine."""
    return TourStore(connection.home() / "first_comparison.json")


def open_tour() -> tuple[Tour, Series] | None:
    """Return the tour that was begun on this server with its series; ``None`` where there is none to go on with."""
    tour = tours().of(connection.server_name())
    series = None if tour is None or tour.is_over else connection.series().find(tour.series_id)
    return None if tour is None or series is None else (tour, series)


# On the front page: the offer, and the way back.


def can_offer(projects: Sequence[Project]) -> bool:
    """Return whether the first comparison can be done on this server."""
    return sample_project(projects) is not None and can_train(lookups.catalogue(), first_comparison())


def draw_offer(projects: Sequence[Project]) -> None:
    """Draw what the first comparison is and the button that starts it; only where it can be done."""
    project = sample_project(projects)
    if project is None:
        return
    with st.container(border=True, key="panel-first", height="stretch"):
        st.header(_("Your first comparison"), anchor=False)
        st.markdown(_(_OFFER))
        _draw_pictures(project)
        with st.grid(len(PARTS), min_column_width=160, gap="small"):
            for number, part in enumerate(PARTS, start=1):
                with st.container(gap="xsmall"):
                    st.markdown(f":material/{_ICONS[part]}: **{number} {_(_TITLES[part])}**")
                    st.caption(_(_ABOUT[part]))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                _("Start the first comparison"),
                type="primary",
                icon=":material/play_arrow:",
                key="first-start",
                on_click=_begin,
                args=(project,),
            )
            screens.link("project", _("Choose every step yourself"), "add_circle")
        st.caption(
            _("{time} Nothing is downloaded. Leave at any moment; this page leads back.").format(
                time=_time_text(project)
            )
        )


def _draw_pictures(project: Project) -> None:
    images = lookups.sample_images(project.id, _PICTURES)
    with st.grid(_PICTURES, min_column_width=90, gap="xsmall"):
        for image in images:
            if (picture := thumbnail(project.id, image, _PICTURE)) is not None:
                words = plural(image.labels_count, "object", "objects")
                st.image(
                    picture,
                    width="stretch",
                    alt=_("An image of the sample project with {objects} marked").format(objects=words),
                )


def _time_text(project: Project) -> str:
    """Return how long the two trainings will take: by those that went through here, else as they were measured."""
    wanted = first_comparison()
    runs, models = lookups.past_times(connection.workspace_id())
    if runs and (facts := lookups.project(project.id)) is not None:
        planned, _choices = plan_first_comparison(facts, wanted, _defaults(), _device())
        times = [estimate(item.plan, item.plan.hyperparameters or "", runs, models) for item in planned]
        known = [time for time in times if time is not None]
        if len(known) == len(planned):
            whole = total_time(known, max(len(_running_agents()), 1))
            return _("About {time}, as earlier trainings here took.").format(
                time=duration(round((whole.low + whole.high) / 2))
            )
    return _("About {time} on two free processor cores, longer while the machine is busy.").format(
        time=duration(wanted.seconds)
    )


def _running_agents() -> list[Agent]:
    return [agent for agent in lookups.agents(connection.team_id()) if agent.status is AgentStatus.RUNNING]


def _device() -> DeviceKind:
    return "gpu" if any(agent.is_gpu for agent in _running_agents()) else "cpu"


def _defaults() -> str:
    wanted = first_comparison()
    return connection.client().ecosystem.default_hyperparameters(wanted.framework) or ""


@telling_errors()
def _begin(project: Project) -> None:
    """Start the two trainings once and open their page; for callbacks."""
    with _ONE_AT_A_TIME:
        # A second click finds the series of the first.
        known = open_tour()
        series = known[1] if known is not None and not _is_over(known[1]) else _started(project)
    screens.go("series", series=series.id)


def _started(project: Project) -> Series:
    facts = lookups.project(project.id)
    if facts is None:
        raise StateError(
            _("The sample project does not exist any more."), _("Start a new training on another project.")
        )
    planned, choices = plan_first_comparison(facts, first_comparison(), _defaults(), _device())
    series = new_series(
        SeriesId(f"first{secrets.token_hex(5)}"), connection.server_name(), SERIES_NAME, planned, choices
    )
    place(connection.client(), connection.series(), series)
    connection.starter().wake()
    tours().begin(connection.server_name(), series.id)
    return series


def draw_way_back() -> bool:
    """Draw where the tour stands and the way on; return whether there is one."""
    found = open_tour()
    if found is None or found[0].reached == "show":
        return False
    tour, series = found
    states = _states(series)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="tour-back"):
        st.markdown(
            f":material/tour: {plain(_standing(tour, states))}",
            width="stretch",
        )
        ids = _finished(states)
        part: Part = "watch" if len(ids) < _PAIR else "verdict" if tour.reached == "watch" else "show"
        st.button(
            _(_TITLES[part]),
            type="primary",
            key="tour-on",
            icon=":material/arrow_forward:",
            on_click=_go_on,
            args=(part, series),
        )
        st.button(_("Not any more"), type="tertiary", key="tour-end", on_click=_end)
    return True


def _standing(tour: Tour, states: Sequence[MemberState]) -> str:
    running = sum(state.stage not in OVER for state in states)
    if running:
        return ngettext(
            "Your first comparison: {count} training still runs.",
            "Your first comparison: {count} trainings still run.",
            running,
        ).format(count=running)
    if len(_finished(states)) < _PAIR:
        return _("Your first comparison did not leave two results to compare.")
    if tour.reached == "watch":
        return _("Your first comparison has its verdict.")
    return _("Your first comparison was judged. Slides tell it to others.")


# The strip over the pages that the tour leads through.


def draw_strip(screen: str) -> None:
    """Draw where the person is in the tour and what comes next; nothing on pages that are no part of it."""
    found = open_tour()
    if found is None or found[0].is_left:
        return
    tour, series = found
    part = part_of(screen, series, st.query_params.to_dict())
    if part is None:
        return
    _note_arrival(tour, part)
    # The slides cover the whole page; who comes back from them to the verdict has seen everything.
    if screen == "show":
        return
    if tour.reached == "show":
        if part == "watch":
            return
        part = "show"
    ready = part == "watch" and len(_finished(_states(series))) >= _PAIR
    with st.container(border=True, key="tour"):
        with st.container(horizontal=True, vertical_alignment="center", key="tour-parts"):
            st.markdown(f":material/tour: **{_('First comparison')}**", width="content")
            for number, item in enumerate(PARTS, start=1):
                text = f"{number} {_(_TITLES[item])}"
                is_seen = PARTS.index(item) < PARTS.index(part)
                mark = f":green[:material/check: {text}]" if is_seen else f":gray[{text}]"
                st.markdown(f":blue[**{text}**]" if item == part else mark, width="content")
            st.space("stretch")
            st.button(_("Leave the guide"), type="tertiary", icon=":material/close:", key="tour-leave", on_click=_leave)
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(_(_READY if ready else _LEADS[part]), width="stretch")
            _draw_next(part, screen, series, ready=ready)


def _note_arrival(tour: Tour, part: Part) -> None:
    if arrived(tour, part) != tour:
        attempt(lambda: tours().change(connection.server_name(), lambda known: arrived(known, part)))


def _draw_next(part: Part, screen: str, series: Series, *, ready: bool) -> None:
    match part:
        case "watch":
            if ready:
                _button(_("Read the verdict"), _go_on, "verdict", series)
            elif screen == "task":
                screens.link("series", _("Both trainings"), "stacks", series=series.id)
        case "verdict":
            _button(_("Show it"), _go_on, "show", series)
        case "show":
            _button(_("Bring your own data in"), _finish, "import_data")


def _button(label: str, then: Callable[..., None], *args: object) -> None:
    st.button(
        label,
        type="primary",
        icon=":material/arrow_forward:",
        icon_position="right",
        key="tour-next",
        on_click=then,
        args=args,
    )


def _go_on(part: Part, series: Series) -> None:
    attempt(lambda: tours().change(connection.server_name(), lambda known: replace(known, is_left=False)))
    if part == "watch":
        screens.go("series", series=series.id)
    ids = ",".join(map(str, _finished(_states(series))))
    screens.go("compare" if part == "verdict" else "show", ids=ids)


def _leave() -> None:
    attempt(
        lambda: tours().change(connection.server_name(), lambda known: replace(known, is_left=True)),
        _("The guide waits on the overview. What runs goes on."),
    )


def _end() -> None:
    attempt(lambda: tours().change(connection.server_name(), lambda known: replace(known, is_over=True)))


def _finish(screen: str) -> None:
    _end()
    screens.go(screen)


def _states(series: Series) -> tuple[MemberState, ...]:
    try:
        return states_of(series, tasks_of(connection.client(), series, ()))
    except AppError as error:
        flash(str(error), "error")
        return ()


def _is_over(series: Series) -> bool:
    return all(state.stage in OVER for state in _states(series))


def _finished(states: Sequence[MemberState]) -> tuple[TaskId, ...]:
    return tuple(
        state.task.id
        for state in states
        if state.task is not None and experiment_of_output(state.task.output) is not None
    )
