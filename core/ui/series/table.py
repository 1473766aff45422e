"""The experiments that a series will make: what sets each apart, its agent, its time; editable and removable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import streamlit as st

from core.compare import formatting
from core.domain.ids import AgentId
from core.launch.rules.hyperparameters import read_text
from core.launch.series.plan import Change, Experiment, model_label
from core.launch.time_estimate import estimate
from core.launch.watching.progress import TimeRange
from core.ui import connection, lookups
from core.ui.series.form import SeriesView, reference_for, text_by_model
from core.ui.state import change_draft
from core.ui.text import plain
from core.ui.widgets import draft_select, draft_text, widget_key
from core.ui.wizard.yaml_editor import Marks, yaml_editor
from core.wizard.draft import DraftId, WizardDraft

_PER_PAGE = 20
_WIDTHS = [0.4, 3.6, 3.4, 1.6, 1.6, 2.2]
_HEADS = ("", "Experiment", "What sets it apart", "Agent", "Expected time", "")
_AUTOMATIC = AgentId(0)
_OPEN = "series-edited"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An experiment with its expected time; ``None`` where no training of its kind went through yet."""

    experiment: Experiment
    time: TimeRange | None


def rows_of(view: SeriesView, planned: Sequence[Experiment]) -> tuple[Row, ...]:
    """Return the experiments with their expected times."""
    runs, models = lookups.past_times(connection.workspace_id())
    text_of = text_by_model(view)
    return tuple(
        Row(
            experiment=item,
            time=estimate(item.plan, item.plan.hyperparameters or text_of(item.plan.model), runs, models),
        )
        for item in planned
    )


