"""Jobs of the embedded platform's own: what it does for a person beside tasks, such as imports and dry runs.

A Supervisely server does such things with apps, so these values belong to methods that only we have
(``traindash.…``): both ends use them as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from traindash.domain.ids import DryRunId, ExportId, ImportId, ProjectId
from traindash.domain.project import ObjectClass
from traindash.domain.task import ExitCause


class JobStatus(StrEnum):
    """How a job stands; ``ready`` waits for a person's decision."""

    WAITING = "waiting"
    INSPECTING = "inspecting"
    READY = "ready"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def is_active(self) -> bool:
        """Whether the server works on it, or will by itself."""
        return self in {JobStatus.WAITING, JobStatus.INSPECTING, JobStatus.RUNNING}

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return not JOB_MOVES[self]


# Also what waits can fail: the server that should have done it may be killed.
_ENDS_EARLY = frozenset({JobStatus.ERROR, JobStatus.CANCELED})
# status → statuses that may follow
JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.WAITING: _ENDS_EARLY | {JobStatus.RUNNING},
    JobStatus.INSPECTING: _ENDS_EARLY | {JobStatus.READY},
    # Only imports stop here: what was recognised is shown before anything is taken in.
    JobStatus.READY: _ENDS_EARLY | {JobStatus.RUNNING},
    JobStatus.RUNNING: _ENDS_EARLY | {JobStatus.FINISHED},
    JobStatus.FINISHED: frozenset(),
    JobStatus.ERROR: frozenset(),
    JobStatus.CANCELED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all jobs have."""

    id: int  # unique among the jobs of its kind
    status: JobStatus
    step: str = ""  # what it does now, one word; empty when nothing happens
    cause: ExitCause | None = None  # why it failed, in one word; `None` unless the status is `error`
    message: str = ""  # what went wrong; empty unless the status is `error`
    hint: str = ""  # the next step then


# Bringing data in: what is recognised, how far it is, what came of it.


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedLayout:
    """A layout that the data may have."""

    name: str  # e.g. `coco`
    title: str = ""  # how people call it, e.g. `COCO`; empty in records of versions that did not keep it
    reason: str  # what speaks for it, a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemExample:
    """One thing that could not be taken as it is."""

    place: str  # where: file relative to what was imported, with object or line
    message: str  # what is wrong, a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProblems:
    """All problems of a kind with the same effect."""

    kind: str  # e.g. `unreadable image`
    effect: str  # what was done about them, e.g. `image skipped`
    count: int
    objects: int = 0  # objects that were left out together with images, if that is the effect
    examples: tuple[ProblemExample, ...] = ()  # the first ones


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What came of an import."""

    images: int  # images taken
    objects: int  # objects taken
    classes: Mapping[str, int]  # class → objects taken; classes without objects have 0
    # What there was in the data: taken and skipped together. `None` in reports of versions that did not count it
    images_found: int | None = None
    objects_found: int | None = None
    problems: tuple[ImportProblems, ...] = ()

    @property
    def images_skipped(self) -> int:
        """Images that were left out."""
        return sum(item.count for item in self.problems if item.effect == "image skipped")

    @property
    def objects_skipped(self) -> int:
        """Objects that were left out, alone or with their image."""
        return sum(item.objects + item.count * (item.effect == "object skipped") for item in self.problems)

    @property
    def changed(self) -> int:
        """How often something was taken otherwise than it was given."""
        return sum(item.count for item in self.problems if item.effect == "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAtImage:
    """An image that is shown before an import."""

    dataset: str  # path of the dataset it will be in
    name: str
    annotation: Mapping[str, Any]  # Supervisely's JSON of it
    picture: bytes  # a JPEG, 320 pixels at its longer side


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What data look like in a layout, before they are taken in."""

    layout: str
    classes: tuple[ObjectClass, ...]
    datasets: Mapping[str, int]  # dataset → images looked at that can be taken
    is_whole: bool  # all of it was looked at; otherwise as much as some seconds allow
    report: ImportReport  # of what was looked at; `images_found` counts all images of the datasets
    images: tuple[LookedAtImage, ...] = ()  # some with objects, from all datasets


@dataclass(frozen=True, slots=True, kw_only=True)
class DataImport(Job):
    """An import of data as a project; ``ready`` when its layout is recognised and a person may start it.

    Attributes:
        step: ``waiting``, ``unpacking``, ``recognising``, ``looking``, ``reading`` or ``saving``.
        source: File or folder it comes from, as the person named it.
        name: Name of the project, proposed or chosen.
        layout: The chosen layout, ``None`` before that.
        layouts: Those that were recognised, the likeliest first.
        done: How much of the step is done: bytes while unpacking, images afterwards.
        total: How much there is, roughly; ``None`` if nobody knows.
        project_id: The project, once it is there.
    """

    id: ImportId  # imports and dry runs are counted apart
    source: str
    name: str = ""
    layout: str | None = None
    layouts: tuple[RecognisedLayout, ...] = ()
    done: int = 0
    total: int | None = None
    project_id: ProjectId | None = None
    report: ImportReport | None = None


# A dry run: the first few batches of a training, done for real to learn what the whole of it will need.


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long a training is planned to go on, as its engine reads the hyperparameters."""

    # What the engine always knows has no default, so that nothing is forecast from a zero.
    epochs: int  # planned epochs
    patience: int  # epochs without progress after which the engine ends early; 0 when it never does
    time_limit: float | None = None  # seconds after which it ends the training; `None` without a limit
    fraction: float = 1.0  # share of the training images that it uses, above 0 to 1
    batch_size: int  # images per batch; 0 where the engine finds out
    validates: bool = True  # it validates after each epoch; otherwise after the last one only
    save_period: int = 0  # it keeps a checkpoint after so many epochs; 0 where it keeps only the best and the last


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunFigures(Schedule):
    """A schedule, and what was measured of it on a sample of the images. Seconds and bytes."""

    used_batch_size: int  # images per batch as the engine used it; smaller when it had to give way for lack of memory
    start: float  # starting the process, importing the engine, finding the weights, building the model
    prepare_per_image: float  # placing an image and its labels, and the engine's first look at it
    batches: tuple[float, ...]  # each measured batch; the first ones, which warm up, are left out
    rest: float  # what an epoch takes besides its batches and its validation
    validation_per_image: float  # what a validation takes for an image
    evaluation: float | None = None  # what the evaluation takes before and after its images; `None` if none is planned
    evaluation_per_image: float = 0.0  # what it takes for an image
    speed_test: float | None = None  # the whole speed test; `None` if none is planned
    export: float | None = None  # the export without scoring what was exported; `None` if none is planned
    export_per_image: float = 0.0  # what scoring it takes for an image
    # what the run got of its threads' time, above 0 to 1; less when other programs kept it waiting
    processor_share: float = 1.0
    memory_base: int  # memory in use before the first batch, without cached images
    memory_peak: int  # highest memory in use, without cached images
    cache_per_image: int = 0  # memory that an image keeps when the engine caches the images, else 0
    disk: int  # files whose number does not depend on the images: checkpoints, their copies, exports
    disk_per_image: int  # what each image takes in the run folder
    unknown: tuple[str, ...] = ()  # planned steps whose duration nobody knows before


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun(Job):
    """A dry run on an agent."""

    id: DryRunId
    key: str  # what the client called it; the same plan has the same one
    agent: str = ""  # name of the agent
    other_tasks: int = 0  # tasks that ran on the same machine meanwhile: they make it slower and take memory
    train_images: int = 0  # images that the whole training will train on
    val_images: int = 0  # images that it will validate on
    memory_total: int = 0  # memory of the agent's device
    memory_free: int = 0  # what of it was free before
    disk_free: int = 0  # what the disk of the agent has left
    figures: DryRunFigures | None = None  # what was measured; `None` before the end and after a failure
    problems: tuple[str, ...] = ()  # sentences about optional steps that did not work


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelExport(Job):
    """An ONNX file that is made of the checkpoint of a finished training."""

    id: ExportId
    checkpoint: str  # path in Team Files
    path: str = ""  # of the ONNX file there; empty before the end
    seconds: float | None = None  # what it took
    difference: float | None = None  # of its outputs to the checkpoint's, relative to the largest
    expected_seconds: float | None = None  # what the last one of its size took here; `None` for the first one
