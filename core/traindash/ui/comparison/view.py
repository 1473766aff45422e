"""The comparison page: verdict, then what supports it, then the details."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from traindash.comparison.charts.registry import CHARTS, rows_of, suits
from traindash.comparison.decision import Decision, contenders_of, decide
from traindash.comparison.experiment import Comparison
from traindash.comparison.pictures.crops import draw_crop
from traindash.comparison.report.page import render_report
from traindash.comparison.report.parts import legend
from traindash.comparison.significance import Significance
from traindash.comparison.story import build_slides
from traindash.domain.ids import TaskId
from traindash.errors import InputError
from traindash.experiments.overview import best_by_project
from traindash.formatting import listing
from traindash.language import N_, Language, current, speaking
from traindash.language import gettext as _
from traindash.steady_clock import CLOCK
from traindash.ui import screens
from traindash.ui.comparison.changes import draw_changes
from traindash.ui.comparison.charts import ROW_HEIGHT, draw_ahead, draw_rows
from traindash.ui.comparison.decision import (
    PresentRequirements,
    draw_decision_helper,
    present_requirements,
    requirements_of,
)
from traindash.ui.comparison.details import (
    draw_class_table,
    draw_metrics,
    draw_overview,
    draw_server_comparison,
    draw_settings,
    draw_setup,
)
from traindash.ui.comparison.gallery import draw_gallery
from traindash.ui.comparison.sections import Place, begin_sections, draw_contents, draw_section
from traindash.ui.comparison.verdict import Resampling, draw_progress, draw_telling, draw_verdict, on_chosen_basis
from traindash.ui.errors import draw_empty_page, titled
from traindash.ui.experiments.data import load_comparison
from traindash.ui.experiments.index import look, marks, parse_ids
from traindash.ui.lazy_part import draw_part, watch_parts
from traindash.ui.pictures import original
from traindash.ui.preferences import AUDIENCE, language_of_audience
from traindash.ui.theme import plain
from traindash.ui.trying.models import wanted

_MOST_PAIRS = 3
_DECIMALS, _DECIMALS_KEY = {"3": 3, "4": 4}, "metric-decimals"
IDS, BASELINE = "ids", "baseline"
_LARGE = 100  # experiments times classes; below that, everything is drawn faster than anybody scrolls
_NAMED_IN_TAB = 3
_FIRST_SEEN = 1  # sections that are on the screen when the page opens


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A part of the page."""

    anchor: str  # in links
    title: str  # in the rail and above the part; a message
    about: str  # what it tells, for whoever wonders whether to open it; a message
    draw: Callable[[Comparison, Significance], None] | None = None  # what comes before its charts
    charts: str = ""  # section name in the registry of charts; empty for none
    of_objects: bool = False  # it is about found objects, so it is left out where all models give pixels a class
    alone: str = ""  # title where there is a single experiment; empty for the same
    of_several: bool = False  # it holds experiments against each other, so a single one has none
    height: int = 500  # pixels that what comes before its charts takes about, kept free until it is drawn
    parts: tuple[str, ...] = ()  # anchors of what is no chart of the registry

    def place(self, comparison: Comparison) -> Place:
        """Return the section as the contents know it."""
        charts = tuple(item.key for row in rows_of(self.charts, comparison) for item in row)
        title = self.alone if self.alone and len(comparison.experiments) == 1 else self.title
        return Place(anchor=self.anchor, title=_(title), about=_(self.about), parts=(*self.parts, *charts))


