"""Panels as JSON for the script of the one-file report."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import assert_never

from traindash.comparison.charts.drawing import Bars, Cells, Line, Mark, Panel, Radar


def panels_json(panels: Sequence[Panel]) -> str:
    """Return the panels as :func:`script_json`."""
    return script_json([panel_data(panel) for panel in panels])


def script_json(value: object) -> str:
    """Return JSON that may stand inside a script element: it holds no ``<`` and no line separators."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def panel_data(panel: Panel) -> dict[str, object]:
    """Return a panel as the script that draws it wants it."""
    return {
        "title": panel.title,
        "alt": panel.alt,
        "square": panel.size == "square",
        "legend": panel.has_legend and len(panel.marks) > 1,
        "x": asdict(panel.x),
        "y": asdict(panel.y),
        "marks": [_mark(mark) for mark in panel.marks],
    }


def _mark(mark: Mark) -> dict[str, object]:
    match mark:
        case Line():
            return {
                "kind": "line",
                "name": mark.name,
                "x": mark.x,
                "y": [None if value is None else round(value, 5) for value in mark.y],
                "color": mark.style.color if mark.style else None,
                "dash": mark.style.dash if mark.style else "dash",
                "marker": mark.style.marker if mark.style else "circle",
                "points": mark.points,
                "size": mark.point_size,
                "best": mark.highlight,
                "bestText": mark.highlight_text,
            }
        case Bars():
            return {
                "kind": "bars",
                "name": mark.name,
                "values": mark.values,
                "texts": mark.texts,
                "color": mark.style.color if mark.style else None,
                "pattern": bool(mark.style and mark.style.pattern),
            }
        case Radar():
            return {
                "kind": "radar",
                "name": mark.name,
                "values": mark.values,
                "texts": mark.texts,
                "color": mark.style.color,
                "dash": mark.style.dash,
                "marker": mark.style.marker,
            }
        case Cells():
            return {
                "kind": "cells",
                "name": "",
                "color": None,
                "shades": mark.shades,
                "texts": mark.texts,
                "change": mark.change,
            }
    assert_never(mark)
