"""The report as one HTML file: opens by double click without a network, follows light and dark, prints."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from traindash import formatting
from traindash.comparison.advice import LIKELY, advise, plain_words, reason_words
from traindash.comparison.charts.drawing import Bars, Drawing, Line, Panel, View
from traindash.comparison.charts.echarts import DARK, LIBRARY, NARROW, WIDE, Option, look, panel_data
from traindash.comparison.charts.registry import SECTIONS, Chart, rows_of
from traindash.comparison.decision import (
    Answered,
    Candidate,
    Decision,
    Requirements,
    answer_goals,
    contenders_of,
    decide,
    faster,
    goals_with,
    less_is_better,
    limits,
    number_of,
    smaller,
)
from traindash.comparison.decision_words import (
    GOAL_NAMES,
    PRICE_OF_A_MISS,
    READING_FIGURES,
    draw_decision,
    figure_name,
    figure_text,
    figure_word,
    front_title,
    goal_words,
    latency_text,
    missed_goal,
    reached_goal,
    threshold_text,
)
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_set import image_set
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import SIZE, LoadImage
from traindash.comparison.pictures.marks import path_data
from traindash.comparison.report.parts import (
    candidate_heads,
    candidate_texts,
    certainty_picture,
    class_table,
    decision_table,
    overview_html,
    panel_names,
    swatch,
)
from traindash.comparison.report.pictures import MARK_KINDS, GallerySection, changes_section, gallery_section
from traindash.comparison.report.rendering import own_text, page_foot, render, table_style
from traindash.comparison.report.summary import summary_of
from traindash.comparison.rows import key_metric_rows, overview_of
from traindash.comparison.setup_differences import SettingRow, compare_hyperparameters, compare_settings, setup_of
from traindash.comparison.significance import Significance, significance_of
from traindash.comparison.verdict import judge
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import decimal, quantity, shortest, size
from traindash.language import N_, current, script_messages
from traindash.language import gettext as _

# The section “Which one to take” of the one-file report: another goal can be chosen inside the file.


# kinds of goals: key, name, and the label of their number
_KINDS = (
    ("f1", GOAL_NAMES[BestF1], ""),
    ("recall", GOAL_NAMES[RecallAtLeast], N_("Recall, at least")),
    ("precision", GOAL_NAMES[PrecisionAtLeast], N_("Precision, at least")),
    ("miss", GOAL_NAMES[MissCosts], PRICE_OF_A_MISS),
)


def choice_section(decision: Decision) -> Mapping[str, object]:
    """Return what the template is filled with; the decision is shown first, and without scripts."""
    # what the script of the report needs to name somebody for another need by the same rules
    contenders = [one.contender for one in decision.candidates]
    times = [contender.latency for contender in contenders if contender.latency]
    sizes = [float(contender.bytes) for contender in contenders if contender.bytes]
    kind, value = _kind(decision.requirements.goal)
    reasons: list[str] = []  # each sentence once: there are thousands of pairs
    goals = [_goal(answered, reasons) for answered in answer_goals(contenders, goals_with(decision.requirements.goal))]
    return {
        "kinds": [(key, _(name), _(label)) for key, name, label in _KINDS],
        "advice": advise(decision),
        "table": decision_table(decision),
        "reading": _(READING_FIGURES),
        "data": {
            "comparable": decision.comparable or len(contenders) == 1,
            "contenders": [
                {
                    "name": contender.experiment.label,
                    "swatch": swatch(contender.experiment.style),
                    "latency": contender.latency,
                    "latencyText": latency_text(contender.speed),
                    "bytes": contender.bytes,
                    "sizeText": size(contender.bytes),
                }
                for contender in contenders
            ],
            "faster": [[faster(first, second) for second in contenders] for first in contenders],
            "smaller": [[smaller(first, second) for second in contenders] for first in contenders],
            "latency": [[value, f"{quantity(value)} ms"] for value in (limits(times) if times else [])],
            "size": [[value, size(value)] for value in (limits(sizes) if sizes else [])],
            "labels": {key: _(label) for key, _name, label in _KINDS},
            "front": _front(decision),
            "reasons": reasons,
            "goals": goals,
            # where the sliders stand at first
            "start": {
                "kind": kind,
                "value": value,
                "latency": _step(decision.requirements.latency, times),
                "size": _step(decision.requirements.size, sizes),
            },
        },
    }


def _front(decision: Decision) -> dict[str, object] | None:
    """Return the chart of quality and time with the looks of its marks; ``None`` where there is nothing to draw."""
    anything = replace(decision, requirements=Requirements(latency=1.0))  # a limit, so that its line has a look too
    panels = draw_decision(anything).panels
    if not panels:
        return None
    data = panel_data(replace(panels[0], has_legend=True), WIDE)
    series = data["option"]["series"]
    names = [mark.name if mark.style else "" for mark in panels[0].marks if isinstance(mark, Line)]
    return {"panel": data, "marks": dict(zip(names, series, strict=True))}


def _step(limit: float | None, values: Sequence[float]) -> int | None:
    """Return the place of a limit on its slider; ``None`` for any."""
    if limit is None or not values:
        return None
    return next((place for place, step in enumerate(limits(values)) if step >= limit), None)


def _goal(answered: Answered, reasons: list[str]) -> dict[str, object]:
    goal = answered.goal
    why = [[reason_words(goal, first, second) for second in answered.candidates] for first in answered.candidates]
    reasons += sorted({words for row in why for words in row} - set(reasons))
    kind, value = _kind(goal)
    return {
        "kind": kind,
        "value": value,
        "words": goal_words(goal),
        "figure": figure_name(goal),
        "word": figure_word(goal),
        "less": less_is_better(goal),
        "heads": candidate_heads(goal),
        "offers": [_candidate(goal, one) for one in answered.candidates],
        "equal": answered.equal,
        "close": [[1 - LIKELY < share < LIKELY for share in row] for row in answered.ahead],
        "reasons": [[reasons.index(words) for words in row] for row in why],
        "front": _marks(answered),
    }


def _marks(answered: Answered) -> dict[str, object] | None:
    """Return where the marks of the chart lie for a goal; ``None`` where there is nothing to draw."""
    decision = Decision(requirements=Requirements(goal=answered.goal), candidates=answered.candidates, comparable=True)
    for panel in draw_decision(decision).panels:
        lines = [mark for mark in panel.marks if isinstance(mark, Line)]
        return {
            "low": panel.y.low,
            "high": panel.y.high,
            "alt": panel.alt,
            "lines": [
                (line.name if line.style else "", list(zip(line.x, line.y, strict=True)), line.highlight_text)
                for line in lines
            ],
        }
    return None


def _kind(goal: Goal) -> tuple[str, str]:
    kind, number = number_of(goal)
    return kind, {"f1": "", "miss": shortest(number)}.get(kind, decimal(number, 2))


def _candidate(goal: Goal, candidate: Candidate) -> dict[str, object]:
    known = math.isfinite(candidate.figure)
    return {
        "figure": candidate.figure if known else None,
        "figureText": figure_text(goal, candidate.figure),
        "reached": reached_goal(goal, candidate) if candidate.answer.reached else None,
        "missed": missed_goal(goal, candidate),
        "threshold": threshold_text(candidate),
        "plain": plain_words(candidate),
        "texts": candidate_texts(goal, candidate),
    }


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
    images = image_set(comparison)
    panels = _Panels()
    drawn = draw_decision(decision)
    beside = several and known.are_comparable and bool(drawn.panels)
    first = panels.card((_FIRST_FRONT, front_title(decision), ""), drawn, is_named=True) if beside else None
    # one point says nothing that the table does not say
    front = panels.card((_FRONT, _(_TITLE), _(_READING)), drawn) if len(decision.candidates) > 1 else None
    sections = [
        {"name": name, "title": _(name), "rows": [[panels.chart(item, comparison) for item in row] for row in rows]}
        for name in SECTIONS
        if (rows := rows_of(name, comparison))
    ]
    heading = title or " vs. ".join(comparison.labels) or _("No experiment")
    choice_title = _CHOICE if several else _ONE
    before = (_OVERVIEW, choice_title, *([_CHANGES] if several else []))
    return render(
        "report.html",
        heading=heading,
        about=_about(comparison, made_at),
        comparison=comparison,
        several=several,
        summary=summary_of(comparison, known, decision, load),
        first=first,
        figures=judge(comparison, known) if several else None,
        certainty=certainty_picture(decision) if several else "",
        choice_title=choice_title,
        navigation=[*before, _GALLERY, *(name for name in SECTIONS if rows_of(name, comparison)), _SETTINGS],
        overview=overview_html(overview_of(comparison)),
        # nobody is named where none has an evaluation
        choice={**choice_section(decision), "front": front} if decision.candidates else None,
        changes=changes_section(images, load) if several else None,
        gallery=_gallery(comparison, load),
        mark_kinds=MARK_KINDS,
        path_data=path_data,
        has_images=load is not None,
        crop_size=SIZE,  # its room is kept until a picture is shown, so that links lead to their places
        no_images=_(_NO_IMAGES),
        sections=sections,
        metrics=key_metric_rows(comparison, known),
        reading=_(READING_METRICS),
        classes=class_table(comparison),
        settings=_settings(comparison),
        panels={"panels": panels.data, "look": look(), "dark": DARK},
        style=table_style() + own_text("report.css") + page_foot(heading, made_at),
        language=current(),
        messages=script_messages(),
        scripts=[own_text(LIBRARY), *map(own_text, _SCRIPTS)],
    )


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


def _settings(comparison: Comparison) -> tuple[tuple[str, tuple[SettingRow, ...]], ...]:
    setup = [setup_of(experiment) or None for experiment in comparison.experiments]
    hyperparameters = compare_hyperparameters(comparison.experiments)
    return (_("Hyperparameters"), hyperparameters), (_("Set-up and cost"), compare_settings(setup))