_SECTIONS = (
    _Section(
        anchor="overview", title=N_("Overview"), about=N_("What they are: model, start, data, time"), draw=draw_overview
    ),
    _Section(
        anchor="key-metrics",
        title=N_("Key metrics"),
        about=N_("mAP, precision, recall and more in one table"),
        draw=draw_metrics,
        charts="Key metrics",
    ),
    _Section(
        anchor="decision",
        title=N_("Which one to take"),
        about=N_("For what matters to you, within a limit of time and size"),
        alone=N_("Which threshold to set"),
        draw=draw_decision_helper,
        of_objects=True,
        height=1200,
        parts=("front",),
    ),
    _Section(
        anchor="quality",
        title=N_("Quality"),
        about=N_("How much is found, missed and wrongly reported"),
        charts="Quality",
        of_objects=True,
    ),
    _Section(
        anchor="by-class",
        title=N_("By class"),
        about=N_("Best and worst classes"),
        draw=draw_class_table,
        charts="By class",
        height=56,
    ),
    _Section(
        anchor="by-size",
        title=N_("By size"),
        about=N_("Small, medium and large objects"),
        charts="By size",
        of_objects=True,
    ),
    _Section(
        anchor="mistakes",
        title=N_("Mistakes"),
        about=N_("Which classes are taken for each other, and how well boxes fit"),
        charts="Mistakes",
        of_objects=True,
    ),
    _Section(
        anchor="gained-lost",
        title=N_("Gained and lost"),
        about=N_("The very objects that only one of them finds, in pictures"),
        draw=draw_changes,
        of_objects=True,
        of_several=True,
        height=1200,
    ),
    _Section(
        anchor="gallery",
        title=N_("Gallery"),
        about=N_("All images with what is found on them"),
        draw=draw_gallery,
        of_objects=True,
        height=1400,
    ),
    _Section(
        anchor="confidence",
        title=N_("Confidence"),
        about=N_("What another threshold would change"),
        charts="Confidence",
        of_objects=True,
    ),
    _Section(anchor="speed", title=N_("Speed"), about=N_("Time for an image, alone and in batches"), charts="Speed"),
    _Section(
        anchor="training",
        title=N_("Training"),
        about=N_("Curves of metrics and losses over the epochs"),
        charts="Training",
    ),
    _Section(
        anchor="hyperparameters",
        title=N_("Hyperparameters"),
        about=N_("Epochs, image size and everything else that was set"),
        draw=draw_settings,
        parts=("parallel",),
    ),
    _Section(
        anchor="setup",
        title=N_("Set-up and cost"),
        about=N_("Split, options, device, training time, size"),
        draw=draw_setup,
    ),
    _Section(
        anchor="server-report",
        title=N_("Report of the server"),
        about=N_("The same as a page that the server keeps"),
        draw=draw_server_comparison,
        of_several=True,
    ),
)


def draw_comparison(wanted: str | None, baseline: str | None) -> None:
    """Draw the page. Arguments and errors as in :func:`read_chosen`."""
    with titled(_("Compare")):
        chosen = read_chosen(wanted, baseline)
    if chosen is None:
        st.title(_("Compare"), anchor=False)
        draw_nothing_chosen(_("Choose two or more finished experiments; they are laid side by side here."))
        return
    measured, resampling = chosen
    significance = resampling.significance()
    decimals = _DECIMALS.get(str(st.session_state.get(_DECIMALS_KEY)), 3)
    comparison = replace(measured, decimals=decimals)
    screens.title_tab(tab_name(comparison))
    with suppress(InputError):  # told where the need is chosen
        present_requirements().requirements = requirements_of(st.query_params)
    need = present_requirements().requirements
    decision = decide(need, contenders_of(comparison, significance), comparable=significance.are_comparable)
    audience = language_of_audience()
    with speaking(audience):  # names of experiments and reasons are words, too
        told = chosen if audience is current() else read_chosen(wanted, baseline) or chosen
    _draw_head(
        comparison,
        decision,
        _Handed(
            comparison=replace(told[0], decimals=decimals),
            resampling=told[1],
            now=present_requirements(),
            language=audience,
            link=comparison_address(),
        ),
    )
    draw_verdict(comparison, significance, decision)
    if significance.pending:
        draw_progress(resampling)
    draw_part("telling", partial(draw_telling, comparison, significance, decision))
    shown = _sections(comparison)
    places = [section.place(comparison) for section in shown]
    begin_sections(places)
    with st.container(key="compare-columns"):
        rail, content = st.columns([1, 6], gap="medium")
    with rail, st.container(key="compare-rail"):
        draw_contents(places)
    with content, st.container(key="compare-sections", gap="xsmall"):
        large = len(comparison.evaluated) * len(comparison.classes) > _LARGE
        for number, (section, place) in enumerate(zip(shown, places, strict=True)):
            draw = partial(_draw_section, section, (comparison, significance), lazy=large and number >= _FIRST_SEEN)
            draw_section(place, draw)
        if large:
            watch_parts()
            draw_ahead([item for item in CHARTS if suits(item, comparison)], comparison)


