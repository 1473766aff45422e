"""RT-DETRv2 and DEIM as an engine of the shared pipeline: hyperparameters, labels, starting points, resume."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from traindash.domain.jobs import Schedule
from traindash.frameworks.hyperparameter_text import leaves, nested
from traindash.frameworks.reference import Reference
from traindash.frameworks.registry import framework
from traindash.training.trainers.detr import networks
from traindash.training.trainers.detr.images import JsonLabels
from traindash.training.trainers.detr.loop import Beginning, TrainingLoop, read_state
from traindash.training.trainers.detr.networks import SAFETENSORS, Architecture, Card
from traindash.training.trainers.detr.predicting import DetrModel, ExportedModel
from traindash.training.trainers.detr.schedules import with_recipe
from traindash.training.trainers.detr.settings import (
    VARIED_EPOCHS,
    Settings,
    check_values,
    not_done,
    read_settings,
)
from traindash.training.trainers.engine import (
    LabelWriter,
    MakeEngine,
    OpenExported,
    OpenModel,
    PreparedData,
    Run,
    TrainingOutcome,
)
from traindash.training.trainers.reporting import Observations
from traindash.training.trainers.weights import StartingPoint


class DetrEngine:
    """Trains RT-DETRv2, D-FINE and DEIMv2 models; see :class:`traindash.training.trainers.engine.Engine`."""

    name = "detr"
    checkpoints = SAFETENSORS

    def __init__(self, run: Run, seen: Observations | None) -> None:
        self._run = run
        self._seen = seen

    def check(self, values: Mapping[str, object]) -> None:
        """Check all of them before anything is done."""
        check_values(values, self._reference)

    def schedule(self, values: Mapping[str, object]) -> Schedule:
        """Put the values over the defaults of the framework's app; none of them ends a training early."""
        settings = self._settings(values)
        return Schedule(
            epochs=settings.epochs,
            patience=0,
            time_limit=None,
            fraction=1.0,
            batch_size=settings.batch_size,
            validates=True,
            save_period=int(settings.get("checkpoint_freq", 0)),
        )

    def shortened(self, values: Mapping[str, object], epochs: int) -> Mapping[str, object]:
        """Return hyperparameters of a trial; images are varied throughout, as in most epochs of the whole training."""
        changes: dict[str, object] = {"epoches": epochs, "checkpoint_freq": 0, "no_aug_epoch": 0}
        varied = self._settings(values).values.get(VARIED_EPOCHS)
        if isinstance(varied, list):  # DEIM begins with plain images
            changes[VARIED_EPOCHS] = [0, *varied[1:]]
        return nested(
            {**leaves(values), **{path: value for path, value in changes.items() if path in self._reference.keys}}
        )

    def labels(self, root: Path) -> LabelWriter:
        """Return the writer of JSON lines."""
        return JsonLabels(root, self._run.spec)

    def train(self, data: PreparedData, start: StartingPoint, values: Mapping[str, object]) -> TrainingOutcome:
        """Train from a checkpoint, from published weights or from random numbers."""
        settings = self._settings(values)
        torch.manual_seed(settings.seed)
        model, architecture = self._model(start, settings)
        settings = with_recipe(settings, architecture.recipe)
        self._explain(settings, model, architecture)
        card = Card(architecture=architecture, classes=self._run.spec.classes, size=settings.size)
        begin = Beginning(model=model, card=card, settings=settings, is_random=start.is_random)
        return TrainingLoop(self._run, data, begin, self._seen).run()

    def resume(self, data: PreparedData, checkpoint: Path) -> TrainingOutcome:
        """Take up the state of the earlier run, and copy what it left."""
        card, state, tensors = read_state(checkpoint)
        settings = Settings(values=state["settings"])
        model = networks.build(card.architecture, card.classes)
        networks.set_weights(model, {name.removeprefix("model."): tensor for name, tensor in tensors.items()})
        before, weights = checkpoint.parent, self._run.layout.resume_checkpoint.parent
        weights.mkdir(parents=True, exist_ok=True)
        for kept in (self.checkpoints.best(before), self.checkpoints.last(before), *self.checkpoints.of_epochs(before)):
            if self.checkpoints.is_complete(kept):
                shutil.copyfile(kept, weights / kept.name)
        shutil.copyfile(checkpoint, self._run.layout.resume_checkpoint)
        self._run.events.log(f"Continuing after epoch {state['done']} of an earlier run.")
        begin = Beginning(
            model=model, card=card, settings=settings, is_random=state["is_random"], state=state, tensors=tensors
        )
        return TrainingLoop(self._run, data, begin, self._seen).run()

    def finish_checkpoint(self, checkpoint: Path, facts: Mapping[str, object]) -> None:
        """Add keys; what only a resumed training needs is not in it."""
        networks.add_facts(checkpoint, facts)

    def open(self, checkpoint: Path, image_size: int) -> DetrModel:
        """Return the model with its first prediction still to come."""
        spec = self._run.spec
        return DetrModel(checkpoint, task_type=spec.task_type, device=spec.device, image_size=image_size)

    def open_onnx(self, file: Path, image_size: int) -> ExportedModel:  # noqa: ARG002 - the file names its size
        """Return the exported model with its first prediction still to come."""
        return ExportedModel(file, classes=self._run.spec.classes, threads=self._run.spec.threads)

    def _settings(self, values: Mapping[str, object]) -> Settings:
        return read_settings(values, self._reference, on_gpu=self._run.spec.device != "cpu")

    @property
    def _reference(self) -> Reference:
        return framework(self._run.spec.framework).reference

    def _model(self, start: StartingPoint, settings: Settings) -> tuple[Any, Architecture]:
        sizes = {settings.size, *(settings.sizes if settings.has_sizes(0) else ())}
        classes = self._run.spec.classes
        if start.is_random:
            architecture = networks.unfrozen(networks.read_architecture(start.source)).fitted(sizes)
            model = networks.build(architecture, classes)
            if architecture.config["model_type"] == "rt_detr_v2":
                networks.initialise(model)
            return model, architecture
        source = Path(start.source)
        if start.config is not None and source.suffix == self.checkpoints.suffix:
            architecture = networks.read_architecture(start.config).fitted(sizes)
            return networks.from_published(source, architecture, classes)
        return networks.for_classes(source, classes, sizes, start.config)

    def _explain(self, settings: Settings, model: torch.nn.Module, architecture: Architecture) -> None:
        """Say what of the settings is not as it was written."""
        log = self._run.events.log
        count = sum(weight.numel() for weight in model.parameters())
        log(f"The model has {count / 1e6:.1f} M parameters and finds up to {architecture.queries} objects in an image.")
        if settings.get("use_amp") and self._run.spec.device == "cpu":
            log("Mixed precision (“use_amp”) is for GPUs; this training computes in full precision.")
        for sentence in not_done(settings):
            log(sentence, "warning")


make_engine: MakeEngine = DetrEngine  # mypy holds the classes to the seam here
open_model: OpenModel = DetrModel
open_exported: OpenExported = ExportedModel
