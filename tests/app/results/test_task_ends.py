"""Each cause of a failure has a card that says what happened, to what, what to do, and the button that does it."""

import errno
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer, training_log
from traindash.domain.ids import TaskId
from traindash.domain.plan import CustomCheckpoint, TrainingPlan
from traindash.domain.task import ExitCause
from traindash.supervisely.client import SuperviselyClient
from traindash.training.trainers.entry import RunError, explain
from traindash.ui.tasks import actions

TAIL = ["Epoch 2 begins", "it stops <b>here</b>"]
CHOOSE_CLASSES = "Choose other classes or another train/val split."
NO_LABELS = RunError(
    ExitCause.BAD_DATA, "No train image has an object of the chosen classes (pear, <i>plum</i>).", CHOOSE_CLASSES
)
MISMATCH = RunError(
    ExitCause.BAD_DATA,
    "A model for instance segmentation cannot use the shapes of these classes: pear.",
    CHOOSE_CLASSES,
)
UNKNOWN_KEY = RunError(
    ExitCause.BAD_HYPERPARAMETER,
    "The hyperparameter “learning_rate” is not known to Ultralytics.",
    "Did you mean “lr0”?",
)
KILLED = RunError(
    ExitCause.KILLED,
    "The process was asked to end from outside.",
    "Find out what ended it and start the training again.",
)
CASES = {
    "memory": (explain(MemoryError()), "Retry with batch 4"),
    "loader": (explain(RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")), "Retry with batch 4"),
    "disk": (explain(OSError(errno.ENOSPC, "No space left on device")), "Start again"),
    "labels": (NO_LABELS, "Change the classes"),
    "shapes": (MISMATCH, "Change the classes"),
    "hyperparameter": (UNKNOWN_KEY, "Change the hyperparameters"),
    "not a number": (explain(RuntimeError("Loss NaN/Inf detected")), "Change the hyperparameters"),
    "image": (explain(FileNotFoundError("Image Not Found /data/fruit 7.png")), "Change the classes"),
    "checkpoint": (
        RunError(ExitCause.BAD_INPUT, "The checkpoint a.pt is damaged.", "Choose another."),
        "Change the model",
    ),
    "killed": (KILLED, "Start again"),
    "crashed": (explain(ValueError("odd")), "Start again"),
}


def failed_task(server: FakeServer, error: RunError) -> dict[str, Any]:
    """Add a failed training."""
    task = server.add_task(4, "error")
    report = {"cause": error.cause.value, "message": error.message, "hint": error.hint, "logTail": TAIL}
    task["meta"]["exitReport"] = report
    task["meta"]["settings"] = {"guiState": {"hyperparameters": "epochs: 3\nbatch: 8\n"}}
    server.logs[4] = training_log(epochs=2, planned=10)
    return task


@pytest.mark.parametrize("case", CASES)
def test_the_card_says_why_and_what_next(server: FakeServer, open_page: Open, case: str) -> None:
    error, button = CASES[case]
    failed_task(server, error)
    at = open_page("task", task="4")
    assert not at.exception
    said = screen(at)
    assert error.message in said
    assert error.hint in said
    assert at.code[0].value == "\n".join(TAIL)
    labels = [item.label for item in at.button]
    assert button in labels
    assert len([item for item in at.button if item.proto.type == "primary"]) <= 1


def test_the_retry_shows_what_it_changes(server: FakeServer, open_page: Open) -> None:
    failed_task(server, CASES["memory"][0])
    at = open_page("task", task="4")
    assert "with batch 4 instead of 8" in screen(at)
    assert any("batch: 4" in item.value for item in at.code)


def test_any_checkpoint_can_be_trained_on(server: FakeServer, open_page: Open) -> None:
    names = ("checkpoints/best.pt", "checkpoints/epoch10.pt", "checkpoints/last.pt")
    add_evaluated(server, 1, "First light", Made(), checkpoints=list(names))
    server.files["/experiments/55_Still life/1_YOLO/checkpoints/epoch10.pt"] = b"0" * 100
    at = open_page("task", task="1")
    assert not at.exception
    labels = [item.label.replace("\\", "") for item in at.button]
    assert "Fine-tune the best checkpoint" in labels
    assert {"Fine-tune epoch10.pt", "Fine-tune last.pt"} <= set(labels)
    assert "Fine-tune best.pt" not in labels


@pytest.mark.parametrize(
    ("button", "path"), [("next-tune", "/experiments/55_Still life/1_YOLO/checkpoints/best.pt"), ("next-replay", None)]
)
def test_on_another_server_an_experiment_is_repeated_by_its_whole_plan(
    server: FakeServer, open_page: Open, monkeypatch: pytest.MonkeyPatch, button: str, path: str | None
) -> None:
    """Asked to repeat a task, such a server only opens the app, which then waits for its own button."""
    plans = list[TrainingPlan]()

    def launch(_client: SuperviselyClient, plan: TrainingPlan) -> TaskId:
        plans.append(plan)
        return TaskId(1)

    add_evaluated(server, 1, "First light", Made(), checkpoints=["checkpoints/best.pt"])
    monkeypatch.setattr(actions, "launch", launch)
    at = open_page("task", task="1")
    at.button(key=button).click().run()
    (plan,) = plans
    assert plan.autostart
    assert plan.experiment_name is None
    assert (plan.model.path if isinstance(plan.model, CustomCheckpoint) else None) == path


def test_the_log_of_a_labelling_stays_in_its_place_when_it_ends(server: FakeServer, open_page: Open) -> None:
    # A fragment that runs while the page is drawn anew would write into what has taken the place
    task = server.add_task(7, "started")
    task["meta"]["params"] = {"state": {"labelling": {}}}
    places = [_places_of_log(open_page("task", task="7"))]
    made = {"project_id": 55, "made": 3, "images": 2, "model": "Fruit v1"}
    task |= {"status": "finished", "finishedAt": "2026-11-23T10:01:35.000Z"}
    task["meta"]["output"] = {"labelling": {"data": made}}
    ended = open_page("task", task="7")
    assert "Fruit v1 found 3 objects on 2 images" in screen(ended)
    places.append(_places_of_log(ended))
    assert len(places[0]) == 1
    assert places[0] == places[1]


def _places_of_log(at: AppTest) -> list[int]:
    """Return at which place of the page the log stands."""
    return [place for place, one in at.main.children.items() if "live-log" in str(one.proto)]
