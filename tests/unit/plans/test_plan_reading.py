"""Whatever a person has of a plan comes back as the plan."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given

from tests.unit.plans.plans import META, experiment, plans
from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.ids import ProjectId
from traindash.domain.plan import CustomCheckpoint, PretrainedModel, TrainingPlan
from traindash.errors import InputError
from traindash.plans.app_state import CheckpointOrigin, canonical, start_state
from traindash.plans.plan_code import python_script
from traindash.plans.plan_file import write_plan
from traindash.plans.plan_reading import Surroundings, read_any

CHECKPOINTS = ("checkpoints/best.pt", "checkpoints/last ü.pth", "export/best.onnx", "export/best.engine")
MADE = replace(experiment(), checkpoints=CHECKPOINTS)

NOTHING_ELSE = TrainingPlan(project_id=ProjectId(1), model=PretrainedModel(framework="YOLO", name="YOLO26n-det"))


def _around(plan: TrainingPlan, project_id: ProjectId | None = None) -> Surroundings:
    models = (
        (
            CatalogueModel(
                framework=plan.model.framework, name=plan.model.name, task_type="object detection", columns={}
            ),
        )
        if isinstance(plan.model, PretrainedModel)
        else ()
    )
    return Surroundings(project_id=project_id, models=models, experiments=(MADE,))


def _state(plan: TrainingPlan) -> dict[str, Any]:
    origin = None
    if isinstance(plan.model, CustomCheckpoint):
        origin = CheckpointOrigin(file_name=plan.model.path.rsplit("/", 1)[1], experiment=MADE)
    return start_state(plan, META, origin)


@example(plan=replace(NOTHING_ELSE, description="None", experiment_name="null"))
@given(plan=plans)
def test_plan_files_and_scripts_lose_nothing(plan: TrainingPlan) -> None:
    around = _around(plan)
    script = read_any(python_script(plan), around)
    assert (script.plan, script.form, script.notes) == (plan, "Python script", ())
    text = write_plan(plan)
    assume("TrainApi" not in text and ".run(" not in text)
    file = read_any(text, around)
    assert (file.plan, file.form, file.notes) == (plan, "plan file", ())


@given(plan=plans)
def test_settings_of_a_task_lose_nothing_but_where_it_ran(plan: TrainingPlan) -> None:
    text = json.dumps({"params": {"state": _state(plan)}}, indent=2)
    assume("TrainApi" not in text and ".run(" not in text)
    found = read_any(text, _around(plan))
    assert found.form == "experiment settings"
    assert found.plan == replace(canonical(plan, META), agent_id=None, description=None)


@given(plan=plans)
def test_settings_of_an_experiment_take_the_project_of_the_draft(plan: TrainingPlan) -> None:
    text = json.dumps(_state(plan)["guiState"])
    assume("TrainApi" not in text and ".run(" not in text)
    found = read_any(text, _around(plan, plan.project_id))
    wanted = replace(canonical(plan, META), agent_id=None, description=None, experiment_name=None)
    assert found.plan == wanted
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing to read"),
        ("  \n", "nothing to read"),
        ("a\0b", "not a text"),
        ("x" * 600_000, "much shorter"),
        ('{"guiState": {,}', "Line 1: the text is not valid JSON"),
        ('{"guiState": {}, "slyProjectId": 1}', "cannot be read"),
        ('{"model": {"source": "Pretrained models"}, "train_val_split": {}}', "do not say which project"),
        ("project_id: 1\nmodel: 7", "Line 2: model is 7"),
        ("TrainApi(api).run(project_id=1)", "model is missing"),
        ('{"project_id": 1}', "model is missing"),
        ("[" * 100_000, "."),
        ('{"train_val_split":' * 20_000, "."),
    ],
)
def test_what_is_no_plan_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_any(text, Surroundings())


def test_a_plan_file_may_be_json() -> None:
    found = read_any(
        '{"project_id": 6, "model": "YOLO/YOLO26n-det", "train_val_split": {"method": "random"}}', Surroundings()
    )
    assert found.plan == TrainingPlan(
        project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26n-det")
    )


def test_a_checkpoint_that_is_gone_is_named() -> None:
    state = {"model": {"source": "Custom models", "task_id": 99, "checkpoint": "best.pt"}}
    text = json.dumps({**state, "train_val_split": {"method": "random", "split": "train", "percent": 80}})
    with pytest.raises(InputError, match=r"best\.pt of task 99 is not there any more"):
        read_any(text, Surroundings(project_id=ProjectId(6), experiments=(MADE,)))
