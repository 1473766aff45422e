"""Plans out of Python scripts, which are parsed and never run."""

from pathlib import Path

import pytest
from hypothesis import given

from tests.unit.plans.plans import plans
from traindash.domain.ids import AgentId, DatasetId, ProjectId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, RandomSplit, TagsSplit, TrainingPlan
from traindash.errors import InputError
from traindash.plans.plan_code import MOST_CHARACTERS, python_script, read_script

LEAST = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26n-det"))


@given(plan=plans)
def test_a_plan_comes_back_from_its_script(plan: TrainingPlan) -> None:
    found = read_script(python_script(plan))
    assert (found.plan, found.notes) == (plan, ())


def test_names_positions_and_yaml_dump_are_followed() -> None:
    script = """
from supervisely.api.nn.train_api import TrainApi, DatasetsSplit
PROJECT: int = 6
parts = DatasetsSplit([1, 2], val_datasets=[3])
hyperparameters = yaml.dump({"epochs": 3, "lr0": 0.01}, sort_keys=False)
train = TrainApi(api)
train.run(PROJECT, "YOLO/YOLO26n-det", hyperparameters, train_val_split=parts, agent_id=4)
"""
    assert read_script(script).plan == TrainingPlan(
        project_id=ProjectId(6),
        model=PretrainedModel(framework="YOLO", name="YOLO26n-det"),
        agent_id=AgentId(4),
        train_val_split=DatasetsSplit(train_datasets=(DatasetId(1), DatasetId(2)), val_datasets=(DatasetId(3),)),
        hyperparameters="epochs: 3\nlr0: 0.01\n",
    )


def test_settings_may_be_a_dictionary() -> None:
    script = 'settings = {"project_id": 6, "model": "YOLO/YOLO26n-det"}\nTrainApi(api).run(**settings, classes=("a",))'
    assert read_script(script).plan.classes == ("a",)


def test_what_the_environment_says_is_left_to_the_draft() -> None:
    script = (
        "project_id = sly.env.project_id()\n"
        'TrainApi(api).run(project_id=project_id, model="YOLO/YOLO26n-det", agent_id=sly.env.agent_id())'
    )
    found = read_script(script, project_id=ProjectId(6))
    assert found.plan == LEAST
    assert len(found.notes) == 2
    with pytest.raises(InputError, match="Line 2: “project_id” is computed"):
        read_script(script)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("def x(:\n", "Line 1: the script is not valid Python"),
        ("print(1)", "has no call"),
        ("a.run(project_id=1, model='Y/a')\nb.run(project_id=2, model='Y/a')", "starts 2 trainings, in lines 1, 2"),
        ("t.run(project_id=1,\n  model=name())", "Line 2: “name..” is computed"),
        ("for m in ms:\n  t.run(project_id=1, model=m)", "Line 2: “m” is computed"),
        ("m = 'Y/a'\nm = 'Y/b'\nt.run(project_id=1, model=m)", "Line 3: “m” is computed"),
        ("def f(m='Y/a'):\n  t.run(project_id=1, model=m)", "“m” is computed"),
        ("a = b\nb = a\nt.run(project_id=1, model=a)", "“a” is computed"),
        ("t.run(project_id='six',\n  model='Y/a')", "Line 1: project_id is 'six'"),
        ("t.run(project_id=1,\n  model='Y')", "Line 2: model: “Y” names no framework"),
        ("t.run(project_id=1,\n  model='Y/a',\n  epochs=3)", "Line 3: epochs is not a key"),
        ("t.run(project_id=1, model='Y/a', train_val_split=RandomSplit(100))", "percent is 100"),
        ("t.run(project_id=1, model='Y/a', train_val_split=RandomSplit(80, 'train', 1))", "is computed"),
        ("t.run(*values)", "is computed"),
        ("t.run(**values())", "is computed"),
        ("t.run(" + "1, " * 15 + ")", "takes 14 values"),
        ("x" * (MOST_CHARACTERS + 1), "characters"),
        ("t.run(project_id=1, model=" + "(" * 5000 + ")" * 5000 + ")", "."),
        ("t.run(project_id=1, model='Y/a')\0", "."),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(script: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_script(script)


def test_nothing_of_a_script_is_run(tmp_path: Path) -> None:
    left = tmp_path / "left"
    script = (
        f"open({str(left)!r}, 'w').write('ran')\n"
        f"t.run(project_id=1, model='Y/a', classes=[open({str(left)!r}, 'w').write('ran')])"
    )
    with pytest.raises(InputError, match="is computed"):
        read_script(script)
    assert not left.exists()


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("RandomSplit(70)", RandomSplit(percent=70)),
        ("train_api.RandomSplit(split='val')", RandomSplit(split="val")),
        ("TagsSplit('a', 'b', 'train')", TagsSplit(train_tag="a", val_tag="b", untagged_action="train")),
        ("None", RandomSplit()),
        ("{'method': 'random', 'percent': 60}", RandomSplit(percent=60)),
    ],
)
def test_splits_in_all_spellings(text: str, split: RandomSplit | TagsSplit) -> None:
    assert read_script(f"t.run(project_id=1, model='Y/a', train_val_split={text})").plan.train_val_split == split
