"""How numbers and dates are written for people, once for the whole product, as is usual in their language.

A number gets its rounding here and nowhere else, so that a table, a card, a chart and a sentence never show two
roundings of one value. Negative numbers carry a real minus sign (U+2212), which is as wide as the plus sign. What
machines read is not written here.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import get_decimal_symbol, get_group_symbol

from traindash.language import N_, Language, current, ngettext
from traindash.language import gettext as _

MISSING = "–"  # stands for a value that does not exist; never for zero
MINUS = "\u2212"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TEN_SECONDS = 10
_LEFT_UNITS = ((_HOUR, "h"), (_MINUTE, "min"), (1, "s"))
_SIZE_UNITS = ("B", "KB", "MB", "GB", "TB")
_THOUSAND = 1000


def metric(value: float | None, decimals: int = 3) -> str:
    """Write a metric between 0 and 1 with three decimals: ``0.684``."""
    return MISSING if _is_missing(value) else _local(f"{value:.{decimals}f}")


def points(difference: float | None, decimals: int = 3) -> str:
    """Write a difference of two metrics in points (hundredths) with its sign: ``+1.8 pt``.

    It is the new value minus the old, both between 0 and 1. ``decimals`` are those of the metrics; it gets two fewer.
    """
    if difference is None or _is_missing(difference):
        return MISSING
    return _("{difference} pt").format(difference=signed(difference * 100, decimals - 2))


def in_points(difference: float, decimals: int = 3) -> str:
    """Write a difference inside a sentence, where no head explains a unit: ``+1.8 points``. As :func:`points` else."""
    return _("{difference} points").format(difference=signed(difference * 100, decimals - 2))


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign; what rounds to zero has none."""
    rounded = round(value, decimals)
    if rounded == 0:
        return _local(f"{0:.{decimals}f}")
    return _local(f"{rounded:+.{decimals}f}")


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
    return MISSING if number is None or _is_missing(number) else _local(f"{round(number):,}")


def quantity(value: float | None, unit: str = "") -> str:
    """Write a measured quantity with three significant digits: ``12.3 ms``, ``0.042``, ``1,240 img/s``."""
    if value is None or _is_missing(value):
        return MISSING
    if value == 0:
        text = "0"
    else:
        decimals = max(0, 2 - _magnitude(value))
        decimals = max(0, 2 - _magnitude(round(value, decimals)))
        text = _local(f"{value:,.{decimals}f}")
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
        return _local(f"{value:.1f} s")
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
    return _("{time} left").format(time=time_range(low, high))


def time_range(low: float, high: float) -> str:
    """Write a duration that is known roughly, from its estimates in seconds: ``14 to 17 min``, ``40 s``."""
    short, long = max(0.0, min(low, high)), max(0.0, low, high)
    if long < 1:
        return _("less than a second")
    unit, name = next((unit, name) for unit, name in _LEFT_UNITS if long >= 2 * unit or unit == 1)
    first, last = _in_units(short, unit), _in_units(long, unit)
    return (
        f"{last} {name}" if first == last else _("{first} to {last} {unit}").format(first=first, last=last, unit=name)
    )


def size(number_of_bytes: float | None) -> str:
    """Write a size with decimal units: ``609 KB``, ``5.3 MB``."""
    if number_of_bytes is None or _is_missing(number_of_bytes):
        return MISSING
    value, unit = float(number_of_bytes), _SIZE_UNITS[0]
    for unit in _SIZE_UNITS:
        if round(value) < _THOUSAND or unit == _SIZE_UNITS[-1]:
            break
        value /= _THOUSAND
    # A hundred and more has no decimals, like bytes and kilobytes.
    return f"{value:.0f} {unit}" if unit in {"B", "KB"} or value >= 100 else _local(f"{value:.1f} {unit}")  # noqa: PLR2004


def moment(when: datetime | None) -> str:
    """Write a moment in the time of this machine: ``2026-11-23 14:05``."""
    # Translators: a pattern of Unicode's LDML for a day with its time
    return MISSING if when is None else _dated(when, _("yyyy-MM-dd HH:mm"))


def recent(when: datetime | None, now: datetime) -> str:
    """Write a moment shortly: ``14:05`` on the day of ``now``, ``23 Nov 14:05`` before."""
    if when is None:
        return MISSING
    local, today = when.astimezone(), now.astimezone()
    if local.date() == today.date():
        return local.strftime("%H:%M")
    # Translators: patterns of Unicode's LDML for a day with its time, without the year and with it
    return _dated(when, _("d MMM HH:mm") if local.year == today.year else _("d MMM yyyy HH:mm"))


