"""The flight check on the last step."""

from dataclasses import replace

from tests.app.wizard.stage import Stage, everything_said, links
from tests.unit.tasks.test_forecast import CHECK
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.task import ExitCause
from traindash.plans.draft import DraftId


def begun(stage: Stage) -> tuple[DraftId, DryRun]:
    """Open the last step, ask for the check, and return the draft's id and the check."""
    stage.world.dry_runs = tuple[DryRun, ...]()
    draft = stage.draft(lambda draft: replace(draft, classes=("apple",)))
    app = stage.open("launch", draft=draft.id)
    app.button(key="run-flight-check").click().run()
    assert "Training a few batches" in everything_said(app)
    assert not app.button(key="start-training").disabled
    return draft.id, stage.world.dry_runs[0]


def test_what_it_found_is_shown_and_stays_with_the_plan(stage: Stage) -> None:
    draft_id, check = begun(stage)
    stage.world.dry_runs = (replace(CHECK, key=check.key),)
    app = stage.open("launch", draft=draft_id)
    shown = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert shown["Duration"][0] == "2 to 3 min"
    assert shown["Memory at the peak"] == ("2.0 GB", "8.0 GB free")
    app.toggle(key=f"{draft_id}-autostart").set_value(False).run()
    assert any(metric.label == "Duration" for metric in app.metric)
    stage.store.update(draft_id, lambda draft: replace(draft, hyperparameters="epochs: 3\nbatch: 4\n"))
    app = stage.open("launch", draft=draft_id)
    assert not app.metric
    assert app.button(key="run-flight-check").label == "Run flight check"


def test_short_memory_is_a_warning_with_a_batch_that_fits(stage: Stage) -> None:
    draft_id, check = begun(stage)
    stage.world.dry_runs = (replace(CHECK, key=check.key, memory_free=1_700_000_000),)
    app = stage.open("launch", draft=draft_id)
    assert "Set “batch” to 4 or less." in everything_said(app)
    assert "Go to “Hyperparameters”" in links(app)
    assert not app.button(key="start-training").disabled
    next(button for button in app.button if button.label == "Set batch to 4").click().run()
    assert "batch: 4\n" in (stage.store.load(draft_id).hyperparameters or "")


def test_a_failed_check_keeps_the_training_from_being_started(stage: Stage) -> None:
    draft_id, check = begun(stage)
    failed = replace(
        CHECK, key=check.key, status=JobStatus.ERROR, figures=None, cause=ExitCause.OUT_OF_MEMORY,
        message="The memory was not enough.", hint="Use a smaller “batch”.",
    )  # fmt: skip
    stage.world.dry_runs = (failed,)
    app = stage.open("launch", draft=draft_id)
    assert "The flight check failed: The memory was not enough." in everything_said(app)
    assert app.button(key="start-training").disabled
    assert app.button(key="run-flight-check").label == "Check again"


def test_it_can_be_cancelled(stage: Stage) -> None:
    draft_id, _ = begun(stage)
    app = stage.open("launch", draft=draft_id)
    app.button(key="cancel-flight-check").click().run()
    assert [item.status for item in stage.world.dry_runs or ()] == [JobStatus.CANCELED]
    assert app.button(key="run-flight-check").label == "Run flight check"


def test_a_server_without_dry_runs_says_so(stage: Stage) -> None:
    app = stage.open("launch", draft=stage.draft().id)
    assert "This server makes no dry runs" in everything_said(app)
    assert not [button for button in app.button if button.key == "run-flight-check"]
