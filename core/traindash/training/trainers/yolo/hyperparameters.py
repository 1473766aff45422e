"""Hyperparameters: YAML text → what Ultralytics' ``train()`` gets, with the mistakes named before the training."""

import difflib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

import msgspec
import yaml

from traindash.domain.task import ExitCause
from traindash.frameworks.registry import framework
from traindash.training.trainers.entry import RunError

_REFERENCE = framework("YOLO").reference
OWNED = _REFERENCE.decided
"""Keys of Ultralytics that belong to the platform: a value in the text is not used, and the log says so."""

_AGREES: Mapping[str, object] = {"save": True, "exist_ok": True, "mode": "train", "split": "val", "resume": False}
"""Values of such keys that say what happens anyway; nobody needs to hear of them."""

REFUSED = _REFERENCE.refused
"""Keys that would change what the run means; each with what to do instead."""

_AUTO_BATCH = -1
OPTIMIZERS = _REFERENCE.keys["optimizer"].choices
SMALLEST_IMAGE = int(_REFERENCE.keys["imgsz"].limits[0] or 0)
"""Smallest image side in pixels that the models' strides allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """What the person wrote, sorted.

    Attributes:
        values: Keys for ``train()``.
        ignored: Keys the platform owns, each with the reason.
    """

    values: Mapping[str, object]
    ignored: Mapping[str, str]


def parse_hyperparameters(text: str) -> Hyperparameters:
    """Read the YAML text.

    Raises:
        RunError: It is no YAML mapping, or holds a key that cannot be used here.
    """
    try:
        values = msgspec.convert(yaml.safe_load(text) or {}, dict[str, object])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        _refuse(f"The hyperparameters are no valid YAML{place}.", "Correct the text and start again.")
    except msgspec.ValidationError:
        _refuse("The hyperparameters are no list of “key: value” lines.", "Write one key per line.")
    for key in values.keys() & REFUSED.keys():
        if values[key]:
            _refuse(f"The hyperparameter “{key}” cannot be used.", REFUSED[key])
    if isinstance(values.get("pretrained"), str):
        _refuse("The hyperparameter “pretrained” cannot name a file.", "Choose a custom checkpoint in the step Model.")
    ignored = {key: OWNED[key] for key in values if key in OWNED and values[key] not in (None, _AGREES.get(key))}
    used = {key: value for key, value in values.items() if key not in OWNED and key not in REFUSED}
    return Hyperparameters(values=used, ignored=ignored)


def check_values(
    values: Mapping[str, object], known: Collection[str], check: Callable[[Mapping[str, object]], None]
) -> None:
    """Check each key by itself, so that the message can name it.

    Args:
        values: Keys for ``train()``.
        known: Keys the engine has.
        check: The engine's own check; raises on a value it does not take.

    Raises:
        RunError: A key is unknown or its value is not possible.
    """
    for key, value in values.items():
        if key not in known:
            similar = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean “{similar[0]}”?" if similar else "Remove it, or look it up in the documentation."
            _refuse(f"The hyperparameter “{key}” is not known to Ultralytics.", hint)
        try:
            check({key: value})
        except (TypeError, ValueError, SyntaxError, AssertionError) as error:
            _refuse(f"The hyperparameter “{key}” cannot be {value!r}.", _hint(value, error))
    _check_optimizer(values.get("optimizer", "auto"))
    _check_image_size(values.get("imgsz", 640))
    _check_counts(values)


def _check_optimizer(value: object) -> None:
    if str(value).casefold() not in {name.casefold() for name in OPTIMIZERS}:
        _refuse(f"The hyperparameter “optimizer” cannot be {value!r}.", "Use one of: " + ", ".join(OPTIMIZERS) + ".")


def _check_image_size(value: object) -> None:
    sizes = value if isinstance(value, list) else [value]
    for size in sizes:
        if not isinstance(size, int) or isinstance(size, bool) or size < SMALLEST_IMAGE:
            hint = f"Use a whole number of pixels, {SMALLEST_IMAGE} or more, e.g. 640."
            _refuse(f"The hyperparameter “imgsz” cannot be {value!r}.", hint)


def _check_counts(values: Mapping[str, object]) -> None:
    """Refuse counts that the engine takes and then stumbles over."""
    epochs, batch = values.get("epochs"), values.get("batch")
    if isinstance(epochs, int) and epochs < 1:
        _refuse(f"The hyperparameter “epochs” cannot be {epochs!r}.", "Use a whole number, 1 or more.")
    if isinstance(batch, int | float) and batch != _AUTO_BATCH and not (0 < batch < 1 or batch == int(batch) >= 1):
        hint = "Use a whole number of images, 1 or more; on a GPU also −1 or a share of its memory such as 0.7."
        _refuse(f"The hyperparameter “batch” cannot be {batch!r}.", hint)


def _hint(value: object, error: Exception) -> str:
    number = _number(value)
    if number is not None:
        return f"YAML reads {value} as text, not as a number. Write {number:g} as {_plain(number)}."
    return " ".join(str(error).split())[:300]


def _number(value: object) -> float | None:
    """``1e-3`` has no dot, so YAML 1.1 takes it for text."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _plain(number: float) -> str:
    text = f"{number:.12f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _refuse(message: str, hint: str) -> NoReturn:
    raise RunError(ExitCause.BAD_HYPERPARAMETER, message, hint)
