"""Hyperparameters of a start, held against what the framework takes, before a task is taken in.

A trainer would find the same mistakes, but only when the task's turn comes, which may be the next morning.
"""

from traindash.errors import InputError
from traindash.frameworks.hyperparameter_text import compose_hyperparameters, leaves, numbers_read_as_text, read_mapping
from traindash.frameworks.spec import Hyperparameter, Reference, entry_for

_LONGEST = 60


def check_values(text: str, reference: Reference) -> None:
    """Check keys and values of a text that can be read.

    Raises:
        InputError: A key is unknown or refused, or its value is not possible; names the first one.
    """
    for key, value in leaves(read_mapping(text)).items():
        known = reference.keys.get(key)
        if known is not None and not known.accepts(value):
            raise _impossible(known, value)
        if known is None and (misplaced := reference.misplaced(key, value)) is not None:
            name, wrong = misplaced
            raise InputError(f"The hyperparameter “{name}” {wrong}.", "Write it as the framework's defaults do.")
        if value and (instead := entry_for(key, reference.refused)) is not None:
            raise InputError(f"The hyperparameter “{key}” cannot be used here.", instead)
        if not reference.knows(key) and not reference.is_group(key):
            near = reference.nearest(key)
            hint = (
                f"Did you mean “{near}”?" if near else "Leave it out, or look it up in the framework's documentation."
            )
            raise InputError(f"The hyperparameter “{key}” is not known to {reference.title}.", hint)


def _impossible(known: Hyperparameter, value: object) -> InputError:
    shown = "empty" if value is None else repr(value)[:_LONGEST]
    msg = f"The hyperparameter “{known.name}” is {shown}; it has to be {known.expected}."
    number = next(numbers_read_as_text(compose_hyperparameters(f"{known.name}: {value}")), None)
    if isinstance(value, str) and number is not None:
        return InputError(msg, f"YAML reads {value} as text, for it has no decimal point: write {number.better}.")
    return InputError(msg, known.meaning)
