"""A training that was stopped and goes on comes to the same numbers as one that was not stopped.

The engine's own checkpoint is not enough for that. It keeps the running average of the weights (EMA), rounded to 16
bits, and goes on from it in place of the weights themselves; it rounds SGD's momentum; it begins the random numbers,
the order of the images, the mosaic buffer and the accumulation of gradients anew. So a second file beside the
checkpoint holds all of that unrounded: :func:`save_state` writes it, a trainer of :func:`continuing` takes it up. It is
written after each epoch, so everything lies in it as a few long rows of numbers: hundreds of small tensors would take
longer to write than the engine's own checkpoint. The order of the images needs no state: :class:`EpochOrder` makes it
follow from the seed and the epoch.

On a processor (where the engine loads images in the process itself) the epochs are then equal bit by bit, which
``tests/training/test_resume_is_exact.py`` holds. Two things cannot be had: worker processes that load images ahead
(``workers`` above 0, on a GPU only) have random numbers of their own, so a continued epoch sees its images augmented
in another way; and a GPU adds numbers in an order that differs from run to run anyway. Weights, optimizer, learning
rate and averages are exact there, too.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import RandomSampler, Sampler
from ultralytics.utils.torch_utils import unwrap_model

from traindash.files import replacing

STATE_FILE = "resume_state.pt"
"""Beside the checkpoint; it belongs to the one with the same epoch in it."""
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
    return ((seed << 24) + epoch) % (1 << 63)


def save_state(trainer: Any, target: Path) -> None:  # noqa: ANN401
    """Write what the engine's checkpoint rounds or leaves out.

    Args:
        trainer: One of :func:`continuing`, right after it has written the checkpoint.
        target: File; it is complete at any moment.
    """
    weights = dict(unwrap_model(trainer.model).named_parameters())
    gradients = {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
    state = {
        "epoch": trainer.epoch,
        "numbers": _packed(_numbers(trainer)),
        "with_gradient": list(gradients),
        "gradients": _packed(list(gradients.values())),
        "last_step": trainer.rhythm.last_step,
        "random": _random_state(),
        "buffer": list(trainer.train_loader.dataset.buffer),
    }
    save_at_once(state, target)


def save_at_once(content: Mapping[str, Any], target: Path) -> None:
    """Write a file of the engine's kind so that it is complete at any moment."""
    with replacing(target) as partial:
        torch.save(content, partial)


def _numbers(trainer: Any) -> list[torch.Tensor]:  # noqa: ANN401
    """Return the tensors that change during a training, the same ones in the same order in each process."""
    optimizer = trainer.optimizer
    kept = (optimizer.state.get(weight, {}) for group in optimizer.param_groups for weight in group["params"])
    return [
        *unwrap_model(trainer.model).state_dict().values(),
        *trainer.ema.ema.state_dict().values(),
        *(item[key] for item in kept for key in sorted(item) if isinstance(item[key], torch.Tensor)),
    ]


def _packed(tensors: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the numbers of tensors as one row for each of their types."""
    rows: dict[str, list[torch.Tensor]] = {}
    for tensor in tensors:
        rows.setdefault(str(tensor.dtype), []).append(tensor.detach().reshape(-1))
    return {name: torch.cat([part.cpu() for part in parts]) for name, parts in rows.items()}


def _unpack(rows: Mapping[str, torch.Tensor], tensors: Sequence[torch.Tensor]) -> None:
    """Put numbers back into tensors of the same shapes and types."""
    at = dict.fromkeys(rows, 0)
    for tensor in tensors:
        name = str(tensor.dtype)
        part = rows[name][at[name] : at[name] + tensor.numel()]
        at[name] += tensor.numel()
        tensor.detach().copy_(part.view_as(tensor))


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

    def take_up(self, trainer: Any) -> None:  # noqa: ANN401
        """Restore all numbers; the rest follows when the first epoch begins. Does nothing without a state that fits."""
        path = Path(trainer.last).with_name(STATE_FILE)
        state = torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else {}
        if state.get("epoch") != trainer.start_epoch - 1:
            return
        self._state = state
        self._continues = True
        _unpack(state["numbers"], _numbers(trainer))

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
        weights = dict(unwrap_model(trainer.model).named_parameters())
        for name in state["with_gradient"]:
            weights[name].grad = torch.empty_like(weights[name])
        _unpack(state["gradients"], [weights[name].grad for name in state["with_gradient"]])
        keep_order(trainer.train_loader, trainer.args.seed, trainer.epoch)
        for index in state["buffer"]:
            trainer.train_loader.dataset.load_image(index)
        _set_random_state(state["random"])


def continuing(base: Any) -> type:  # noqa: ANN401
    """Return a trainer class of the engine that goes on from a checkpoint with its state as if there was no stop."""

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
            if self.resume:
                self.rhythm.take_up(self)

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
    """Return the state of all sources of random numbers, in types that are loaded without running any code."""
    version, own, own_gauss = random.getstate()
    name, keys, place, has_gauss, gauss = np.random.get_state()
    return {
        "python": (version, torch.tensor(own, dtype=torch.int64), own_gauss),
        "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), place, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_state(state: Mapping[str, Any]) -> None:
    version, own, own_gauss = state["python"]
    random.setstate((version, tuple(own.tolist()), own_gauss))
    name, keys, place, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), place, has_gauss, gauss))
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all(state["cuda"])
