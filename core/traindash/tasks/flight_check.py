"""The flight check of a plan: a dry run on its agent, what follows from it, and what speaks against the start."""

import hashlib
import heapq
import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from traindash.domain.experiment import MOST_SCORED
from traindash.domain.ids import ProjectId
from traindash.domain.jobs import DryRun, DryRunFigures, JobStatus
from traindash.domain.plan import CustomCheckpoint, PretrainedModel, TrainingPlan
from traindash.domain.project import Project
from traindash.domain.task import ExitCause, Task, TaskStatus
from traindash.formatting import decimal, quoted
from traindash.frameworks.registry import framework_of_app, roles_of
from traindash.frameworks.spec import Roles
from traindash.language import gettext as _
from traindash.language import ngettext
from traindash.plans.app_state import framework_of
from traindash.plans.hyperparameters import read_text
from traindash.plans.plan_file import plan_values
from traindash.plans.problems import Problem, error, warning
from traindash.supervisely.client import SuperviselyClient
from traindash.tasks.launcher import gather_startable, request_for
from traindash.tasks.progress import TimeRange

# What a whole training will need, from what a dry run has measured. Pure.


# relative uncertainty of every forecast: a warmer processor, harder images, a sample of them. A judgement;
# ``tests/benchmarks/flight_check.py`` holds it against real trainings
_SPREAD = 0.15

# relative uncertainty for a processor that others took altogether: they may come and go. A judgement as well
_PER_LOST_SHARE = 0.5
_MOST_SPREAD = 0.9

_SPARE = 0.9  # share of the free memory that a training may count on
_FINISHING = 2.0  # seconds to bring results into Team Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a training will need."""

    total: TimeRange  # seconds from the begin of the work to its end; the wait for a free agent comes in front of it
    spread: float  # relative uncertainty of what was measured, above 0 and below 1
    share: float  # what the dry run got of its processor time; the lower end of `total` counts on all of it
    earlier: TimeRange | None  # what earlier trainings took, where they moved an end of `total`
    parts: Mapping[str, float]  # phase in words → likely seconds, in the order of the phases
    memory: int  # bytes at the peak
    disk: int  # bytes that its files take while it runs
    # largest batch that fits into the free memory, 0 if none does; `None` when the planned one fits
    largest_batch: int | None
    may_end_early: bool  # the engine ends before the last epoch when nothing gets better for long
    unknown: tuple[str, ...] = ()  # planned steps that are not part of the total


def forecast(dry_run: DryRun, figures: DryRunFigures, earlier: TimeRange | None = None) -> Forecast:
    """Return what the whole training will need.

    ``earlier`` is how long the training takes by :func:`estimate`; where the two disagree, the range reaches from one
    to the other.
    """
    parts = {name: seconds for name, seconds in _parts(dry_run, figures).items() if seconds > 0}
    memory = figures.memory_peak + _cached(dry_run, figures)
    fits = memory <= dry_run.memory_free * _SPARE
    images = dry_run.train_images + dry_run.val_images
    spread = _spread(figures)
    likely = sum(parts.values())
    # The lower end is as quick as the training gets when nobody else uses the processor any more.
    low = likely * (1 - spread) * min(1.0, figures.processor_share)
    total = measured = TimeRange(low=low, high=likely * (1 + spread))
    if earlier is not None:  # stretched to the nearer end of the earlier range when the two have nothing in common
        total = TimeRange(low=min(low, earlier.high), high=max(measured.high, earlier.low))
    return Forecast(
        total=total,
        spread=spread,
        share=figures.processor_share,
        earlier=None if total == measured else earlier,
        parts=parts,
        memory=memory,
        disk=figures.disk + figures.disk_per_image * images,
        largest_batch=None if fits else _largest_batch(dry_run, figures),
        may_end_early=0 < figures.patience < figures.epochs,
        unknown=figures.unknown,
    )


