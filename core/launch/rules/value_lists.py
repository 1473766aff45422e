"""Values that a hyperparameter takes one after the other, as people write them."""

import math
import re
from typing import TypeAlias

import yaml

from core.errors import InputError

Scalar: TypeAlias = bool | int | float | str

MOST_VALUES = 50
_NUMBER_WITHOUT_POINT = re.compile(r"[-+]?\d[\d_]*[eE][-+]?\d+")


def parse_values(text: str) -> tuple[Scalar, ...]:
    """Read values: ``0.001, 0.01``, ``SGD, AdamW``, ``true, false``; a repeated one counts once.

    Raises:
        InputError: It is not a list of numbers, words and flags, or of too many.
    """
    try:
        content = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(text) from error
    found: dict[tuple[type, Scalar], Scalar] = {}
    for item in content if isinstance(content, list) else (content,):
        value = _as_number(item)
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise _unreadable(text)
        found[type(value), value] = value
    if len(found) > MOST_VALUES:
        msg = f"There are {len(found)} values."
        raise InputError(msg, f"Use at most {MOST_VALUES}.")
    return tuple(found.values())


def _as_number(item: object) -> object:
    """Read ``1e-3`` as the number that a person means; YAML 1.1 takes it for text."""
    return float(item) if isinstance(item, str) and _NUMBER_WITHOUT_POINT.fullmatch(item.strip()) else item


def _unreadable(text: str) -> InputError:
    return InputError(f"“{text}” is no list of values.", "Write values with commas between them: 0.001, 0.01.")
