"""What a series does now and how it stands: words and numbers without any drawing."""

from collections.abc import Mapping, Sequence

from core.api.resources.experiments import experiment_of_output
from core.compare import formatting
from core.domain.task import ExitReport
from core.launch.series.progress import MemberState, Stage, TimeLeft
from core.launch.watching.progress import TaskProgress
from core.ui import theme
from core.ui.tasks.text import sentence, task_title
from core.ui.theme import StatusLook

_WORDS: Mapping[Stage, str] = {
    "finished": "finished",
    "running": "running",
    "waiting": "in the queue",
    "to_start": "not started yet",
    "failed": "failed",
    "refused": "refused",
    "stopped": "stopped",
}
_LOOKS: Mapping[Stage, StatusLook] = {
    "to_start": StatusLook(word="Waiting", icon=":material/schedule:", color="gray"),
    "refused": StatusLook(word="Not started", icon=":material/block:", color="red"),
    "stopped": StatusLook(word="Stopped", icon=":material/stop_circle:", color="orange"),
}
_RESULTS = (("mAP", "mAP"), ("AP50", "AP50"), ("f1", "F1"))


def standing(states: Sequence[MemberState]) -> str:
    """Return how many experiments are where: ``3 of 6 finished, 1 running, 2 in the queue``."""
    counts = {stage: sum(state.stage == stage for state in states) for stage in _WORDS}
    parts = [f"{counts['finished']} of {len(states)} finished"]
    parts += [f"{counts[stage]} {word}" for stage, word in _WORDS.items() if counts[stage] and stage != "finished"]
    return ", ".join(parts)


def look_of(state: MemberState) -> StatusLook:
    """Return the badge of an experiment."""
    return _LOOKS[state.stage] if state.task is None else theme.TASK_STATUS[state.task.status]


def name_of(state: MemberState) -> str:
    """Return the name of an experiment."""
    return state.member.plan.experiment_name or (task_title(state.task) if state.task else state.member.key)


def varied_text(state: MemberState) -> str:
    """Return what sets an experiment apart; empty where nothing does."""
    return " · ".join(value if thing == "model" else f"{thing} {value}" for thing, value in state.member.varied)


def map_of(state: MemberState) -> float | None:
    """Return the mAP of a finished experiment, ``None`` for others and without evaluation."""
    experiment = experiment_of_output(state.task.output) if state.task is not None else None
    return None if experiment is None else experiment.evaluation_metrics.get("mAP")


def best_of(states: Sequence[MemberState]) -> tuple[MemberState, float] | None:
    """Return the experiment with the highest mAP so far, the first one of equals; none while all found nothing."""
    found = [(value, -place) for place, state in enumerate(states) if (value := map_of(state))]
    if not found:
        return None
    value, place = max(found)
    return states[-place], value


def result_text(state: MemberState) -> str:
    """Return what came out of a finished experiment."""
    experiment = experiment_of_output(state.task.output) if state.task is not None else None
    if experiment is None:
        return ""
    values = experiment.evaluation_metrics
    return ", ".join(f"{title} {formatting.metric(values[key])}" for key, title in _RESULTS if key in values) or (
        "Not evaluated"
    )


def doing_text(state: MemberState, progress: TaskProgress | None) -> str:
    """Return what an experiment does or waits for."""
    if state.task is not None:
        return sentence(progress or TaskProgress(task=state.task))
    if state.stage == "stopped":
        return "Not started: the series was cancelled" if state.member.task_id is None else "Its task is gone"
    return "Waits for its start"


def why_text(state: MemberState) -> tuple[str, str]:
    """Return why an experiment left nothing, and what to do."""
    if state.member.refusal is not None and state.task is None:
        return state.member.refusal.message, state.member.refusal.hint
    report: ExitReport | None = state.task.exit_report if state.task is not None else None
    if report is None:
        return "The server does not say why the task ended.", "Look at the last lines of its log."
    return report.message, report.hint


def left_text(left: TimeLeft) -> str:
    """Return how long a series will still take, as far as that is known."""
    if left.range is None:
        return "Not known yet" if left.unknown else formatting.MISSING
    known = formatting.time_left(left.range.low, left.range.high).removesuffix(" left")
    return f"{known} and more" if left.unknown else known