def draw_experiments(view: SeriesView, rows: Sequence[Row], *, removed: int) -> None:
    """Draw the table, a page at a time.

    Args:
        view: What the form is drawn from.
        rows: The experiments.
        removed: How many more the choices would make.
    """
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(formatting.plural(len(rows), "experiment"), anchor=False, width="content")
        if removed:
            st.button(
                f"Bring back {removed} removed",
                icon=":material/undo:",
                type="tertiary",
                key=widget_key(view.draft, "series-restore"),
                on_click=_restore,
                args=(view.draft.id,),
            )
    with st.container(key="series-rows", gap=None):
        for column, head in zip(st.columns(_WIDTHS), _HEADS, strict=True):
            column.caption(head)
        footer = st.container()
        pages = -(-len(rows) // _PER_PAGE)
        page = 1
        if pages > 1:
            with footer:
                page = st.pagination(pages, key="series-plan-page") or 1
        first = (page - 1) * _PER_PAGE
        for place, row in enumerate(rows[first : first + _PER_PAGE], start=first + 1):
            _draw_row(view, place, row)


def _draw_row(view: SeriesView, place: int, row: Row) -> None:
    item = row.experiment
    is_open = st.session_state.get(_OPEN) == item.key
    with st.container(key=f"series-row-{item.key}"):
        cells = st.columns(_WIDTHS, vertical_alignment="center")
        cells[0].caption(f"{place}")
        with cells[1]:
            st.markdown(f"**{plain(item.plan.experiment_name or '')}**")
        cells[2].markdown(plain(_apart(item)) + (" · edited" if item.key in view.choices.changes else ""))
        cells[3].markdown(plain(_agent_name(view, item.plan.agent_id)))
        cells[4].markdown(time_text(row.time))
        with cells[5], st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            st.button(
                "Done" if is_open else "Edit",
                icon=":material/check:" if is_open else ":material/edit:",
                type="tertiary",
                key=f"series-edit-{item.key}",
                on_click=_toggle,
                args=(item.key,),
            )
            st.button(
                "Remove",
                icon=":material/close:",
                type="tertiary",
                key=f"series-remove-{item.key}",
                on_click=_remove,
                args=(view.draft.id, item.key),
            )
        if is_open:
            _draw_editor(view, item)


def time_text(time: TimeRange | None) -> str:
    """Return an expected time as a range, a dash where it is not known."""
    if time is None:
        return formatting.MISSING
    return formatting.time_left(time.low, time.high).removesuffix(" left")


def _apart(item: Experiment) -> str:
    parts = [value if thing == "model" else f"{thing} {value}" for thing, value in item.varied]
    return " · ".join(parts) or model_label(item.plan.model)


def _agent_name(view: SeriesView, agent_id: AgentId | None) -> str:
    known = {agent.id: agent.name for agent in view.facts.agents}
    return "Automatic" if agent_id is None else known.get(agent_id, f"Agent {agent_id}")


def _draw_editor(view: SeriesView, item: Experiment) -> None:
    agents = tuple(agent.id for agent in view.facts.running_agents)
    with st.container(border=True, key=f"series-editor-{item.key}"):
        with st.container(horizontal=True):
            with st.container(width="stretch"):
                draft_text(
                    view.draft,
                    f"series-name-{item.key}",
                    "Experiment name",
                    value=item.plan.experiment_name or "",
                    save=_saved(item.key, lambda change, text: replace(change, name=text.strip() or None)),
                )
            with st.container(width=280):
                draft_select(
                    view.draft,
                    f"series-agent-{item.key}",
                    "Agent",
                    options=(_AUTOMATIC, *agents),
                    value=item.plan.agent_id or _AUTOMATIC,
                    save=_saved(item.key, lambda change, agent: replace(change, agent_id=agent or None)),
                    text=lambda agent: _agent_name(view, agent or None),
                    placeholder=None,
                )
        text = item.plan.hyperparameters or text_by_model(view)(item.plan.model)
        problems = read_text(text, reference_for(view, item.plan.model)).errors
        yaml_editor(
            "Hyperparameters of this experiment",
            text,
            key=widget_key(view.draft, f"series-yaml-{item.key}"),
            on_change=lambda sent: _keep(view.draft.id, item.key, lambda change: replace(change, hyperparameters=sent)),
            marks=Marks(wrong=[problem.line for problem in problems if problem.line]),
            rows=12,
        )
        if problems:
            st.error(f"**{plain(problems[0].message)}** {plain(problems[0].hint)}", icon=":material/error:")
        st.button(
            "Undo the edits of this experiment",
            icon=":material/undo:",
            type="tertiary",
            key=f"series-undo-{item.key}",
            disabled=item.key not in view.choices.changes,
            on_click=_undo,
            args=(view.draft.id, item.key),
        )


def _saved(key: str, change: Callable[[Change, _T], Change]) -> Callable[[WizardDraft, _T], WizardDraft]:
    return lambda draft, value: _changed(draft, key, lambda known: change(known, value))


def _keep(draft_id: DraftId, key: str, change: Callable[[Change], Change]) -> None:
    change_draft(draft_id, lambda draft: _changed(draft, key, change))


def _changed(draft: WizardDraft, key: str, change: Callable[[Change], Change]) -> WizardDraft:
    changed = change(draft.series.changes.get(key, Change()))
    others = {name: value for name, value in draft.series.changes.items() if name != key}
    kept = others if changed == Change() else {**others, key: changed}
    return replace(draft, series=replace(draft.series, changes=kept))


def _undo(draft_id: DraftId, key: str) -> None:
    _keep(draft_id, key, lambda _: Change())


def _toggle(key: str) -> None:
    st.session_state[_OPEN] = None if st.session_state.get(_OPEN) == key else key


def _remove(draft_id: DraftId, key: str) -> None:
    change_draft(
        draft_id,
        lambda draft: replace(
            draft, series=replace(draft.series, removed=tuple(dict.fromkeys((*draft.series.removed, key))))
        ),
    )


def _restore(draft_id: DraftId) -> None:
    change_draft(draft_id, lambda draft: replace(draft, series=replace(draft.series, removed=())))
