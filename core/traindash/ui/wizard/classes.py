"""The classes step: a table to choose from."""

import base64
from collections.abc import Sequence
from functools import lru_cache

import pandas as pd
import streamlit as st

from traindash.domain.project import ObjectClass
from traindash.formatting import count, listing
from traindash.plans import problems as shapes
from traindash.plans.draft import DraftId, WizardDraft, set_classes
from traindash.plans.facts import ModelFacts, ProjectFacts
from traindash.plans.suggestions import suggest_classes
from traindash.ui.state import change_draft
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, mirror_selection, widget_key

_MAX_ROWS = 12
_SEARCH_FROM = 13


def draw_class_search(draft: WizardDraft, project: ProjectFacts) -> str:
    """Draw the search over the classes of a project and return what is looked for; empty for few classes."""
    if len(project.meta.classes) < _SEARCH_FROM:
        return ""
    return st.text_input(
        "Search classes",
        key=widget_key(draft, "class-search"),
        placeholder=f"Search {count(len(project.meta.classes))} classes",
        label_visibility="collapsed",
        icon=":material/search:",
    ).strip()


def draw_left_out(draft: WizardDraft, project: ProjectFacts) -> None:
    """Say why classes are not ticked that nobody has unticked."""
    proposed = suggest_classes(project)
    if proposed is None or draft.classes != proposed:
        return
    left_out = [name for name in project.class_names if name not in set(proposed)]
    names = listing([f"“{plain(name)}”" for name in left_out])
    verb = "is" if len(left_out) == 1 else "are"
    st.caption(f"{names} {verb} left out: without objects there is nothing to learn.")


def draw_class_table(draft: WizardDraft, project: ProjectFacts, model: ModelFacts | None, search: str = "") -> None:
    """Draw the classes with their counts; a tick takes part. Those that a search hides stay as they are."""
    # Searched here and not in the table's own search: its selection would count rows of the hidden ones, too.
    classes = tuple(item for item in project.meta.classes if search.casefold() in item.name.casefold())
    if not classes:
        st.info(f"No class is called “{plain(search)}” or the like.", icon=":material/info:")
        return
    counts = {item.name: item for item in project.statistics.classes}
    chosen = frozenset(project.class_names if draft.classes is None else draft.classes)
    rows = [
        {
            "Colour": _swatch(item.color),
            "Class": item.name,
            "Images": counts[item.name].images if item.name in counts else 0,
            "Objects": counts[item.name].objects if item.name in counts else 0,
            # The bar stands beside its number; with more than a dozen classes it is what is read first.
            "Share": counts[item.name].objects if item.name in counts else 0,
            "Shape": item.shape,
            "What happens": _effect(item, model, convert=draft.convert_class_shapes),
        }
        for item in classes
    ]
    most = max((item.objects for item in project.statistics.classes), default=0)
    # Rows are positions of the frame that is drawn (Streamlit 1.67): what another search shows is another table.
    key = widget_key(draft, f"classes-{search.casefold()}" if search else "classes")
    mirror_selection(key, classes, lambda item: item.name in chosen)
    st.dataframe(
        pd.DataFrame(rows),
        key=key,
        hide_index=True,
        height=table_height(len(rows), _MAX_ROWS),
        selection_mode="multi-row",
        on_select=lambda: _choose(draft.id, key, classes, project.class_names),
        column_config={
            "Colour": st.column_config.ImageColumn("", width=40),
            "Images": st.column_config.NumberColumn(format="localized", width="small"),
            "Objects": st.column_config.NumberColumn(format="localized", width="small"),
            "Share": st.column_config.ProgressColumn(
                "", min_value=0, max_value=max(most, 1), format=" ", width="small"
            ),
        },
        alt="Classes of the project; ticked ones are trained",
    )


def draw_class_buttons(draft: WizardDraft, project: ProjectFacts, search: str = "") -> None:
    """Draw the ways to choose many classes at once, with a search also those that were found."""
    every = project.class_names
    filled = tuple(item.name for item in project.statistics.classes if item.objects)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        found = tuple(name for name in every if search.casefold() in name.casefold())
        more = (("Only those found", found),) if search else ()
        for label, names in (("All", every), ("With objects", filled), ("None", ()), *more):
            st.button(label, key=f"classes-{label}", on_click=_set, args=(draft.id, names, every))


def _choose(draft_id: DraftId, key: str, shown: Sequence[ObjectClass], every: tuple[str, ...]) -> None:
    # Those that the search hides keep what they were.
    picked = {item.name for item in chosen_rows(key, shown)}
    hidden = frozenset(every) - {item.name for item in shown}

    def change(draft: WizardDraft) -> WizardDraft:
        before = every if draft.classes is None else draft.classes
        return set_classes(draft, tuple(picked | (hidden & frozenset(before))), every)

    change_draft(draft_id, change)


def _set(draft_id: DraftId, chosen: tuple[str, ...], every: tuple[str, ...]) -> None:
    change_draft(draft_id, lambda draft: set_classes(draft, chosen, every))


def _effect(item: ObjectClass, model: ModelFacts | None, *, convert: bool) -> str:
    return "" if model is None else shapes.effect(item, model.task_type, convert=convert)


# 1,000 classes have 1,000 swatches in every redraw.
@lru_cache(maxsize=4096)
def _swatch(color: str) -> str:
    # The colour is text from a server that goes into a drawing.
    safe = color if color.startswith("#") and color[1:].isalnum() else "#7B7F85"
    shape = f'<rect x="16" y="8" width="16" height="16" rx="4" fill="{safe}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32">{shape}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
