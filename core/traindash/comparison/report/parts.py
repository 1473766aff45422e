"""Tables, legends, cards and slides of a comparison as HTML; pages and the one-file report use the same."""

from collections.abc import Mapping, Sequence

import segno
from markupsafe import Markup

from traindash import formatting
from traindash.comparison.certainty import certainty_of
from traindash.comparison.changes import Changes
from traindash.comparison.charts.drawing import Cells, Panel, Table
from traindash.comparison.decision import Candidate, Decision
from traindash.comparison.decision_words import figure_text, latency_text, shortfall_words, threshold_text
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import Crop
from traindash.comparison.report.rendering import own_text, render, render_macro, table_style
from traindash.comparison.rows import Card, MetricRow
from traindash.comparison.setup_differences import SettingRow
from traindash.comparison.story_changes import Slide, link_words, opens_elsewhere
from traindash.evaluation.flow import FlowCounts
from traindash.evaluation.operating_points import Goal, MissCosts
from traindash.language import gettext as _

_MOST_CARDS = 6  # with more experiments than this, cards would push everything else off the screen
_LONGEST_CODE = 400  # letters of an address; squares of a longer one are too small for a camera at the back of a room


def swatch(style: SeriesStyle) -> Markup:
    """Return the legend mark of an experiment: its line with its marker."""
    return render_macro("swatch", style)


def legend(experiments: Sequence[ComparedExperiment], baseline: int | None = None) -> Markup:
    """Return the names of the experiments with their marks."""
    return render_macro("legend", experiments, baseline)


def panel_names(panels: Sequence[Panel]) -> Mapping[str, SeriesStyle]:
    """Return the names of all lines and bars of several panels, each once."""
    marks = (mark for panel in panels for mark in panel.marks if not isinstance(mark, Cells))
    return {mark.name: mark.style for mark in marks if mark.style is not None}


def panels_legend(panels: Sequence[Panel]) -> str:
    """Return these names with their marks; empty where there are none."""
    names = panel_names(panels)
    return render_macro("names_legend", names) if names else ""


def metric_table(rows: Sequence[MetricRow], comparison: Comparison, *, turned: bool) -> Markup:
    """Return the key metrics, a row for each; turned over, a sortable row for each experiment."""
    return render_macro("experiment_table" if turned else "metric_table", rows, comparison)


def settings_table(rows: Sequence[SettingRow], comparison: Comparison, *, turned: bool, coded: bool) -> Markup:
    """Return settings, a row for each, what differs marked; turned over, a sortable row for each experiment.

    ``coded`` says that their names are keys of a file.
    """
    return render_macro("turned_settings_table" if turned else "settings_table", rows, comparison, coded)


def class_table(comparison: Comparison) -> Markup:
    """Return AP, precision, recall and F1 of every class for every evaluated experiment; sortable."""
    known = [{item.name: item for item in evaluation.per_class} for _e, evaluation in comparison.evaluated]
    rows = []
    for name in comparison.classes:
        items = [by_name.get(name) for by_name in known]
        figures = [(one.ap, one.precision, one.recall, one.f1) if one else (None,) * 4 for one in items]
        rows.append((name, [[formatting.metric(value, comparison.decimals) for value in one] for one in figures]))
    return render_macro("class_table", comparison, rows)


def figures_table(table: Table) -> Markup:
    """Return the figures of a chart: a row for each experiment; sortable."""
    return render_macro("figures_table", table)


def overview_html(cards: Sequence[Card]) -> Markup:
    """Return a card for each experiment; a sortable row where there are many."""
    if len(cards) <= _MOST_CARDS:
        return render_macro("overview_cards", cards)
    names = list(dict.fromkeys(name for card in cards for name, _text in card.facts))
    titles = {card.score_title for card in cards}  # one title for all stands in the head, else each has its own
    return render_macro("overview_table", cards, names, titles.pop() if len(titles) == 1 else "")


def decision_table(decision: Decision) -> Markup:
    """Return a row for each experiment: its threshold for the goal and what that gives."""
    goal = decision.requirements.goal
    rows = [(one, _standing(decision, one), candidate_texts(goal, one)) for one in decision.candidates]
    return render_macro("decision_table", candidate_heads(goal), rows)


