"""A complete training plan: every parameter of ``TrainApi.run`` of the official SDK, typed.

Source: the Training API document, section "Parameters of run() method". The wizard, a plan file, the command line and
"again with changes" all end in a :class:`TrainingPlan`; whatever starts a training starts from one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from traindash.domain.ids import AgentId, CollectionId, DatasetId, ImageId, ProjectId

Side: TypeAlias = Literal["train", "val"]
UntaggedAction: TypeAlias = Literal["train", "val", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSplit:
    """Images are dealt to the two sides at random.

    Attributes:
        percent: Share of the images that goes to ``split``, 1 to 99.
        split: The side that ``percent`` speaks of.
        seed: Draw the split with this number before the start and keep it as two collections, so that later trainings
            can share it. ``None``: the training app draws it, another one for every training; ``TrainApi`` has no more.
    """

    percent: int = 80
    split: Side = "train"
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetsSplit:
    """Whole datasets go to a side; datasets that are not named are not used, nested ones are not implied."""

    train_datasets: tuple[DatasetId, ...]
    val_datasets: tuple[DatasetId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsSplit:
    """Image tags decide; an image with both tags goes to both sides."""

    train_tag: str
    val_tag: str
    untagged_action: UntaggedAction = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionsSplit:
    """Collections of the project decide; they may overlap."""

    train_collections: tuple[CollectionId, ...]
    val_collections: tuple[CollectionId, ...]


TrainValSplit: TypeAlias = RandomSplit | DatasetsSplit | TagsSplit | CollectionsSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedModel:
    """A model of a framework's catalogue; written ``framework/name`` in a plan file."""

    framework: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCheckpoint:
    """A checkpoint that an earlier experiment left in Team Files.

    Attributes:
        path: Path of the checkpoint file in Team Files, e.g.
            ``/experiments/55_My Project/456_YOLO/checkpoints/best.pt``.
    """

    path: str


ModelChoice: TypeAlias = PretrainedModel | CustomCheckpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """Everything one training needs to know before it starts.

    Attributes:
        project_id: Project with the training data.
        model: What to start from.
        agent_id: Agent that trains; ``None`` lets the launcher pick one.
        classes: Names of the object classes to train on; ``None`` means all classes of the project.
        train_val_split: How images are dealt to training and validation.
        hyperparameters: YAML text, handed to the framework as it is; ``None`` means the framework's defaults.
        experiment_name: ``None`` means "<task id> <project name> <model name>", made by the training app.
        convert_class_shapes: Convert shapes to what the model's task needs (polygons to boxes for detection).
        enable_benchmark: Evaluate on the validation images afterwards.
        enable_speedtest: Measure inference speed too; switches the benchmark on.
        cache_project: Keep the project's files on the agent for the next training.
        export_onnx: Export the best checkpoint to ONNX.
        export_tensorrt: Export the best checkpoint to TensorRT.
        autostart: Start by itself; otherwise the task waits for "Start training".
        description: Description of the task, at most 255 characters; ``None`` means the model's name.
    """

    project_id: ProjectId
    model: ModelChoice
    agent_id: AgentId | None = None
    classes: tuple[str, ...] | None = None
    train_val_split: TrainValSplit = field(default_factory=RandomSplit)
    hyperparameters: str | None = None
    experiment_name: str | None = None
    convert_class_shapes: bool = True
    enable_benchmark: bool = True
    enable_speedtest: bool = False
    cache_project: bool = True
    export_onnx: bool = False
    export_tensorrt: bool = False
    autostart: bool = True
    description: str | None = None


# What a split gives to each side.


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCounts:
    """Images and objects of one class on both sides."""

    train_images: int = 0
    train_objects: int = 0
    val_images: int = 0
    val_objects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitContent:
    """What a split gives.

    Attributes:
        classes: Class → counts; classes without an object on either side are missing.
        shared_contents: Different files that are on both sides, as different images of the project; ``None`` where the
            server did not look, as in very large projects.
        shared_examples: Names of some, as (training, validation).
        train_sample: Some images of the training side, taken evenly.
        val_sample: Some images of the validation side, taken evenly.
    """

    classes: Mapping[str, SideCounts]
    shared_contents: int | None = 0
    shared_examples: tuple[tuple[str, str], ...] = ()
    train_sample: tuple[ImageId, ...] = ()
    val_sample: tuple[ImageId, ...] = ()
