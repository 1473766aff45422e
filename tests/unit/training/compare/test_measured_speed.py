"""A comparison measures the speed of models that have none: in turns, within a limit, and says how."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.fakes.evaluations import Made, results_csv, speed_test_json
from tests.unit.training.compare.test_comparison import source
from traindash.comparison.experiment import Missing
from traindash.comparison.speed import SpeedTest
from traindash.domain.ids import TaskId
from traindash.domain.prediction import Timing
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import CompareSpec, EvaluationSource, RunLayout
from traindash.training.trainers.benchmark import BATCH_SIZES, ITERATIONS
from traindash.training.trainers.compare.__main__ import read_comparison
from traindash.training.trainers.compare.speed import TURNS, Conditions, take_turns, with_speed
from traindash.training.trainers.entry import Stopped, StopSwitch
from traindash.training.trainers.reporting import Progress


class Clock:
    """A clock that only models move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.runs: list[tuple[int, int]] = []

    def __call__(self) -> float:
        return self.now

    def model(self, place: int, milliseconds: float) -> Callable[[int], Timing]:
        """Return a model that takes so long for an image."""

        def run(size: int) -> Timing:
            self.runs.append((place, size))
            self.now += milliseconds * size / 1000
            return Timing(preprocess=0, inference=milliseconds * size, postprocess=0)

        return run


def conditions(tmp_path: Path, clock: Clock, stop: StopSwitch | None = None) -> Conditions:
    return Conditions(
        images=(tmp_path / "a.jpg",),
        threads=2,
        device="cpu",
        stop=stop or StopSwitch(),
        progress=Progress(EventWriter(tmp_path / "events.jsonl")),
        clock=clock,
    )


def test_models_take_turns_and_all_sizes_are_measured(tmp_path: Path) -> None:
    clock = Clock()
    given = conditions(tmp_path, clock)
    timings, left_out = take_turns({0: clock.model(0, 2), 1: clock.model(1, 3)}, given)
    assert left_out == ()
    assert {size for rows in timings.values() for size in rows} == set(BATCH_SIZES)
    assert all(len(timings[place][1]) == TURNS * ITERATIONS for place in (0, 1))
    turns = [place for number, (place, _) in enumerate(clock.runs) if number == 0 or clock.runs[number - 1][0] != place]
    assert turns[:4] == [0, 1, 0, 1]
    assert "2 processor threads" in given.words(left_out)
    progress = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text("utf-8").splitlines()]
    assert progress[-1]["current"] == progress[-1]["total"]


@pytest.mark.parametrize("milliseconds", [150, 400, 2000])
def test_slow_models_end_in_time(tmp_path: Path, milliseconds: float) -> None:
    clock = Clock()
    given = conditions(tmp_path, clock)
    timings, left_out = take_turns({0: clock.model(0, milliseconds), 1: clock.model(1, milliseconds)}, given)
    assert all(timings[place][1] for place in (0, 1))
    assert left_out
    assert str(left_out[-1]) in given.words(left_out)
    assert clock.now <= max(given.seconds, 2 * TURNS * 8 * milliseconds / 1000)  # single images are always measured


def test_a_stop_comes_between_two_turns(tmp_path: Path) -> None:
    clock, stop = Clock(), StopSwitch()
    stop.requested = True
    with pytest.raises(Stopped):
        take_turns({0: clock.model(0, 1)}, conditions(tmp_path, clock, stop))


def with_artifacts(tmp_path: Path, made: EvaluationSource) -> EvaluationSource:
    """Return an evaluation whose experiment's artifacts are on this machine."""
    folder = tmp_path / f"{made.label} artifacts"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.pt").write_bytes(b"no model")
    (folder / "ultralytics").mkdir()
    (folder / "ultralytics" / "results.csv").write_text(results_csv(), encoding="utf-8")
    (folder / "hyperparameters.yaml").write_text("lr0: 0.01\n", encoding="utf-8")
    record = {
        "experiment_name": f"Run of {made.label}",
        "framework_name": "YOLO",
        "model_name": made.label,
        "task_type": "object detection",
        "project_id": 1,
        "task_id": 5,
        "model_files": {},
        "model_meta": "model_meta.json",
        "checkpoints": ["checkpoints/best.pt"],
        "best_checkpoint": "best.pt",
        "hyperparameters": "hyperparameters.yaml",
        "artifacts_dir": "/experiments/1_P/5_YOLO/",
    }
    (folder / "experiment_info.json").write_text(json.dumps(record), encoding="utf-8")
    return EvaluationSource(
        path=made.path, folder=made.folder, label=made.label, artifacts=str(folder), train_images=(1, 2)
    )


def measured(
    tmp_path: Path, sources: tuple[EvaluationSource, ...], images: Mapping[int, str] | None = None
) -> tuple[list[SpeedTest | Missing], tuple[str, ...]]:
    run = RunLayout(tmp_path / "run")
    spec = CompareSpec(
        task_id=TaskId(9), sources=sources, output_dir="/x", server_address="http://x", image_files=images or {}
    )
    watch = (EventWriter(run.events), StopSwitch())
    comparison, problems = with_speed(read_comparison(sources), spec, run, watch)
    return [one.speed for one in comparison.experiments], problems


def test_speed_tests_of_one_machine_are_taken_as_they_are(tmp_path: Path) -> None:
    sources = source(tmp_path, "a", Made()), source(tmp_path, "b", Made(seed=2))
    for each in sources:
        file = Path(each.folder) / "speedtest" / "speedtest.json"
        file.parent.mkdir()
        file.write_bytes(speed_test_json())
    speeds, problems = measured(tmp_path, sources)
    assert problems == ()
    assert all(isinstance(speed, SpeedTest) and not speed.how for speed in speeds)


def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    bare, known = source(tmp_path, "a", Made()), with_artifacts(tmp_path, source(tmp_path, "b", Made(seed=2)))
    speeds, problems = measured(tmp_path, (bare, known))
    assert "artifacts are not on this server" in problems[0]
    assert "images of its evaluation are not on this server" in problems[1]
    assert all(isinstance(speed, Missing) and "could not be made up for" in speed.reason for speed in speeds)


def test_the_artifacts_tell_curves_settings_and_size(tmp_path: Path) -> None:
    sources = tuple(with_artifacts(tmp_path, source(tmp_path, name, Made(seed=n))) for n, name in enumerate("ab"))
    first, _ = read_comparison(sources).experiments
    assert first.label == "a"
    assert first.info is not None
    assert first.known_hyperparameters == {"lr0": 0.01}
    assert not isinstance(first.training, Missing)
    assert first.checkpoint_bytes == len(b"no model")
    assert first.train_image_ids == frozenset({1, 2})


def test_two_experiments_with_one_model_are_called_by_what_tells_them_apart(tmp_path: Path) -> None:
    sources = [with_artifacts(tmp_path, source(tmp_path, name, Made(seed=n))) for n, name in enumerate("ab")]
    alike = tuple(
        EvaluationSource(path=one.path, folder=one.folder, label="YOLO11s-det", artifacts=one.artifacts)
        for one in sources
    )
    assert read_comparison(alike).labels == ("a", "b")