def _parts(dry_run: DryRun, figures: DryRunFigures) -> Mapping[str, float]:
    val = dry_run.val_images
    images = round(dry_run.train_images * figures.fraction)
    validation = figures.validation_per_image * val
    epoch = math.ceil(images / max(1, figures.used_batch_size)) * statistics.fmean(figures.batches) + figures.rest
    epochs = figures.epochs * (epoch + (validation if figures.validates else 0.0))
    # An engine that does not validate after each epoch still does so after the last one.
    training = epochs + validation * (1 if figures.validates else 2)  # at the end the best checkpoint once more
    # A limit in hours ends the training wherever it is, whatever its length says.
    if figures.time_limit is not None:
        training = figures.time_limit + validation
    evaluation = figures.evaluation
    return {
        _("Preparing data"): figures.start + figures.prepare_per_image * (dry_run.train_images + val),
        _("Training"): training,
        _("Evaluation"): 0.0 if evaluation is None else evaluation + figures.evaluation_per_image * val,
        _("Speed test"): figures.speed_test or 0.0,
        _("Export"): (figures.export or 0.0) + figures.export_per_image * min(val, MOST_SCORED),
        _("Saving results"): _FINISHING,
    }


def _spread(figures: DryRunFigures) -> float:
    """Return the relative uncertainty: that of every forecast, of uneven batches, and of programs that come and go."""
    lost = _PER_LOST_SHARE * (1 - figures.processor_share)
    return min(math.hypot(_SPREAD, _unevenness(figures.batches), lost), _MOST_SPREAD)


def _unevenness(batches: Sequence[float]) -> float:
    """Return how far the mean of all batches may be from that of those seen, relative to it.

    That is twice the standard error, or the step from the first half to the second: a machine whose load changes is
    slow for many batches in a row.
    """
    mean = statistics.fmean(batches)
    if len(batches) < 2 or mean == 0:  # noqa: PLR2004 - a spread takes two
        return 0.0
    middle = len(batches) // 2
    step = abs(statistics.fmean(batches[:middle]) - statistics.fmean(batches[middle:]))
    return max(2 * statistics.stdev(batches) / math.sqrt(len(batches)), step) / mean


def _cached(dry_run: DryRun, figures: DryRunFigures) -> int:
    return figures.cache_per_image * (round(dry_run.train_images * figures.fraction) + dry_run.val_images)


def _largest_batch(dry_run: DryRun, figures: DryRunFigures) -> int:
    """Return the largest batch that fits: what grew from the first batch on is shared by the images of the batch."""
    free = dry_run.memory_free * _SPARE - _cached(dry_run, figures) - figures.memory_base
    # Weights and engine are there once, activations once per image of a batch.
    per_image = (figures.memory_peak - figures.memory_base) / max(1, figures.used_batch_size)
    if free <= 0 or per_image <= 0:
        return 0
    return min(figures.batch_size, int(free / per_image))


CONTENDED = 0.8  # a dry run that got less of its processor time was measured beside other programs
_SPARE_DISK = 1 << 30  # bytes that should be left on the disk when a training is done


