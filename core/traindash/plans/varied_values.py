"""Values that vary in a series: as people write them, and under the key that stands for them in each framework."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import yaml

from traindash.domain.plan import ModelChoice
from traindash.errors import InputError
from traindash.frameworks.registry import reference_of, roles_of
from traindash.frameworks.spec import Roles
from traindash.language import gettext as _
from traindash.plans.app_state import framework_of
from traindash.plans.hyperparameters import read_text

Scalar: TypeAlias = bool | int | float | str
Value: TypeAlias = Scalar | list[Scalar]  # a list is one value, e.g. [height, width]

MOST_VALUES = 50
_NUMBER_WITHOUT_POINT = re.compile(r"[-+]?\d[\d_]*[eE][-+]?\d+")


def parse_values(text: str) -> tuple[Value, ...]:
    """Read values: ``0.001, 0.01``, ``SGD, AdamW``, ``[128, 128], [192, 192]``; a repeated one counts once.

    Raises:
        InputError: It is not a list of numbers, words and flags, or of too many.
    """
    try:
        content = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(text) from error
    found: dict[str, Value] = {}
    for item in content if isinstance(content, list) else (content,):
        value = [_scalar(part, text) for part in item] if isinstance(item, list) and item else _scalar(item, text)
        # As it is written: True and 1 are equal in Python and two values here.
        found[repr(value)] = value
    if len({isinstance(value, list) for value in found.values()}) > 1:
        raise _unreadable(text)
    if len(found) > MOST_VALUES:
        msg = _("There are {count} values.").format(count=len(found))
        raise InputError(msg, _("Use at most {count}.").format(count=MOST_VALUES))
    return tuple(found.values())


def _scalar(item: object, text: str) -> Scalar:
    # “1e-3” is the number that a person means; YAML 1.1 takes it for text.
    value = float(item) if isinstance(item, str) and _NUMBER_WITHOUT_POINT.fullmatch(item.strip()) else item
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
        raise _unreadable(text)
    return value


def _unreadable(text: str) -> InputError:
    msg = _("“{text}” is no list of values.").format(text=text)
    return InputError(msg, _("Write values with commas between them: 0.001, 0.01."))


def roles_for(model: ModelChoice, text: str) -> Roles:
    """Return the roles of a model's hyperparameters; ``text`` is what it trains with."""
    return roles_of(framework_of(model), read_text(text).values)


def values_for(
    model: ModelChoice, varied: Sequence[tuple[str, Value]], texts: Mapping[ModelChoice, str]
) -> dict[str, Value]:
    """Return what varies under the names of a model's framework: “lr0” of one is “optimizer.lr” of another.

    ``texts`` are the hyperparameters of all models of the series.

    Raises:
        InputError: A key belongs to the framework of another model, and this one has none with its role.
    """
    text = texts[model]
    own, found = roles_for(model, text), dict[str, Value]()
    known = reference_of(framework_of(model))
    others = {framework_of(other): roles_for(other, of_other) for other, of_other in texts.items()}
    foreign = [described for name in others if (described := reference_of(name)) is not None]
    for key, value in varied:
        role = next((role for roles in others.values() for role, name in roles.keys.items() if name == key), None)
        if key in own.keys.values() or key in read_text(text).values or (known is not None and known.knows(key)):
            found[key] = value
        elif role is not None and (renamed := own.key(role)) is not None:
            usual = known.keys[renamed].default if known is not None and renamed in known.keys else None
            found[renamed] = _as_here(value, read_text(text).values.get(renamed, usual))
        elif role is not None or (known is not None and any(reference.knows(key) for reference in foreign)):
            msg = _("“{key}” is no hyperparameter of {framework}, and it has none that stands for it.")
            hint = _("Leave the hyperparameter or the model out, or plan a series for each framework.")
            raise InputError(msg.format(key=key, framework=framework_of(model)), hint)
        else:
            found[key] = value
    return found


def _as_here(value: Value, so_far: object) -> Value:
    """Return an image size in the form of another framework: a number, or [height, width]."""
    if isinstance(so_far, list) and isinstance(value, int | float) and not isinstance(value, bool):
        return [value] * len(so_far)
    sides = [item for item in value if isinstance(item, int | float)] if isinstance(value, list) else []
    return max(sides) if sides and isinstance(so_far, int | float) else value
