"""The tables of the comparison page."""

import streamlit as st

from traindash import formatting
from traindash.comparison.charts.training import FEWEST_LINES, parallel, parallel_figure, parallel_in_words
from traindash.comparison.experiment import Comparison, explain_missing
from traindash.comparison.exports import class_records, metric_records, setting_records
from traindash.comparison.report.page import READING_METRICS
from traindash.comparison.report.parts import class_table, metric_table, overview_html, settings_table
from traindash.comparison.rows import MetricRow, key_metric_rows, overview_of
from traindash.comparison.setup_differences import SettingRow, compare_hyperparameters, compare_settings, setup_of
from traindash.comparison.short_names import LONGEST
from traindash.comparison.significance import Significance
from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError
from traindash.evaluation.semantic import SemanticEvaluation
from traindash.language import N_, Language, current, ngettext
from traindash.language import gettext as _
from traindash.server_texts import told
from traindash.tasks.launcher import TaskPlace
from traindash.tasks.model_comparison import check_comparable, report_link, start_comparison
from traindash.ui import connection, screens, theme
from traindash.ui.experiments.index import give_label
from traindash.ui.saving import draw_table_saving
from traindash.ui.theme import plain

# Hyperparameters against mAP as parallel coordinates, drawn on request: the browser's half of plotly is large.


def draw_parallel(comparison: Comparison, significance: Significance) -> None:
    """Offer the chart where there are enough experiments for it."""
    if len(comparison.experiments) < FEWEST_LINES:
        return
    wanted = st.toggle(
        _("Draw against {metric}").format(metric=comparison.score),
        key="parallel",
        persist_state="session",
        help=_("A line for each experiment through its hyperparameters to its {metric}.").format(
            metric=comparison.score
        ),
    )
    if not wanted:
        return
    drawn = parallel(comparison, significance)
    with st.container(border=True, key="chart-parallel"):
        st.subheader(_("Hyperparameters against {metric}").format(metric=comparison.score), anchor="parallel")
        st.caption(
            _("Drag along an axis to see only the lines through that part; drag an axis by its name to move it.")
        )
        if drawn.empty:
            st.info(plain(drawn.empty), icon=":material/info:")
            return
        st.plotly_chart(
            parallel_figure(drawn, theme.theme_name()),
            key="parallel-chart",
            config={"displayModeBar": False},
            alt=parallel_in_words(drawn),
        )
        if drawn.note:
            st.caption(plain(drawn.note))


STILL_OPEN = N_("Which differences are sure is still being measured.")

_SORT = N_("Click a column head to sort.")
_MOST_COLUMNS = 3  # with more experiments than this, each gets a row of its own instead of a column


def draw_overview(comparison: Comparison, significance: Significance) -> None:
    """Draw a card for each experiment, and offer to call it otherwise."""
    del significance
    st.html(overview_html(overview_of(comparison)))
    if len(comparison.experiments) > 1:
        _offer_labels(comparison)
    for note in comparison.reading_notes:
        st.caption(plain(note))


def _offer_labels(comparison: Comparison) -> None:
    with st.popover(_("Change labels"), icon=":material/edit:", key="labels"), st.form("label-form", border=False):
        typed = {
            one.key: st.text_input(
                plain(one.full_name), one.label, max_chars=LONGEST, key=f"label-{one.key}-{one.label}"
            )
            for one in comparison.experiments
        }
        st.caption(_("Labels stand for the experiments wherever they are compared on this machine. Empty: made again."))
        if st.form_submit_button(_("Save labels"), type="primary"):
            before = {one.key: one.label for one in comparison.experiments}
            try:
                for key, label in typed.items():
                    if label.strip() != before[key]:
                        give_label(key, label)
            except AppError as error:
                st.error(plain(f"{error.message} {error.hint}".strip()), icon=":material/error:")
                return
            st.rerun()


