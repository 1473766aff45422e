"""Speed tests for a comparison: all models under the same conditions, where their own cannot stand side by side."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from traindash.comparison.artifacts import read_record
from traindash.comparison.experiment import Comparison, Missing
from traindash.comparison.speed import SpeedTest, parse_speed_test
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.prediction import Timing
from traindash.errors import AppError
from traindash.formatting import listing, plural
from traindash.frameworks.registry import framework
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import CompareSpec, EvaluationSource, RunLayout
from traindash.training.trainers.benchmark import (
    BATCH_SIZES,
    LEAST_ITERATIONS,
    WARM_UP,
    hardware_name,
    measure,
    summary,
)
from traindash.training.trainers.data import SUFFIXES
from traindash.training.trainers.engine import OpenModel
from traindash.training.trainers.entry import RunError, StopSwitch
from traindash.training.trainers.reporting import Progress
from traindash.training.trainers.start import import_engine

SECONDS = 90.0  # for all models together, without loading them; larger batches that would not fit are left out
# Turns that each model takes at each batch size: what slows the machine down for a while meets all of them
TURNS = 2
SECONDS_PER_TURN = 2.5  # long enough to tell models apart; somebody waits for the comparison
_SUBTASK = "Speedtest: Running inference"
# What loading and running a checkpoint of any origin may raise; the comparison goes on without its speed
_ENGINE_ERRORS = (
    *(AppError, RunError, ImportError, OSError, RuntimeError, ValueError, TypeError),
    *(LookupError, AttributeError, AssertionError),
)


class _Evaluated(msgspec.Struct):
    """What is read of ``inference_info.json`` to run a model as it was evaluated."""

    image_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Where and for how long models are measured."""

    images: tuple[Path, ...]  # the same for all models
    threads: int
    device: str
    stop: StopSwitch
    progress: Progress
    seconds: float = SECONDS
    clock: Callable[[], float] = time.monotonic

    def words(self, left_out: Sequence[int]) -> str:
        """Say how was measured, for people who read the times."""
        where = "the GPU" if self.device != "cpu" else plural(self.threads, "processor thread", "processor threads")
        said = (
            f"Measured for this comparison: the models took turns on the same "
            f"{plural(len(self.images), 'image', 'images')}"
            f" of the evaluation, on {where}, {TURNS} turns for each batch size."
        )
        if left_out:
            sizes = listing([str(size) for size in left_out])
            said += f" Batches of {sizes} images were left out: all together may take {self.seconds:.0f} seconds."
        return said


RunBatch = Callable[[int], Timing]


def with_speed(
    comparison: Comparison, spec: CompareSpec, layout: RunLayout, watch: tuple[EventWriter, StopSwitch]
) -> tuple[Comparison, tuple[str, ...]]:
    """Measure the speed of all experiments of a comparison unless their own speed tests were made on one machine.

    The files are written to ``speedtest/`` of the comparison's folder; the evaluations stay as they are.

    Returns:
        The comparison with what was measured, and a sentence about each experiment that could not be.

    Raises:
        Stopped: The run was asked to stop.
    """
    if _alike(comparison):
        return comparison, ()
    events, stop = watch
    files = _images(comparison, spec)
    runners: dict[int, RunBatch] = {}
    problems: list[str] = []
    facts = [_facts(source, has_images=bool(files)) for source in spec.sources]
    if any(not isinstance(fact, str) for fact in facts):
        events.phase(Phase.SPEED_TEST)
    for place, (source, fact) in enumerate(zip(spec.sources, facts, strict=True)):
        stop.check()
        opened = fact if isinstance(fact, str) else _opened(fact, source, files, (spec, layout))
        if isinstance(opened, str):
            problems.append(f"The speed of “{comparison.labels[place]}” was not measured: {opened}.")
        else:
            runners[place] = opened
    if not runners:
        return _explained(comparison, problems), tuple(problems)
    conditions = Conditions(
        images=files, threads=spec.threads, device=spec.device, stop=stop, progress=Progress(events)
    )
    timings, left_out = take_turns(runners, conditions)
    how = conditions.words(left_out)
    experiments = list(comparison.experiments)
    for place, rows in timings.items():
        content = _file(rows, how, (spec.device, facts[place]))
        target = layout.evaluation / "speedtest" / Path(spec.sources[place].path).name / "speedtest.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        experiments[place] = replace(experiments[place], speed=parse_speed_test(content))
    return _explained(replace(comparison, experiments=tuple(experiments)), problems), tuple(problems)