def _sections(comparison: Comparison) -> tuple[_Section, ...]:
    only_pixels = bool(comparison.experiments) and all(one.is_semantic for one in comparison.experiments)
    alone = len(comparison.experiments) == 1
    return tuple(
        section
        for section in _SECTIONS
        if not (only_pixels and section.of_objects) and not (alone and section.of_several)
    )


def read_chosen(wanted: str | None, baseline: str | None) -> tuple[Comparison, Resampling] | None:
    """Return the experiments that the URL names, on the basis that the person chose; ``None`` when it names none.

    ``wanted`` are task ids with commas between, ``baseline`` is a task id; the first experiment without one.

    Raises:
        InputError: An id is no number.
        NotFoundError: There is no such experiment.
    """
    ids = parse_ids(wanted)
    if not ids:
        return None
    chosen = parse_ids(baseline)
    return on_chosen_basis(load_comparison(ids, chosen[0] if chosen else None))


def tab_name(comparison: Comparison) -> str:
    """Return what tells a comparison from others in the browser's tabs: its experiments by their short labels."""
    return listing(comparison.labels, limit=_NAMED_IN_TAB)


def tried(comparison: Comparison, decision: Decision) -> str:
    """Return what the address of the page for trying says of a comparison: the models, and the recommended thresholds.

    The one that is named stands first, then the others in their order.
    """
    first = decision.winner.key if decision.winner else ""
    order = sorted(comparison.experiments, key=lambda one: one.key != first)
    tasks = [one.info.task_id for one in order if one.info is not None and not one.is_semantic]
    reached = (one for one in decision.candidates if one.answer.reached)
    return wanted(tasks, {TaskId(int(one.key)): one.answer.threshold for one in reached})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Handed:
    """What is handed to others, and made when its button is pressed, in a thread of the server."""

    comparison: Comparison  # in words of the audience
    resampling: Resampling
    now: PresentRequirements
    language: Language
    link: str  # address of the comparison


def _draw_head(comparison: Comparison, decision: Decision, handed: _Handed) -> None:
    several = len(comparison.experiments) > 1
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", key="compare-head"
    ):
        st.title(_("Compare") if several else _("Evaluation"), anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="bottom"):
            st.segmented_control(
                _("Decimals of metrics"),
                list(_DECIMALS),
                default=next(iter(_DECIMALS)),
                required=True,
                key=_DECIMALS_KEY,
                persist_state="session",
            )
            if several:
                _draw_baseline(comparison)
            _draw_audience(handed.language)
            if st.button(
                _("Present"),
                icon=":material/slideshow:",
                key="present",
                help=_("Shows this comparison step by step, for a big screen."),
            ):
                st.switch_page(screens.page("show"), query_params=dict(st.query_params))
            if (models := tried(comparison, decision)) and st.button(
                _("Try"),
                icon=":material/image_search:",
                key="try",
                help=_("These models look at pictures of yours, with the thresholds that are recommended here."),
            ):
                screens.go("try_model", models=models)
            st.download_button(
                "PowerPoint",
                data=partial(_powerpoint, handed),
                file_name="comparison.pptx",
                mime="application/vnd.openxmlformats-officedocument.presentationml.presentation",
                icon=":material/co_present:",
                on_click="ignore",
                help=_("A PowerPoint file of what “Present” shows; its charts can be edited. PDF: Present, then PDF."),
                key="slides",
            )
            st.download_button(
                _("Report"),
                data=partial(_report, handed),
                file_name="comparison.html",
                mime="text/html",
                icon=":material/download:",
                on_click="ignore",
                help=_("One HTML file with everything on this page; opens without a network."),
                key="report",
            )
    with st.container(key="compare-legend"):
        st.html(legend(comparison.experiments, comparison.baseline if several else None))


