"""Hyperparameters that need less memory."""

from dataclasses import dataclass

from core.launch.rules.hyperparameters import read_text, with_values

_STRIDE = 32
"""Image sizes are multiples of this in all YOLO models."""
_SMALLEST_SIZE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SaferSetting:
    """A change that makes a training need less memory.

    Attributes:
        name: The hyperparameter.
        before: Its value so far.
        after: Its new value.
        hyperparameters: The whole YAML text with the new value; everything else in it, comments too, is as it was.
    """

    name: str
    before: int
    after: int
    hyperparameters: str


def safer_setting(hyperparameters: str) -> SaferSetting | None:
    """Return the next thing to try after a training ran out of memory: half the batch, then smaller images.

    Args:
        hyperparameters: YAML text.

    Returns:
        ``None`` when neither can be made smaller, or neither is a whole number there.
    """
    values = read_text(hyperparameters).values
    if (batch := _whole(values.get("batch"))) is not None and batch > 1:
        return _changed(hyperparameters, "batch", batch, batch // 2)
    size = _whole(values.get("imgsz"))
    if size is not None and (smaller := size // 2 // _STRIDE * _STRIDE) >= _SMALLEST_SIZE:
        return _changed(hyperparameters, "imgsz", size, smaller)
    return None


def with_batch(hyperparameters: str, batch: int) -> str:
    """Return hyperparameters with another batch size; everything else, comments too, is as it was."""
    return with_values(hyperparameters, {"batch": batch})


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _changed(text: str, name: str, before: int, after: int) -> SaferSetting:
    return SaferSetting(name=name, before=before, after=after, hyperparameters=with_values(text, {name: after}))