def certainty_picture(decision: Decision) -> Markup:
    """Return how sure the recommendation is, as a picture; empty where nothing is known of it."""
    picture = certainty_of(decision)
    return Markup() if picture is None else render_macro("certainty", picture)


def telling_figure(crop: Crop, words: str) -> Markup:
    """Return a picture with what it tells."""
    return render_macro("telling", crop, words)


def candidate_heads(goal: Goal) -> list[str]:
    """Return the heads of the columns of :func:`candidate_texts`."""
    cost = [_("Cost per image")] if isinstance(goal, MissCosts) else []
    counts = [_("Missed"), _("False alarms per image")]
    return [_("Threshold"), *cost, _("Precision"), _("Recall"), "F1", *counts, _("Latency (ms)"), _("Size")]


def candidate_texts(goal: Goal, candidate: Candidate) -> list[str]:
    """Return what an experiment gives for a goal, column by column."""
    point = candidate.point
    return [
        threshold_text(candidate),
        *([figure_text(goal, candidate.figure)] if isinstance(goal, MissCosts) else []),
        formatting.metric(point.precision),
        formatting.metric(point.recall),
        formatting.metric(point.f1),
        # of all objects that count, crowds left out
        _("{number} of {total}").format(number=formatting.count(point.fn), total=formatting.count(point.fn + point.tp)),
        formatting.quantity(point.fp / candidate.contender.images),
        latency_text(candidate.contender.speed),
        formatting.size(candidate.contender.bytes),
    ]


def flow_sum(total: FlowCounts, baseline: ComparedExperiment, other: ComparedExperiment) -> Markup:
    """Return the found objects of the baseline, minus the lost, plus the gained: those of the other experiment."""
    return render_macro("flow_sum", total, baseline, other)


def flow_table(found: Changes) -> Markup:
    """Return the sums of a flow over all, by size and by class."""
    groups = {
        "": {_("All"): found.total},
        _("Size"): {formatting.size_word(name): counts for name, counts in found.by_size.items()},
        _("Class"): found.by_class,
    }
    return render_macro("flow_table", groups)


def slides_html(slides: Sequence[Slide], crops: Mapping[str, Crop], link: str = "") -> Markup:
    """Return the steps of a story as sections: one at a time on a projector, one page each in print.

    ``crops`` are the subjects of steps as pictures, by the key of the step; ``link`` is the address of the live
    comparison, put on the last step, as a QR code too where another device can open it.
    """
    code = _code_drawing(link)
    return render("slides.html", slides=slides, crops=crops, link=link, link_words=link_words(link), code=code)


def code_of(link: str) -> segno.QRCode | None:
    """Return the QR code of an address; ``None`` where it opens on this machine only or makes no readable code."""
    return segno.make_qr(link, error="m") if opens_elsewhere(link) and len(link) <= _LONGEST_CODE else None


def _code_drawing(link: str) -> Markup:
    """Return :func:`code_of` as SVG, dark on white in any look, as cameras want it; empty where there is none."""
    code = code_of(link)
    if code is None:
        return Markup()
    return Markup(code.svg_inline(dark="#101318", light="#FFFFFF", omitsize=True))  # noqa: S704 - squares, no text


def slides_style() -> Markup:
    """Return the style sheet of the steps."""
    return table_style() + own_text("slides.css")


def _standing(decision: Decision, candidate: Candidate) -> tuple[str, str]:
    """Return the kind, ``named``, ``fails`` or empty, and the words of how a candidate stands to the requirements."""
    several = len(decision.candidates) > 1
    if several and decision.winner is not None and decision.winner.key == candidate.key:
        return "named", _("Recommended")
    if candidate.shortfalls:
        words = formatting.listing(shortfall_words(candidate))
        return "fails", words[:1].upper() + words[1:]
    if several and any(other.key == candidate.key for other in decision.equals):
        return "", _("Cannot be told apart")
    if candidate.beaten_by:
        return "", _("Meets it, beaten")
    return "", _("Meets it") if decision.comparable or not several else _("Not ranked")
