"""What changed in the chosen project since it was last trained on."""

import contextlib
from functools import cache
from pathlib import Path

import streamlit as st

from core.domain.ids import TaskId
from core.errors import StorageError
from core.launch.rules.project_facts import ProjectFacts
from core.ui import connection, screens
from core.ui.experiments.index import all_experiments
from core.ui.state import TASK_PARAM
from core.ui.text import plain
from core.wizard.since_last import DataNotes, note_of, since_last


def draw_since_last(project: ProjectFacts) -> None:
    """Draw the changes since the newest experiment of the project; nothing where there is none."""
    server = connection.server_name()
    found = since_last(project, all_experiments(), _notes(), server)
    if found is None:
        return
    if found.changes:
        text = f"changed since then: {'; '.join(found.changes)}."
    elif found.is_exact:
        text = "the data is the same as then."
    elif found.used is not None:
        text = f"it used {found.used:,} of the {found.images:,} images that the project has now."
    else:
        text = "its record does not say what the data was like."
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="since-last"):
        st.markdown(f":material/history: Last trained as **{plain(found.title)}**; {plain(text)}", width="stretch")
        st.page_link(
            screens.page("task"),
            label="Open",
            icon=":material/open_in_new:",
            query_params={TASK_PARAM: str(found.task_id)},
        )


def note_data(task_id: TaskId, project: ProjectFacts) -> None:
    """Note what the data is like at a start; a disk that refuses keeps nobody from training."""
    with contextlib.suppress(StorageError):
        _notes().keep(connection.server_name(), task_id, note_of(project))


def _notes() -> DataNotes:
    return _notes_in(connection.home() / "data_notes.json")


@cache
def _notes_in(path: Path) -> DataNotes:
    """Return the one object per file, whose lock all sessions share."""
    return DataNotes(path)
