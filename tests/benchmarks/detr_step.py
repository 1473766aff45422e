"""What a training step of our loop for RT-DETRv2 and DEIM costs more than a bare loop over the same model and batch.

Run ``python -m tests.benchmarks.detr_step [--framework DEIM] [--rounds 12] [--steps 5]``. One process holds both: our
training loop with learning rates, checks, the average of the weights, losses for the curves and progress rows; and a
loop that does only what no training can leave out (forward, backward, clipped gradients, AdamW). Both take the same
batch, in turns, so that whatever else the machine does hits both. CPU time is told too.
"""

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from tests.training.detr_runs import detr_spec, settings
from tests.training.run_folders import tiny_images, write_run
from traindash.frameworks.registry import framework
from traindash.training.runs.events import EventWriter
from traindash.training.trainers.detr.__main__ import load_engine
from traindash.training.trainers.entry import StopSwitch

_TRAINERS = "traindash.training.trainers"


def _loop(name: str, home: Path) -> Any:  # noqa: ANN401 - its module is imported after the environment is prepared
    """Return a training loop of the demo model that has not begun."""
    text = settings(name, batch_size=8, eval_spatial_size=[128, 128])
    spec = detr_spec(home, name, hyperparameters=text)
    layout = write_run(home, spec, tiny_images(home / "images", train=16, val=2, side=128))
    engine_class = load_engine(layout, spec)
    seam, data, loop = (import_module(f"{_TRAINERS}.{module}") for module in ("engine", "data", "detr.loop"))
    networks, reading = (import_module(f"{_TRAINERS}.detr.{module}") for module in ("networks", "settings"))
    run = seam.Run(layout=layout, spec=spec, events=EventWriter(layout.events), stop=StopSwitch(), offline=True)
    engine = engine_class(run, None)
    prepared = data.write_dataset(run, engine.labels(layout.work / "dataset"))
    asked = framework(name)
    architecture = networks.read_architecture(asked.config_source(asked.model(spec.model_name)))
    hyperparameters = import_module("yaml").safe_load(text)
    begin = loop.Beginning(
        model=networks.build(architecture, spec.classes),
        card=networks.Card(architecture=architecture, classes=spec.classes, size=(128, 128)),
        settings=reading.read_settings(hyperparameters, asked.reference),
        is_random=True,
    )
    return loop.TrainingLoop(run, prepared, begin, None)


def _bare(model: Any, batch: Any) -> Callable[[], None]:  # noqa: ANN401
    torch = import_module("torch")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)  # as ours
    pixels, labels = batch

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model(pixel_values=pixels, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()

    return step


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--framework", default="DEIM")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        loop = _loop(given.framework, Path(name))
        model = copy.deepcopy(loop._model).train()
        loop._model.train()
        batch = next(loop._batches.of_epoch(0))
        bare = _bare(model, batch)

        def ours() -> None:
            loop.step(batch, 0)
            loop._reporter.batch_done()

        loop._reporter.epoch_started(given.rounds * given.steps)
        for step in (bare, ours, bare, ours):
            step()
        ratios: dict[str, list[float]] = {"wall": [], "cpu": []}
        for number in range(given.rounds):
            spent = {}
            for kind, step in (("bare", bare), ("ours", ours)) if number % 2 else (("ours", ours), ("bare", bare)):
                wall, cpu = time.perf_counter(), time.process_time()
                for _ in range(given.steps):
                    step()
                spent[kind] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            for clock, found in ratios.items():
                found.append(spent["ours"][clock] / spent["bare"][clock])
            for clock, found in ratios.items():
                per_step = {kind: round(times[clock] / given.steps * 1000) for kind, times in spent.items()}
                print(number + 1, clock, per_step, f"ms per step, ratio {found[-1]:.4f}", flush=True)  # noqa: T201
        for clock, found in ratios.items():
            low, high = min(found), max(found)
            print(f"{clock}: ours / bare = {median(found):.4f} (median of {given.rounds}; {low:.3f} to {high:.3f})")  # noqa: T201


if __name__ == "__main__":
    main()
