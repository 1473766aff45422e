"""What changes from step to step beside the weights: learning rates, and the running average of the weights (EMA).

Learning rates follow from the number of the step alone, so a training that goes on needs no state of them.
"""

import copy
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from traindash.training.trainers.detr.settings import Settings

# Share of the learning rate that the layers of a pretrained backbone get (RT-DETRv2's own configurations: 1e-5 of 1e-4)
_BACKBONE_SHARE = 0.1
# Where the framework leaves the learning rate to the model and the model says nothing: DEIM's own for D-FINE-S to -M
_LEARNING_RATE = 0.0004
_WEIGHT_DECAY = 0.0001
# Last learning rate of DEIM's schedule as a share of the highest
_LEAST_SHARE = 0.5
# torch's own `div_factor` and `final_div_factor`: OneCycleLR begins and ends with such parts of the highest rate
_ONE_CYCLE_BEGIN, _ONE_CYCLE_END = 25.0, 10000.0


class LearningRates:
    """The learning rate of each step.

    Args:
        settings: The training.
        batches: Steps of an epoch.
    """

    def __init__(self, settings: Settings, batches: int) -> None:
        self._settings = settings
        self._batches = max(1, batches)
        self._epochs = settings.epochs
        self._total = self._epochs * self._batches

    def at(self, base: float, step: int) -> float:
        """Return the rate for a step, 0 for the first, of weights whose own rate is ``base``."""
        if self._settings.get("lrsheduler") == "flatcosine":
            return base * self._flat_cosine(step)
        return self._by_epoch(base, step // self._batches) * self._warm_up(step)

    def _flat_cosine(self, step: int) -> float:
        """DEIM's own schedule: up with the square, flat, down along a cosine to a share, flat again."""
        get = self._settings.get
        warm, least = get("warmup_iter", 0), get("lr_gamma", _LEAST_SHARE)
        flat = get("flat_epoch", self._epochs) * self._batches
        end = self._total - get("no_aug_epoch", 0) * self._batches
        if step <= warm:
            return float((step / warm) ** 2) if warm else 1.0
        if step <= flat:
            return 1.0
        if step >= end:
            return float(least)
        return float(least + (1 - least) * 0.5 * (1 + math.cos(math.pi * (step - flat) / (end - flat))))

    def _warm_up(self, step: int) -> float:
        duration = self._settings.get("lr_warmup_scheduler.warmup_duration", 0)
        if self._settings.get("lr_warmup_scheduler.type") is None or not duration:
            return 1.0
        return float(min(1.0, (step + 1) / duration))

    def _by_epoch(self, base: float, epoch: int) -> float:
        get = self._settings.get
        match get("lr_scheduler.type"):
            case "MultiStepLR":
                passed = bisect_right(sorted(get("lr_scheduler.milestones", [])), epoch)
                return float(base * get("lr_scheduler.gamma", 0.1) ** passed)
            case "CosineAnnealingLR":
                period = get("lr_scheduler.T_max", self._epochs)
                least = min(base, get("lr_scheduler.eta_min", 0.0))
                return float(least + (base - least) * 0.5 * (1 + math.cos(math.pi * epoch / period)))
            case "OneCycleLR":
                return self._one_cycle(base, epoch)
            case _:
                return base

    def _one_cycle(self, base: float, epoch: int) -> float:
        """As torch's ``OneCycleLR`` with a step for each epoch: up and down along cosines."""
        get = self._settings.get
        highest = base * get("lr_scheduler.max_lr", get("optimizer.lr")) / get("optimizer.lr")
        first = highest / _ONE_CYCLE_BEGIN
        top = get("lr_scheduler.pct_start", 0.3) * self._epochs - 1
        if epoch <= top:
            return _along_cosine(first, highest, epoch / top if top > 0 else 1.0)
        return _along_cosine(
            highest, first / _ONE_CYCLE_END, min(1.0, (epoch - top) / max(1e-9, self._epochs - 1 - top))
        )


def _along_cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) / 2 * (1 + math.cos(math.pi * share))


def with_recipe(settings: Settings, recipe: Mapping[str, Any]) -> Settings:
    """Return the settings with what the framework leaves to the model: learning rate and weight decay."""
    rate = settings.get("optimizer.lr", recipe.get("lr", _LEARNING_RATE))
    decay = settings.get("optimizer.weight_decay", recipe.get("weight_decay", _WEIGHT_DECAY))
    return Settings(values={**settings.values, "optimizer.lr": rate, "optimizer.weight_decay": decay})


def parameter_groups(model: torch.nn.Module, settings: Settings, backbone_share: float) -> list[dict[str, Any]]:
    """Return the optimizer's groups, each with its own learning rate as ``base``: backbone and the rest.

    Norms and biases are not pulled towards zero (no weight decay).
    """
    rate, decay = float(settings.get("optimizer.lr")), float(settings.get("optimizer.weight_decay"))
    groups: dict[tuple[bool, bool], list[Any]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            of_backbone = name.startswith(("model.backbone.", "model.conv_encoder.model."))
            groups.setdefault((of_backbone, weight.ndim > 1), []).append(weight)
    return [
        {
            "params": weights,
            "base": rate * backbone_share if of_backbone else rate,
            "weight_decay": decay if decays else 0.0,
        }
        for (of_backbone, decays), weights in sorted(groups.items(), key=lambda pair: pair[0])
    ]


def backbone_share(recipe: Mapping[str, Any], *, is_random: bool) -> float:
    """Return the learning rate of the backbone as a share: all of it where the backbone has learned nothing yet."""
    return 1.0 if is_random else float(recipe.get("backbone_share", _BACKBONE_SHARE))


def make_optimizer(groups: Sequence[Mapping[str, Any]], settings: Settings) -> Any:  # noqa: ANN401 - torch's
    """Return the optimizer that the hyperparameters name."""
    given, betas = [dict(group) for group in groups], tuple(settings.get("optimizer.betas", (0.9, 0.999)))
    match settings.get("optimizer.type"):
        case "SGD":
            return torch.optim.SGD(given, momentum=settings.get("optimizer.momentum", 0.9))
        case "Adam":
            return torch.optim.Adam(given, betas=betas)
        case _:
            return torch.optim.AdamW(given, betas=betas, fused=True)  # a quarter of the time on a CPU


class AveragedModel:
    """The running average of a model's weights (EMA), which is what is validated and kept.

    Attributes:
        model: The averaged model.
        updates: Steps that are in the average.
    """

    def __init__(self, model: torch.nn.Module, settings: Settings) -> None:
        self.model = copy.deepcopy(model).eval()
        for weight in self.model.parameters():
            weight.requires_grad_(requires_grad=False)
        self.updates = 0
        self._decay = settings.get("ema.decay", 0.9999)
        self._warmups = settings.get("ema.warmups", 0)
        self._start = settings.get("ema.start", 0)
        self._pairs = list(zip(_numbers(self.model), _numbers(model), strict=True))

    def update(self) -> None:
        """Take the newest weights in; young averages forget faster, as in the frameworks' ``ModelEMA``."""
        self.updates += 1
        grown = self.updates - self._start
        decay = self._decay * (1 - math.exp(-grown / self._warmups)) if self._warmups else self._decay
        if grown <= 0:
            decay = 0.0  # no average yet: the weights themselves
        averages, weights = zip(*self._pairs, strict=True)
        with torch.no_grad():
            torch._foreach_lerp_(averages, weights, 1 - decay)


def _numbers(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield what is averaged: weights and running statistics, each once."""
    yield from (weight.detach() for weight in model.parameters())
    yield from (buffer for buffer in model.buffers() if buffer.dtype.is_floating_point)
