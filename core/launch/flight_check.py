"""The flight check of a plan: a dry run on its agent, what follows from it, and what speaks against the start."""

import hashlib
import json
from dataclasses import replace

from core.api.client import SuperviselyClient
from core.domain.dry_run import DryRun, DryRunStatus
from core.domain.plan import TrainingPlan
from core.domain.project import Project
from core.domain.task import ExitCause
from core.launch.forecast import Forecast
from core.launch.launcher import PlanRefusedError, request_for
from core.launch.plan_file import plan_values
from core.launch.rules.plan_facts import gather
from core.launch.rules.preflight import problems_of
from core.launch.rules.problems import Problem, error, warning

CONTENDED = 0.8
"""A dry run that got less of its processor time was measured beside other programs."""

_SPARE_DISK = 1 << 30
"""Bytes that should be left on the disk when a training is done."""


def plan_key(plan: TrainingPlan, project: Project) -> str:
    """Return a text that is the same for plans that need the same: names and the way to start do not matter."""
    same = replace(plan, experiment_name=None, description=None, autostart=True, cache_project=True)
    content = [plan_values(same), project.items_count, project.version, str(project.updated_at)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def begin(client: SuperviselyClient, plan: TrainingPlan) -> DryRun:
    """Begin the dry run of a plan; it is found again by the plan's key.

    Raises:
        PlanRefusedError: The plan has errors.
        ApiError: The server refused, cannot make dry runs, or could not be asked.
    """
    facts = gather(client, plan)
    problems = problems_of(plan, facts.facts)
    if any(problem.severity == "error" for problem in problems):
        raise PlanRefusedError(problems)
    return client.dry_runs.start(request_for(plan, facts), plan_key(plan, facts.project.project))


def flight_problems(dry_run: DryRun, expected: Forecast | None) -> tuple[Problem, ...]:
    """Return what a dry run found against the start.

    Args:
        dry_run: One that is over, or not.
        expected: What follows from it; ``None`` unless it is finished.
    """
    if dry_run.status is DryRunStatus.ERROR:
        return (_failure(dry_run),)
    if expected is None:
        return ()
    found = [*_memory(dry_run, expected)]
    found += [warning("launch", text, "The training counts all the same.") for text in dry_run.problems]
    if expected.disk + _SPARE_DISK > dry_run.disk_free:
        message = (
            f"The training needs about {_size(expected.disk)} of disk, and {_size(dry_run.disk_free)} are free on "
            f"agent “{dry_run.agent}”."
        )
        found.append(warning("launch", message, "Free some space, for example old experiments in Team Files."))
    if dry_run.figures is not None and dry_run.figures.processor_share < CONTENDED:
        got = f"{dry_run.figures.processor_share * 100:.0f} %"
        message = f"Other programs kept the flight check waiting: it got {got} of its processor time."
        if dry_run.other_tasks:
            tasks = "1 other task was" if dry_run.other_tasks == 1 else f"{dry_run.other_tasks} other tasks were"
            message += f" {tasks} running."
        found.append(warning("launch", message, "When they are over, the training is quicker; check again then."))
    return tuple(found)


def _memory(dry_run: DryRun, expected: Forecast) -> list[Problem]:
    figures = dry_run.figures
    if figures is not None and 0 < figures.used_batch_size < figures.batch_size:
        message = f"A batch of {figures.batch_size} does not fit; the engine went on with {figures.used_batch_size}."
        hint = f"Set “batch” to {figures.used_batch_size}, so that the plan says what happens."
        return [warning("hyperparameters", message, hint)]
    if expected.largest_batch is None:
        return []
    message = (
        f"The training needs about {_size(expected.memory)} of memory, and {_size(dry_run.memory_free)} are free on "
        f"agent “{dry_run.agent}”."
    )
    if expected.largest_batch >= 1:
        return [warning("hyperparameters", message, f"Set “batch” to {expected.largest_batch} or less.")]
    return [warning("hyperparameters", message, "Close other programs, or choose a smaller model or “imgsz”.")]


def _failure(dry_run: DryRun) -> Problem:
    message = f"The flight check failed: {dry_run.message}"
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
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"  # noqa: PLR2004 - as sizes are shown
