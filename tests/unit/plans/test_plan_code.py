"""Plans as a script of the official SDK and as a command line."""

import shlex
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given

from tests.unit.plans.plans import plans
from traindash.domain.app_state import write_split
from traindash.domain.ids import ProjectId
from traindash.domain.plan import PretrainedModel, RandomSplit, TagsSplit, TrainingPlan
from traindash.plans.plan_code import launch_command, python_script
from traindash.plans.plan_file import model_text

PLAN = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26n-det"))


def _run(script: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a script where the official SDK and dotenv are stand-ins, and return what ``TrainApi.run`` got."""
    got: dict[str, Any] = {}

    class TrainApi:
        def __init__(self, api: object) -> None:
            assert api == "the api"

        def run(self, **arguments: Any) -> dict[str, int]:  # noqa: ANN401 - as the SDK
            got.update(arguments)
            return {"id": 9}

    def split(method: str) -> Any:  # noqa: ANN401 - a stand-in for a class
        return lambda **details: {"method": method, **details}

    sdk = ModuleType("supervisely")
    sdk.is_development = lambda: True  # type: ignore[attr-defined]
    sdk.Api = SimpleNamespace(from_env=lambda: "the api")  # type: ignore[attr-defined]
    train_api = ModuleType("supervisely.api.nn.train_api")
    train_api.TrainApi = TrainApi  # type: ignore[attr-defined]
    for name in ("Random", "Datasets", "Tags", "Collections"):
        setattr(train_api, f"{name}Split", split(name.lower()))
    dotenv = ModuleType("dotenv")
    dotenv.load_dotenv = lambda _: None  # type: ignore[attr-defined]
    for module in (sdk, ModuleType("supervisely.api"), ModuleType("supervisely.api.nn"), train_api, dotenv):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(script, "script", "exec"), {})  # noqa: S102 - the script is what is tested
    return got


@given(plan=plans)
def test_the_script_hands_the_whole_plan_to_the_sdk(plan: TrainingPlan) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        got = _run(python_script(plan), monkeypatch)
    defaults = replace(PLAN, project_id=plan.project_id, model=plan.model)
    expected = {
        "project_id": plan.project_id,
        "model": model_text(plan.model),
        **{
            name: list(value) if isinstance(value, tuple) else value
            for name in TrainingPlan.__dataclass_fields__
            if name not in {"project_id", "model", "train_val_split"}
            and (value := getattr(plan, name)) != getattr(defaults, name)
        },
    }
    if plan.train_val_split != RandomSplit():
        expected["train_val_split"] = write_split(plan.train_val_split)
    assert got == expected


def test_the_script_is_the_one_of_the_document() -> None:
    plan = replace(
        PLAN,
        train_val_split=TagsSplit(train_tag="train", val_tag="val", untagged_action="train"),
        hyperparameters="epochs: 3\nlr0: 0.01\n",
    )
    script = python_script(plan)
    assert "from supervisely.api.nn.train_api import TrainApi, TagsSplit\n" in script
    assert '    model="YOLO/YOLO26n-det",\n' in script or "    model='YOLO/YOLO26n-det',\n" in script
    assert '    hyperparameters="""\\\nepochs: 3\nlr0: 0.01\n""",\n' in script


@pytest.mark.parametrize("path", ["plan.yaml", "my plans/it's ü.yaml", "$(rm -rf x).yaml"])
def test_the_command_is_safe_in_a_shell(path: str) -> None:
    command = launch_command(path, server="http://127.0.0.1:8501", token_env="TOKEN")
    assert shlex.split(command) == [
        "traindash",
        "launch",
        path,
        "--server",
        "http://127.0.0.1:8501",
        "--token-env",
        "TOKEN",
    ]
