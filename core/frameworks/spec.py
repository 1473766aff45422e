"""A framework and its models. Data only: nothing here imports a training engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from core.errors import NotFoundError
from core.frameworks.presets import DeviceKind, Preset, load_presets
from core.frameworks.reference import Reference, load_reference

TaskType: TypeAlias = Literal["object detection", "instance segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkModel:
    """A model that a framework offers.

    Attributes:
        name: As Supervisely spells it, e.g. ``YOLO26s-det``; unique within the framework.
        task_type: What it predicts.
        weights_file: File name of the published weights, e.g. ``yolo26s.pt``; ``None`` if nobody published any.
        weights_url: Where they are published; ``None`` exactly when ``weights_file`` is.
        config: The engine's name of the architecture, or a file of that name in the framework's own folder.
        columns: Columns of the model table as the framework gives them; ``None`` where it gives no value.
        note: One sentence to know before choosing it; empty when there is none.
    """

    name: str
    task_type: TaskType
    weights_file: str | None
    weights_url: str | None
    config: str
    columns: Mapping[str, str | float | None]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A training framework.

    Attributes:
        name: As Supervisely spells it, e.g. ``YOLO``; the part before the slash in ``YOLO/YOLO26s-det``.
        slug: Slug of the training app in the ecosystem.
        app_name: Title of the training app.
        trainer: Package under ``core.trainers`` that trains its models on this machine.
        folder: Where its data files are.
        models: The catalogue, recommended order.
    """

    name: str
    slug: str
    app_name: str
    trainer: str
    folder: Path
    models: tuple[FrameworkModel, ...]

    def hyperparameters(self, device: DeviceKind) -> str:
        """Return the default hyperparameters for a kind of device: YAML text with comments."""
        return (self.folder / f"hyperparameters_{device}.yaml").read_text(encoding="utf-8")

    @property
    def reference(self) -> Reference:
        """What its hyperparameters mean and may be."""
        return load_reference(self.folder / "reference.yaml")

    @property
    def presets(self) -> tuple[Preset, ...]:
        """Ready-made hyperparameters."""
        return load_presets(self.folder / "presets.yaml")

    def model(self, name: str) -> FrameworkModel:
        """Return a model by name; upper and lower case do not matter, as in Supervisely's training app.

        Raises:
            NotFoundError: The catalogue has no such model.
        """
        for model in self.models:
            if model.name.casefold() == name.casefold():
                return model
        msg = f"{self.name} has no model “{name}”."
        raise NotFoundError(msg, "Choose one of: " + ", ".join(model.name for model in self.models) + ".")

    def config_source(self, model: FrameworkModel) -> str:
        """Return what the engine loads a model's architecture from: a path of ours, or a name it knows itself."""
        own = self.folder / model.config
        return str(own) if own.is_file() else model.config