def draw_metrics(comparison: Comparison, significance: Significance) -> None:
    """Draw the key metrics; the best marked, differences to the baseline."""
    rows = _rows(comparison.fingerprint, significance.pending, current(), comparison, significance)
    if not rows:
        st.info(
            _("None of these experiments has metrics: all were trained without the benchmark."), icon=":material/info:"
        )
        return
    turned = _choose_rows(comparison, "metrics", _("Metrics as rows"))
    st.html(metric_table(rows, comparison, turned=turned))
    draw_table_saving("key-metrics", lambda: metric_records(key_metric_rows(comparison, significance), comparison))
    if len(comparison.experiments) > 1:
        notes = [
            _(READING_METRICS),
            *([_(_SORT)] if turned else []),
            *([_(STILL_OPEN)] if significance.pending else []),
        ]
        st.caption(" ".join(notes))
    for note in explain_missing(
        [(e.label, e.semantic if e.is_semantic else e.evaluation) for e in comparison.experiments]
    ):
        st.caption(plain(note))


@st.cache_resource(ttl=3600, max_entries=100, show_spinner=False)
def _rows(
    fingerprint: str,
    pending: bool,  # noqa: FBT001 - an argument of the cache's key
    language: Language,
    _comparison: Comparison,
    _significance: Significance,
) -> tuple[MetricRow, ...]:
    del fingerprint, pending, language
    return key_metric_rows(_comparison, _significance)


def draw_class_table(comparison: Comparison, significance: Significance) -> None:
    """Offer the figures of every class as a table."""
    del significance
    for experiment, evaluation in comparison.semantic:
        draw_overlaps(experiment.label, evaluation)
    if comparison.evaluated:
        with st.expander(
            _("Table of all {classes}").format(classes=formatting.plural(len(comparison.classes), "class", "classes")),
            icon=":material/table_chart:",
        ):
            st.html(class_table(comparison))
            draw_table_saving("classes", lambda: class_records(comparison))
            st.caption(_(_SORT))


def draw_overlaps(label: str, evaluation: SemanticEvaluation) -> None:
    """Offer the figures of every class of a semantic segmentation as a table."""
    shown = formatting.plural(len(evaluation.classes), "class", "classes")
    with st.expander(
        plain(_("Table of all {classes}, {name}").format(classes=shown, name=label)), icon=":material/table_chart:"
    ):
        st.dataframe(
            {
                _("Class"): [one.name for one in evaluation.classes],
                "IoU": [one.iou for one in evaluation.classes],
                _("Boundary IoU"): [one.boundary_iou for one in evaluation.classes],
                _("Precision"): [one.precision for one in evaluation.classes],
                _("Recall"): [one.recall for one in evaluation.classes],
                "F1": [one.f1 for one in evaluation.classes],
            },
            column_config={
                name: st.column_config.NumberColumn(format="%.3f")
                for name in ("IoU", _("Boundary IoU"), _("Precision"), _("Recall"), "F1")
            },
            hide_index=True,
            placeholder=formatting.MISSING,
            alt=_("Figures of every class, {name}").format(name=label),
        )


def draw_settings(comparison: Comparison, significance: Significance) -> None:
    """Draw the hyperparameters, differences only by default, and on request against mAP."""
    _draw(compare_hyperparameters(comparison.experiments), comparison, "hyperparameters")
    draw_parallel(comparison, significance)
    for note in explain_missing([(e.label, e.hyperparameters) for e in comparison.experiments]):
        st.caption(plain(note))


def draw_setup(comparison: Comparison, significance: Significance) -> None:
    """Draw model, data, options and cost, differences only by default."""
    del significance
    _draw(compare_settings([setup_of(e) or None for e in comparison.experiments]), comparison, "setup")


def _draw(rows: tuple[SettingRow, ...], comparison: Comparison, key: str) -> None:
    if not rows:
        st.info(_("Nothing is known of these experiments here."), icon=":material/info:")
        return
    differing = [row for row in rows if row.differs]
    everything = len(comparison.experiments) < 2  # noqa: PLR2004 - alone, nothing differs
    turned = False
    if not everything:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", key=f"choices-{key}"):
            turned = _choose_rows(comparison, key, _("Settings as rows"))
            everything = st.toggle(
                _("Show all {count}").format(count=formatting.count(len(rows))),
                key=f"all-{key}",
                persist_state="session",
            )
    shown = rows if everything else differing
    if not shown:
        same = ngettext("The {count} setting is the same.", "All {count} settings are the same.", len(rows))
        st.markdown(same.format(count=formatting.count(len(rows))))
        return
    st.html(settings_table(shown, comparison, turned=turned, coded=key == "hyperparameters"))
    draw_table_saving(key, lambda: setting_records(shown, comparison))
    if not everything:
        equal = len(rows) - len(differing)
        same = ngettext("{differences}; {count} is the same.", "{differences}; {count} are the same.", equal)
        differences = formatting.plural(len(differing), "difference", "differences")
        st.caption(same.format(differences=differences, count=formatting.count(equal)))


