"""The report as one HTML file: opens by double click without a network, follows light and dark, prints."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from html import escape

from traindash import formatting
from traindash.comparison.certainty import Significance, significance_of
from traindash.comparison.charts.drawing import Drawing, View
from traindash.comparison.charts.echarts import DARK, LIBRARY, NARROW, WIDE, Option, look, panel_data
from traindash.comparison.charts.registry import CHARTS, Chart
from traindash.comparison.decision import Decision, Requirements
from traindash.comparison.decision_words import draw_decision
from traindash.comparison.experiment import Comparison, Missing
from traindash.comparison.image_set import image_set
from traindash.comparison.pictures.crops import LoadImage
from traindash.comparison.report.cards import overview_html
from traindash.comparison.report.changes import changes_html
from traindash.comparison.report.choice import choice_section, decision_of
from traindash.comparison.report.gallery import gallery_html
from traindash.comparison.report.panels import script_json
from traindash.comparison.report.style import read_part, table_style
from traindash.comparison.report.tables import (
    class_table,
    figures_table,
    legend,
    metric_table,
    panels_legend,
    settings_table,
)
from traindash.comparison.rows import key_metric_rows, overview_of
from traindash.comparison.setup_differences import compare_settings, setup_of
from traindash.comparison.verdict import judge

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'"
READING = (
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
_SCRIPTS = ("saving.js", "report.js", "sorting.js", "choice.js", "menus.js")


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
    heading = title or " vs. ".join(comparison.labels) or "No experiment"
    panels: list[Option] = []
    body = [
        f"<h1>{escape(heading)}</h1>",
        f'<p class="rp-about">{escape(_about(comparison, made_at))}</p>',
        legend(comparison.experiments, comparison.baseline) if several else "",
        _verdict(comparison, known) if several else "",
        _navigation(several=several),
        f'<section id="overview"><h2>Overview</h2>{overview_html(overview_of(comparison))}</section>',
        _choice(decision_of(comparison, known, requirements or Requirements()), panels),
        *_pictures(comparison, load),
        *(_section(section, comparison, known, panels) for section in _sections()),
        _settings(comparison),
    ]
    scripts = [LIBRARY.read_text(encoding="utf-8"), *map(read_part, _SCRIPTS)]
    data = {"panels": panels, "look": look(), "dark": DARK}
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)}</title><style>{table_style()}{read_part('report.css')}</style></head>"
        f"<body><main>{''.join(body)}<footer>Made by Traindash. Everything is inside this file.</footer></main>"
        f'<script type="application/json" id="panels">{script_json(data)}</script>'
        f"{''.join(f'<script>{script}</script>' for script in scripts)}</body></html>"
    )


def _sections() -> list[str]:
    return list(dict.fromkeys(item.section for item in CHARTS))


def _anchor(section: str) -> str:
    return section.lower().replace(" ", "-")


def _about(comparison: Comparison, made_at: datetime | None) -> str:
    parts = [formatting.plural(len(comparison.experiments), "experiment")]
    if comparison.evaluated:
        parts.append(formatting.plural(len(comparison.classes), "class", "classes"))
        sizes = sorted({len(evaluation.pair.images.file_names) for _, evaluation in comparison.evaluated})
        parts.append(f"{formatting.listing([formatting.count(size) for size in sizes])} validation images")
    if made_at is not None:
        parts.append(formatting.moment(made_at))
    return " · ".join(parts)


def _navigation(*, several: bool) -> str:
    names = ["Overview", _CHOICE, *([_CHANGES] if several else []), _GALLERY, *_sections(), "Settings"]
    links = (f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in names)
    return f"<nav>{''.join(links)}</nav>"


def _verdict(comparison: Comparison, significance: Significance) -> str:
    verdict = judge(comparison, significance)
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in verdict.sentences)
    sentences += "".join(f'<p class="rp-note">{escape(warning)}</p>' for warning in verdict.warnings)
    if comparison.common is not None:
        left_out = "".join(f"<p>{escape(one.words)}</p>" for one in comparison.common.left_out)
        reasons = "".join(f"<p>{escape(reason)}</p>" for reason in comparison.common.reasons)
        sentences += f"<details><summary>What was left out, and why</summary>{left_out}{reasons}</details>"
    return f'<div class="rp-card rp-verdict rp-{verdict.kind}"><h2>{escape(verdict.headline)}</h2>{sentences}</div>'


def _metrics(comparison: Comparison, significance: Significance) -> str:
    rows = key_metric_rows(comparison, significance)
    if not rows:
        return "<p>There are no metrics.</p>"
    table = metric_table(rows, comparison)
    if len(comparison.experiments) < 2:  # noqa: PLR2004 - nothing to compare with
        return table
    return f'{table}<p class="rp-note">{READING}</p>'


def _section(section: str, comparison: Comparison, significance: Significance, panels: list[Option]) -> str:
    rows: list[str] = []
    pair: list[str] = []
    for item in (chart for chart in CHARTS if chart.section == section):
        card = _chart(item, item.draw(comparison, View()), panels)
        if item.narrow:
            pair.append(card)
        else:
            rows += [_row(pair), card]
            pair = []
    table = _metrics(comparison, significance) if section == "Key metrics" else ""
    if section == "By class" and comparison.evaluated:
        table = f"<details><summary>Table of all classes</summary>{class_table(comparison)}</details>"
    return f'<section id="{_anchor(section)}"><h2>{escape(section)}</h2>{table}{"".join(rows)}{_row(pair)}</section>'


def _choice(decision: Decision, panels: list[Option]) -> str:
    """Return the section that names an experiment for a need."""
    head = f'<section id="{_anchor(_CHOICE)}"><h2>{_CHOICE}</h2>'
    if not decision.candidates:
        return f"{head}<p>None of these experiments has an evaluation, so none can be recommended.</p></section>"
    card = f'<div class="rp-card" id="decision">{choice_section(decision)}</div>'
    return f"{head}{card}{_card(_FRONT, draw_decision(decision), panels)}</section>"


def _pictures(comparison: Comparison, load: LoadImage | None) -> tuple[str, ...]:
    """Return what changed from the baseline, and the gallery."""
    images = image_set(comparison)
    parts = []
    if len(comparison.experiments) > 1:
        parts.append((_CHANGES, changes_html(images, load) + ("" if load else f'<p class="rp-note">{_NO_IMAGES}</p>')))
    if not images.keys:
        gallery = "<p>None of these experiments has an evaluation, so there are no predictions to look at.</p>"
    elif load is None:
        gallery = f"<p>{_NO_IMAGES}</p>"
    else:
        gallery = gallery_html(images, load)
    parts.append((_GALLERY, gallery))
    return tuple(f'<section id="{_anchor(name)}"><h2>{name}</h2>{content}</section>' for name, content in parts)


def _row(cards: Sequence[str]) -> str:
    return f'<div class="rp-row rp-charts">{"".join(cards)}</div>' if cards else ""


def _chart(item: Chart, drawing: Drawing, panels: list[Option]) -> str:
    return _card((item.key, item.title, item.reading), drawing, panels, NARROW if item.narrow else WIDE)


def _card(head: tuple[str, str, str], drawing: Drawing, panels: list[Option], width: int = WIDE) -> str:
    """Return a chart with its key, title and how to read it; its panels are added to those of the file."""
    key, title, reading = head
    several = len(drawing.panels) > 1
    figures = []
    for panel in drawing.panels:
        figures.append(f'<figure class="rp-panel" data-panel="{len(panels)}"></figure>')
        panels.append(panel_data(replace(panel, has_legend=not several), NARROW if several else width))
    names = panels_legend(drawing.panels) if several else ""
    empty = f"<p>{escape(drawing.empty)}</p>" if drawing.empty else ""
    notes = "".join(f'<p class="rp-note">{escape(note)}</p>' for note in drawing.notes)
    tables = "".join(map(figures_table, drawing.tables))
    return (
        f'<div class="rp-card rp-chart" id="{key}"><h3>{escape(title)}</h3>'
        f'<p class="rp-reading">{escape(reading)}</p>{names}'
        f'<div class="rp-panels">{"".join(figures)}</div>{tables}{empty}{notes}</div>'
    )


def _settings(comparison: Comparison) -> str:
    known = [None if isinstance(e.hyperparameters, Missing) else e.hyperparameters for e in comparison.experiments]
    groups = (
        ("Hyperparameters", compare_settings(known)),
        ("Set-up and cost", compare_settings([setup_of(e) or None for e in comparison.experiments])),
    )
    several = len(comparison.experiments) > 1
    parts = ['<section id="settings"><h2>Settings</h2>']
    for name, rows in groups:
        if not rows:
            continue
        differing = [row for row in rows if row.differs or not several]
        equal = [row for row in rows if not row.differs]
        parts.append(f"<h3>{escape(name)}</h3>")
        parts.append(settings_table(differing, comparison) if differing else "<p>All settings are the same.</p>")
        if several and equal:
            parts.append(
                f"<details><summary>{formatting.plural(len(equal), 'equal setting')}</summary>"
                f"{settings_table(equal, comparison)}</details>"
            )
    return "".join([*parts, "</section>"])