def take_turns(
    runners: Mapping[int, RunBatch], conditions: Conditions
) -> tuple[dict[int, dict[int, tuple[Timing, ...]]], tuple[int, ...]]:
    """Time models in turns, batch size by batch size.

    Returns:
        For each model the timings of each batch size, and the batch sizes that were left out for want of time.

    Raises:
        Stopped: The run was asked to stop.
    """
    end = conditions.clock() + conditions.seconds
    timings: dict[int, dict[int, tuple[Timing, ...]]] = {place: {} for place in runners}
    parts, done = TURNS * len(runners), 0
    for number, size in enumerate(BATCH_SIZES):
        left = end - conditions.clock()
        if number and left < _least_seconds(timings, size):
            return timings, BATCH_SIZES[number:]
        seconds = min(SECONDS_PER_TURN, left / parts / (len(BATCH_SIZES) - number))
        for turn in range(TURNS):
            # The second turn in the other order: whoever runs first in a cool machine is not always the same
            for place in sorted(runners, reverse=bool(turn % 2)):
                conditions.stop.check()
                found = measure(partial(runners[place], size), seconds=max(0.0, seconds), clock=conditions.clock)
                timings[place][size] = (*timings[place].get(size, ()), *found)
                done += 1
                conditions.progress.report(_SUBTASK, done, parts * len(BATCH_SIZES))
    return timings, ()


def _least_seconds(timings: Mapping[int, Mapping[int, Sequence[Timing]]], size: int) -> float:
    """Return what a batch size takes at the very least, by the times of single images."""
    single = sum(sum(one.total for one in rows[1]) / len(rows[1]) for rows in timings.values())
    return TURNS * (WARM_UP + LEAST_ITERATIONS) * size * single / 1000


def _alike(comparison: Comparison) -> bool:
    tests = [one.speed for one in comparison.experiments if isinstance(one.speed, SpeedTest) and one.speed.rows]
    return len(tests) == len(comparison.experiments) and len({test.machine for test in tests}) == 1


def _images(comparison: Comparison, spec: CompareSpec) -> tuple[Path, ...]:
    ids = comparison.evaluated[0][1].pair.images.sly_ids.tolist()
    named = (Path(spec.image_files[image]) for image in ids if image in spec.image_files)
    readable = (file for file in named if file.suffix.lower() in {*SUFFIXES.values(), ".jpeg"} and file.is_file())
    return tuple(file for file, _ in zip(readable, range(max(BATCH_SIZES)), strict=False))


def _facts(source: EvaluationSource, *, has_images: bool) -> tuple[ExperimentInfo, int] | str:
    """Return the record and the image size of an experiment, or why it cannot be run."""
    record = None if source.artifacts is None else read_record(Path(source.artifacts))
    if record is None:
        return "its artifacts are not on this server"
    if not has_images:
        return "the images of its evaluation are not on this server"
    try:
        content = (Path(source.folder) / "evaluation" / "inference_info.json").read_bytes()
        size = msgspec.json.decode(content, type=_Evaluated).image_size
    except (OSError, msgspec.DecodeError):
        size = None
    return "its evaluation does not say the size of its images" if size is None else (record, size)


def _opened(
    fact: tuple[ExperimentInfo, int],
    source: EvaluationSource,
    files: Sequence[Path],
    run: tuple[CompareSpec, RunLayout],
) -> RunBatch | str:
    (record, size), (spec, layout) = fact, run
    checkpoint = Path(source.artifacts or "") / "checkpoints" / record.best_checkpoint
    try:
        trainer = framework(record.framework_name).own_trainer()
        engine = import_engine(trainer, layout.work / "engine", threads=spec.threads)
        open_model: OpenModel = engine.open_model
        model = open_model(checkpoint, task_type=record.task_type, device=spec.device, image_size=size)
        return model.batch_runner(files)
    except _ENGINE_ERRORS as error:
        text = error.message if isinstance(error, AppError | RunError) else str(error)
        return f"its checkpoint cannot be run ({text.rstrip('.')})"


def _file(rows: Mapping[int, Sequence[Timing]], how: str, about: tuple[str, tuple[ExperimentInfo, int] | str]) -> bytes:
    device, fact = about
    hardware = hardware_name(device)
    model: dict[str, Any] = {"device": device, "hardware": hardware, "runtime": "PyTorch"}
    if not isinstance(fact, str):
        model |= {"model_name": fact[0].model_name, "task_type": fact[0].task_type, "image_size": fact[1]}
    entries = [summary(size, found, device=device, hardware=hardware) for size, found in rows.items()]
    content = {"model_info": model, "speedtest": entries, "how": how}
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _explained(comparison: Comparison, problems: Sequence[str]) -> Comparison:
    """Say of each experiment that still has no speed why."""
    experiments = list(comparison.experiments)
    for place, experiment in enumerate(experiments):
        told = next((text for text in problems if f"“{experiment.label}”" in text), None)
        if isinstance(experiment.speed, Missing) and told is not None:
            reason = told.partition(" measured: ")[2].rstrip(".")
            words = f"was evaluated without the speed test, which could not be made up for: {reason}"
            experiments[place] = replace(experiment, speed=Missing(reason=words))
    return replace(comparison, experiments=tuple(experiments))
