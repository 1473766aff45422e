"""What follows from a dry run."""

from dataclasses import replace

import pytest

from tests.unit.plans.world import PLAN
from traindash.domain.experiment import MOST_SCORED
from traindash.domain.ids import DryRunId, ProjectId, TeamId, WorkspaceId
from traindash.domain.jobs import DryRun, DryRunFigures, JobStatus
from traindash.domain.project import Project
from traindash.domain.task import ExitCause
from traindash.frameworks.registry import FRAMEWORKS
from traindash.tasks.flight_check import flight_problems, forecast, plan_key
from traindash.tasks.progress import TimeRange

PROJECT = Project(id=ProjectId(6), name="Fruit", workspace_id=WorkspaceId(2), team_id=TeamId(1), items_count=10)
YOLO = FRAMEWORKS["YOLO"].roles
GB = 1_000_000_000
FIGURES = DryRunFigures(
    epochs=10,
    patience=100,
    batch_size=8,
    used_batch_size=8,
    start=5.0,
    prepare_per_image=0.01,
    batches=(1.0, 1.0, 1.0),
    rest=0.5,
    validation_per_image=0.05,
    evaluation=2.0,
    evaluation_per_image=0.1,
    memory_base=GB,
    memory_peak=2 * GB,
    disk=100_000_000,
    disk_per_image=1000,
)
CHECK = DryRun(
    id=DryRunId(1),
    key="k",
    status=JobStatus.FINISHED,
    agent="gpu-1",
    train_images=100,
    val_images=20,
    memory_total=16 * GB,
    memory_free=8 * GB,
    disk_free=500 * GB,
    figures=FIGURES,
)


def test_the_parts_are_counted_from_the_whole_training() -> None:
    parts = forecast(CHECK, FIGURES).parts
    assert parts["Preparing data"] == pytest.approx(5 + 120 * 0.01)
    assert parts["Training"] == pytest.approx(10 * (13 * 1.0 + 0.5 + 20 * 0.05) + 20 * 0.05)
    assert parts["Evaluation"] == pytest.approx(2 + 20 * 0.1)
    assert "Export" not in parts


def test_an_exported_file_is_scored_on_so_many_images_at_most() -> None:
    figures = replace(FIGURES, export=3.0, export_per_image=0.5)
    assert forecast(CHECK, figures).parts["Export"] == pytest.approx(3 + 20 * 0.5)
    many = replace(CHECK, figures=figures, val_images=50_000)
    assert forecast(many, figures).parts["Export"] == pytest.approx(3 + MOST_SCORED * 0.5)


def test_the_range_holds_the_likely_duration_and_widens_with_the_spread() -> None:
    steady = forecast(CHECK, FIGURES)
    assert steady.total.low < sum(steady.parts.values()) < steady.total.high
    restless = replace(FIGURES, batches=(0.5, 1.0, 1.5))
    wide = forecast(replace(CHECK, figures=restless), restless)
    assert wide.total.low < steady.total.low
    assert wide.total.high > steady.total.high
    slower = replace(FIGURES, batches=(0.8,) * 6 + (1.2,) * 6)
    assert forecast(CHECK, slower).spread > 0.4  # the load has changed meanwhile, and may do so again


def test_earlier_trainings_stretch_a_range_that_they_contradict() -> None:
    measured = forecast(CHECK, FIGURES).total
    agreeing = TimeRange(low=measured.low * 0.5, high=measured.low * 1.1)
    assert forecast(CHECK, FIGURES, agreeing) == forecast(CHECK, FIGURES)
    quicker = TimeRange(low=10, high=measured.low / 2)
    assert forecast(CHECK, FIGURES, quicker).total == TimeRange(low=measured.low / 2, high=measured.high)
    slower = TimeRange(low=measured.high * 2, high=measured.high * 3)
    stretched = forecast(CHECK, FIGURES, slower)
    assert (stretched.total, stretched.earlier) == (TimeRange(low=measured.low, high=measured.high * 2), slower)


def test_a_time_limit_and_a_share_of_the_images_count() -> None:
    limited = replace(FIGURES, time_limit=60.0)
    assert forecast(CHECK, limited).parts["Training"] == pytest.approx(61.0)
    half = replace(FIGURES, fraction=0.5, validates=False)
    assert forecast(CHECK, half).parts["Training"] == pytest.approx(10 * (7 * 1.0 + 0.5) + 2 * 20 * 0.05)


def test_memory_that_is_short_gives_the_largest_batch_that_fits() -> None:
    expected = forecast(CHECK, FIGURES)
    assert expected.largest_batch is None
    assert flight_problems(CHECK, expected, YOLO) == ()
    short = replace(CHECK, memory_free=int(1.7 * GB))
    found = forecast(short, FIGURES)
    assert found.largest_batch == 4  # 0.9 * 1.7 GB less 1 GB, at 0.125 GB an image
    (problem,) = flight_problems(short, found, YOLO)
    assert (problem.step, problem.severity) == ("hyperparameters", "warning")
    assert "4 or less" in problem.hint
    hopeless = replace(CHECK, memory_free=GB // 2)
    assert forecast(hopeless, FIGURES).largest_batch == 0


def test_cached_images_take_memory() -> None:
    cached = replace(FIGURES, cache_per_image=50_000_000)
    assert forecast(CHECK, cached).memory == 2 * GB + 120 * 50_000_000


def test_a_full_disk_and_other_programs_are_told() -> None:
    busy = replace(FIGURES, processor_share=0.5)
    crowded = replace(CHECK, disk_free=GB, other_tasks=1, figures=busy)
    told = [problem.message for problem in flight_problems(crowded, forecast(crowded, busy), YOLO)]
    assert any("disk" in text for text in told)
    assert any("it got 50 % of its processor time. 1 other task was running." in text for text in told)
    alone, beside = forecast(CHECK, FIGURES).total, forecast(crowded, busy).total
    assert beside.low < alone.low / 2
    assert beside.high > alone.high  # others may come as well as go


@pytest.mark.parametrize(
    ("cause", "step", "severity"),
    [
        (ExitCause.OUT_OF_MEMORY, "hyperparameters", "error"),
        (ExitCause.BAD_DATA, "split", "error"),
        (ExitCause.CRASHED, "launch", "warning"),
        (None, "launch", "warning"),
    ],
)
def test_a_failed_check_points_to_the_step(cause: ExitCause | None, step: str, severity: str) -> None:
    failed = replace(CHECK, status=JobStatus.ERROR, figures=None, cause=cause, message="It broke.", hint="Mend it.")
    (problem,) = flight_problems(failed, None, YOLO)
    assert (problem.step, problem.severity, problem.hint) == (step, severity, "Mend it.")


def test_the_key_follows_what_the_training_needs() -> None:
    key = plan_key(PLAN, PROJECT)
    assert key == plan_key(replace(PLAN, experiment_name="Other", autostart=False), PROJECT)
    assert key != plan_key(replace(PLAN, hyperparameters="batch: 2\n"), PROJECT)
    assert key != plan_key(PLAN, replace(PROJECT, items_count=11))
