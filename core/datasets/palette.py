"""Colours for classes that come without one."""

_COLORS = (
    "#E5484D", "#3E9BDC", "#34A470", "#F2C53D", "#8E4EC6", "#F2812D", "#00A2A7", "#D6409F", "#9B5C3E", "#5B7F2A",
    "#4C5BD4", "#C4A000",
)  # fmt: skip


def class_color(number: int) -> str:
    """Return ``#RRGGBB`` for the class at a position from 0; positions a dozen apart differ in brightness."""
    base, round_ = _COLORS[number % len(_COLORS)], number // len(_COLORS)
    factor = (1.0, 0.72, 1.28, 0.55)[round_ % 4]
    parts = (min(255, round(int(base[start : start + 2], 16) * factor)) for start in (1, 3, 5))
    return "#" + "".join(f"{part:02X}" for part in parts)
