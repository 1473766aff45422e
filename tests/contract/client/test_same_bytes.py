"""For equal input our launcher sends what the official SDK sends.

Each random plan goes through ``TrainApi.run`` and through our launcher to one recording server; the two bodies of
``tasks.run.app`` must be equal as JSON.

Deliberate differences:

=========================================  ====================================  ======================================
plan                                       the SDK sends                         we
=========================================  ====================================  ======================================
no description                             ``application description``           send the model's name
only classes that the project lacks        an empty list: the app waits for ever refuse, naming them
slash or backslash in the experiment name  it: the app fails                     refuse
hyperparameters that are no YAML mapping   them: the app fails or ignores them   refuse, naming the line
model or dataset that does not exist       it: the default is trained, or fails  refuse
=========================================  ====================================  ======================================
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.client.recorder import MODEL_OF_CHECKPOINT, TEAM, Recorder
from tests.fakes.live_platform import serve
from tests.line_process import LineProcess
from tests.unit.plans.plans import ARTIFACTS, CLASSES, plans
from traindash.domain.app_state import write_split
from traindash.domain.ids import ProjectId
from traindash.domain.plan import CustomCheckpoint, PretrainedModel, RandomSplit, TrainingPlan
from traindash.plans.plan_file import plan_values
from traindash.supervisely.client import connect
from traindash.tasks.launcher import launch

pytestmark = pytest.mark.sdk

DRIVER = Path(__file__).parent / "sdk_driver.py"
SDK_DESCRIPTION = "application description"


def _startable(plan: TrainingPlan) -> bool:
    """Whether the plan is none that we refuse on purpose."""
    split = write_split(plan.train_val_split)
    sides = all(value for key, value in split.items() if key.startswith(("train_", "val_")))
    classes = plan.classes is None or bool(set(plan.classes) & set(CLASSES))
    return sides and classes and not set(plan.experiment_name or "") & {"/", "\\"}


# Not smaller: Python writes 1e-05, which YAML reads as a text, and such a start is refused
_yaml = st.none() | st.dictionaries(st.text("abclr_", min_size=1), st.integers() | st.floats(0.001, 1), min_size=1).map(
    lambda values: "# größer\n" + "".join(f"{key}: {value}\n" for key, value in values.items())
)
startable = st.builds(lambda plan, text: replace(plan, hyperparameters=text), plans, _yaml).filter(_startable)


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """The server's memory."""
    return Recorder()


@pytest.fixture(scope="module")
def address(recorder: Recorder) -> Iterator[str]:
    """The server's address."""
    with serve(recorder.app()) as url:
        yield url


@pytest.fixture(scope="module")
def sdk(sdk_python: str, address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineProcess]:
    """The official SDK, talking to the server."""
    environment = {
        "SERVER_ADDRESS": address,
        "API_TOKEN": "a" * 128,
        "TEAM_ID": str(TEAM),
        "SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK": "true",
        "ENV": "production",
        "HOME": str(tmp_path_factory.mktemp("sdk")),
        "PYTHONUTF8": "1",
    }
    with LineProcess([sdk_python, str(DRIVER)], environment) as process:
        yield process


def _arguments(plan: TrainingPlan) -> dict[str, Any]:
    arguments = {name: value for name, value in plan_values(plan).items() if name != "train_val_split"}
    split = plan.train_val_split
    details = {key: value for key, value in write_split(split).items() if key != "method"}
    given = None if split == RandomSplit() else {"class": type(split).__name__, "arguments": details}
    return {"arguments": arguments, "split": given}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=startable)
def test_the_launcher_sends_what_the_sdk_sends(
    plan: TrainingPlan, recorder: Recorder, address: str, sdk: LineProcess
) -> None:
    recorder.plan = plan
    recorder.bodies.clear()
    answer = sdk.ask(_arguments(plan))
    assert answer == {"id": 101}, answer
    with connect(address, "a" * 128) as client:
        assert launch(client, plan) == 102
    theirs, ours = recorder.bodies
    if plan.description is None:
        assert theirs.pop("description") == SDK_DESCRIPTION
        name = plan.model.name if isinstance(plan.model, PretrainedModel) else MODEL_OF_CHECKPOINT
        assert ours.pop("description") == name
    assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)


def test_a_relative_checkpoint_is_the_same_training(recorder: Recorder, address: str, sdk: LineProcess) -> None:
    path = f"{ARTIFACTS}/checkpoints/best.pt"
    plan = TrainingPlan(project_id=ProjectId(6), model=CustomCheckpoint(path=path), description="d")
    recorder.plan = plan
    recorder.bodies.clear()
    question = _arguments(plan)
    question["arguments"]["model"] = path.removeprefix("/")
    assert "id" in sdk.ask(question)
    with connect(address, "a" * 128) as client:
        launch(client, plan)
    assert recorder.bodies[0] == recorder.bodies[1]
    assert recorder.bodies[1]["params"]["state"]["guiState"]["model"]["checkpoint"] == PurePosixPath(path).name
