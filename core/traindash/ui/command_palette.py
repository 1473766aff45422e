"""The command palette and the keys: whatever there is to go to or to do, found by typing and without a mouse.

The list is drawn, searched and moved through in the browser. What a page offers is read there from its own buttons and
links, so that it has the same words; only what is recent is asked of the server, each time the palette is opened.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.errors import AppError
from traindash.experiments.overview import best_by_project
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.app_rules import is_evaluation_copy
from traindash.plans.steps import STEPS, reached
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.experiments.index import marks, peek
from traindash.ui.tasks.text import task_title
from traindash.ui.wizard.drafts import ago, draft_title

_KEY, _BUTTON, _ASKED = "palette", "palette-button", "palette-asked"
_MOST = 200  # of each kind; more than anybody scrolls through, and what is older has a page with a search of its own
_MOST_DRAFTS, _MOST_PAIRS = 20, 3
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "traindash_palette",
    html=(_HERE / "command_palette.html").read_text(encoding="utf-8"),
    css=(_HERE / "command_palette.css").read_text(encoding="utf-8"),
    js=(_HERE / "command_palette.js").read_text(encoding="utf-8"),
)
# Words, screen and what its address says
Command = dict[str, str | dict[str, str]]
# Pages that no link of the sidebar leads to
_MORE_PAGES = (
    *(("drafts", N_("Drafts")), ("plan", N_("Start from a plan")), ("series_plan", N_("New series"))),
    ("label", N_("Label images")),
)


def draw_palette_button() -> None:
    """Draw the button that opens the palette, with the keys that do the same."""
    _component(key=_BUTTON, data={"is_button": True})


def draw_palette(places: Mapping[str, str]) -> None:
    """Draw the palette, which is seen when it is opened; once on each page.

    ``places`` is place of the sidebar → screen, as this tab would go there.
    """
    with st.container(key=_KEY):
        st.fragment(_palette)(places)


def _palette(places: Mapping[str, str]) -> None:
    recent = _recent() if st.session_state.pop(_ASKED, False) else None
    _component(
        key="palette-list",
        data={"places": _places(places), "recent": recent},
        on_ask_change=_note_question,
        on_go_change=_go,
    )


def _note_question() -> None:
    st.session_state[_ASKED] = True


def _go() -> None:
    """Open what was chosen."""
    wanted = st.session_state["palette-list"].get("go") or {}
    # What comes from the browser is data: a screen that there is, and texts for its address.
    if any(item.id == wanted.get("screen") for item in screens.SCREENS):
        screens.go(str(wanted["screen"]), **dict(wanted.get("query") or {}))


def _places(places: Mapping[str, str]) -> list[Command]:
    return [
        *(_command(_(one.label), "", places[one.screen]) | {"letter": one.letter} for one in screens.PLACES),
        *(_command(_(item.title), _("New training"), item.id) for item in STEPS),
        *(_command(_(label), "", screen) for screen, label in _MORE_PAGES),
    ]


def _command(label: str, note: str, screen: str, **query: object) -> Command:
    return {
        "label": label,
        "note": note,
        "screen": screen,
        "query": {name: str(value) for name, value in query.items()},
    }


def _recent() -> list[Command]:
    """Return what there is by name, newest first: experiments, tasks, projects, drafts and series."""
    try:
        workspace = connection.workspace_id()
        noted = marks().all()
        removed = {task for task, mark in noted.items() if mark.removed}
        names = {task: mark.name for task, mark in noted.items() if mark.name}
        found = [entry.info for entry in peek().entries if entry.info is not None and entry.info.task_id not in removed]
        return list(
            chain(
                _pairs(found),
                _experiments(found[:_MOST], names),
                _tasks({info.task_id for info in found} | removed, names),
                (
                    _command(item.name, _("Project"), "project", project=item.id)
                    for item in lookups.projects(workspace)[:_MOST]
                    if not is_evaluation_copy(item)
                ),
                _drafts(),
                (
                    _command(item.name, _("Series"), "series", series=item.id)
                    for item in connection.series().of_server(connection.server_name())[:_MOST]
                ),
            )
        )
    # The pages tell that the server is away; the palette still leads to them.
    except AppError:
        return []


def _pairs(found: Sequence[ExperimentInfo]) -> Iterator[Command]:
    for row in best_by_project(found)[:_MOST_PAIRS]:
        if len(row.newest_pair) > 1:
            ids = ",".join(map(str, row.newest_pair))
            yield _command(_("Compare the newest two"), row.project, "compare", ids=ids)
            yield _command(_("Present the newest two"), row.project, "show", ids=ids)


def _experiments(found: Sequence[ExperimentInfo], names: Mapping[TaskId, str]) -> Iterator[Command]:
    for info in found:
        score = "" if info.score is None else f" · {info.score[0]} {formatting.metric(info.score[1])}"
        yield _command(
            names.get(info.task_id) or info.experiment_name, f"{_('Experiment')}{score}", "task", task=info.task_id
        )


def _tasks(known: set[TaskId], names: Mapping[TaskId, str]) -> Iterator[Command]:
    for task in lookups.newest_tasks(connection.workspace_id())[:_MOST]:
        if task.id not in known:  # an experiment stands for its task
            note = f"{_('Task {number}').format(number=task.id)} · {_(theme.TASK_STATUS[task.status].word)}"
            yield _command(names.get(task.id) or task_title(task), note, "task", task=task.id)


def _drafts() -> Iterator[Command]:
    open_drafts = (
        item
        for item in connection.drafts().drafts(connection.server_name())
        if not (item.is_started or item.is_untouched)
    )
    for draft in list(open_drafts)[:_MOST_DRAFTS]:
        yield _command(
            draft_title(draft),
            _("Draft · changed {time}").format(time=ago(draft.changed_at)),
            reached(draft),
            draft=draft.id,
        )
