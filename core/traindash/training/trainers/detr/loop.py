"""The training itself: steps, validation after each epoch, checkpoints, and the state that another run goes on from.

All random numbers of an epoch follow from the seed and the epoch, and learning rates from the step. So weights,
averages and the optimizer's memory are all the state there is, and it is kept unrounded: on a processor, a training
that was stopped after any epoch and goes on comes to the same numbers, bit by bit.
"""

import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from traindash.domain.task import ExitCause
from traindash.training.trainers.detr import networks
from traindash.training.trainers.detr.images import Batch, TrainingBatches
from traindash.training.trainers.detr.networks import SAFETENSORS, Card
from traindash.training.trainers.detr.predicting import torch_device
from traindash.training.trainers.detr.schedules import (
    AveragedModel,
    LearningRates,
    backbone_share,
    make_optimizer,
    parameter_groups,
)
from traindash.training.trainers.detr.settings import Settings
from traindash.training.trainers.detr.validation import Validation, fitness
from traindash.training.trainers.engine import PreparedData, Run, TrainingOutcome
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.reporting import Observations, TrainingReporter
from traindash.training.trainers.resume_state import epoch_seed
from traindash.training.trainers.samples import SampleRecorder, choose_samples

_NO_VALIDATION = -math.inf
_SMALLER_STEPS = (
    "Start again with a smaller “optimizer.lr”, a tenth for example; on a GPU, “use_amp: False” may help, too."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a training begins with."""

    model: torch.nn.Module  # of transformers
    card: Card  # what its checkpoints say
    settings: Settings  # complete, with a learning rate
    is_random: bool  # the weights have learned nothing yet
    state: Mapping[str, Any] = field(default_factory=dict)  # of an earlier run that this one continues
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)  # that belong to the state


class TrainingLoop:
    """One training. ``seen`` is filled by one that is looked at (a dry run)."""

    def __init__(self, run: Run, data: PreparedData, begin: Beginning, seen: Observations | None) -> None:
        self._run, self._data, self._begin, self._seen = run, data, begin, seen
        self._settings = begin.settings
        self._weights = run.layout.resume_checkpoint.parent
        self._device = torch_device(run.spec.device)
        self._model = begin.model.to(self._device)
        share = backbone_share(begin.card.architecture.recipe, is_random=begin.is_random)
        self._optimizer = make_optimizer(parameter_groups(self._model, self._settings, share), self._settings)
        self._average = AveragedModel(self._model, self._settings) if self._settings.get("use_ema") else None
        self._amp = bool(self._settings.get("use_amp")) and self._device.type == "cuda"
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=self._amp)
        self._done = self._step = 0
        self._best = _NO_VALIDATION
        began = time.monotonic()
        self._batches = TrainingBatches(data.config, self._settings)
        if seen is not None:
            seen.dataset_opened(time.monotonic() - began, len(self._batches.images) + len(data.val), 0)
        self._rates = LearningRates(self._settings, len(self._batches))
        self._reporter = TrainingReporter(run.layout, run.events, run.stop, seconds_before=run.spec.resume_seconds)
        self._samples = SampleRecorder(choose_samples(data.val, run.spec), run.events)
        size = self._settings.size
        self._validation = Validation(data.val, run.spec, size, self._reporter.validation_batch)
        if begin.state:
            self._take_up(begin.state, begin.tensors)

    def run(self) -> TrainingOutcome:
        """Train to the end.

        Raises:
            RunError: The loss is no number any more.
            Stopped: The run was asked to stop.
        """
        began, epochs = time.monotonic(), self._settings.epochs
        self._weights.mkdir(parents=True, exist_ok=True)
        self._reporter.train_started(
            self._done, epochs, train_images=len(self._batches.images), val_images=len(self._data.val)
        )
        self._samples.announce()
        if self._seen is not None:
            on_gpu = self._device.type == "cuda"
            self._seen.train_started(int(torch.cuda.memory_reserved(self._device)) if on_gpu else None)
        is_over = self._done >= epochs
        while not is_over:
            is_over = self._epoch(self._done)
        self._run.layout.resume_checkpoint.unlink(missing_ok=True)  # no epoch is left to continue with
        best, last = SAFETENSORS.best(self._weights), SAFETENSORS.last(self._weights)
        return TrainingOutcome(
            folder=self._weights.parent,
            best=best if best.is_file() else last,
            last=last,
            image_size=max(self._settings.size),
            seconds=self._run.spec.resume_seconds + time.monotonic() - began,
        )

    def _epoch(self, epoch: int) -> bool:
        """Do an epoch, 0 for the first; returns whether it was the last one."""
        epochs, seen = self._settings.epochs, self._seen
        _seed_all(epoch_seed(self._settings.seed, epoch))
        self._reporter.epoch_started(len(self._batches))
        self._samples.epoch_started(epoch + 1, epochs)
        if seen is not None:
            seen.epoch_started()
        values, was_cut = self._train(epoch)
        values |= self._validate()
        is_last = was_cut or epoch + 1 >= epochs or (seen is not None and seen.is_last_epoch())
        with self._run.stop.held():
            self._save(epoch + 1, values, is_last=is_last)
        wants_end = self._reporter.epoch_done(epoch + 1, epochs, values)
        self._samples.epoch_done(epoch + 1)
        if seen is not None:
            seen.epoch_done()
        if wants_end and not is_last:
            self._reporter.ends_early(epochs)
        return is_last or wants_end

    def _train(self, epoch: int) -> tuple[dict[str, float], bool]:
        """Do the steps of an epoch; returns its mean losses and learning rates, and whether it was cut short."""
        self._model.train()
        sums: defaultdict[str, Any] = defaultdict(float)
        batches = 0
        for batch in self._batches.of_epoch(epoch):
            losses = self.step(batch, epoch)
            batches += 1
            for name, value in losses.items():
                sums[name] += value
            self._reporter.batch_done()
            if self._seen is not None and self._seen.batch_done(len(batch[0])):
                break
        means = {f"train/{name}": float(value) / max(1, batches) for name, value in sums.items()}
        rates = {group["base"]: group["lr"] for group in self._optimizer.param_groups}
        return means | {f"lr/pg{place}": rate for place, (_, rate) in enumerate(sorted(rates.items(), reverse=True))}, (
            batches < len(self._batches)
        )

    def step(self, batch: Batch, epoch: int) -> dict[str, torch.Tensor]:
        """Learn from a batch; returns its losses: all of them together, and those of the last layer.

        Raises:
            RunError: The loss is no number any more.
        """
        pixels = self._batches.scaled(batch[0].to(self._device, non_blocking=True), epoch)
        labels = [{name: value.to(self._device) for name, value in target.items()} for target in batch[1]]
        for group in self._optimizer.param_groups:
            group["lr"] = self._rates.at(group["base"], self._step)
        self._optimizer.zero_grad(set_to_none=True)
        outputs = self._outputs(pixels, labels)
        loss = None if outputs is None else outputs.loss
        if outputs is None or loss is None or not torch.isfinite(loss):
            message = f"The loss was no finite number any more in epoch {epoch + 1}."
            raise RunError(ExitCause.BAD_HYPERPARAMETER, message, _SMALLER_STEPS)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimizer)
        most = self._settings.get("clip_max_norm", 0)
        if most > 0:
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), most)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._step += 1
        if self._average is not None:
            self._average.update()
        own = {name: value.detach() for name, value in outputs.loss_dict.items() if name.count("_") == 1}
        return {"loss": loss.detach(), **own}

    def _outputs(self, pixels: torch.Tensor, labels: list[dict[str, torch.Tensor]]) -> Any:  # noqa: ANN401 - transformers'
        """Return outputs with the loss; ``None`` where boxes are no numbers, which transformers refuses to compare."""
        with torch.autocast(self._device.type, dtype=torch.float16, enabled=self._amp):
            try:
                return self._model(pixel_values=pixels, labels=labels)
            except ValueError as error:
                if "nan" in str(error):  # "boxes1 must be in … (corner) format, but got tensor([[nan, …"
                    return None
                raise

    def _validate(self) -> dict[str, float]:
        began = time.monotonic()
        model = self._model.eval() if self._average is None else self._average.model
        values = self._validation.measure(model, self._device, self._samples)
        if self._seen is not None:
            self._seen.validated(time.monotonic() - began)
            self._seen.final = time.monotonic() - began  # the best checkpoint is not validated once more
        return values

    def _save(self, done: int, values: Mapping[str, float], *, is_last: bool) -> None:
        """Write checkpoints and, unless it is the last epoch, the state that another run can go on from."""
        model = self._model if self._average is None else self._average.model
        card, extra = self._begin.card, self._extra()
        networks.save(SAFETENSORS.last(self._weights), model, card, extra)
        if fitness(values) > self._best or not SAFETENSORS.best(self._weights).is_file():
            self._best = fitness(values)
            networks.save(SAFETENSORS.best(self._weights), model, card, extra)
        every = self._settings.get("checkpoint_freq", 0)
        if every and done % every == 0:
            networks.save(self._weights / f"epoch{done}{SAFETENSORS.suffix}", model, card, extra)
        self._done = done
        if is_last:
            self._run.layout.resume_checkpoint.unlink(missing_ok=True)
        else:
            self._save_state()

    def _extra(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint shall keep beside the weights that it predicts with."""
        extra: dict[str, torch.Tensor] = {}
        if self._settings.get("save_ema") and self._average is not None:
            extra |= {f"unaveraged.{name}": tensor for name, tensor in networks.weights_of(self._model).items()}
        if self._settings.get("save_optimizer"):
            extra |= self._optimizer_tensors()
        return extra

    def _save_state(self) -> None:
        tensors = {f"model.{name}": tensor for name, tensor in networks.weights_of(self._model).items()}
        if self._average is not None:
            averages = networks.weights_of(self._average.model)
            tensors |= {f"average.{name}": tensor for name, tensor in averages.items()}
        state = {
            "done": self._done,
            "step": self._step,
            "updates": 0 if self._average is None else self._average.updates,
            "best": None if math.isinf(self._best) else self._best,
            "is_random": self._begin.is_random,
            "settings": dict(self._settings.values),
            "scaler": self._scaler.state_dict(),
        }
        content = {**json.loads(self._begin.card.as_text()), "state": state}
        target = self._run.layout.resume_checkpoint
        networks.write_tensors(target, tensors | self._optimizer_tensors(), json.dumps(content, ensure_ascii=False))

    def _optimizer_tensors(self) -> dict[str, torch.Tensor]:
        return {
            f"optimizer.{place}.{key}": torch.as_tensor(value)
            for place, weight in enumerate(self._learning())
            for key, value in self._optimizer.state.get(weight, {}).items()
            if value is not None
        }

    def _learning(self) -> list[torch.Tensor]:
        """Return the weights that learn, in the same order in each process."""
        return [weight for group in self._optimizer.param_groups for weight in group["params"]]

    def _take_up(self, state: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        """Put everything back as it was at the end of an epoch."""
        self._done, self._step = state["done"], state["step"]
        self._best = _NO_VALIDATION if state["best"] is None else state["best"]
        if self._average is not None:
            self._average.updates = state["updates"]
            networks.set_weights(self._average.model, _part(tensors, "average."))
        for place, weight in enumerate(self._learning()):
            # The step count stays where torch wants it; the rest follows the weight
            self._optimizer.state[weight] = {
                key: value if key == "step" else value.to(self._device)
                for key, value in _part(tensors, f"optimizer.{place}.").items()
            }
        if self._amp:
            self._scaler.load_state_dict(state["scaler"])


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _seed_all(seed: int) -> None:
    """Begin all random numbers anew: torch's for images, noise and layers; the others in case a library draws some."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def read_state(checkpoint: Path) -> tuple[Card, Mapping[str, Any], Mapping[str, torch.Tensor]]:
    """Return what :class:`TrainingLoop` left to go on from: the model's card, the state and its tensors.

    Raises:
        RunError: The file is none of those.
    """
    tensors, content = networks.read_tensors(checkpoint)
    state = content.pop("state", None)
    if state is None:
        message = f"{checkpoint.name} is a finished checkpoint: there is nothing to continue."
        raise RunError(ExitCause.BAD_INPUT, message, "Start a new training from it as a custom checkpoint.")
    return networks.read_card(checkpoint, content), state, tensors
