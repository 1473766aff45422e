"""Runs a comparison: ``python -m traindash.training.trainers.compare RUN_DIR``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from traindash.comparison.comparison_basis import on_fair_basis
from traindash.comparison.experiment import Comparison
from traindash.comparison.folder import compare_experiments, disk_images
from traindash.domain.task import ExitCause
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import CompareResult, CompareSpec, EvaluationSource, RunLayout, read_spec
from traindash.training.trainers.compare.speed import with_speed
from traindash.training.trainers.entry import RunError, StopSwitch, run
from traindash.training.trainers.reporting import write_report

_SHOWN_NAMES = 5
_EVALUATE_AGAIN = "Train the model again with the benchmark switched on."


class _InferenceInfo(msgspec.Struct):
    """What is read of ``inference_info.json``, which Supervisely's own benchmark writes, too."""

    task_type: str


def read_comparison(sources: Sequence[EvaluationSource]) -> Comparison:
    """Read evaluations and put them side by side.

    Refused is what Supervisely's module refuses: other task types, other images or other classes than the first one's.

    Raises:
        RunError: An evaluation is not complete, or they cannot be compared; says what differs.
    """
    tasks = [_task_type(source) for source in sources]
    for source, task in zip(sources, tasks, strict=True):
        if task != tasks[0]:
            message = f"{_pair(sources[0], source)} solve different tasks: {tasks[0]} and {task}."
            _refuse(message, "Compare models of one task.")
    try:
        comparison = compare_experiments(sources)
    except InputError as error:
        _refuse(f"An evaluation cannot be read: {error.message}", _EVALUATE_AGAIN)
    first_source, (_, first) = sources[0], comparison.evaluated[0]
    for source, (_, other) in zip(sources, comparison.evaluated, strict=True):
        names = _pair(first_source, source)
        if images := _image_names(first) ^ _image_names(other):
            message = f"{names} were evaluated on different images: {_some(sorted(images))} not in both."
            hint = "Train them with the same validation images: split by datasets or collections, not at random."
            _refuse(message, hint)
        if classes := set(first.classes) ^ set(other.classes):
            message = f"{names} have different classes: {_some(sorted(classes))} not in both."
            _refuse(message, "Train them on the same classes.")
    return comparison


def _task_type(source: EvaluationSource) -> str:
    file = Path(source.folder) / "evaluation" / "inference_info.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=_InferenceInfo).task_type
    except (OSError, msgspec.DecodeError):
        _refuse(f"The evaluation {source.path} has no record of what was evaluated ({file.name}).", _EVALUATE_AGAIN)


def _image_names(evaluation: Evaluation) -> frozenset[str]:
    images = evaluation.pair.images
    return frozenset(f"{dataset}/{name}" for dataset, name in zip(images.datasets, images.file_names, strict=True))


def _pair(first: EvaluationSource, second: EvaluationSource) -> str:
    return f"“{first.label}” and “{second.label}”"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    if more > 0:
        return f"{shown} and {more} more are"
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def _refuse(message: str, hint: str) -> NoReturn:
    raise RunError(ExitCause.BAD_INPUT, message, hint)


_FEWEST = 2


def work(layout: RunLayout, events: EventWriter, stop: StopSwitch) -> CompareResult:
    """Compare the evaluations of a run folder and write the report into ``evaluation/``.

    Raises:
        RunError: They cannot be compared.
        Stopped: The run was asked to stop.
    """
    spec = read_spec(layout.spec)
    if not isinstance(spec, CompareSpec):
        _refuse(f"The comparison was given a run of kind “{spec.kind}”.", "Start a comparison.")
    events.phase(Phase.COMPARING)
    if len(spec.sources) < _FEWEST:
        _refuse("A comparison needs at least two evaluations.", "Choose another experiment beside this one.")
    comparison, problems = with_speed(read_comparison(spec.sources), spec, layout, (events, stop))
    stop.check()
    for problem in problems:
        events.log(problem, "warning")
    events.phase(Phase.COMPARING)
    title = " vs. ".join(comparison.labels)
    load = disk_images({image: Path(file) for image, file in spec.image_files.items()})
    # Images that one of the models was trained on say nothing about it: then all are scored again on the others
    fair, significance = on_fair_basis(comparison)
    write_report(layout.evaluation, title=title, comparison=fair, load=load, significance=significance)
    events.log(f"Compared {title}.")
    return CompareResult(title=title)


if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
