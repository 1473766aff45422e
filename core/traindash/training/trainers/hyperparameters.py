"""Hyperparameters: YAML text → what an engine gets, with the mistakes named before the training."""

import difflib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

import yaml

from traindash.domain.task import ExitCause
from traindash.frameworks.hyperparameter_text import leaves, nested, read_mapping
from traindash.frameworks.reference import Reference, entry_for
from traindash.frameworks.spec import Roles
from traindash.training.trainers.entry import RunError
from traindash.yaml_text import problem_of

# Values of keys the platform decides that say what happens anyway; nobody needs to hear of them
_AGREES: Mapping[str, object] = {"save": True, "exist_ok": True, "mode": "train", "split": "val", "resume": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """What the person wrote, sorted."""

    values: Mapping[str, object]  # keys for the engine, groups as they are in the text
    ignored: Mapping[str, str]  # paths of keys the platform owns, each with the reason


def parse_hyperparameters(text: str, reference: Reference, roles: Roles) -> Hyperparameters:
    """Read the YAML text of a framework's hyperparameters.

    Raises:
        RunError: It is no YAML mapping, or holds a key that cannot be used here.
    """
    try:
        values = read_mapping(text)
    except yaml.YAMLError as error:
        problem = problem_of(error)
        place = f" in line {problem.line}" if problem.line else ""
        refuse(f"The hyperparameters are not valid YAML{place}: {problem.message}.", problem.hint)
    except TypeError:
        refuse("The hyperparameters are no list of “key: value” lines.", "Write one key per line.")
    given = leaves(values)
    for key, value in given.items():
        if value and (instead := entry_for(key, reference.refused)) is not None:
            refuse(f"The hyperparameter “{key}” cannot be used.", instead)
    # A path here would load any file of the machine, past the step that checks and records checkpoints
    if isinstance(roles.value(given, "pretrained"), str):
        name = roles.key("pretrained")
        refuse(f"The hyperparameter “{name}” cannot name a file.", "Choose a custom checkpoint in the step Model.")
    owned = {**reference.decided, **reference.outdated}
    ignored = {
        key: reason
        for key, value in given.items()
        if (reason := entry_for(key, owned)) is not None and value not in (None, _AGREES.get(key, False))
    }
    used = {key: value for key, value in given.items() if entry_for(key, {**owned, **reference.refused}) is None}
    return Hyperparameters(values=nested(used), ignored=ignored)


def check_each(
    values: Mapping[str, object], known: Collection[str], check: Callable[[Mapping[str, object]], None], *, engine: str
) -> None:
    """Check each key by itself, so that the message can name it.

    ``check`` is the engine's own and raises on a value it does not take; ``known`` are its keys.

    Raises:
        RunError: A key is unknown or its value is not possible.
    """
    for key, value in values.items():
        if key not in known:
            similar = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean “{similar[0]}”?" if similar else "Remove it, or look it up in the documentation."
            refuse(f"The hyperparameter “{key}” is not known to {engine}.", hint)
        try:
            check({key: value})
        except (TypeError, ValueError, SyntaxError, AssertionError) as error:
            refuse(f"The hyperparameter “{key}” cannot be {value!r}.", _hint(value, error))


def refuse(message: str, hint: str) -> NoReturn:
    """Refuse the hyperparameters.

    Raises:
        RunError: Always.
    """
    raise RunError(ExitCause.BAD_HYPERPARAMETER, message, hint)


def _hint(value: object, error: Exception) -> str:
    number = _number(value)
    if number is not None:
        plain = f"{number:.12f}".rstrip("0")
        plain += "0" if plain.endswith(".") else ""
        return f"YAML reads {value} as text, not as a number, for it has no decimal point. Write {plain}."
    return " ".join(str(error).split())[:300]


def _number(value: object) -> float | None:
    """Return the number that a text was meant to be."""
    try:
        # YAML 1.1, which PyYAML reads, takes 1e-3 for text: a number needs a dot there
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
