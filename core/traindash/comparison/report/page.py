"""The report as one HTML file: opens by double click without a network, follows light and dark, prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from traindash import formatting
from traindash.comparison.charts.drawing import Bars, Drawing, Panel, View
from traindash.comparison.charts.echarts import DARK, LIBRARY, NARROW, WIDE, Option, look, panel_data
from traindash.comparison.charts.registry import SECTIONS, Chart, rows_of
from traindash.comparison.decision import Decision, Requirements, contenders_of, decide
from traindash.comparison.decision_words import draw_decision, front_title
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_set import image_set
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import SIZE, LoadImage
from traindash.comparison.pictures.marks import path_data
from traindash.comparison.report.choice import choice_section
from traindash.comparison.report.parts import certainty_picture, class_table, overview_html, panel_names
from traindash.comparison.report.pictures import MARK_KINDS, GallerySection, changes_section, gallery_section
from traindash.comparison.report.rendering import own_text, page_foot, render, table_style
from traindash.comparison.report.summary import summary_of
from traindash.comparison.rows import key_metric_rows, overview_of
from traindash.comparison.setup_differences import SettingRow, compare_hyperparameters, compare_settings, setup_of
from traindash.comparison.significance import Significance, significance_of
from traindash.comparison.verdict import judge
from traindash.language import N_, current, script_messages
from traindash.language import gettext as _

# how to read the table of key metrics
READING_METRICS = N_(
    "● marks the best value of a metric. ▲ is better, ▼ is worse than the baseline, ≈ cannot be told from it with "
    "these images; a point (pt) is a hundredth."
)
_CHOICE, _ONE, _CHANGES, _GALLERY = (
    N_("Which one to take"),
    N_("Which threshold to set"),
    N_("Gained and lost"),
    N_("Explore predictions"),
)
_OVERVIEW, _SETTINGS = N_("Overview"), N_("Settings")
_TITLE = N_("Quality, time and size")
_READING = N_("Upper left is better; a larger point is a larger checkpoint. Nobody lies beyond the dashed front.")
_FRONT, _FIRST_FRONT = "front", "summary-front"
# of a chart that may stand in half of the width of a printed page: bars with categories, others, letters below an axis
_BARS_BESIDE, _CATEGORIES_BESIDE, _CLASSES_BESIDE, _LETTERS_BESIDE = 12, 4, 12, 45
_NO_IMAGES = N_("The images were not at hand when this file was made, so it holds no pictures of them.")
# each uses what stands before it
_SCRIPTS = ("say.js", "saving.js", "report.js", "sorting.js", "choice.js", "menus.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartCard:
    """A chart in the file."""

    key: str  # anchor, and name of the files it is saved as
    title: str
    reading: str  # how to read it
    drawing: Drawing
    first: int  # place of its first panel among those of the file
    names: Mapping[str, SeriesStyle]  # legend of several panels together
    narrow: bool = False  # it fits beside another one
    half: bool = False  # it fits into half of a printed page


class _Panels:
    """The panels of all charts of a file, in the order in which they stand there."""

    def __init__(self) -> None:
        self.data: list[Option] = []

    def card(
        self, head: tuple[str, str, str], drawing: Drawing, *, narrow: bool = False, is_named: bool = False
    ) -> ChartCard:
        """Add the panels of a chart with its key, title and reading; ``is_named`` where its points have names."""
        key, title, reading = head
        first, alone = len(self.data), len(drawing.panels) == 1
        half = alone and not drawing.tables and not _is_wide(drawing.panels[0])
        width = NARROW if narrow or half or not alone else WIDE
        legend = alone and not is_named
        self.data += [panel_data(replace(panel, has_legend=legend), width) for panel in drawing.panels]
        return ChartCard(
            key=key,
            title=title,
            reading=reading,
            drawing=drawing,
            first=first,
            names=panel_names(drawing.panels),
            narrow=narrow,
            half=half,
        )

    def chart(self, item: Chart, comparison: Comparison) -> ChartCard:
        """Add a chart of the registry."""
        return self.card((item.key, _(item.title), _(item.reading)), item.draw(comparison, View()), narrow=item.narrow)


def _is_wide(panel: Panel) -> bool:
    """Return whether a chart needs a whole page's width for its names and numbers to be read."""
    bars = sum(len(mark.values) for mark in panel.marks if isinstance(mark, Bars))
    crowded = len(panel.x.categories) > (_CATEGORIES_BESIDE if bars else _CLASSES_BESIDE)
    return crowded or bars > _BARS_BESIDE or len(panel.x.title) > _LETTERS_BESIDE


