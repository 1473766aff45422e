"""Panels as options for Apache ECharts: on pages, in the one-file report and in pictures that are saved.

On pages Streamlit carries ECharts and updates it without remounting its canvas; there, text and grid colours come from
its theme. The report and the pictures carry :data:`LIBRARY`, the same release, and :func:`look` as theme.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

from traindash.comparison.charts.drawing import Axis, Bars, Cells, Line, Panel, Radar
from traindash.comparison.palette import SERIES, Theme
from traindash.formatting import percent, points
from traindash.language import gettext as _

Option = dict[str, Any]

# what of Apache ECharts is drawn with here, as a script; licences beside it. ``tools/build_echarts.sh`` renews it
LIBRARY = Path(__file__).with_name("echarts.min.js")

# marker → ECharts' symbol; paths are drawn in a box of 12 by 12
SYMBOLS: Mapping[str, str] = {
    "circle": "circle",
    "square": "rect",
    "diamond": "diamond",
    "triangle-up": "triangle",
    "cross": "path://M4,0h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "star": "path://M6,0l1.8,4.2l4.2,.3l-3.2,2.8l1,4.2l-3.8,-2.3l-3.8,2.3l1,-4.2l-3.2,-2.8l4.2,-.3z",
    "triangle-down": "path://M0,0h12l-6,11z",
    "x": "path://M2,0l4,4l4,-4l2,2l-4,4l4,4l-2,2l-4,-4l-4,4l-2,-2l4,-4l-4,-4z",
    "pentagon": "path://M6,0l6,4.4l-2.3,7.1h-7.4l-2.3,-7.1z",
    "hexagon": "path://M3,0h6l3,5.2l-3,5.2h-6l-3,-5.2z",
}

DASHES: Mapping[str, str | list[int]] = {
    "solid": "solid",
    "dash": [8, 4],
    "dot": [2, 3],
    "dashdot": [8, 3, 2, 3],
    "longdash": [14, 4],
    "longdashdot": [14, 3, 2, 3],
}
QUIET: Mapping[Theme, str] = {"light": "#8A909C", "dark": "#7D8594"}
# colours of a change: fewer, none, more
MORE_OR_FEWER: Mapping[Theme, tuple[str, str, str]] = {
    "light": ("#C2570C", "#F5F6F8", "#2F55BE"),
    "dark": ("#F08A4B", "#171B23", "#5E8BFF"),
}

SHADES: Mapping[Theme, tuple[str, str]] = {"light": ("#F5F6F8", "#2F55BE"), "dark": ("#171B23", "#5E8BFF")}
# text in a pale and in a strong cell; the ground of a picture is that of a strong cell's text
INK: Mapping[Theme, tuple[str, str]] = {"light": ("#1B1F27", "#FFFFFF"), "dark": ("#E8EAF0", "#0E1117")}

# text beside the axes and lines of the grid
MUTED: Mapping[Theme, tuple[str, str]] = {"light": ("#5A6170", "#DFE2E8"), "dark": ("#A4ABBA", "#2B303B")}
_DECAL: Mapping[Theme, str] = {"light": "rgba(255,255,255,.55)", "dark": "rgba(14,17,23,.55)"}

# A light colour stands for one dark colour everywhere, so a report holds its options once and turns them over itself.
# colour on white → the colour that takes its place on a dark ground
DARK: Mapping[str, str] = {
    light: dark
    for pairs in (SERIES, MORE_OR_FEWER, SHADES, INK, MUTED, {theme: (QUIET[theme], _DECAL[theme]) for theme in QUIET})
    for light, dark in zip(pairs["light"], pairs["dark"], strict=True)
}

_STRONG = 0.65
_CROWDED = 8
_MOST_LEGEND_ROWS = 3
_NAME_WIDTH = 220
_SIGN_WIDTH, _LETTER_WIDTH = 46, 5.6  # pixels, measured in the theme's font
_WIDE_LETTER, _LONGEST_NAME = 6.4, 110  # pixels of a letter in fonts that stand for it in files, and of a category
NARROW, WIDE = 380, 760  # width in pixels of a chart beside another one and of one alone, on a screen of 1280
_TEXT_WIDTH, _BESIDE_BARS = 32, 90  # pixels of a number above a bar, and of what is left and right of all bars
_MOST_MARK_TEXTS = 4  # texts at marked points; more of them would cover each other
_GROUP = 0.8  # share of a category's room that its bars take


def option(panel: Panel, theme: Theme, width: int = NARROW) -> Option:
    """Return the ECharts option object of a panel, which is at least ``width`` pixels wide: its legend breaks by it."""
    if radars := [mark for mark in panel.marks if isinstance(mark, Radar)]:
        return _radar(panel, radars, theme, width)
    series = [_series(mark, panel, theme) for mark in panel.marks if not isinstance(mark, Radar)]
    if cells := next((mark for mark in panel.marks if isinstance(mark, Cells)), None):
        return _matrix(panel, cells, series, theme, width)
    marked = [item["markPoint"] for item in series if "markPoint" in item]
    if len(marked) > _MOST_MARK_TEXTS:
        for item in marked:
            item["label"] = {"show": False}
    bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
    if sum(len(mark.values) for mark in bars) * _TEXT_WIDTH > (width - _BESIDE_BARS) * _GROUP:
        for item in series:
            item["label"] = {"show": False}
    return {
        "animation": False,
        "legend": _legend(panel, width),
        "grid": {
            "left": 4,
            "right": 16,
            "top": _top(panel, width),
            "bottom": 4,
            **_BOUNDS,
        },
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "valueFormatter": _value_format(panel.y),
            "axisPointer": {"type": "shadow" if bars else "line", "label": {"precision": panel.x.decimals or 0}},
        },
        "xAxis": _axis(panel.x, gap=30, split=False, room=width - _BESIDE_BARS),
        "yAxis": _axis(panel.y, gap=44, split=True, room=width),
        "series": series,
    }


def panel_data(panel: Panel, width: int = NARROW) -> Option:
    """Return a panel in light colours with all that a script needs to draw it, to save it and to read it out."""
    described = {"enabled": True, "label": {"enabled": True, "description": panel.alt}}
    drawn = option(panel, "light", width)
    for line in (series for series in drawn["series"] if series["type"] == "line"):
        # a third of a report are points of lines; nobody sees the sixth decimal
        line["data"] = [[x, y if y is None else round(y, 5)] for x, y in line["data"]]
    return {
        "title": panel.title,
        "x": panel.x.title,
        "y": panel.y.title,
        "tall": panel.size == "square",
        "option": {**drawn, "aria": described},
    }


def look() -> Option:
    """Return the light theme of charts that do not stand on a page: what Streamlit 1.67 gives those that do.

    Its frontend (EChartsChart) sets the same parts from the theme of the page; text beside the axes is darker here,
    for 4.5:1 to white.
    """
    (ink, ground), (text, line) = INK["light"], MUTED["light"]
    small = {"color": text, "fontSize": 12}
    label = {**small, "margin": 8, "textBorderColor": ground, "textBorderWidth": 2}
    axis: Option = {
        "axisLine": {"lineStyle": {"color": line}},
        "axisTick": {"lineStyle": {"color": line}},
        "axisLabel": label,
        "nameTextStyle": small,
        "splitLine": {"lineStyle": {"color": line}},
    }
    return {
        "backgroundColor": "transparent",
        # ECharts writes this between double quotes into an SVG file
        "textStyle": {**small, "fontFamily": "'Source Sans 3', 'Source Sans Pro', 'Segoe UI', system-ui, sans-serif"},
        "legend": {
            "textStyle": {"color": text, "fontSize": 13},
            "pageIconColor": text,
            "pageTextStyle": {"color": text},
        },
        "tooltip": {"backgroundColor": ground, "borderColor": line, "textStyle": {"color": ink, "fontSize": 13}},
        "axisPointer": {"label": {"color": ink, "backgroundColor": ground, "borderColor": line, "borderWidth": 1}},
        "categoryAxis": axis,
        "valueAxis": {**axis, "axisLabel": {**label, "hideOverlap": True}},
        "radar": {**axis, "splitArea": {"show": False}, "axisName": small},
    }


_BOUNDS = {"outerBoundsMode": "same", "outerBoundsContain": "all"}


def _legend(panel: Panel, width: int) -> Option:
    names = _legend_names(panel)
    return {
        "show": bool(names),
        "type": "plain" if _legend_rows(names, width) <= _MOST_LEGEND_ROWS else "scroll",
        "data": names,
        "left": 0,
        "top": 0,
        "itemGap": 16,
        "textStyle": {"width": _NAME_WIDTH, "overflow": "truncate"},
        "tooltip": {"show": True},
    }


def _legend_names(panel: Panel) -> list[str]:
    marks = [mark for mark in panel.marks if isinstance(mark, Bars) or (not isinstance(mark, Cells) and mark.style)]
    return [mark.name for mark in marks] if panel.has_legend and len(marks) > 1 else []


def _legend_rows(names: list[str], room: int) -> int:
    """Return how many rows the names need, about."""
    rows, used = 1, 0.0
    for name in names:
        width = _SIGN_WIDTH + min(_NAME_WIDTH, _WIDE_LETTER * len(name))
        if used + width > room and used:
            rows, used = rows + 1, 0.0
        used += width
    return rows


def _top(panel: Panel, width: int) -> int:
    names = _legend_names(panel)
    rows = _legend_rows(names, width)
    return 20 + 24 * (rows if rows <= _MOST_LEGEND_ROWS else 1) if names else 20


def _axis(axis: Axis, *, gap: int, split: bool, room: int, letter: float = _LETTER_WIDTH) -> Option:
    """Return an axis; names of categories, by the pixels of a letter, that do not fit into ``room`` are turned."""
    result: Option = {
        "type": "category" if axis.categories else "value",
        "name": axis.title,
        "nameLocation": "middle",
        "nameGap": gap,
        "splitLine": {"show": split},
    }
    if axis.categories:
        result["data"] = list(axis.categories)
        longest = min(_LONGEST_NAME, letter * max(map(len, axis.categories)))
        crowded = len(axis.categories) > _CROWDED or longest * len(axis.categories) > room
        result["axisLabel"] = {
            "rotate": 30 if crowded else 0,
            "width": _LONGEST_NAME,
            "overflow": "truncate",
            "interval": 0,
        }
        result["axisTick"] = {"show": False}
        return result
    result["scale"] = axis.low is None
    if axis.low is not None:
        result["min"] = axis.low
    if axis.high is not None:
        result["max"] = axis.high
    if axis.whole:
        result["minInterval"] = 1
    return result


def _value_format(axis: Axis) -> str:
    return "%,d" if axis.decimals is None else f"%.{axis.decimals}f"


def _series(mark: Line | Bars | Cells, panel: Panel, theme: Theme) -> Option:
    match mark:
        case Line():
            return _line(mark, theme) | _chosen(mark, theme)
        case Bars():
            return _bars(mark, theme) | _chosen(mark, theme)
        case Cells():
            return _cells(mark, panel, theme) | _chosen(mark, theme)
    assert_never(mark)


def _chosen(mark: Line | Bars | Cells, theme: Theme) -> Option:
    """Let a mark with queries be chosen by a click; the one that was chosen last keeps an outline."""
    if not mark.queries:
        return {"cursor": "default"}
    return {"selectedMode": "single", "select": {"itemStyle": {"borderColor": INK[theme][0], "borderWidth": 2}}}


def _line(line: Line, theme: Theme) -> Option:
    color = line.style.hex(theme) if line.style else QUIET[theme]
    result: Option = {
        "type": "line",
        "name": line.name,
        "data": [[x, y] for x, y in zip(line.x, line.y, strict=True)],
        "showSymbol": line.points,
        "symbol": SYMBOLS[line.style.marker] if line.style else "none",
        # a dot that only appears under the pointer is what can be clicked
        "symbolSize": line.point_size if line.points or not line.queries else max(14.0, line.point_size),
        "connectNulls": False,
        "itemStyle": {"color": color},
        "lineStyle": {
            "color": color,
            "width": 2 if line.style else 1,
            "type": DASHES[line.style.dash] if line.style else [4, 4],
        },
        "emphasis": {"focus": "series"},
    }
    if line.highlight is not None and line.y[line.highlight] is not None:
        result["markPoint"] = {
            "symbol": SYMBOLS[line.style.marker] if line.style else "circle",
            "symbolSize": max(12.0, line.point_size),
            "silent": True,
            "itemStyle": {"color": color},
            "label": {
                "show": True,
                "formatter": _escaped(line.highlight_text),
                "position": "bottom" if line.highlight_below else "top",
                "align": line.highlight_align,
                "color": color,
                "fontWeight": 600,
            },
            "data": [{"coord": [line.x[line.highlight], line.y[line.highlight]], "name": line.highlight_text}],
        }
    return result


def _bars(bars: Bars, theme: Theme) -> Option:
    decal = {"symbol": "rect", "color": _DECAL[theme], "dashArrayX": [1, 0], "dashArrayY": [3, 4], "rotation": 0.785}
    return {
        "type": "bar",
        "name": bars.name,
        "barMaxWidth": 40,
        "data": [
            {"value": value, "label": {"formatter": _escaped(text)}} if value is not None else None
            for value, text in zip(bars.values, bars.texts, strict=True)
        ],
        "itemStyle": {
            "color": bars.style.hex(theme) if bars.style else QUIET[theme],
            "borderRadius": [2, 2, 0, 0],
            **({"decal": decal} if bars.style and bars.style.pattern else {}),
        },
        "label": {"show": True, "position": "top", "fontSize": 11},
        "labelLayout": {"hideOverlap": True},
        "emphasis": {"focus": "series"},
    }


def _cells(cells: Cells, panel: Panel, theme: Theme) -> Option:
    pale, strong = INK[theme]
    enough = _STRONG * _darkest(cells)
    data = [
        {
            "value": [column, row, shade],
            "name": f"{_cell_place(panel, row, column)}: {_cell_words(cells, row, column)}",
            "label": {"formatter": _escaped(text), "color": strong if abs(shade) > enough else pale},
        }
        for row, shades in enumerate(cells.shades)
        for column, (shade, text) in enumerate(zip(shades, cells.texts[row], strict=True))
    ]
    border = {"borderColor": pale, "borderWidth": 1}
    return {
        "type": "heatmap",
        "data": data,
        "label": {"show": True, "fontSize": 11},
        "emphasis": {"itemStyle": border},
    }


def _cell_place(panel: Panel, row: int, column: int) -> str:
    """Return which classes meet in a cell."""
    place = _("Predicted {predicted}, true {true}")
    return place.format(predicted=panel.y.categories[row], true=panel.x.categories[column])


def _cell_words(cells: Cells, row: int, column: int) -> str:
    """Return what a cell says: its number where it is written, and its share of the true class."""
    text, shade = cells.texts[row][column], cells.shades[row][column]
    if cells.change:
        share = _("{points} of the true class").format(points=points(shade))
    else:
        share = _("{share} of the true class").format(share=percent(shade))
    return f"{text} ({share})" if text else share


_ROW_NAME = 96  # pixels of the names beside a matrix at most


def _matrix(panel: Panel, cells: Cells, series: list[Option], theme: Theme, width: int) -> Option:
    longest = min(_ROW_NAME, round(_LETTER_WIDTH * max(map(len, panel.y.categories), default=0)))
    y = _axis(panel.y, gap=16 + longest, split=False, room=width)  # the title stands beside the names, not over them
    y["inverse"] = True
    y["axisLabel"] = {"width": _ROW_NAME, "overflow": "truncate"}
    most, colors = _darkest(cells), list(MORE_OR_FEWER[theme] if cells.change else SHADES[theme])
    return {
        "animation": False,
        "grid": {"left": 4, "right": 8, "top": 8, "bottom": 4, **_BOUNDS},
        "tooltip": {"confine": True, "formatter": "{b}"},
        "visualMap": {"show": False, "min": -most if cells.change else 0, "max": most, "inRange": {"color": colors}},
        "xAxis": _axis(panel.x, gap=34, split=False, room=width - longest - _BESIDE_BARS // 2, letter=_WIDE_LETTER),
        "yAxis": y,
        "series": series,
    }


def _darkest(cells: Cells) -> float:
    """Return the shade of the strongest colour; a change is stretched to it, or nothing would be seen of it."""
    if not cells.change:
        return 1.0
    return max((abs(shade) for row in cells.shades for shade in row), default=0.0) or 1.0


def _radar(panel: Panel, marks: list[Radar], theme: Theme, width: int) -> Option:
    top = _top(panel, width)
    return {
        "animation": False,
        # the lines of a radar have no sign of their own in a legend
        "legend": {
            **_legend(panel, width),
            "itemWidth": 14,
            "data": [{"name": mark.name, "icon": SYMBOLS[mark.style.marker]} for mark in marks],
        },
        "tooltip": {"trigger": "item", "confine": True, "valueFormatter": _value_format(panel.y)},
        "radar": {
            "indicator": [{"name": name.replace(" ", "\n"), "min": 0, "max": 1} for name in panel.x.categories],
            "center": ["50%", f"{50 + top // 9}%"],
            "radius": "62%",
            "axisName": {"width": 110, "overflow": "truncate", "lineHeight": 14},
        },
        "series": [
            {
                "type": "radar",
                "emphasis": {"focus": "self"},
                **({"selectedMode": "single"} if panel.leads_to_images else {"cursor": "default"}),
                "data": [
                    {
                        "name": mark.name,
                        "value": list(mark.values),
                        "symbol": SYMBOLS[mark.style.marker],
                        "symbolSize": 7,
                        "itemStyle": {"color": mark.style.hex(theme)},
                        "lineStyle": {"color": mark.style.hex(theme), "width": 2, "type": DASHES[mark.style.dash]},
                    }
                    for mark in marks
                ],
            }
        ],
    }


def _escaped(text: str) -> str:
    """Keep a text from being read as a template of ECharts, whose braces mean something."""
    return text.replace("{", "(").replace("}", ")")