def plan_key(plan: TrainingPlan, project: Project) -> str:
    """Return a text that is the same for plans that need the same: names and the way to start do not matter."""
    # What a run needs does not depend on these, so a check need not be made again for them.
    same = replace(plan, experiment_name=None, description=None, autostart=True, cache_project=True)
    content = [plan_values(same), project.items_count, project.version, str(project.updated_at)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def begin(client: SuperviselyClient, plan: TrainingPlan) -> DryRun:
    """Begin the dry run of a plan; it is found again by the plan's key.

    Raises:
        PlanRefusedError: The plan has errors.
        ApiError: The server refused, cannot make dry runs, or could not be asked.
    """
    facts, _warnings = gather_startable(client, plan)
    return client.dry_runs.start(request_for(plan, facts), plan_key(plan, facts.project.project))


def flight_problems(dry_run: DryRun, expected: Forecast | None, roles: Roles) -> tuple[Problem, ...]:
    """Return what a dry run found against the start.

    ``expected`` is ``None`` unless the dry run is finished; ``roles`` are those of the plan's hyperparameters.
    """
    if dry_run.status is JobStatus.ERROR:
        return (_failure(dry_run),)
    if expected is None:
        return ()
    found = [*_memory(dry_run, expected, roles)]
    found += [warning("launch", text, _("The training counts all the same.")) for text in dry_run.problems]
    if expected.disk + _SPARE_DISK > dry_run.disk_free:
        message = _("The training needs about {needed} of disk, and {free} are free on agent “{agent}”.").format(
            needed=_size(expected.disk), free=_size(dry_run.disk_free), agent=dry_run.agent
        )
        found.append(warning("launch", message, _("Free some space, for example old experiments in Team Files.")))
    if dry_run.figures is not None and dry_run.figures.processor_share < CONTENDED:
        got = f"{dry_run.figures.processor_share * 100:.0f} %"
        message = _("Other programs kept the flight check waiting: it got {got} of its processor time.").format(got=got)
        if dry_run.other_tasks:
            others = ngettext(
                "{count} other task was running.", "{count} other tasks were running.", dry_run.other_tasks
            )
            message = f"{message} {others.format(count=dry_run.other_tasks)}"
        found.append(warning("launch", message, _("When they are over, the training is quicker; check again then.")))
    return tuple(found)


def _memory(dry_run: DryRun, expected: Forecast, roles: Roles) -> list[Problem]:
    figures, batch = dry_run.figures, quoted(roles.key("batch") or "batch")
    if figures is not None and 0 < figures.used_batch_size < figures.batch_size:
        message = _("A batch of {batch_size} does not fit; the engine went on with {used_batch_size}.").format(
            batch_size=figures.batch_size, used_batch_size=figures.used_batch_size
        )
        hint = _("Set {batch} to {used_batch_size}, so that the plan says what happens.").format(
            batch=batch, used_batch_size=figures.used_batch_size
        )
        return [warning("hyperparameters", message, hint)]
    if expected.largest_batch is None:
        return []
    message = _("The training needs about {needed} of memory, and {free} are free on agent “{agent}”.").format(
        needed=_size(expected.memory), free=_size(dry_run.memory_free), agent=dry_run.agent
    )
    if expected.largest_batch >= 1:
        return [
            warning(
                "hyperparameters",
                message,
                _("Set {batch} to {largest_batch} or less.").format(batch=batch, largest_batch=expected.largest_batch),
            )
        ]
    size = f" ({quoted(key)})" if (key := roles.key("image_size")) else ""
    hint = _("Close other programs, or choose a smaller model or smaller images{size}.").format(size=size)
    return [warning("hyperparameters", message, hint)]


def _failure(dry_run: DryRun) -> Problem:
    message = _("The flight check failed: {message}").format(message=dry_run.message)
    match dry_run.cause:
        case ExitCause.OUT_OF_MEMORY | ExitCause.BAD_HYPERPARAMETER:
            return error("hyperparameters", message, dry_run.hint)
        case ExitCause.BAD_DATA:
            return error("split", message, dry_run.hint)
        case ExitCause.BAD_INPUT | ExitCause.ENGINE_MISSING:
            return error("launch", message, dry_run.hint)
        case _:  # it may go better the next time
            return warning("launch", message, dry_run.hint)


def _size(number: int) -> str:
    return f"{decimal(number / 1e9, 1)} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"  # noqa: PLR2004 - as sizes are shown


# How long a training will take, from what earlier trainings of the same model on the same project took. Pure.

_NEWEST = 8  # earlier runs that count: the machine may have changed since older ones
_LEAST_SPREAD = 0.15
_SPREAD_PER_DOUBLING = 0.15  # start-up and evaluation do not grow with the epochs, so a run of another length says less
_MOST_SPREAD_OF_EARLIER = 0.8
_EXPERIMENT_FOLDER = re.compile(r"(\d+)_")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A training that went through."""

    model: str  # name in the catalogue
    project_id: ProjectId
    work: float  # its length, times the pixels of an image where these are known
    seconds: float  # from its start to its end, evaluation included


def past_runs(tasks: Iterable[Task]) -> tuple[PastRun, ...]:
    """Return the trainings among tasks that finished and say what they did, newest first."""
    listed = sorted(tasks, key=lambda task: task.id, reverse=True)
    # A checkpoint takes as long as the model that it was trained from.
    models = models_by_task(listed)
    runs: list[PastRun] = []
    for task in listed:
        text = task.hyperparameters
        work = None if text is None else _work(text, framework_of_app(task.app_name))
        model = models.get(int(task.id))
        if task.status is not TaskStatus.FINISHED or task.started_at is None or task.finished_at is None:
            continue
        seconds = (task.finished_at - task.started_at).total_seconds()
        # Tasks of other servers may have no times.
        if work and model and seconds > 0 and task.project_id is not None:
            runs.append(PastRun(model=model, project_id=task.project_id, work=work, seconds=seconds))
    return tuple(runs)


def models_by_task(tasks: Iterable[Task]) -> dict[int, str]:
    """Return task id → name of the catalogue model at the bottom of it, through checkpoints of other tasks."""
    shapes = {int(task.id): _mapping(task.gui_state.get("model")) for task in tasks}
    found: dict[int, str] = {}
    for task_id in shapes:
        at: object = task_id
        seen: set[object] = set()
        while isinstance(at, int) and at in shapes and at not in seen:
            seen.add(at)
            name = shapes[at].get("model_name")
            if isinstance(name, str) and name:
                found[task_id] = name
                break
            at = shapes[at].get("task_id")
    return found


def estimate(plan: TrainingPlan, text: str, runs: Sequence[PastRun], models: Mapping[int, str]) -> TimeRange | None:
    """Return how long a plan's training will take, ``None`` where nothing is known.

    ``text`` are its hyperparameters, or those it gets; runs come newest first; models as of :func:`models_by_task`.
    """
    model, work = _model_of(plan, models), _work(text, framework_of(plan.model))
    known = [run for run in runs if run.model == model and run.project_id == plan.project_id][:_NEWEST]
    if not known or not work:
        return None
    expected = [run.seconds * work / run.work for run in known]
    # The nearest earlier run counts: one of the same length makes the others unimportant.
    doublings = min(abs(math.log2(work / run.work)) for run in known)
    spread = min(_LEAST_SPREAD + _SPREAD_PER_DOUBLING * doublings, _MOST_SPREAD_OF_EARLIER)
    return TimeRange(low=min(expected) * (1 - spread), high=max(expected) * (1 + spread))


def total_time(times: Sequence[TimeRange], agents: int) -> TimeRange:
    """Return how long tasks take, in the order of the queue, on agents that take the next one when they are free."""

    def makespan(seconds: Iterable[float]) -> float:
        free_at = [0.0] * max(agents, 1)
        for duration in seconds:
            # Each task goes to whoever is free first: the end of the last one is what a person waits for.
            heapq.heappush(free_at, heapq.heappop(free_at) + duration)
        return max(free_at)

    return TimeRange(low=makespan(time.low for time in times), high=makespan(time.high for time in times))


def _model_of(plan: TrainingPlan, models: Mapping[int, str]) -> str | None:
    match plan.model:
        case PretrainedModel(name=name):
            return name
        case CustomCheckpoint(path=path):
            folders = [found for part in path.split("/") if (found := _EXPERIMENT_FOLDER.match(part))]
            return models.get(int(folders[-1].group(1))) if folders else None


def _work(text: str, framework: str | None) -> float | None:
    values = read_text(text).values
    roles = roles_of(framework, values)
    length = roles.number(values, "length")
    if length is None:
        return None
    # An epoch has as many images whatever the batch is, an iteration a batch of them
    images = (roles.number(values, "batch") or 1.0) if roles.counts == "iteration" else 1.0
    return length * images * (roles.image_pixels(values) or 1.0)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