def render_report(
    comparison: Comparison,
    *,
    title: str | None = None,
    significance: Significance | None = None,
    made_at: datetime | None = None,
    load: LoadImage | None = None,
    requirements: Requirements | None = None,
) -> str:
    """Return the report of one or several experiments as HTML.

    Args:
        comparison: What is reported; one experiment makes an evaluation report.
        title: Heading; made from the names by default.
        significance: What the images can tell about differences; computed where it is not given.
        made_at: Moment that stands at the top and on each printed page; none by default: equal data give equal files.
        load: Gives the images for pictures; ``None`` where they are not at hand, which the report says.
        requirements: For which an experiment is named first; the best balance without a budget where none is given.
    """
    several = len(comparison.experiments) > 1
    known = significance_of(comparison) if significance is None else significance
    decision = decide(requirements or Requirements(), contenders_of(comparison, known), comparable=known.are_comparable)
    heading = title or " vs. ".join(comparison.labels) or _("No experiment")
    choice_title = _CHOICE if several else _ONE
    before = (_OVERVIEW, choice_title, *([_CHANGES] if several else []))
    drawn = _draw(comparison, decision, is_compared=several and known.are_comparable)
    return render(
        "report.html",
        heading=heading,
        about=_about(comparison, made_at),
        comparison=comparison,
        several=several,
        summary=summary_of(comparison, known, decision, load),
        first=drawn.first,
        figures=judge(comparison, known) if several else None,
        certainty=certainty_picture(decision) if several else "",
        choice_title=choice_title,
        navigation=[*before, _GALLERY, *(section["name"] for section in drawn.sections), _SETTINGS],
        overview=overview_html(overview_of(comparison)),
        # nobody is named where none has an evaluation
        choice={**choice_section(decision), "front": drawn.front} if decision.candidates else None,
        changes=changes_section(image_set(comparison), load) if several else None,
        gallery=_gallery(comparison, load),
        mark_kinds=MARK_KINDS,
        path_data=path_data,
        has_images=load is not None,
        crop_size=SIZE,  # its room is kept until a picture is shown, so that links lead to their places
        no_images=_(_NO_IMAGES),
        sections=drawn.sections,
        metrics=key_metric_rows(comparison, known),
        reading=_(READING_METRICS),
        classes=class_table(comparison),
        settings=_settings(comparison),
        panels={"panels": drawn.panels, "look": look(), "dark": DARK},
        style=table_style() + own_text("report.css") + page_foot(heading, made_at),
        language=current(),
        messages=script_messages(),
        scripts=[own_text(LIBRARY), *map(own_text, _SCRIPTS)],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """The charts of a file, in the order in which they stand there."""

    first: ChartCard | None  # beside the summary
    front: ChartCard | None  # of the choice
    sections: Sequence[Mapping[str, object]]  # with at least one chart
    panels: Sequence[Option]


def _draw(comparison: Comparison, decision: Decision, *, is_compared: bool) -> _Drawn:
    panels = _Panels()
    drawn = draw_decision(decision)
    beside = is_compared and bool(drawn.panels)
    first = panels.card((_FIRST_FRONT, front_title(decision), ""), drawn, is_named=True) if beside else None
    # one point says nothing that the table does not say
    front = panels.card((_FRONT, _(_TITLE), _(_READING)), drawn) if len(decision.candidates) > 1 else None
    sections = [
        {"name": name, "title": _(name), "rows": [[panels.chart(item, comparison) for item in row] for row in rows]}
        for name in SECTIONS
        if (rows := rows_of(name, comparison))
    ]
    return _Drawn(first=first, front=front, sections=sections, panels=panels.data)


def _about(comparison: Comparison, made_at: datetime | None) -> str:
    parts = [formatting.plural(len(comparison.experiments), "experiment", "experiments")]
    if comparison.evaluated:
        parts.append(formatting.plural(len(comparison.classes), "class", "classes"))
        sizes = sorted({len(evaluation.pair.images.file_names) for _e, evaluation in comparison.evaluated})
        shown = formatting.listing([formatting.count(size) for size in sizes])
        parts.append(_("{count} validation images").format(count=shown))
    if made_at is not None:
        parts.append(formatting.moment(made_at))
    return " · ".join(parts)


def _gallery(comparison: Comparison, load: LoadImage | None) -> GallerySection:
    if not comparison.evaluated:
        words = _("None of these experiments has an evaluation, so there are no predictions to look at.")
        return GallerySection(empty=words)
    return GallerySection(empty=_(_NO_IMAGES)) if load is None else gallery_section(image_set(comparison), load)


def _settings(comparison: Comparison) -> tuple[tuple[str, bool, tuple[SettingRow, ...]], ...]:
    """Return groups of settings: title, whether their names are keys of a file, and the settings."""
    setup = [setup_of(experiment) or None for experiment in comparison.experiments]
    hyperparameters = compare_hyperparameters(comparison.experiments)
    return (_("Hyperparameters"), True, hyperparameters), (_("Set-up and cost"), False, compare_settings(setup))
