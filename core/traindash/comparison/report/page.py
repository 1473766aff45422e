"""The report as one HTML file: opens by double click without a network, follows light and dark, prints."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from traindash import formatting
from traindash.comparison.certainty import Significance, significance_of
from traindash.comparison.charts.drawing import Drawing, View
from traindash.comparison.charts.echarts import DARK, LIBRARY, NARROW, WIDE, Option, look, panel_data
from traindash.comparison.charts.registry import SECTIONS, Chart, rows_of
from traindash.comparison.decision import Decision, Requirements, contenders_of, decide
from traindash.comparison.decision_words import draw_decision
from traindash.comparison.experiment import Comparison, Missing
from traindash.comparison.image_set import image_set
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import LoadImage
from traindash.comparison.pictures.marks import path_data
from traindash.comparison.report.choice import choice_section
from traindash.comparison.report.parts import class_table, overview_html, panel_names
from traindash.comparison.report.pictures import MARK_KINDS, GallerySection, changes_section, gallery_section
from traindash.comparison.report.rendering import own_text, render, table_style
from traindash.comparison.rows import key_metric_rows, overview_of
from traindash.comparison.setup_differences import SettingRow, compare_settings, setup_of
from traindash.comparison.verdict import judge

READING_METRICS = (
    "● marks the best value of a metric. ▲ is better, ▼ is worse than the baseline, ≈ cannot be told from it with "
    "these images; a point (pt) is a hundredth."
)
"""How to read the table of key metrics."""
_CHOICE, _CHANGES, _GALLERY = "Which one to take", "Gained and lost", "Explore predictions"
_FRONT = (
    "front",
    "Quality, time and size",
    "Upper left is better; a larger point is a larger checkpoint. Nobody lies beyond the dashed front.",
)
_NO_IMAGES = "The images were not at hand when this file was made, so it holds no pictures of them."
_SCRIPTS = ("saving.js", "report.js", "sorting.js", "choice.js", "menus.js")  # each uses what stands before it


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartCard:
    """A chart in the file.

    Attributes:
        key: Anchor, and name of the files it is saved as.
        title: Heading.
        reading: How to read it.
        drawing: What is drawn.
        first: Place of its first panel among those of the file.
        names: Legend of several panels together.
        narrow: It fits beside another one.
    """

    key: str
    title: str
    reading: str
    drawing: Drawing
    first: int
    names: Mapping[str, SeriesStyle]
    narrow: bool = False


class _Panels:
    """The panels of all charts of a file, in the order in which they stand there."""

    def __init__(self) -> None:
        self.data: list[Option] = []

    def card(self, head: tuple[str, str, str], drawing: Drawing, *, narrow: bool = False) -> ChartCard:
        """Add the panels of a chart with its key, title and how to read it."""
        key, title, reading = head
        first, alone = len(self.data), len(drawing.panels) == 1
        width = NARROW if narrow or not alone else WIDE
        self.data += [panel_data(replace(panel, has_legend=alone), width) for panel in drawing.panels]
        names = panel_names(drawing.panels)
        return ChartCard(
            key=key, title=title, reading=reading, drawing=drawing, first=first, names=names, narrow=narrow
        )

    def chart(self, item: Chart, comparison: Comparison) -> ChartCard:
        """Add a chart of the registry."""
        return self.card((item.key, item.title, item.reading), item.draw(comparison, View()), narrow=item.narrow)


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
        made_at: Moment that is printed; none by default, so that equal data give equal files.
        load: Gives the images for pictures; ``None`` where they are not at hand, which the report says.
        requirements: For which an experiment is named first; the best balance without a budget where none is given.
    """
    several = len(comparison.experiments) > 1
    known = significance_of(comparison) if significance is None else significance
    decision = decide(requirements or Requirements(), contenders_of(comparison, known), comparable=known.are_comparable)
    images = image_set(comparison)
    panels = _Panels()
    choice = _choice(decision, panels)
    sections = [
        {"name": name, "rows": [[panels.chart(item, comparison) for item in row] for row in rows_of(name)]}
        for name in SECTIONS
    ]
    return render(
        "report.html",
        heading=title or " vs. ".join(comparison.labels) or "No experiment",
        about=_about(comparison, made_at),
        comparison=comparison,
        several=several,
        verdict=judge(comparison, known) if several else None,
        navigation=["Overview", _CHOICE, *([_CHANGES] if several else []), _GALLERY, *SECTIONS, "Settings"],
        overview=overview_html(overview_of(comparison)),
        choice=choice,
        changes=changes_section(images, load) if several else None,
        gallery=_gallery(comparison, load),
        mark_kinds=MARK_KINDS,
        path_data=path_data,
        has_images=load is not None,
        no_images=_NO_IMAGES,
        sections=sections,
        metrics=key_metric_rows(comparison, known),
        reading=READING_METRICS,
        classes=class_table(comparison),
        settings=_settings(comparison),
        panels={"panels": panels.data, "look": look(), "dark": DARK},
        style=table_style() + own_text("report.css"),
        scripts=[own_text(LIBRARY), *map(own_text, _SCRIPTS)],
    )


def _about(comparison: Comparison, made_at: datetime | None) -> str:
    parts = [formatting.plural(len(comparison.experiments), "experiment")]
    if comparison.evaluated:
        parts.append(formatting.plural(len(comparison.classes), "class", "classes"))
        sizes = sorted({len(evaluation.pair.images.file_names) for _, evaluation in comparison.evaluated})
        parts.append(f"{formatting.listing([formatting.count(size) for size in sizes])} validation images")
    if made_at is not None:
        parts.append(formatting.moment(made_at))
    return " · ".join(parts)


def _choice(decision: Decision, panels: _Panels) -> Mapping[str, object] | None:
    """Return the section that names an experiment; ``None`` where none has an evaluation."""
    if not decision.candidates:
        return None
    return {**choice_section(decision), "front": panels.card(_FRONT, draw_decision(decision))}


def _gallery(comparison: Comparison, load: LoadImage | None) -> GallerySection:
    if not comparison.evaluated:
        words = "None of these experiments has an evaluation, so there are no predictions to look at."
        return GallerySection(empty=words)
    return GallerySection(empty=_NO_IMAGES) if load is None else gallery_section(image_set(comparison), load)


def _settings(comparison: Comparison) -> tuple[tuple[str, tuple[SettingRow, ...]], ...]:
    known = [None if isinstance(e.hyperparameters, Missing) else e.hyperparameters for e in comparison.experiments]
    setup = [setup_of(experiment) or None for experiment in comparison.experiments]
    return ("Hyperparameters", compare_settings(known)), ("Set-up and cost", compare_settings(setup))
