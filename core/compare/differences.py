"""What differs between the settings of experiments.

A setting that one side lacks is a difference. Values are equal only if they are of one kind: the number 1, the text
"1" and the truth value true are three things; the numbers 1 and 1.0 are one. NaN equals NaN.
"""

import enum
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from core.compare.formatting import MISSING, setting


class _Absent(enum.Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""Stands for "this experiment has no such setting", which is not the same as ``null``."""

Value: TypeAlias = object | Literal[_Absent.ABSENT]
KeyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting over all experiments.

    Attributes:
        path: Dotted path; a key that holds a dot itself is quoted.
        values: One for each experiment; :data:`ABSENT` where it has none.
        differs: Whether not all of them are equal.
    """

    path: str
    values: tuple[Value, ...]
    differs: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as they are shown."""
        return tuple(MISSING if value is ABSENT else setting(value) for value in self.values)


def compare_settings(settings: Sequence[Mapping[str, object] | None]) -> tuple[SettingRow, ...]:
    """Return a row for every setting that at least one experiment has, in the order of first appearance.

    Args:
        settings: One mapping for each experiment, nested as it is; ``None`` where it is not known, which makes no
            difference: an unknown value is absent in every row but is not compared.
    """
    flat = [None if item is None else dict(flatten(item)) for item in settings]
    paths: dict[KeyPath, None] = {}
    for item in flat:
        paths.update(dict.fromkeys(item or ()))
    rows = []
    for path in paths:
        known = [item.get(path, ABSENT) for item in flat if item is not None]
        values = tuple(ABSENT if item is None else item.get(path, ABSENT) for item in flat)
        differs = any(not same(known[0], other) for other in known[1:])
        rows.append(SettingRow(path=".".join(map(_quoted, path)), values=values, differs=differs))
    return tuple(rows)


def flatten(value: Mapping[str, object], prefix: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Yield the leaves of nested mappings with their paths; lists and empty mappings are leaves."""
    for key, item in value.items():
        path = (*prefix, str(key))
        if isinstance(item, Mapping) and item:
            yield from flatten(item, path)
        else:
            yield path, item


def same(first: object, second: object) -> bool:
    """Return whether two settings are equal in kind and value."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second or (math.isnan(first) and math.isnan(second))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


def _quoted(key: str) -> str:
    return f'"{key}"' if "." in key or not key else key
