"""Hyperparameters of RT-DETRv2 and DEIM, as their training apps write them, with every default filled in.

A key is named by its path: ``optimizer.lr`` is ``lr`` in the group ``optimizer``. What there is, what it may be and
what holds where a text says nothing is in ``reference.yaml`` of the framework's folder. Some keys make both frameworks
do what this engine does not do; :func:`not_done` says which.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from traindash.frameworks.hyperparameter_text import leaves
from traindash.frameworks.reference import Reference
from traindash.training.trainers.hyperparameters import refuse

_TRANSFORMS = "train_dataloader.dataset.transforms"
_COLLATE = "train_dataloader.collate_fn"
_WORKERS = "train_dataloader.num_workers"
VARIED_EPOCHS = f"{_TRANSFORMS}.policy.epoch"
_STEP = 32  # pixels from one size of multi-scale training to the next
# path → what this engine does not do, although a value asks for it
_NOT_DONE: Mapping[str, str] = {
    f"{_TRANSFORMS}.mosaic_prob": "images are not put together into mosaics",
    f"{_COLLATE}.mixup_prob": "images are not laid over each other",
    f"{_COLLATE}.copyblend_prob": "objects are not copied into other images",
}


def check_values(values: Mapping[str, object], reference: Reference) -> None:
    """Check hyperparameters as they were written.

    Raises:
        RunError: One is unknown or impossible; names it.
    """
    for path, value in leaves(values).items():
        known = reference.keys.get(path)
        if known is None and not (value in (None, {}) and reference.is_group(path)):
            near = reference.nearest(path)
            hint = f"Did you mean “{near}”?" if near else "Remove it, or look it up in the documentation."
            refuse(f"The hyperparameter “{path}” is not known to {reference.title}.", hint)
        if known is not None and not known.accepts(value):
            refuse(f"The hyperparameter “{path}” cannot be {value!r}.", f"It has to be {known.expected}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A complete training."""

    values: Mapping[str, Any]  # path → value

    def get(self, path: str, otherwise: Any = None) -> Any:  # noqa: ANN401 - by key
        """Return a value; ``otherwise`` where it is empty or the framework has no such key."""
        value = self.values.get(path)
        return otherwise if value is None else value

    @property
    def epochs(self) -> int:
        """Passes over the training images."""
        return int(self.values["epoches"])

    @property
    def batch_size(self) -> int:
        """Images per step."""
        return int(self.values["batch_size"])

    @property
    def seed(self) -> int:
        """Start of all random numbers."""
        return int(self.get("seed", 0))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels that images are stretched to."""
        height, width = self.values["eval_spatial_size"]
        return int(height), int(width)

    def varies_strongly(self, epoch: int) -> bool:
        """Return whether colours, zoom and crops are varied in an epoch, 0 for the first."""
        between = self.get(VARIED_EPOCHS, 0)
        # RT-DETRv2 names the end; DEIM the begin, the end of mosaics and the end
        first, end = (between[0], between[-1]) if isinstance(between, list) and between else (0, between)
        return bool(first <= epoch < end) and epoch < self._with_variations

    def varies(self, epoch: int) -> bool:
        """Return whether images are varied at all in an epoch, be it by mirroring them."""
        return epoch < self._with_variations

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Heights and widths of which each batch takes one, as often as they count; one without multi-scale."""
        sides = self._sides()
        longer = max(self.size)
        return tuple(_scaled(self.size, side / longer) for side in sides) or (self.size,)

    def has_sizes(self, epoch: int) -> bool:
        """Return whether batches of an epoch have one of :attr:`sizes`."""
        return epoch < self.get(f"{_COLLATE}.stop_epoch", 0) and self.varies(epoch)

    @property
    def _with_variations(self) -> int:
        return self.epochs - int(self.get("no_aug_epoch", 0))

    def _sides(self) -> tuple[int, ...]:
        scales, repeated = self.values.get(f"{_COLLATE}.scales"), self.values.get(f"{_COLLATE}.base_size_repeat")
        if isinstance(scales, list):
            return tuple(int(side) for side in scales)
        if repeated is None:
            return ()
        # As DEIM makes them: from three quarters to five quarters, the size itself several times
        size = max(self.size)
        smallest, largest = int(size * 0.75 / _STEP) * _STEP, int(size * 1.25 / _STEP) * _STEP
        steps = (size - smallest) // _STEP
        below, above = range(smallest, smallest + steps * _STEP, _STEP), range(largest, largest - steps * _STEP, -_STEP)
        return (*below, *[size] * int(repeated), *above)


def _scaled(size: tuple[int, int], share: float) -> tuple[int, int]:
    height, width = (max(_STEP, round(side * share / _STEP) * _STEP) for side in size)
    return height, width


def read_settings(values: Mapping[str, object], reference: Reference, *, on_gpu: bool = True) -> Settings:
    """Return checked hyperparameters with the framework's own defaults where they say nothing.

    Sizes of multi-scale training that the text leaves to the framework follow the image size of the text. Where a
    processor trains, it also loads the images: processes for that, which are the default, would take its time.
    """
    defaults = {path: known.default for path, known in reference.keys.items()}
    if not on_gpu:
        defaults[_WORKERS] = 0
    given = leaves(values)
    # An empty group switches off what it describes
    off = {f"{path}.type": None for path, value in given.items() if value is None and f"{path}.type" in defaults}
    settings = {**defaults, **{path: value for path, value in given.items() if path in defaults}, **off}
    scales = f"{_COLLATE}.scales"
    usual, size = defaults.get(scales), settings["eval_spatial_size"]
    if scales not in given and isinstance(usual, list) and isinstance(size, list):
        share = max(size) / max(defaults["eval_spatial_size"])  # type: ignore[call-overload] # a list, as the text's
        settings[scales] = [max(_STEP, round(side * share / _STEP) * _STEP) for side in usual]
    return Settings(values=settings)


def not_done(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each value that asks for what this engine does not do."""
    for path, what in _NOT_DONE.items():
        if settings.get(path, 0) and path in settings.values:
            yield f"“{path}: {settings.values[path]}” has no effect in trainings on this machine: {what}."
    change = settings.get("DEIMCriterion.matcher.matcher_change_epoch")
    if change is not None and change < settings.epochs:
        yield (
            f"“DEIMCriterion.matcher.matcher_change_epoch: {change}” has no effect in trainings on this machine: "
            "predictions and objects are matched in one way throughout."
        )
