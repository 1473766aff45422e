"""What training under the platform costs more than the same Ultralytics call alone.

Run ``python -m tests.benchmarks.training_cost [--pairs 5] [--epochs 10]``. Each pair is two processes, one after the
other in changing order: ``YOLO(...).train(...)`` as a script would call it, and our trainer's training with its rows,
stop switch, resumable checkpoints and sample predictions. Both train the same model on the same prepared images with
the same seed in the same order, so that they calculate the same (which is checked), and are measured around the
training call. In another order the models would differ, and with them the time for suppressing double detections: by
more than what is measured here. CPU time is told too, for other work on the machine stretches wall time.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from tests.training.run_folders import tiny_images, train_spec, write_run
from traindash.frameworks.registry import framework
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout, TrainSpec, read_spec
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.hyperparameters import parse_hyperparameters
from traindash.training.trainers.yolo.__main__ import load_engine

HYPERPARAMETERS = "epochs: {epochs}\nimgsz: 160\nbatch: 16\nworkers: 0\noptimizer: AdamW\nlr0: 0.002\nseed: 1\n"


def _prepared(folder: Path) -> tuple[Any, Any, Any, Any]:
    """Return the run, its engine, its data and what it starts from."""
    layout = RunLayout(folder)
    spec = read_spec(layout.spec)
    assert isinstance(spec, TrainSpec)
    make_engine = load_engine(layout, spec)
    events = EventWriter(layout.events)
    made = import_module("traindash.training.trainers.engine").Run
    run = made(layout=layout, spec=spec, events=events, stop=StopSwitch(), offline=True)
    engine = make_engine(run, None)
    data = import_module("traindash.training.trainers.data").write_dataset(run, engine.labels(layout.work / "dataset"))
    weights = import_module("traindash.training.trainers.weights")
    asked = framework(spec.framework)
    start = weights.find_start(spec, asked, events, fetch=None, checkpoints=engine.checkpoints, wants_random=True)
    return run, engine, data, start


def _values(spec: TrainSpec) -> Mapping[str, object]:
    trained = framework(spec.framework)
    return parse_hyperparameters(spec.hyperparameters, trained.reference, trained.roles).values


def _ours(folder: Path) -> dict[str, float]:
    run, engine, data, start = _prepared(folder)
    values = _values(run.spec)
    return _measured(lambda: engine.train(data, start, values))


def _alone(folder: Path) -> dict[str, float]:
    run, _, data, start = _prepared(folder)
    values = _values(run.spec)
    model = import_module("ultralytics").YOLO(start.source)
    arguments = {"data": str(data.config), "device": "cpu", "plots": False, "save": True, "exist_ok": True}
    trainer = _in_our_order(import_module("ultralytics.models.yolo.detect").DetectionTrainer)
    return _measured(lambda: model.train(trainer, **arguments, **values, project=str(run.layout.work), name="alone"))


def _in_our_order(base: Any) -> type:  # noqa: ANN401 - the engine has no types
    keep_order = import_module("traindash.training.trainers.yolo.engine_hooks").keep_order

    class InOurOrder(base):  # type: ignore[misc, unused-ignore]
        def get_dataloader(self, *args: Any, mode: str = "train", **kwargs: Any) -> Any:  # noqa: ANN401
            loader = super().get_dataloader(*args, mode=mode, **kwargs)
            if mode == "train":
                keep_order(loader, self.args.seed, 0)
            return loader

    return InOurOrder


def _measured(call: Any) -> dict[str, float]:  # noqa: ANN401 - a call without arguments
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def _child(kind: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.training_cost", "--child", kind, str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return found


def _figures(folder: Path) -> list[list[str]]:
    """Return what the engine wrote of each epoch, without the time."""
    (table,) = folder.rglob("results.csv")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    time_column = rows[0].index("time")
    return [row[:time_column] + row[time_column + 1 :] for row in rows]


def _pairs(pairs: int, epochs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        images = tiny_images(home / "images", train=64, val=32, side=160)
        ratios: dict[str, list[float]] = {"wall": [], "cpu": []}
        for number in range(pairs):
            found, figures = {}, {}
            for kind in ("alone", "ours") if number % 2 == 0 else ("ours", "alone"):
                spec = train_spec(home, hyperparameters=HYPERPARAMETERS.format(epochs=epochs), enable_benchmark=False)
                run = write_run(home / f"{number}-{kind}", spec, images)
                found[kind] = _child(kind, run.root)
                figures[kind] = _figures(run.root)
            assert figures["ours"] == figures["alone"], "the two trainings did not calculate the same"
            for clock, values in ratios.items():
                values.append(found["ours"][clock] / found["alone"][clock])
            print(number + 1, {kind: {k: round(v, 2) for k, v in times.items()} for kind, times in found.items()})  # noqa: T201
        for clock, values in ratios.items():
            print(f"{clock}: ours / alone = {median(values):.4f} (median of {pairs}; {sorted(values)})")  # noqa: T201


def main() -> None:
    """Measure, or be one half of a pair."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--child", nargs=2, metavar=("KIND", "FOLDER"))
    given = parser.parse_args()
    if given.child is None:
        _pairs(given.pairs, given.epochs)
        return
    kind, folder = given.child
    print(json.dumps((_ours if kind == "ours" else _alone)(Path(folder))))  # noqa: T201


if __name__ == "__main__":
    main()
