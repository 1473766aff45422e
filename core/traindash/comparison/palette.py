"""Colour, marker and dash of experiments: never colour alone; a few side by side have the clearest colours.

The ten colours keep a distance (CIE76) of at least 17 between any two for normal, deuteranopic and protanopic sight and
a contrast of at least 3:1 to their background; ``tests/unit/comparison/test_palette.py`` computes both again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Theme: TypeAlias = Literal["light", "dark"]

# series colours on white and on ``#0E1117``; an index means the same series in both
SERIES: Mapping[Theme, tuple[str, ...]] = {
    "light": (
        "#3A68E0", "#EF6701", "#34A470", "#C276BB", "#683600", "#522B79", "#005B6D", "#9B5C3E", "#781437", "#7B7F85",
    ),
    "dark": (
        "#4C7DF7", "#D95632", "#96F7B5", "#BC6398", "#EBA705", "#C3AAFF", "#3EBBCC", "#E3AE7F", "#D5687A", "#DADEE5",
    ),
}  # fmt: skip

# plotly's marker names
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "x", "pentagon", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # plotly's dash names

# plotly's fill patterns for bars whose colour is used twice in one chart
PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStyle:
    """How one experiment is drawn."""

    color: int  # index into :data:`SERIES`, 0 to 9
    marker: str  # plotly's marker name
    dash: str  # plotly's dash name
    pattern: str = ""  # plotly's fill pattern, empty for plain

    def hex(self, theme: Theme) -> str:
        """Return the colour as ``#RRGGBB``."""
        return SERIES[theme][self.color]


def style_of(slot: int) -> SeriesStyle:
    """Return the style of a slot; 60 slots differ."""
    turn, color = divmod(slot, len(SERIES["light"]))
    return SeriesStyle(
        color=color,
        marker=MARKERS[(color + turn) % len(MARKERS)],
        dash=DASHES[(color + turn) % len(DASHES)],
        pattern=PATTERNS[turn % len(PATTERNS)],
    )


# The first so many keep the greatest distance from each other, also where a projector's light is mixed with daylight
_CLEAREST = (0, 1, 3, 5, 2, 4)


def styles_together(slots: Sequence[int]) -> tuple[SeriesStyle, ...]:
    """Return the styles of experiments that are seen side by side.

    The slot of an experiment is the id of its task, so that it looks alike on every machine and in every report. A few
    get colours that are told apart on a projector and with any sight: two are blue and orange. One whose own colour is
    among these keeps it; the others get what is free, the older ones first, so that a newer experiment beside them
    changes nothing. Marker and dash are always an experiment's own. Where many are seen, all keep their colours, and
    one that would have the colour of another borrows a free one.
    """
    styles = [style_of(slot) for slot in slots]
    every = tuple(range(len(SERIES["light"])))
    few = len(slots) <= len(_CLEAREST)
    offered = _CLEAREST[: max(2, len(slots))] if few else every
    order = sorted(range(len(slots)), key=lambda place: slots[place])
    taken: dict[int, int] = {}  # colour → place of the experiment that has it
    for place in order:
        if styles[place].color in offered:
            taken.setdefault(styles[place].color, place)
    for place in order:
        if place in taken.values():
            continue
        wanted = offered[slots[place] % 2]  # neighbours in age, which most pairs are, want both
        free = [color for color in (wanted, *offered) if color not in taken]
        if free:
            taken[free[0]] = place
    given = {place: color for color, place in taken.items()}
    return tuple(
        # nobody else has its colour, so a plain bar does
        replace(style, color=given[place], pattern="")
        if place in given and (few or style.color != given[place])
        else style
        for place, style in enumerate(styles)
    )