def day(when: datetime) -> str:
    """Write a day of this year: ``23 November``."""
    # Translators: a pattern of Unicode's LDML for a day without the year
    return _dated(when, _("d MMMM"))


def clock(when: datetime | None) -> str:
    """Write the time of day of a moment in the time of this machine: ``14:05:07``."""
    return MISSING if when is None else when.astimezone().strftime("%H:%M:%S")


def nouns(one: str, many: str) -> tuple[str, str]:
    """Mark the forms of a noun that :func:`plural` gets elsewhere."""
    return one, many


# Sizes of objects, as COCO divides them by area
_SIZE_WORDS = (N_("small"), N_("medium"), N_("large"))


def size_word(name: str) -> str:
    """Return the name of a size of objects (``small``, ``medium``, ``large``)."""
    return _(name) if name in _SIZE_WORDS else name


# What models do, and shapes of objects, as Supervisely calls them on the wire
_TASK_WORDS = (
    *(N_("object detection"), N_("instance segmentation"), N_("semantic segmentation"), N_("pose estimation")),
)
_SHAPE_WORDS: Mapping[str, str] = {
    "rectangle": N_("box"),
    "polygon": N_("polygon"),
    "bitmap": N_("mask"),
    "any": N_("any shape"),
    "graph": N_("key points"),
    "point": N_("point"),
    "line": N_("line"),
    "cuboid": N_("cuboid"),
}


def task_word(name: str) -> str:
    """Return the name of what a model does; one that nobody knows stays in its own words."""
    return _(name) if name in _TASK_WORDS else name


def shape_word(name: str) -> str:
    """Return what a shape of Supervisely is called: ``box`` for ``rectangle``; others stay in their own words."""
    return _(_SHAPE_WORDS[name]) if name in _SHAPE_WORDS else name


def plural(number: int, one: str, many: str) -> str:
    """Write a number with its noun: ``1 image``, ``2 images``. Extraction takes both forms into the catalogues."""
    return f"{count(number)} {ngettext(one, many, number)}"


def quoted(name: str) -> str:
    """Write a name in quotation marks."""
    return _("“{name}”").format(name=name)


def decimal(value: float, decimals: int) -> str:
    """Write a number with so many decimals."""
    return _local(f"{value:.{decimals}f}")


def shortest(value: float) -> str:
    """Write a number with no more digits than it has: ``5``, ``0.5``."""
    return _local(f"{value:g}")


def alternatives(words: Sequence[str]) -> str:
    """Write what can be chosen from in a sentence: ``a, b or c``."""
    if len(words) <= 1:
        return "".join(words)
    return _("{words} or {last}").format(words=", ".join(words[:-1]), last=words[-1])


def listing(names: Sequence[str], *, limit: int = 4) -> str:
    """Write names as a list in a sentence: ``a, b and c``, ``a, b, c and 4 more``."""
    shown = list(names[:limit])
    rest = len(names) - len(shown)
    if rest == 1:
        shown, rest = list(names[: limit + 1]), 0
    if rest:
        shown.append(_("{count} more").format(count=count(rest)))
    if len(shown) <= 1:
        return "".join(shown)
    return _("{names} and {last}").format(names=", ".join(shown[:-1]), last=shown[-1])


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


def local_number(text: str) -> str:
    """Return a number that was written in English, ``1,234.5``, as the current language writes it."""
    return _local(text)


def decimals_of(text: str) -> int:
    """Return how many decimals a number has that was written here."""
    return len(text.partition(get_decimal_symbol(_locale(current())))[2].partition(" ")[0])


def _local(text: str) -> str:
    """Return a number that Python wrote with the signs of the current language."""
    return text.translate(_signs(current()))


@cache
def _signs(language: Language) -> Mapping[int, str]:
    locale = _locale(language)
    return {ord("-"): MINUS, ord("."): get_decimal_symbol(locale), ord(","): get_group_symbol(locale)}


@cache
def _locale(language: Language) -> Locale:
    return Locale(language.value)


def _dated(when: datetime, pattern: str) -> str:
    return format_datetime(when.astimezone(), pattern, tzinfo=when.astimezone().tzinfo, locale=_locale(current()))


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
