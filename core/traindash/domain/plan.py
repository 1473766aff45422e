"""A complete training plan: every parameter of ``TrainApi.run`` of the official SDK, typed.

Source: the Training API document, section "Parameters of run() method". The wizard, a plan file, the command line and
"again with changes" all end in a :class:`TrainingPlan`; whatever starts a training starts from one. A field is written
down here once: plan files, drafts, the state of a task and scripts are derived from these fields.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias, assert_never

from msgspec import Meta, Struct

from traindash.domain.ids import AgentId, CollectionId, DatasetId, ImageId, ProjectId

Side: TypeAlias = Literal["train", "val"]
UntaggedAction: TypeAlias = Literal["train", "val", "ignore"]

_ID = Meta(gt=0, le=2**63 - 1)  # what a database takes
_LIST = Meta(max_length=100_000)

# The variants of a choice are structs, not dataclasses: msgspec tells the members of a union apart by a tag, and only
# structs have one. The tags of a split are the words of Supervisely's state (docs/supervisely-api.md 4).
# Not kw_only: msgspec pickles such structs with a function, and Streamlit's caches cannot make a key of that (1.67).


class RandomSplit(Struct, frozen=True, tag_field="method", tag="random"):
    """Images are dealt to the two sides at random."""

    split: Side = "train"  # the side that `percent` speaks of
    percent: Annotated[int, Meta(ge=1, le=99)] = 80  # share of the images that goes to `split`, 1 to 99
    # draw the split with this number before the start and keep it as two collections, so that later trainings can share
    # it. `None`: the training app draws it, another one for every training; `TrainApi` has no more
    seed: Annotated[int, Meta(ge=0)] | None = None


class DatasetsSplit(Struct, frozen=True, tag_field="method", tag="datasets"):
    """Whole datasets go to a side; datasets that are not named are not used, nested ones are not implied."""

    train_datasets: Annotated[tuple[Annotated[DatasetId, _ID], ...], _LIST]
    val_datasets: Annotated[tuple[Annotated[DatasetId, _ID], ...], _LIST]


class TagsSplit(Struct, frozen=True, tag_field="method", tag="tags"):
    """Image tags decide; an image with both tags goes to both sides."""

    train_tag: str
    val_tag: str
    untagged_action: UntaggedAction = "ignore"


class CollectionsSplit(Struct, frozen=True, tag_field="method", tag="collections"):
    """Collections of the project decide; they may overlap."""

    train_collections: Annotated[tuple[Annotated[CollectionId, _ID], ...], _LIST]
    val_collections: Annotated[tuple[Annotated[CollectionId, _ID], ...], _LIST]


TrainValSplit: TypeAlias = RandomSplit | DatasetsSplit | TagsSplit | CollectionsSplit


class ImagesSplit(Struct, frozen=True, tag_field="method", tag="images"):
    """Each image has its side already, as once a random split is drawn. No training takes this; it can be counted."""

    train: Annotated[tuple[ImageId, ...], Meta(max_length=500_000)]
    val: Annotated[tuple[ImageId, ...], Meta(max_length=500_000)]


CountableSplit: TypeAlias = DatasetsSplit | TagsSplit | CollectionsSplit | ImagesSplit
SplitMethod: TypeAlias = Literal["random", "datasets", "tags", "collections"]


def method_of(split: TrainValSplit) -> SplitMethod:
    """Return the word for a way of splitting, as plan files and states write it."""
    match split:
        case RandomSplit():
            return "random"
        case DatasetsSplit():
            return "datasets"
        case TagsSplit():
            return "tags"
        case CollectionsSplit():
            return "collections"
        case _:
            assert_never(split)


class PretrainedModel(Struct, frozen=True, tag_field="source", tag="pretrained"):
    """A model of a framework's catalogue; written ``framework/name`` in a plan file."""

    framework: str
    name: str


class CustomCheckpoint(Struct, frozen=True, tag_field="source", tag="checkpoint"):
    """A checkpoint that an earlier experiment left in Team Files."""

    # path of the checkpoint file in Team Files, e.g. `/experiments/55_My Project/456_YOLO/checkpoints/best.pt`
    path: str


ModelChoice: TypeAlias = PretrainedModel | CustomCheckpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialPlan(ABC):
    """A plan that may have holes: ``None`` as project, model or split is a choice still to be made.

    What speaks against a plan is checked on this type, so that a draft and a complete plan meet the same rules.
    """

    project_id: Annotated[ProjectId, _ID] | None = None  # project with the training data
    model: ModelChoice | None = None  # what to start from
    agent_id: Annotated[AgentId, _ID] | None = None  # agent that trains; `None` lets the launcher pick one
    # names of the object classes to train on; `None` means all classes of the project
    classes: Annotated[tuple[str, ...], _LIST] | None = None
    # YAML text, handed to the framework as it is; `None` means the framework's defaults
    hyperparameters: str | None = None
    experiment_name: str | None = None  # `None` means "<task id> <project name> <model name>", made by the training app
    convert_class_shapes: bool = True  # convert shapes to what the model's task needs (polygons to boxes for detection)
    enable_benchmark: bool = True  # evaluate on the validation images afterwards
    enable_speedtest: bool = False  # measure inference speed too; switches the benchmark on
    cache_project: bool = True  # keep the project's files on the agent for the next training
    export_onnx: bool = False  # export the best checkpoint to ONNX
    export_tensorrt: bool = False  # export the best checkpoint to TensorRT
    autostart: bool = True  # start by itself; otherwise the task waits for "Start training"
    description: str | None = None  # description of the task, at most 255 characters; `None` means the model's name

    @property
    @abstractmethod
    def train_val_split(self) -> TrainValSplit | None:
        """How images are dealt to training and validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan(PartialPlan):
    """Everything one training needs to know before it starts."""

    project_id: Annotated[ProjectId, _ID]
    model: ModelChoice
    train_val_split: TrainValSplit = field(default_factory=RandomSplit)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCounts:
    """Images and objects of one class on both sides."""

    train_images: int = 0
    train_objects: int = 0
    val_images: int = 0
    val_objects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitContent:
    """What a split gives."""

    # class → counts; classes without an object on either side are missing. `None` where nobody counts them
    classes: Mapping[str, SideCounts] | None
    # different files that are on both sides, as different images of the project; `None` where the server did not look,
    # as in very large projects
    shared_contents: int | None = 0
    shared_examples: tuple[tuple[str, str], ...] = ()  # names of some, as (training, validation)
    train_sample: tuple[ImageId, ...] = ()  # some images of the training side, taken evenly
    val_sample: tuple[ImageId, ...] = ()  # some images of the validation side, taken evenly
