"""How long a training will take, from what earlier trainings of the same model on the same project took. Pure."""

import heapq
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.ids import ProjectId
from core.domain.plan import CustomCheckpoint, PretrainedModel, TrainingPlan
from core.domain.task import Task, TaskStatus
from core.launch.rules.hyperparameters import read_text
from core.launch.watching.progress import TimeRange

_NEWEST = 8
"""Earlier runs that count: the machine may have changed since older ones."""
_LEAST_SPREAD = 0.15
_SPREAD_PER_DOUBLING = 0.15
"""Start-up and evaluation do not grow with the epochs, so a run of another length says less."""
_MOST_SPREAD = 0.8
_EXPERIMENT_FOLDER = re.compile(r"(\d+)_")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A training that went through.

    Attributes:
        model: Name in the catalogue.
        work: Epochs, times the square of the image size where it is known.
        seconds: From its start to its end, evaluation included.
    """

    model: str
    project_id: ProjectId
    work: float
    seconds: float


def past_runs(tasks: Iterable[Task]) -> tuple[PastRun, ...]:
    """Return the trainings among tasks that finished and say what they did, newest first."""
    listed = sorted(tasks, key=lambda task: task.id, reverse=True)
    models = models_by_task(listed)
    runs: list[PastRun] = []
    for task in listed:
        text = _gui_state(task).get("hyperparameters")
        work = _work(text) if isinstance(text, str) else None
        model = models.get(int(task.id))
        if task.status is not TaskStatus.FINISHED or task.started_at is None or task.finished_at is None:
            continue
        seconds = (task.finished_at - task.started_at).total_seconds()
        if work and model and seconds > 0 and task.project_id is not None:
            runs.append(PastRun(model=model, project_id=task.project_id, work=work, seconds=seconds))
    return tuple(runs)


def models_by_task(tasks: Iterable[Task]) -> dict[int, str]:
    """Return task id → name of the catalogue model at the bottom of it, through checkpoints of other tasks."""
    shapes = {int(task.id): _mapping(_gui_state(task).get("model")) for task in tasks}
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

    Args:
        plan: The plan.
        text: Its hyperparameters, or those it gets when it names none.
        runs: Earlier trainings, newest first.
        models: As of :func:`models_by_task`, for a plan that starts from a checkpoint.
    """
    model, work = _model_of(plan, models), _work(text)
    known = [run for run in runs if run.model == model and run.project_id == plan.project_id][:_NEWEST]
    if not known or not work:
        return None
    expected = [run.seconds * work / run.work for run in known]
    doublings = min(abs(math.log2(work / run.work)) for run in known)
    spread = min(_LEAST_SPREAD + _SPREAD_PER_DOUBLING * doublings, _MOST_SPREAD)
    return TimeRange(low=min(expected) * (1 - spread), high=max(expected) * (1 + spread))


def total_time(times: Sequence[TimeRange], agents: int) -> TimeRange:
    """Return how long tasks take on agents that each take the next one when they are free.

    Args:
        times: Of the tasks, in the order of the queue.
        agents: Number of agents, at least 1.
    """
    return TimeRange(
        low=_makespan([time.low for time in times], agents), high=_makespan([time.high for time in times], agents)
    )


def _makespan(seconds: Sequence[float], agents: int) -> float:
    free_at = [0.0] * max(agents, 1)
    for duration in seconds:
        heapq.heappush(free_at, heapq.heappop(free_at) + duration)
    return max(free_at)


def _model_of(plan: TrainingPlan, models: Mapping[int, str]) -> str | None:
    match plan.model:
        case PretrainedModel(name=name):
            return name
        case CustomCheckpoint(path=path):
            folders = [found for part in path.split("/") if (found := _EXPERIMENT_FOLDER.match(part))]
            return models.get(int(folders[-1].group(1))) if folders else None


def _work(text: str) -> float | None:
    values = read_text(text).values
    epochs, size = _number(values.get("epochs")), _number(values.get("imgsz"))
    if epochs is None:
        return None
    return epochs * (1.0 if size is None else size * size)


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if usable and isinstance(value, int | float) else None


def _gui_state(task: Task) -> Mapping[str, object]:
    return _mapping((task.settings or task.params or {}).get("guiState"))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
