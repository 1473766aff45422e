"""What a task left behind when it is over: the experiment and its files, or the reason of the failure."""

from datetime import UTC, datetime

import streamlit as st

from core.api.resources.experiments import experiment_of_output
from core.compare import formatting
from core.compare.training_setup import start_of
from core.datasets.shape_fit import SEGMENTATION
from core.domain.experiment import ExperimentInfo
from core.domain.task import ExitReport, TaskStatus
from core.errors import AppError
from core.launch.model_comparison import report_link
from core.launch.watching.late_result import lacks_result, result_is_due
from core.launch.watching.progress import TaskProgress
from core.launch.watching.watch import TaskWatch
from core.ui import connection, screens
from core.ui.text import plain

_TAIL_ROWS = 30
_LOOK_AGAIN = "2s"


def draw_result(progress: TaskProgress) -> None:
    """Draw the end of a task."""
    task = progress.task
    if task.status is TaskStatus.ERROR or (task.exit_report and task.status is TaskStatus.STOPPED):
        _draw_end(progress, task.exit_report)
    experiment = experiment_of_output(task.output)
    if experiment is not None:
        _draw_experiment(experiment)
    link = report_link(task, connection.address())
    if link is not None and experiment is None:  # the result of an experiment names its report itself
        st.link_button("Open the report", link, icon=":material/open_in_new:", type="primary")


def draw_late_result(watch: TaskWatch, progress: TaskProgress) -> None:
    """Say that the server names no result of a finished training (yet), and look again as long as it may come."""
    if result_is_due(progress.task, datetime.now(UTC)):
        st.fragment(_wait_for_result, run_every=_LOOK_AGAIN)(watch, progress)
    elif lacks_result(progress.task):
        st.info(
            "The server names no result of this training. Its files may lie in Team Files, below /experiments; "
            "the log tells what was uploaded.",
            icon=":material/info:",
        )


def _wait_for_result(watch: TaskWatch, before: TaskProgress) -> None:
    try:
        task = watch.refresh().task
    except AppError as error:
        st.warning(plain(str(error)), icon=":material/sync_problem:")
        return
    if task.output != before.task.output or not result_is_due(task, datetime.now(UTC)):
        st.rerun()
    st.info("The training is finished; its result is on its way from the server.", icon=":material/hourglass_top:")


def _draw_end(progress: TaskProgress, report: ExitReport | None) -> None:
    failed = progress.task.status is TaskStatus.ERROR
    message = report.message if report else "The server does not say why the task ended."
    hint = report.hint if report else "Look at the last lines of the log."
    text = f"**{plain(message)}**  \n{plain(hint)}"
    if failed:
        st.error(text, icon=":material/error:")
    else:
        st.warning(text, icon=":material/stop_circle:")
    tail = report.log_tail if report and report.log_tail else tuple(row.message for row in progress.log[-_TAIL_ROWS:])
    if failed and tail:
        with st.expander("Last lines of the log", icon=":material/terminal:"):
            st.code("\n".join(tail), language=None, wrap_lines=True)


def _draw_experiment(experiment: ExperimentInfo) -> None:
    with st.container(border=True, key="task-result"):
        st.subheader("Result", anchor=False)
        st.caption(plain(_about(experiment)))
        with st.container(horizontal=True, gap="large"):
            by_mask = experiment.task_type == SEGMENTATION
            for name, title in (
                ("mAP", "Mask mAP" if by_mask else "mAP"),
                ("box_mAP", "Box mAP"),
                ("AP50", "Mask AP50" if by_mask else "AP50"),
                ("f1", "F1"),
            ):
                if (value := experiment.evaluation_metrics.get(name)) is not None:
                    st.metric(title, formatting.metric(value), width="content")
        if not experiment.evaluation_metrics:
            st.info(
                "This training was not evaluated, so it has no metrics on the validation images.",
                icon=":material/info:",
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                screens.page("compare"),
                label="Charts and images",
                icon=":material/photo_library:",
                query_params={"ids": str(experiment.task_id)},
            )
            st.page_link(screens.page("experiments"), label="Compare with others", icon=":material/compare_arrows:")
            if experiment.evaluation_report_link:
                st.link_button(
                    "Evaluation report", experiment.evaluation_report_link, icon=":material/article:", type="tertiary"
                )
        _draw_files(experiment)


def _about(experiment: ExperimentInfo) -> str:
    start = "random initialisation" if experiment.random_initialization else start_of(experiment)
    parts = [f"Experiment “{experiment.experiment_name}”", f"{experiment.framework_name} {experiment.model_name}"]
    return " · ".join([*parts, f"started from {start}"])


def _draw_files(experiment: ExperimentInfo) -> None:
    with st.expander("Files", icon=":material/folder:"):
        files = connection.client().files.list(connection.team_id(), experiment.artifacts_dir)
        start = len(experiment.artifacts_dir.rstrip("/")) + 1
        st.caption(plain(f"Team Files, {experiment.artifacts_dir}"))
        st.dataframe(
            {
                "File": [file.path[start:] for file in files],
                "Size": [formatting.size(file.size_bytes) for file in files],
            },
            hide_index=True,
            height="content",
            alt="Files of the experiment",
        )
