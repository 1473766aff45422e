"""A training that was stopped and goes on comes to the same numbers as one that was not stopped.

The engine's own checkpoint is not enough for that. It keeps the running average of the weights (EMA), rounded to 16
bits, and goes on from it in place of the weights themselves; it rounds SGD's momentum; it begins the random numbers,
the order of the images, the mosaic buffer and the accumulation of gradients anew. So ``resume.pt`` holds all of that
unrounded: :func:`complete` puts it in, a trainer of :func:`continuing` takes it out again. The order of the images
needs no state: :class:`EpochOrder` makes it follow from the seed and the epoch.

On a processor (where the engine loads images in the process itself) the epochs are then equal bit by bit, which
``tests/training/test_resume_is_exact.py`` holds. Two things cannot be had: worker processes that load images ahead
(``workers`` above 0, on a GPU only) have random numbers of their own, so a continued epoch sees its images augmented
in another way; and a GPU adds numbers in an order that differs from run to run anyway. Weights, optimizer, learning
rate and averages are exact there, too.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import RandomSampler, Sampler
from ultralytics.utils.torch_utils import unwrap_model

KEY = "exact_state"
"""Where ``resume.pt`` has what the engine does not keep."""
_NEVER = -1
"""The engine's word for “no step yet”: the first batch makes one."""


class EpochOrder(Sampler[int]):  # type: ignore[misc, unused-ignore]
    """Shuffles the images of an epoch in a way that follows from the seed and the epoch alone.

    The engine draws each order from where the one before left its generator, which nothing can restore: how often the
    generator was drawn from depends on whether the last batch was full.

    Args:
        count: Number of images.
        seed: Of the training.

    Attributes:
        epoch: The next one, from 0.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.epoch = 0
        self._count = count
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of images."""
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Return the order of the next epoch."""
        dice = torch.Generator().manual_seed(_mixed(self._seed, self.epoch))
        self.epoch += 1
        return iter(torch.randperm(self._count, generator=dice).tolist())


def keep_order(loader: Any, seed: int, epoch: int) -> None:  # noqa: ANN401
    """Give the engine's loader of training images an :class:`EpochOrder`, unless it does not shuffle at all."""
    batches = loader.batch_sampler.sampler  # the engine repeats it for ever
    if isinstance(batches.sampler, RandomSampler):
        batches.sampler = EpochOrder(len(loader.dataset), seed)
    if isinstance(batches.sampler, EpochOrder):
        batches.sampler.epoch = epoch
    if epoch:
        loader.generator.manual_seed(_mixed(seed, epoch))  # worker processes shall not repeat what they did at first


def _mixed(seed: int, epoch: int) -> int:
    """Return a number that no other seed has at another epoch."""
    return (seed << 24) + epoch


def complete(trainer: Any, checkpoint: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Return the engine's checkpoint with everything that it rounds or leaves out.

    Args:
        trainer: One of :func:`continuing`, right after it has written the checkpoint.
        checkpoint: Its content; not changed, except that its EMA gets the full precision.
    """
    average = checkpoint["ema"].float()
    average.load_state_dict(trainer.ema.ema.state_dict())
    model = unwrap_model(trainer.model)
    state = {
        "model": model.state_dict(),
        "gradients": {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None},
        "last_step": trainer.rhythm.last_step,
        "random": _random_state(),
        "buffer": list(trainer.train_loader.dataset.buffer),
    }
    return {**checkpoint, "ema": average, "optimizer": trainer.optimizer.state_dict(), KEY: state}


class Rhythm:
    """Keeps what happens in a continued training where it would have been without the stop.

    Hand it each event of the engine before the callbacks are run, and ask it whether a step of the optimizer is due.

    Attributes:
        last_step: Number of the batch after which the optimizer made its last step, counted from the first epoch.
    """

    def __init__(self) -> None:
        self.last_step = _NEVER
        self._batch = 0
        self._state: Mapping[str, Any] | None = None
        self._continues = False
        self._epoch = -1

    def take_up(self, trainer: Any, checkpoint: Mapping[str, Any] | None) -> None:  # noqa: ANN401
        """Restore the weights; the rest follows when the first epoch begins. Does nothing for another checkpoint."""
        self._state = (checkpoint or {}).get(KEY)
        if self._state is not None:
            self._continues = True
            unwrap_model(trainer.model).load_state_dict(self._state["model"])

    def on(self, event: str, trainer: Any) -> None:  # noqa: ANN401
        """Follow the engine."""
        match event:
            case "on_train_epoch_start":
                if trainer.epoch == self._epoch:
                    self.last_step = _NEVER  # after running out of memory or of numbers the engine begins it again
                self._epoch, self._batch = trainer.epoch, trainer.epoch * len(trainer.train_loader) - 1
                if self._state is not None:
                    self._restore(trainer, self._state)
                    self._state = None
            case "on_train_batch_start":
                self._batch += 1
            case _:
                pass

    def engine_decides(self) -> bool:
        """Return whether the engine's own count of batches is right: in a continued training it begins anew."""
        return not self._continues

    def is_due(self, accumulate: int) -> bool:
        """Return whether the optimizer makes a step after this batch of a continued training."""
        return self._continues and self._batch - self.last_step >= accumulate

    def stepped(self) -> None:
        """Take note of a step."""
        self.last_step = self._batch

    def _restore(self, trainer: Any, state: Mapping[str, Any]) -> None:  # noqa: ANN401
        self.last_step = state["last_step"]
        for name, weight in unwrap_model(trainer.model).named_parameters():
            if (gradient := state["gradients"].get(name)) is not None:
                weight.grad = gradient.to(weight.device)
        keep_order(trainer.train_loader, trainer.args.seed, trainer.epoch)
        for index in state["buffer"]:
            trainer.train_loader.dataset.load_image(index)
        _set_random_state(state["random"])


def continuing(base: Any) -> type:  # noqa: ANN401
    """Return a trainer class of the engine that goes on from a :func:`complete` checkpoint as if there was no stop."""

    class ContinuingTrainer(base):  # type: ignore[misc, unused-ignore]
        """Works as its base, except that the order of the images follows from the epoch."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            self.rhythm = Rhythm()
            super().__init__(*args, **kwargs)

        def get_dataloader(self, *args: Any, mode: str = "train", **kwargs: Any) -> Any:  # noqa: ANN401
            """Return a loader of images."""
            loader = super().get_dataloader(*args, mode=mode, **kwargs)
            if mode == "train":
                keep_order(loader, self.args.seed, self.start_epoch)
            return loader

        def resume_training(self, ckpt: Mapping[str, Any] | None) -> None:
            """Take up a training."""
            super().resume_training(ckpt)
            self.rhythm.take_up(self, ckpt)

        def run_callbacks(self, event: str) -> None:
            """Run callbacks; a continued training makes its steps right before those of the end of a batch."""
            self.rhythm.on(event, self)
            if event == "on_train_batch_end" and self.rhythm.is_due(self.accumulate):
                super().optimizer_step()
                self.rhythm.stepped()
            super().run_callbacks(event)

        def optimizer_step(self) -> None:
            """Make a step where the engine's count of batches says so."""
            if self.rhythm.engine_decides():
                super().optimizer_step()
                self.rhythm.stepped()

    return ContinuingTrainer


def _random_state() -> dict[str, Any]:
    """Return the state of all sources of random numbers, in types that any way to load a checkpoint takes."""
    name, keys, place, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, np.asarray(keys).tolist(), place, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_state(state: Mapping[str, Any]) -> None:
    random.setstate(state["python"])
    name, keys, place, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), place, has_gauss, gauss))
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all(state["cuda"])
