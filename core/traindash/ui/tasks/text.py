"""What a task is called, what it does now, how far it is: words and numbers without any drawing."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from traindash import formatting
from traindash.domain.experiment import MEAN_IOU
from traindash.domain.task import ExitCause, Task, TaskStatus
from traindash.language import N_
from traindash.language import gettext as _
from traindash.steady_clock import CLOCK
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.progress import Silence, TaskProgress

PHASE_TITLES: Mapping[str, str] = {
    "queued": N_("Queue"),
    "preparing_data": N_("Preparing data"),
    "training": N_("Training"),
    "evaluation": N_("Evaluation"),
    "speed_test": N_("Speed test"),
    "export": N_("Export"),
    "uploading": N_("Uploading"),
    "comparing": N_("Comparing"),
    "labelling": N_("Labelling"),
}
_FIGURES = {
    "f1": "F1",
    "mBoundaryIoU": N_("boundary IoU"),
}  # names of figures on the screen where they differ from those in a record
_TRAINED = 0.9  # share of the bar that belongs to the training; what follows it shares the rest


def task_title(task: Task) -> str:
    """Return what people call a task: its experiment's name, else its description, its model or its app."""
    state = task.gui_state
    # docs/supervisely-api.md 4: null until the app has made a name of task, project and model.
    name = state.get("experiment_name")
    return (
        str(name)
        if name
        else task.description or model_name(task) or task.app_name or _("Task {number}").format(number=task.id)
    )


def model_name(task: Task) -> str:
    """Return the model that a training starts from; empty for other tasks."""
    model = _mapping(task.gui_state.get("model"))
    return str(model.get("model_name") or model.get("checkpoint") or "")


def is_labelling(task: Task) -> bool:
    """Return whether a model labels images in a task, so that nothing is trained."""
    return "labelling" in task.state


def is_ready_only(progress: TaskProgress) -> bool:
    """Return whether the task only waits for its Start button, so that its silence means nothing."""
    # docs/supervisely-api.md 4: `start_training` is autostart.
    autostart = progress.task.gui_state.get("start_training")
    return autostart is False and not progress.task.status.is_terminal and progress.phase is None


def is_open_app(progress: TaskProgress) -> bool:
    """Return whether a training app was opened on a project and waits for its settings."""
    task = progress.task
    waits = not task.status.is_terminal and progress.phase is None
    return waits and "slyProjectId" in task.state and not task.gui_state and "trainTaskId" not in task.state


def can_end_after_epoch(progress: TaskProgress) -> bool:
    """Return whether the task trains and has epochs left, so that it can end well before the last one."""
    if progress.task.status is not TaskStatus.STARTED or progress.phase not in {"preparing_data", "training"}:
        return False
    if progress.counts != "epoch":
        return False
    return progress.epoch is None or progress.epochs is None or progress.epoch < progress.epochs


def planned_phases(task: Task) -> tuple[str, ...]:
    """Return the phases that a task goes through, by its options."""
    state = task.gui_state
    if not state:
        return ()
    options = _mapping(state.get("options"))
    benchmark, export = _mapping(options.get("model_benchmark")), _mapping(options.get("export"))
    phases = ["preparing_data", "training"]
    if benchmark.get("enable"):
        phases.append("evaluation")
    # docs/supervisely-api.md 4: the speed test belongs to the benchmark, which runs for it alone, too.
    if benchmark.get("enable") and benchmark.get("speed_test"):
        phases.append("speed_test")
    if export.get("enable"):
        phases.append("export")
    return (*phases, "uploading")


def sentence(progress: TaskProgress) -> str:
    """Return what the task does now, honestly and in one line."""
    task = progress.task
    match task.status:
        case TaskStatus.QUEUED:
            text = (
                _("Queued, number {place}").format(place=task.queue_position)
                if task.queue_position
                else _("Queued, waits for a free agent")
            )
        case TaskStatus.CONSUMED:
            text = _("Starting")
        case TaskStatus.TERMINATING:
            text = _("Stopping: what is open is tidied up")
        case TaskStatus.FINISHED:
            text = _("Finished after {time}").format(time=duration(task))
        # Stopped after an epoch it leaves an experiment as a finished one does.
        case TaskStatus.STOPPED:
            by_user = task.exit_report is not None and task.exit_report.cause is ExitCause.STOPPED_BY_USER
            text = (_("Stopped by you after {time}") if by_user else _("Stopped after {time}")).format(
                time=duration(task)
            )
            if task.output and "experiment" in task.output:
                text = _("{stopped}, best checkpoint kept").format(stopped=text)
        case TaskStatus.ERROR:
            text = _("Ended with an error after {time}").format(time=duration(task))
        case _:
            text = _running(progress)
    return text


def result_text(task: Task, figures: Sequence[str] = ("mAP", "AP50", MEAN_IOU)) -> str:
    """Return what was measured of the experiment that a task left, or what it labelled; empty where it left nothing."""
    experiment = experiment_of_output(task.output)
    if experiment is None:
        return _labelled(task)
    values = experiment.evaluation_metrics
    measured = [
        f"{_(_FIGURES.get(name, name))} {formatting.metric(values[name])}" for name in figures if name in values
    ]
    return ", ".join(measured) or _("Not evaluated")


