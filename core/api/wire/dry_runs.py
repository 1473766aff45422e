"""Dry runs of trainings, methods of the embedded platform's own."""

import msgspec

from core.api.wire.reading import Shape
from core.domain.dry_run import DryRun, DryRunFigures, DryRunStatus
from core.domain.ids import DryRunId
from core.domain.task import ExitCause


class _FiguresShape(Shape):
    epochs: int
    patience: int
    batch_size: int
    used_batch_size: int
    start: float
    prepare_per_image: float
    batches: tuple[float, ...]
    rest: float
    validation_per_image: float
    memory_base: int
    memory_peak: int
    disk: int
    disk_per_image: int
    time_limit: float | None = None
    fraction: float = 1.0
    validates: bool = True
    evaluation: float | None = None
    evaluation_per_image: float = 0.0
    speed_test: float | None = None
    export: float | None = None
    processor_share: float = 1.0
    cache_per_image: int = 0
    unknown: tuple[str, ...] = ()

    def figures(self) -> DryRunFigures:
        return DryRunFigures(**msgspec.structs.asdict(self))


class DryRunShape(Shape):
    """The answer of all methods ``traindash.dryruns.*``."""

    id: int
    key: str
    state: DryRunStatus
    step: str = ""
    agent: str = ""
    other_tasks: int = 0
    train_images: int = 0
    val_images: int = 0
    memory_total: int = 0
    memory_free: int = 0
    disk_free: int = 0
    figures: _FiguresShape | None = None
    problems: tuple[str, ...] = ()
    cause: str | None = None
    message: str = ""
    hint: str = ""

    def dry_run(self) -> DryRun:
        """Return the domain value."""
        known = None if self.cause is None else next((c for c in ExitCause if c.value == self.cause), ExitCause.CRASHED)
        return DryRun(
            id=DryRunId(self.id),
            key=self.key,
            status=self.state,
            step=self.step,
            agent=self.agent,
            other_tasks=self.other_tasks,
            train_images=self.train_images,
            val_images=self.val_images,
            memory_total=self.memory_total,
            memory_free=self.memory_free,
            disk_free=self.disk_free,
            figures=None if self.figures is None else self.figures.figures(),
            problems=self.problems,
            cause=known,
            message=self.message,
            hint=self.hint,
        )
