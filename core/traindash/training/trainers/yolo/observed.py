"""The engine's trainer class with a stopwatch in every place that a forecast needs to know of."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from traindash.training.trainers.reporting import MemoryWatch


@dataclass(slots=True, kw_only=True)
class Observations:
    """What was seen. Seconds and bytes.

    Attributes:
        memory: Looks at the memory of the process.
        budget: Seconds after which the batches are cut short, once :attr:`enough` were seen.
        enough: Fewest batches, without the first.
        few_epochs: Fewest epochs.
        quick: Seconds after which there is no further epoch once there were that many.
        clock: Seconds, growing.
        batches: Interval to the end of each batch, loading included.
        dataset_images: Images that the engine has opened data sets of.
        dataset_seconds: What that took.
        cached_bytes: Images that it keeps in memory.
        validations: Duration of each validation.
        rests: What each epoch took besides its batches and its validation: saving, sample predictions.
        final: Duration of the validation of the best checkpoint.
        batch_size: As used.
        processor: At the first batch and at the end of the newest epoch: moment, own processor seconds, idle ones.
        known: Batches and validation of the epoch that runs.
        base: Memory before the first batch: of the GPU that trains, else of the process.
    """

    memory: MemoryWatch
    budget: float = 45.0
    enough: int = 2
    few_epochs: int = 2
    quick: float = 12.0
    clock: Callable[[], float] = time.monotonic
    batches: list[float] = field(default_factory=list)
    dataset_images: int = 0
    dataset_seconds: float = 0.0
    cached_bytes: int = 0
    validations: list[float] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)
    final: float = 0.0
    batch_size: int = 0
    processor: list[tuple[float, float, float]] = field(default_factory=list)
    known: float = 0.0
    base: int = 0
    _began: float = 0.0
    _last: float = 0.0
    _epoch: float | None = None

    def observed(self, base: Any) -> type:  # noqa: ANN401 - the engine has no types
        """Return a trainer class that works as ``base`` does and tells what it does."""
        seen = self

        class ObservedTrainer(base):  # type: ignore[misc, unused-ignore]
            """Works as its base."""

            def build_dataset(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
                """Open a data set: labels are read, images cached if asked for."""
                began = seen.clock()
                dataset = super().build_dataset(*args, **kwargs)
                seen.dataset_seconds += seen.clock() - began
                seen.dataset_images += len(dataset)
                seen.cached_bytes += sum(image.nbytes for image in getattr(dataset, "ims", ()) if image is not None)
                return dataset

            def run_callbacks(self, event: str) -> None:
                """Run callbacks."""
                seen.on(event, self)
                super().run_callbacks(event)
                if event == "on_fit_epoch_end":
                    seen.end_epoch()

            def validate(self) -> Any:  # noqa: ANN401
                """Validate after an epoch."""
                began = seen.clock()
                answer = super().validate()
                seen.validations.append(seen.clock() - began)
                seen.known += seen.validations[-1]
                return answer

            def final_eval(self) -> None:
                """Validate the best checkpoint."""
                began = seen.clock()
                super().final_eval()
                seen.final = seen.clock() - began

        return ObservedTrainer

    def end_epoch(self) -> None:
        """Take note of the end of an epoch; the engine says so once more after its last validation."""
        if self._epoch is not None:
            self.rests.append(max(0.0, self.clock() - self._epoch - self.known))
            self.processor[1:] = [(self.clock(), *self.memory.processor())]
            self._epoch = None

    def on(self, event: str, trainer: Any) -> None:  # noqa: ANN401
        """Take note of an event of the engine."""
        now = self.clock()
        match event:
            case "on_train_start":
                self._began = now
                self.processor = [(now, *self.memory.processor())]
                on_gpu = trainer.device.type == "cuda"
                self.base = int(torch.cuda.memory_reserved(trainer.device)) if on_gpu else self.memory.now()
            case "on_train_epoch_start":
                self._last = self._epoch = now
                self.known = 0.0
            case "on_train_batch_end":
                self.batches.append(now - self._last)
                self.known += self.batches[-1]
                self._last = now
                self.batch_size = int(trainer.batch_size)
                if len(self.batches) > self.enough and now - self._began > self.budget:
                    trainer.stop = True  # the engine leaves the epoch here and ends well
            case "on_fit_epoch_end":
                if len(self.rests) + 1 >= self.few_epochs and now - self._began > self.quick:
                    trainer.stop = True  # this epoch was the last one
            case _:
                pass