def _choose_rows(comparison: Comparison, key: str, usual: str) -> bool:
    """Offer to turn a table over from how it is usually, and return whether experiments are its rows."""
    if len(comparison.experiments) < 2:  # noqa: PLR2004 - one column is one row
        return False
    choices = (False, True)
    return st.segmented_control(
        _("Rows"),
        choices,
        default=len(comparison.experiments) > _MOST_COLUMNS,
        required=True,
        format_func=lambda turned: _("Experiments as rows") if turned else usual,
        key=f"rows-{key}",
        label_visibility="collapsed",
    )


# The server's own comparison report: started from here, followed, and opened when it is done.

_TASK = "server_comparison"
_SECONDS = 2  # between two looks at the task of the server
_ABOUT = N_(
    "Supervisely's own report, made by an agent of the server from the same evaluations and kept in Team Files. Where"
    " experiments have no speed test, the platform of this machine measures their speed for it."
)


def draw_server_comparison(comparison: Comparison, significance: Significance) -> None:
    """Offer to start the report, or show how far it is."""
    del significance
    infos = [experiment.info for experiment in comparison.experiments if experiment.info is not None]
    with st.container(border=True, key="server-comparison"):
        st.caption(_(_ABOUT))
        text = st.query_params.get(_TASK, "")
        started = TaskId(int(text)) if text.isascii() and text.isdigit() else None
        if started is not None:
            task = connection.client().tasks.get(started)
            if task.status.is_terminal:
                _draw_end(task)
            else:
                _draw_running(started)
            return
        try:
            check_comparable(infos)
        except AppError as error:
            st.info(plain(f"{error.message} {error.hint}".strip()), icon=":material/info:")
            return
        if st.button(_("Make the report on the server"), icon=":material/play_arrow:", key="start-server-comparison"):
            place = TaskPlace(team_id=connection.team_id(), workspace_id=connection.workspace_id())
            try:
                with st.spinner(_("Starting the comparison")):
                    task_id = start_comparison(connection.client(), infos, place)
            except AppError as error:
                st.error(plain(f"{error.message} {error.hint}".strip()), icon=":material/error:")
                return
            st.query_params[_TASK] = str(task_id)
            st.rerun()


@st.fragment(run_every=_SECONDS)
def _draw_running(task_id: TaskId) -> None:
    task = connection.client().tasks.get(task_id)
    if task.status.is_terminal:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        theme.status_badge(theme.TASK_STATUS[task.status])
        st.markdown(
            plain(_("Task {number} compares {what}.").format(number=task.id, what=task.description)), width="stretch"
        )
        _task_link(task)


def _draw_end(task: Task) -> None:
    link = report_link(task, connection.address())
    with st.container(horizontal=True, vertical_alignment="center"):
        theme.status_badge(theme.TASK_STATUS[task.status])
        if link:
            st.markdown(plain(_("{what}: the report is ready.").format(what=task.description)), width="stretch")
            st.link_button(_("Open the report"), link, icon=":material/open_in_new:")
        else:
            report = task.exit_report
            why = _("The comparison ended without a report. Look at the log of its task.")
            if task.status is TaskStatus.FINISHED:
                why = _("The comparison is over, but the server names no report. Look at the log of its task.")
            elif report is not None:
                why = told(f"{report.message} {report.hint}".strip())
            st.markdown(plain(why), width="stretch")
        _task_link(task)
        if st.button(_("Make it again"), icon=":material/replay:", key="forget-server-comparison"):
            del st.query_params[_TASK]
            st.rerun()


def _task_link(task: Task) -> None:
    screens.link("task", _("Open the task"), "terminal", task=task.id)
