"""A comparison from its run folder to its report."""

from core.compare.experiment import ComparedExperiment, Comparison, unique_labels
from core.compare.palette import style_of
from core.domain.task import ExitCause
from core.runs.events import EventWriter, Phase
from core.runs.layout import RunLayout
from core.runs.spec import CompareResult, CompareSpec, read_spec
from core.trainers.compare.sources import EvaluatedModel, read_model, refuse_unlike
from core.trainers.failure import RunError
from core.trainers.pages import write_report
from core.trainers.progress import Progress
from core.trainers.stopping import StopSwitch

_FEWEST = 2


def work(layout: RunLayout, events: EventWriter, stop: StopSwitch) -> CompareResult:
    """Compare the evaluations of a run folder and write the report into ``evaluation/``.

    Raises:
        RunError: They cannot be compared.
        Stopped: The run was asked to stop.
    """
    spec = read_spec(layout.spec)
    if not isinstance(spec, CompareSpec):
        message = f"The comparison was given a run of kind “{spec.kind}”."
        raise RunError(ExitCause.BAD_INPUT, message, "Start a comparison.")
    events.phase(Phase.COMPARING)
    if len(spec.sources) < _FEWEST:
        message = "A comparison needs at least two evaluations."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another experiment beside this one.")
    progress = Progress(events)
    models: list[EvaluatedModel] = []
    for number, source in enumerate(spec.sources, start=1):
        stop.check()
        models.append(read_model(source))
        progress.report("Reading evaluations", number, len(spec.sources))
    refuse_unlike(models)
    comparison = as_comparison(models)
    title = " vs. ".join(comparison.labels)
    write_report(layout.evaluation, title=title, comparison=comparison)
    return CompareResult(title=title)


def as_comparison(models: list[EvaluatedModel]) -> Comparison:
    """Put the models side by side, in the order given."""
    keys = [model.source.path for model in models]
    labels = unique_labels(
        [model.source.label for model in models], [str(number) for number in range(1, len(keys) + 1)]
    )
    experiments = tuple(
        ComparedExperiment(key=key, label=label, style=style_of(number), evaluation=model.evaluation, speed=model.speed)
        for number, (key, label, model) in enumerate(zip(keys, labels, models, strict=True))
    )
    return Comparison(experiments=experiments)
