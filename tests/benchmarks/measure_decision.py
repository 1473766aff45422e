"""How long a new need takes: ``python -m tests.benchmarks.measure_decision``.

Six models with 50,000 detections each on 2,500 images of 80 classes, as the sliders of the compare page ask: threshold
for the goal, bootstrap of the figures, words, table and chart.
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.evaluation.coco_size import Size, write_files
from tests.fakes.evaluations import speed_test_json
from traindash.comparison.advice import advise
from traindash.comparison.decision import Requirements, contenders_of, decide
from traindash.comparison.decision_words import draw_decision
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.palette import styles_together
from traindash.comparison.report.parts import decision_table
from traindash.comparison.significance import Significance
from traindash.comparison.speed import parse_speed_test
from traindash.evaluation.evaluation import evaluate_files
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast

MODELS = 6
SHARES = (0.5, 0.55, 0.6, 0.65, 0.7)


def compared(folder: Path) -> Comparison:
    """Return the six models, evaluated."""
    styles = styles_together(range(MODELS))
    experiments = []
    for number, style in enumerate(styles):
        files = write_files(folder / str(number), Size(images=2500, quality=0.6 + 0.05 * number, model_seed=number))
        experiments.append(
            ComparedExperiment(
                key=str(number),
                label=f"Model {number}",
                style=style,
                evaluation=evaluate_files(*files),
                speed=parse_speed_test(speed_test_json(latency=8.0 + 4 * number)),
                checkpoint_bytes=5_000_000 * (number + 1),
            )
        )
    return Comparison(experiments=tuple(experiments))


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        comparison = compared(Path(folder))
    begin = time.perf_counter()
    contenders = contenders_of(comparison, Significance())
    once = time.perf_counter() - begin
    goals: list[Goal] = [BestF1(), *(MissCosts(false_alarms=price) for price in (0.5, 1.0, 5.0))]
    goals += [RecallAtLeast(recall=share) for share in SHARES] + [PrecisionAtLeast(precision=share) for share in SHARES]
    times = []
    for goal in goals * 2:
        begin = time.perf_counter()
        decision = decide(Requirements(goal=goal, latency=25.0), contenders, comparable=True)
        advise(decision)
        decision_table(decision)
        draw_decision(decision)
        times.append(time.perf_counter() - begin)
    detections = sum(contender.evaluation.table.dt_score.size for contender in contenders) / MODELS
    first, *others = (round(seconds * 1000) for seconds in times)
    lines = (
        f"{MODELS} models, {detections:,.0f} detections each",
        f"once per page {once * 1000:.0f} ms",
        f"a need: first {first} ms, then median {median(others):.0f} ms, worst {max(others)} ms",
    )
    print("\n".join(lines))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