def _draw_audience(chosen: Language) -> None:
    """Offer the language of what is made for others; where it is the person's own, the address does not say it."""
    key = "audience"
    st.session_state[key] = chosen

    def choose() -> None:
        wanted = st.session_state[key]
        if wanted is current():
            st.query_params.pop(AUDIENCE, None)
        else:
            st.query_params[AUDIENCE] = wanted.value

    about = _("“Present”, the slides and the report are in this language.")
    with st.popover(chosen.value.upper(), icon=":material/translate:", help=about, key="audience-menu"):
        st.radio(
            _("Language for others"), list(Language), format_func=lambda one: one.own_name, key=key, on_change=choose
        )
        st.caption(about)


def _report(handed: _Handed) -> bytes:
    with speaking(handed.language):
        return render_report(
            handed.comparison,
            significance=handed.resampling.finished(),
            made_at=CLOCK.now(),
            load=original,
            requirements=handed.now.requirements,
        ).encode()


def comparison_address() -> str:
    """Return the address of the comparison that this page is about, with what was chosen in it; empty if not known."""
    url, chosen = st.context.url, urlencode(dict(st.query_params), safe=",")
    return f"{url.rsplit('/', 1)[0]}/compare?{chosen}" if url else ""


def _powerpoint(handed: _Handed) -> bytes:
    # takes a third of a second to load, which no page should wait for
    from traindash.comparison.report.powerpoint import render_powerpoint  # noqa: PLC0415

    with speaking(handed.language):
        story = build_slides(handed.comparison, handed.resampling.finished(), handed.now.requirements)
        crops = {
            slide.key: draw_crop(slide.subject, story.images, original, (800, 600))
            for slide in story.slides
            if slide.subject is not None
        }
        return render_powerpoint(story.slides, crops, handed.link)


def _draw_baseline(comparison: Comparison) -> None:
    labels, key = list(comparison.labels), "compare-baseline"
    keys = {experiment.label: experiment.key for experiment in comparison.experiments}
    st.session_state[key] = labels[comparison.baseline]
    st.selectbox(
        _("Baseline"),
        labels,
        key=key,
        on_change=lambda: st.query_params.update({BASELINE: keys[st.session_state[key]]}),
        help=_("Differences are measured against it."),
        width=220,
    )


def _draw_section(section: _Section, chosen: tuple[Comparison, Significance], *, lazy: bool) -> None:
    """Draw what comes before the charts and the charts as two parts; a waiting one keeps its room."""
    if section.draw is not None:
        draw_part(section.anchor, partial(section.draw, *chosen), lazy=lazy, height=section.height)
    if rows := rows_of(section.charts, chosen[0]):
        draw = partial(draw_rows, rows, chosen[0])
        draw_part(f"{section.anchor}-charts", draw, lazy=lazy, height=ROW_HEIGHT * len(rows))


def draw_nothing_chosen(sentence: str, screen: str = "compare") -> None:
    """Offer the best two of each project for a screen, and the choice of others, with what it is good for."""
    noted = marks().all()
    left_out = {task for task, mark in noted.items() if mark.hidden or mark.removed}
    known = best_by_project((entry.info for entry in look().entries if entry.info is not None), left_out)
    pairs = [row for row in known if len(row.pair) > 1][:_MOST_PAIRS]
    if not pairs:
        draw_empty_page(
            _("Nothing to compare yet"),
            sentence,
            next_step=_("Choose experiments"),
            icon="science",
            screen="experiments",
        )
        return
    with st.container(border=True, key="nothing-chosen"):
        st.markdown(f"## {_('Nothing is chosen yet')}\n\n{sentence}", anchors=False)
        for row in pairs:
            st.button(
                _("The best two of {project}").format(project=plain(row.project)),
                icon=":material/compare_arrows:",
                type="primary" if row is pairs[0] else "secondary",
                key=f"best-two-{row.project_id}-{row.best.task_id}",
                on_click=screens.go,
                args=(screen,),
                kwargs={IDS: ",".join(map(str, row.pair))},
            )
        screens.link("experiments", _("Choose experiments"), "science")
