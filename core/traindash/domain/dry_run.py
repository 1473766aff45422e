"""A dry run: the first few batches of a training, done for real to learn what the whole of it will need.

Only the embedded platform does this over its API; a Supervisely server has no such method.
"""

from dataclasses import dataclass

from traindash.domain.ids import DryRunId
from traindash.domain.jobs import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunFigures:
    """What was measured on a sample of the images. Seconds and bytes.

    Attributes:
        epochs: Planned epochs, as the engine reads the hyperparameters.
        patience: Epochs without progress after which the engine ends early; 0 when it never does.
        time_limit: Seconds after which the engine ends the training; ``None`` without a limit.
        fraction: Share of the training images that the engine uses, above 0 to 1.
        batch_size: Images per batch as planned.
        used_batch_size: The same as the engine used it; smaller when it had to give way for lack of memory.
        start: Starting the process, importing the engine, finding the weights, building the model.
        prepare_per_image: Placing an image and its labels, and the engine's first look at it.
        batches: Each measured batch; the first ones, which warm up, are left out.
        rest: What an epoch takes besides its batches and its validation.
        validates: The engine validates after each epoch; otherwise after the last one only.
        validation_per_image: What a validation takes for an image.
        evaluation: What the evaluation takes before and after its images; ``None`` if none is planned.
        evaluation_per_image: What it takes for an image.
        speed_test: The whole speed test; ``None`` if none is planned.
        export: The whole export; ``None`` if none is planned.
        processor_share: What the run got of its threads' time, above 0 to 1; less when other programs kept it waiting.
        memory_base: Memory in use before the first batch, without cached images.
        memory_peak: Highest memory in use, without cached images.
        cache_per_image: Memory that an image keeps when the engine caches the images, else 0.
        disk: Files whose number does not depend on the images: checkpoints, their copies, exports.
        disk_per_image: What each image takes in the run folder.
        unknown: Planned steps whose duration nobody knows before.
    """

    epochs: int
    patience: int
    time_limit: float | None = None
    fraction: float = 1.0
    batch_size: int
    used_batch_size: int
    start: float
    prepare_per_image: float
    batches: tuple[float, ...]
    rest: float
    validates: bool = True
    validation_per_image: float
    evaluation: float | None = None
    evaluation_per_image: float = 0.0
    speed_test: float | None = None
    export: float | None = None
    processor_share: float = 1.0
    memory_base: int
    memory_peak: int
    cache_per_image: int = 0
    disk: int
    disk_per_image: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun(Job):
    """A dry run on an agent.

    Attributes:
        key: What the client called it; the same plan has the same one.
        agent: Name of the agent.
        other_tasks: Tasks that ran on the same machine meanwhile: they make it slower and take memory.
        train_images: Images that the whole training will train on.
        val_images: Images that it will validate on.
        memory_total: Memory of the agent's device.
        memory_free: What of it was free before.
        disk_free: What the disk of the agent has left.
        figures: What was measured; ``None`` before the end and after a failure.
        problems: Sentences about optional steps that did not work.
    """

    id: DryRunId
    key: str
    agent: str = ""
    other_tasks: int = 0
    train_images: int = 0
    val_images: int = 0
    memory_total: int = 0
    memory_free: int = 0
    disk_free: int = 0
    figures: DryRunFigures | None = None
    problems: tuple[str, ...] = ()
