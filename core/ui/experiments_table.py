"""The experiments page: find finished experiments, choose some, compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from core.compare import formatting
from core.compare.training_setup import project_name, start_of
from core.domain.experiment import ExperimentInfo
from core.domain.ids import TaskId
from core.ui import connection, lookups, screens
from core.ui.row_selection import chosen_rows, mirror_selection
from core.ui.text import plain

_CHOSEN = "chosen_experiments"
_TABLE = "experiments-table"
_COLUMNS = (
    "Experiment",
    "Model",
    "Started from",
    "mAP",
    "AP50",
    "F1",
    "Training time",
    "Finished",
    "Images",
    "Project",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the person looks for.

    Attributes:
        text: Has to occur in name, model or project; case does not matter.
        projects: Names; all when empty.
        models: Names; all when empty.
    """

    text: str = ""
    projects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def accepts(self, info: ExperimentInfo) -> bool:
        """Return whether an experiment is looked for."""
        words = f"{info.experiment_name} {info.model_name} {project_name(info)} {info.task_id}".casefold()
        return (
            all(word in words for word in self.text.casefold().split())
            and (not self.projects or project_name(info) in self.projects)
            and (not self.models or info.model_name in self.models)
        )


def draw_experiments() -> None:
    """Draw the page below its title."""
    known = lookups.experiments(connection.address(), connection.team_id())
    if not known:
        _draw_empty()
        return
    wanted = _draw_filter(known)
    shown = tuple(info for info in known if wanted.accepts(info))
    chosen = tuple(info for info in known if info.task_id in _chosen())
    _draw_actions(chosen, len(shown), len(known))
    if not shown:
        st.info(
            "No experiment fits the filter. Clear the search or choose other projects and models.",
            icon=":material/search_off:",
        )
        return
    _draw_table(shown)


def _draw_filter(known: Sequence[ExperimentInfo]) -> Filter:
    cells = st.columns([2, 1, 1], vertical_alignment="bottom")
    text = cells[0].text_input(
        "Search",
        placeholder="Search by name, model, project or task id",
        icon=":material/search:",
        key="find",
        persist_state="session",
    )
    projects = cells[1].multiselect(
        "Project",
        sorted({project_name(info) for info in known}),
        placeholder="All projects",
        key="find-projects",
        persist_state="session",
    )
    models = cells[2].multiselect(
        "Model",
        sorted({info.model_name for info in known}),
        placeholder="All models",
        key="find-models",
        persist_state="session",
    )
    return Filter(text=text or "", projects=tuple(projects), models=tuple(models))


def _draw_actions(chosen: Sequence[ExperimentInfo], shown: int, known: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="experiments-actions"):
        st.markdown(plain(_summary(chosen, shown, known)), width="stretch")
        if len(chosen) == 1:
            st.page_link(
                screens.page("task"),
                label="Open",
                icon=":material/open_in_new:",
                query_params={"task": str(chosen[0].task_id)},
            )
        if chosen:
            st.button("Clear selection", icon=":material/close:", key="clear", on_click=_clear)
        st.button(
            f"Compare {len(chosen)}" if len(chosen) > 1 else "Compare",
            type="primary",
            icon=":material/compare_arrows:",
            key="compare",
            disabled=len(chosen) < 2,  # noqa: PLR2004 - a comparison needs two
            help="Choose at least two experiments in the table." if len(chosen) < 2 else None,  # noqa: PLR2004
            on_click=_compare,
            args=(tuple(info.task_id for info in chosen),),
        )


def _summary(chosen: Sequence[ExperimentInfo], shown: int, known: int) -> str:
    total = (
        formatting.plural(known, "experiment")
        if shown == known
        else f"{shown} of {formatting.plural(known, 'experiment')}"
    )
    if not chosen:
        return f"{total}. Choose two or more to compare them."
    if len(chosen) == 1:
        return f"{total}, 1 chosen. Choose another one to compare."
    return f"{total}, {len(chosen)} chosen."


def _draw_table(shown: tuple[ExperimentInfo, ...]) -> None:
    ids = tuple(info.task_id for info in shown)
    chosen = _chosen()
    mirror_selection(_TABLE, ids, lambda task: task in chosen)
    number = st.column_config.NumberColumn
    st.dataframe(
        table_columns(shown),
        key=_TABLE,
        hide_index=True,
        height=min(620, 38 + 36 * len(shown)),
        row_height=36,
        on_select=lambda: _choose(ids),
        selection_mode="multi-row",
        column_config={
            "Experiment": st.column_config.TextColumn(width=240),
            "Finished": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            **{
                name: st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1, width=130)
                for name in ("mAP",)
            },
            **{name: number(format="%.3f") for name in ("AP50", "F1")},
            "Images": st.column_config.TextColumn(help="Images for training and for validation."),
        },
        placeholder=formatting.MISSING,
        alt="Finished experiments",
    )


def table_columns(shown: Sequence[ExperimentInfo]) -> dict[str, list[object]]:
    """Return the table's columns."""
    rows = [
        (
            info.experiment_name,
            info.model_name,
            start_of(info),
            info.evaluation_metrics.get("mAP"),
            info.evaluation_metrics.get("AP50"),
            info.evaluation_metrics.get("f1"),
            formatting.duration(info.training_duration),
            _moment(info.datetime),
            _images(info),
            project_name(info),
        )
        for info in shown
    ]
    return {name: [row[i] for row in rows] for i, name in enumerate(_COLUMNS)}


def _images(info: ExperimentInfo) -> str:
    if info.train_size is None or info.val_size is None:
        return formatting.MISSING
    return f"{formatting.count(info.train_size)} + {formatting.count(info.val_size)}"


def _moment(text: str | None) -> datetime | None:
    """Read the record's time, which is written without a zone (``2026-11-23 14:00:22``)."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def _chosen() -> frozenset[TaskId]:
    return frozenset(st.session_state.get(_CHOSEN, ()))


def _choose(ids: tuple[TaskId, ...]) -> None:
    """Take over the table's selection; what the filter hides stays chosen."""
    st.session_state[_CHOSEN] = (_chosen() - set(ids)) | set(chosen_rows(_TABLE, ids))


def _clear() -> None:
    st.session_state[_CHOSEN] = frozenset()


def _compare(ids: tuple[TaskId, ...]) -> None:
    st.switch_page(screens.page("compare"), query_params={"ids": ",".join(map(str, sorted(ids)))})


def _draw_empty() -> None:
    with st.container(border=True, horizontal_alignment="center", key="no-experiments"):
        st.space("medium")
        st.markdown("#### No experiment yet")
        st.markdown("A finished training becomes an experiment. Two of them can be compared.")
        st.page_link(screens.page("project"), label="New training", icon=":material/add_circle:")
        st.space("medium")
