"""A comparison from its run folder to its report."""

from pathlib import Path

from core.compare.folder import disk_images
from core.domain.task import ExitCause
from core.runs.events import EventWriter, Phase
from core.runs.layout import RunLayout
from core.runs.spec import CompareResult, CompareSpec, read_spec
from core.trainers.compare.sources import read_comparison
from core.trainers.failure import RunError
from core.trainers.pages import write_report
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
    comparison = read_comparison(spec.sources)
    stop.check()
    title = " vs. ".join(comparison.labels)
    load = disk_images({image: Path(file) for image, file in spec.image_files.items()})
    write_report(layout.evaluation, title=title, comparison=comparison, load=load)
    events.log(f"Compared {title}.")
    return CompareResult(title=title)
