"""Ultralytics' callbacks → rows of the event file.

Order of the engine's calls in an epoch: batches → ``on_train_epoch_end`` → validation → ``on_model_save`` →
``on_fit_epoch_end``. The last one comes once more after the last epoch, for the final validation of ``best.pt``.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.reporting import Progress


class TrainingReporter:
    """Reports one training.

    Args:
        layout: Run folder; its ``stop_after_epoch`` is looked for after each epoch.
        events: Where rows go.
        stop: Asked between batches.
        clock: Seconds, growing; stands in for time in tests.
        seconds_before: What the epochs of an earlier run took that this one continues.

    Attributes:
        epochs_done: Number of the last finished epoch, 0 before the first.
        ended_early: The training ended after an epoch because it was asked to.
    """

    def __init__(
        self,
        layout: RunLayout,
        events: EventWriter,
        stop: StopSwitch,
        clock: Callable[[], float] = time.monotonic,
        *,
        seconds_before: float = 0.0,
    ) -> None:
        self.epochs_done = 0
        self.ended_early = False
        self._layout = layout
        self._events = events
        self._stop = stop
        self._clock = clock
        self._seconds_before = seconds_before
        self._began = clock()
        self._step = 0
        self._progress = Progress(events, clock)
        self._epoch_open = False
        self._warned_of_nan = False

    def attach(self, model: Any) -> None:  # noqa: ANN401 - ultralytics.YOLO; the engine has no types
        """Register with a model before its ``train()`` is called."""
        for event in (
            "on_train_start",
            "on_train_epoch_start",
            "on_train_batch_end",
            "on_val_batch_start",
            "on_fit_epoch_end",
        ):
            model.add_callback(event, getattr(self, event))

    def on_train_start(self, trainer: Any) -> None:  # noqa: ANN401
        """Before the first batch: data are loaded, the model is built."""
        self._began = self._clock()
        trainer.train_time_start -= self._seconds_before  # its results.csv has a column of them
        images, validation = len(trainer.train_loader.dataset), len(trainer.test_loader.dataset)
        self._events.log(f"Training started for {trainer.epochs} epochs: {images} train and {validation} val images.")
        self._events.progress("Epochs", trainer.start_epoch, trainer.epochs)

    def on_train_epoch_start(self, trainer: Any) -> None:  # noqa: ANN401
        """Before an epoch."""
        self._stop.check()
        self._epoch_open = True
        self._step = 0
        self._events.progress("Steps", 0, len(trainer.train_loader))

    def on_train_batch_end(self, trainer: Any) -> None:  # noqa: ANN401
        """After a batch."""
        self._stop.check()
        self._step += 1
        self._progress.report("Steps", self._step, len(trainer.train_loader))

    def on_val_batch_start(self, _validator: Any) -> None:  # noqa: ANN401
        """Before a batch of the validation."""
        self._stop.check()

    def on_fit_epoch_end(self, trainer: Any) -> None:  # noqa: ANN401
        """After training and validation of an epoch."""
        if not self._epoch_open:
            return  # the call after the final validation
        self._epoch_open = False
        epoch = trainer.epoch + 1
        values = epoch_values(trainer)
        self._warn_of_nan(epoch, values)
        seconds = self._seconds_before + self._clock() - self._began
        self._events.metrics(epoch, trainer.epochs, values, seconds=round(seconds, 3))
        self._events.progress("Epochs", epoch, trainer.epochs)
        self.epochs_done = epoch
        if self._layout.stop_after_epoch.exists() and not trainer.stop:
            self.ended_early = True
            self._events.log(f"Ending after epoch {epoch} of {trainer.epochs}, as asked.")
            trainer.stop = True

    def _warn_of_nan(self, epoch: int, values: dict[str, float]) -> None:
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken and not self._warned_of_nan:
            self._warned_of_nan = True
            hint = "A smaller “lr0” usually helps; on a GPU, “amp: False” may, too."
            self._events.log(f"Epoch {epoch}: {', '.join(broken)} is not a number any more. {hint}", "warning")


def epoch_values(trainer: Any) -> dict[str, float]:  # noqa: ANN401
    """Collect the numbers of an epoch under the engine's own names, and the AP of each class.

    Args:
        trainer: Ultralytics trainer, after the validation of an epoch.

    Returns:
        ``train/…`` and ``val/…`` losses, ``metrics/…``, ``lr/…``, and ``per_class/<name>`` = AP at IoU 0.50 to 0.95
        (of masks for a segmentation model) for the classes that have objects in the validation set.
    """
    numbers = {**trainer.label_loss_items(trainer.tloss), **(trainer.metrics or {}), **trainer.lr}
    values = {name: float(value) for name, value in numbers.items()}
    found = getattr(trainer.validator, "metrics", None)
    if found is None:
        return values
    part = getattr(found, "seg", None) or found.box
    for position, index in enumerate(part.ap_class_index):
        values[f"per_class/{found.names[int(index)]}"] = float(part.class_result(position)[-1])
    return values
