"""How numbers are written, once for the whole product.

A number gets its rounding here and nowhere else, so that a table, a card, a chart and a sentence never show two
roundings of one value. Negative numbers carry a real minus sign (U+2212), which is as wide as the plus sign.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

MISSING = "–"  # stands for a value that does not exist; never for zero
MINUS = "\u2212"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TEN_SECONDS = 10
_LEFT_UNITS = ((_HOUR, "h"), (_MINUTE, "min"), (1, "s"))
_SIZE_UNITS = ("B", "KB", "MB", "GB", "TB")
_THOUSAND = 1000


def metric(value: float | None, decimals: int = 3) -> str:
    """Write a metric between 0 and 1 with three decimals: ``0.684``."""
    return MISSING if _is_missing(value) else f"{value:.{decimals}f}".replace("-", MINUS)


def points(difference: float | None, decimals: int = 3) -> str:
    """Write a difference of two metrics in points (hundredths) with its sign: ``+1.8 pt``.

    It is the new value minus the old, both between 0 and 1. ``decimals`` are those of the metrics; it gets two fewer.
    """
    if difference is None or _is_missing(difference):
        return MISSING
    return f"{signed(difference * 100, decimals - 2)} pt"


def in_points(difference: float, decimals: int = 3) -> str:
    """Write a difference inside a sentence, where no head explains a unit: ``+1.8 points``. As :func:`points` else."""
    return f"{signed(difference * 100, decimals - 2)} points"


def points_interval(low: float, high: float, decimals: int = 3) -> str:
    """Write the interval of a difference inside a sentence: ``+0.4 to +3.1 points``. Arguments as in :func:`points`."""
    return f"{signed(low * 100, decimals - 2)} to {in_points(high, decimals)}"


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign; what rounds to zero has none."""
    rounded = round(value, decimals)
    if rounded == 0:
        return f"{0:.{decimals}f}"
    return f"{rounded:+.{decimals}f}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """Write a share between 0 and 1 as whole percent: ``80 %``."""
    return MISSING if share is None or _is_missing(share) else f"{share * 100:.0f} %"


def ratio_change(new: float | None, old: float | None) -> str:
    """Write how much larger or smaller a quantity with a unit is, in percent of the old one: ``+12 %``."""
    if new is None or old is None or _is_missing(new) or _is_missing(old) or old == 0:
        return MISSING
    return f"{signed((new / old - 1) * 100, 0)} %"


def count(number: float | None) -> str:
    """Write a whole number with thousands separated: ``1,234``."""
    return MISSING if number is None or _is_missing(number) else f"{round(number):,}".replace("-", MINUS)


def quantity(value: float | None, unit: str = "") -> str:
    """Write a measured quantity with three significant digits: ``12.3 ms``, ``0.042``, ``1,240 img/s``."""
    if value is None or _is_missing(value):
        return MISSING
    if value == 0:
        text = "0"
    else:
        decimals = max(0, 2 - _magnitude(value))
        decimals = max(0, 2 - _magnitude(round(value, decimals)))
        text = f"{value:,.{decimals}f}".replace("-", MINUS)
    return f"{text} {unit}".strip()


def duration(seconds: float | None) -> str:
    """Write a duration as people say it: ``350 ms``, ``8.2 s``, ``42 s``, ``2 min 10 s``, ``1 h 5 min``."""
    if seconds is None or _is_missing(seconds):
        return MISSING
    value = max(0.0, seconds)
    return _seconds(value) if round(value) < _MINUTE else _longer(value)


def _seconds(value: float) -> str:
    if value > 0 and round(value * _THOUSAND) < _THOUSAND:
        return f"{max(1, round(value * _THOUSAND))} ms"
    if value < _TEN_SECONDS and round(value, 1) != round(value):
        return f"{value:.1f} s"
    return f"{round(value)} s"


def _longer(value: float) -> str:
    whole = round(value)
    if whole < _HOUR:
        return _two_units(whole, _MINUTE, "min", 1, "s")
    minutes = round(value / _MINUTE) * _MINUTE
    if minutes < _DAY:
        return _two_units(minutes, _HOUR, "h", _MINUTE, "min")
    return _two_units(round(value / _HOUR) * _HOUR, _DAY, "d", _HOUR, "h")


def time_left(low: float, high: float) -> str:
    """Write the time that is left as a range: ``14 to 17 min left``, ``40 s left``; seconds."""
    return f"{time_range(low, high)} left"


def time_range(low: float, high: float) -> str:
    """Write a duration that is known roughly, from its estimates in seconds: ``14 to 17 min``, ``40 s``."""
    short, long = max(0.0, min(low, high)), max(0.0, low, high)
    if long < 1:
        return "less than a second"
    unit, name = next((unit, name) for unit, name in _LEFT_UNITS if long >= 2 * unit or unit == 1)
    first, last = _in_units(short, unit), _in_units(long, unit)
    return f"{last} {name}" if first == last else f"{first} to {last} {name}"


def size(number_of_bytes: float | None) -> str:
    """Write a size with decimal units: ``609 KB``, ``5.3 MB``."""
    if number_of_bytes is None or _is_missing(number_of_bytes):
        return MISSING
    value, unit = float(number_of_bytes), _SIZE_UNITS[0]
    for unit in _SIZE_UNITS:
        if round(value) < _THOUSAND or unit == _SIZE_UNITS[-1]:
            break
        value /= _THOUSAND
    return f"{value:.0f} {unit}" if unit in {"B", "KB"} or value >= 100 else f"{value:.1f} {unit}"  # noqa: PLR2004


def moment(when: datetime | None) -> str:
    """Write a moment in the time of this machine: ``2026-11-23 14:05``."""
    return MISSING if when is None else when.astimezone().strftime("%Y-%m-%d %H:%M")


def recent(when: datetime | None, now: datetime) -> str:
    """Write a moment shortly: ``14:05`` on the day of ``now``, ``23 Nov 14:05`` before."""
    if when is None:
        return MISSING
    local = when.astimezone()
    if local.date() == now.astimezone().date():
        return local.strftime("%H:%M")
    year = "" if local.year == now.astimezone().year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def clock(when: datetime | None) -> str:
    """Write the time of day of a moment in the time of this machine: ``14:05:07``."""
    return MISSING if when is None else when.astimezone().strftime("%H:%M:%S")


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 image``, ``2 images``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listing(names: Sequence[str], *, limit: int = 4) -> str:
    """Write names as a list in a sentence: ``a, b and c``, ``a, b, c and 4 more``."""
    shown = list(names[:limit])
    rest = len(names) - len(shown)
    if rest == 1:
        shown, rest = list(names[: limit + 1]), 0
    if rest:
        shown.append(f"{rest} more")
    if len(shown) <= 1:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def setting(value: object) -> str:
    """Write the value of a hyperparameter or option the way YAML would: ``true``, ``0.002``, ``[1, 2]``."""
    match value:
        case None:
            text = "null"
        case bool():
            text = str(value).lower()
        case float() if math.isfinite(value):
            text = f"{value:g}"
        case str():
            text = value if value.strip() else '""'
        case Mapping():
            text = "{" + ", ".join(f"{key}: {setting(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            text = "[" + ", ".join(setting(item) for item in value) + "]"
        case _:
            text = str(value)
    return text


def _is_missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _in_units(seconds: float, unit: int) -> int:
    return max(1, round(seconds / unit))


def _two_units(whole: int, unit: int, name: str, part: int, part_name: str) -> str:
    first, rest = divmod(whole, unit)
    second = rest // part
    return f"{first} {name} {second} {part_name}" if second else f"{first} {name}"