def _labelled(task: Task) -> str:
    match (task.output or {}).get("labelling"):
        case {"data": {"made": int(made), "images": int(images)}}:
            return _("{objects} on {images}").format(
                objects=formatting.plural(made, "object", "objects"),
                images=formatting.plural(images, "image", "images"),
            )
        case _:
            return ""


def silence_text(silence: Silence) -> str:
    """Return what to say of a task that may be stuck, and what to do."""
    said = formatting.duration(round(silence.seconds))
    if silence.waits:
        return _(
            "The training app has been open for {time} and has not begun to train. One of its "
            "settings may not fit: look at the log, or open the task on its server and press its "
            "Start button there. Otherwise stop it."
        ).format(time=said)
    known = _("No sign of life for {time}; {usual} would be usual.")
    if silence.phase:
        known = _("No sign of life for {time} while “{phase}”; {usual} would be usual.")
    phase = _(PHASE_TITLES.get(silence.phase, silence.phase))
    text = known.format(time=said, phase=phase, usual=formatting.duration(round(silence.expected)))
    match silence.is_idle:
        case True:
            return _(
                "{silence} Its process does not compute either: it probably hangs. Stop the task and start it again."
            ).format(silence=text)
        case False:
            return _("{silence} Its process computes, so it may only be slow. Wait, or stop the task.").format(
                silence=text
            )
        case None:
            return _("{silence} Look at the log; if nothing comes, stop the task and start it again.").format(
                silence=text
            )


def app_failed_text(progress: TaskProgress) -> str:
    """Return what to say of a training app that has failed while its task still counts as running."""
    # The app's text comes with a label in front and an appeal behind; the reason is in between.
    said = (
        (progress.train_status or "").removeprefix("Status: ").removesuffix("Please check the logs for more details.")
    )
    return _(
        "The training app says: {reason} On this server such a task keeps running without doing "
        "anything. Look for the reason in the log, then stop the task."
    ).format(reason=said.strip())


def not_finite_text(not_finite: Mapping[str, int]) -> str:
    """Return what to say of metrics that are no numbers: at least one, with the first epoch of NaN or infinite."""
    first = min(not_finite.values())
    names = formatting.listing(
        [formatting.quoted(name) for name, epoch in not_finite.items() if epoch == first], limit=2
    )
    return _(
        "Not a number since epoch {number}: {names}. The training may not recover: try a smaller learning rate."
    ).format(number=first, names=names)


def resources_text(progress: TaskProgress) -> str:
    """Return what the task's processes use; empty where that is not known."""
    used = progress.resources
    if used is None:
        return ""
    memory = formatting.size(int(used.memory_bytes))
    return _("CPU {percent} %, memory {size}").format(percent=f"{used.cpu_percent:.0f}", size=memory)


def fraction(progress: TaskProgress) -> float:
    """Return how much of the task is done, 0 to 1."""
    if progress.task.status is TaskStatus.FINISHED:
        return 1.0
    if is_labelling(progress.task) and progress.counters:
        last = progress.counters[-1]
        return min(1.0, last.current / last.total) if last.total else 0.0
    later = [name for name in planned_phases(progress.task) if name not in {"preparing_data", "training"}]
    reached = progress.phase or (progress.phases[-1].name if progress.phases else "")
    # What follows the training shares the rest in equal parts: nobody knows how long each of them takes.
    if reached in later:
        return _TRAINED + (1 - _TRAINED) * later.index(reached) / len(later)
    if not progress.epochs:
        return 0.0
    part = progress.step / progress.steps if progress.step is not None and progress.steps else 0.0
    return _TRAINED * min(1.0, ((progress.epoch or 0) + part) / progress.epochs)


def duration(task: Task, now: datetime | None = None) -> str:
    """Return how long a task ran, or has been running until now; a dash before its start."""
    # A task that ended without a time of its end (its agent was lost) has no duration; “until now” would grow for ever.
    end = task.finished_at or (None if task.status.is_terminal else now or CLOCK.now())
    if task.started_at is None or end is None:
        return formatting.duration(None)
    return formatting.duration(max(0.0, (end - task.started_at).total_seconds()))


def _running(progress: TaskProgress) -> str:
    if is_ready_only(progress):
        return _("Ready, waits for “Start training”")
    if is_open_app(progress):
        return _("The training app is open and waits for its settings")
    # Training apps of Supervisely report no phases; their train_status is all they say (docs/supervisely-api.md 6.1).
    if progress.phase is None:
        if progress.train_status is None:
            return _("Running") if progress.newest else _("Getting ready on its agent")
        return progress.train_status.removeprefix("Status: ").rstrip(".") or _("The training app is open")
    parts = [_(PHASE_TITLES.get(progress.phase, progress.phase))]
    if progress.phase == "training" and progress.epochs:
        running = formatting.count(min((progress.epoch or 0) + 1, progress.epochs))
        parts.append(
            (
                _("epoch {number} of {count}") if progress.counts == "epoch" else _("iteration {number} of {count}")
            ).format(number=running, count=formatting.count(progress.epochs))
        )
        if progress.step is not None and progress.steps:
            parts.append(_("batch {number} of {count}").format(number=progress.step, count=progress.steps))
        if progress.eta_seconds:
            parts.append(formatting.time_left(progress.eta_seconds.low, progress.eta_seconds.high))
    elif progress.counters and progress.phase != "training":
        last = progress.counters[-1]
        parts.append(
            _("{number} of {count}").format(number=formatting.count(last.current), count=formatting.count(last.total))
        )
    return ", ".join(parts)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
