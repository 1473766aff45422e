"""What a finished training left: its files to fetch, and how its checkpoint is used elsewhere."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import ExperimentInfo, TeamFile
from traindash.frameworks.registry import usage_of
from traindash.language import gettext as _
from traindash.ui import connection
from traindash.ui.lazy_part import draw_folded
from traindash.ui.theme import plain

_PER_ROW = [3.2, 1.0, 1.2]


def draw_best_download(experiment: ExperimentInfo, files: Sequence[TeamFile]) -> None:
    """Draw the button that fetches the best checkpoint; nothing where there is none."""
    wanted = next((file for file in files if PurePosixPath(file.path).name == experiment.best_checkpoint), None)
    if wanted is not None:
        text = _("Download {file} ({size})").format(
            file=plain(experiment.best_checkpoint), size=formatting.size(wanted.size_bytes)
        )
        draw_download(text, wanted.path, kind="primary", key="best")


def draw_file_list(experiment: ExperimentInfo, files: Sequence[TeamFile]) -> None:
    """Draw all files of an experiment, each with its download."""
    folder = experiment.artifacts_dir.rstrip("/")
    # docs/supervisely-api.md 7.1: a folder with a number behind its name has no slash at its end.
    start = len(folder) + 1
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            plain(
                _("{files} in Team Files, {folder}").format(
                    files=formatting.plural(len(files), "file", "files"), folder=experiment.artifacts_dir
                )
            )
        )
        draw_download(_("All files (tar)"), f"{folder}/", f"{experiment.task_id}_{experiment.framework_name}.tar")
    with st.container(key="file-list", gap=None):
        for file in files:
            name, size, fetch = st.columns(_PER_ROW, vertical_alignment="center")
            name.markdown(plain(file.path[start:]))
            size.markdown(formatting.size(file.size_bytes))
            with fetch:
                draw_download(_("Download"), file.path, kind="tertiary")


def draw_usage(experiment: ExperimentInfo) -> None:
    """Draw a few lines of code that find objects with the saved checkpoint; nothing where nobody knows them."""
    text = usage_of(experiment.framework_name, experiment.best_checkpoint)
    if text is not None:
        draw_folded("usage", _("Use it in your own code"), "code", lambda: st.code(text, language="python"))


def draw_download(
    label: str,
    path: str,
    name: str = "",
    *,
    kind: Literal["primary", "secondary", "tertiary"] = "secondary",
    key: str = "",
) -> None:
    """Draw a button that fetches a file of Team Files, or a folder (with a slash at its end) as a tar archive."""
    team = connection.team_id()
    st.download_button(
        label,
        # A function: the file is fetched when somebody wants it, not with every redraw (Streamlit 1.67).
        data=lambda: connection.client().files.read(team, path),
        file_name=name or PurePosixPath(path).name,
        icon=":material/download:",
        type=kind,
        on_click="ignore",
        key=f"download-{key}-{path}",
    )
