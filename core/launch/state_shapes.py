"""The JSON of ``params.state`` as it may come from any server or file.

Checked by msgspec (core/api/wire/reading.py says why).
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, field

from core.domain.ids import CollectionId, DatasetId
from core.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    RandomSplit,
    Side,
    TagsSplit,
    TrainValSplit,
    UntaggedAction,
)
from core.errors import InputError
from core.validation import issue_of

Id: TypeAlias = Annotated[int, Meta(gt=0)]
"""An id as any server hands it out."""


class Shape(msgspec.Struct):
    """Base: unknown keys are ignored, for apps add their own."""


class RandomShape(Shape):
    """``method: random``."""

    split: Side
    percent: Annotated[int, Meta(ge=1, le=99)]

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return RandomSplit(percent=self.percent, split=self.split)


class SeededShape(RandomShape):
    """``method: random`` as plan files know it beyond ``TrainApi``."""

    seed: Annotated[int, Meta(ge=0)] | None = None

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return RandomSplit(percent=self.percent, split=self.split, seed=self.seed)


class DatasetsShape(Shape):
    """``method: datasets``."""

    train_datasets: list[Id]
    val_datasets: list[Id]

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return DatasetsSplit(
            train_datasets=tuple(DatasetId(number) for number in self.train_datasets),
            val_datasets=tuple(DatasetId(number) for number in self.val_datasets),
        )


class TagsShape(Shape):
    """``method: tags``."""

    train_tag: str
    val_tag: str
    untagged_action: UntaggedAction

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return TagsSplit(train_tag=self.train_tag, val_tag=self.val_tag, untagged_action=self.untagged_action)


class CollectionsShape(Shape):
    """``method: collections``."""

    train_collections: list[Id]
    val_collections: list[Id]

    def value(self) -> TrainValSplit:
        """Return the domain value."""
        return CollectionsSplit(
            train_collections=tuple(CollectionId(number) for number in self.train_collections),
            val_collections=tuple(CollectionId(number) for number in self.val_collections),
        )


SPLITS: Mapping[str, type[RandomShape | DatasetsShape | TagsShape | CollectionsShape]] = {
    "random": RandomShape,
    "datasets": DatasetsShape,
    "tags": TagsShape,
    "collections": CollectionsShape,
}


class ModelShape(Shape):
    """``guiState.model``."""

    source: str
    model_name: str | None = None
    task_id: int | None = None
    checkpoint: str | None = None


class BenchmarkShape(Shape):
    """``guiState.options.model_benchmark``."""

    enable: bool = True
    speed_test: bool = False


class ExportShape(Shape):
    """``guiState.options.export``."""

    enable: bool = False
    onnx: bool = field(name="ONNXRuntime", default=False)
    tensorrt: bool = field(name="TensorRT", default=False)


class OptionsShape(Shape):
    """``guiState.options``."""

    convert_class_shapes: bool = True
    model_benchmark: BenchmarkShape = field(default_factory=BenchmarkShape)
    cache_project: bool = True
    export: ExportShape = field(default_factory=ExportShape)


class GuiShape(Shape):
    """``guiState``, or ``app_state.json``."""

    model: ModelShape
    train_val_split: dict[str, Any]
    classes: tuple[str, ...] | None = None
    hyperparameters: str | None = None
    options: OptionsShape = field(default_factory=OptionsShape)
    experiment_name: str | None = None
    start_training: bool = True


class StartShape(Shape):
    """``params.state`` of a training."""

    project_id: int = field(name="slyProjectId")
    gui_state: dict[str, Any] = field(name="guiState")


ShapeT = TypeVar("ShapeT", bound=Shape)


def checked(shape: type[ShapeT], state: Mapping[str, object]) -> ShapeT:
    """Check a state against a shape.

    Raises:
        InputError: A field is missing or has the wrong type; the first one is named.
    """
    try:
        return msgspec.convert(state, shape, strict=False)
    except msgspec.ValidationError as error:
        msg = f"The settings of this training cannot be read: {issue_of(error)}."
        raise InputError(msg, "Go through the steps and choose anew.") from error
