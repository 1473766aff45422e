"""A training that was stopped and goes on comes to the same numbers as one that was not stopped: what that takes.

An engine's own checkpoint is not enough for it. Ultralytics' keeps the running average of the weights (EMA), rounded to
16 bits, and goes on from it in place of the weights themselves; it rounds SGD's momentum; it begins the random numbers,
the order of the images, the mosaic buffer and the accumulation of gradients anew. So a second file beside the
checkpoint holds all of that unrounded. It is written after each epoch, so everything lies in it as a few long rows of
numbers: hundreds of small tensors would take longer to write than the engine's own checkpoint. The order of the images
needs no state: :class:`EpochOrder` makes it follow from the seed and the epoch.

On a processor (where images are loaded in the process itself) the epochs are then equal bit by bit, which
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
from torch.utils.data import Sampler

from traindash.files import replacing

# Beside the checkpoint; it belongs to the one with the same epoch in it.
STATE_FILE = "resume_state.pt"


class EpochOrder(Sampler[int]):  # type: ignore[misc, unused-ignore]
    """Shuffles the images of an epoch in a way that follows from the seed and the epoch alone.

    torch's own sampler draws each order from where the one before left its generator, which nothing can restore: how
    often the generator was drawn from depends on whether the last batch was full.

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
        dice = torch.Generator().manual_seed(epoch_seed(self._seed, self.epoch))
        self.epoch += 1
        return iter(torch.randperm(self._count, generator=dice).tolist())


def epoch_seed(seed: int, epoch: int) -> int:
    """Return a number that no other seed has at another epoch."""
    return ((seed << 24) + epoch) % (1 << 63)


def save_at_once(content: Mapping[str, Any], target: Path) -> None:
    """Write a file of torch's kind so that it is complete at any moment."""
    with replacing(target) as partial:
        torch.save(content, partial)


def packed(tensors: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the numbers of tensors as one row for each of their types."""
    rows: dict[str, list[torch.Tensor]] = {}
    for tensor in tensors:
        rows.setdefault(str(tensor.dtype), []).append(tensor.detach().reshape(-1))
    return {name: torch.cat([part.cpu() for part in parts]) for name, parts in rows.items()}


def unpack(rows: Mapping[str, torch.Tensor], tensors: Sequence[torch.Tensor]) -> None:
    """Put numbers back into tensors of the same shapes and types."""
    at = dict.fromkeys(rows, 0)
    for tensor in tensors:
        name = str(tensor.dtype)
        part = rows[name][at[name] : at[name] + tensor.numel()]
        at[name] += tensor.numel()
        tensor.detach().copy_(part.view_as(tensor))


def random_state() -> dict[str, Any]:
    """Return the state of all sources of random numbers, in types that are loaded without running any code."""
    version, own, own_gauss = random.getstate()
    name, keys, place, has_gauss, gauss = np.random.get_state()
    return {
        "python": (version, torch.tensor(own, dtype=torch.int64), own_gauss),
        "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), place, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the state of :func:`random_state` back."""
    version, own, own_gauss = state["python"]
    random.setstate((version, tuple(own.tolist()), own_gauss))
    name, keys, place, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), place, has_gauss, gauss))
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count() > 0:  # the run may go on on another machine
        torch.cuda.set_rng_state_all(state["cuda"])
