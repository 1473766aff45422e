"""A field is added to a plan once: what this test names is where it was forgotten."""

from dataclasses import fields, replace
from typing import Any

import pytest

from traindash.domain.app_state import CatalogueName, read_gui_state, write_gui_state
from traindash.domain.ids import AgentId, ProjectId
from traindash.domain.plan import PartialPlan, PretrainedModel, RandomSplit, TrainingPlan
from traindash.plans.draft import DraftId, fill, new_draft, plan_of_draft
from traindash.plans.plan_file import read_plan, write_plan
from traindash.plans.steps import Names, changes

PLAN = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26n-det"))
FLAGS = {item.name: not item.default for item in fields(PartialPlan) if item.type is bool}
OTHER: dict[str, Any] = {
    "project_id": ProjectId(7),
    "model": PretrainedModel(framework="YOLO", name="YOLO26s-det"),
    "agent_id": AgentId(3),
    "classes": ("a", "b"),
    "train_val_split": RandomSplit(percent=70),
    "hyperparameters": "epochs: 3\n",
    "experiment_name": "Other",
    "description": "other",
    **FLAGS,
}
BESIDE_THE_STATE = {"project_id", "model", "agent_id", "description"}
"""The first three are named in other ways, the description travels in the body of the start."""


def test_every_field_has_another_value_here() -> None:
    assert set(OTHER) == {item.name for item in fields(TrainingPlan)}


@pytest.mark.parametrize("name", OTHER)
def test_a_field_goes_everywhere(name: str) -> None:
    plan = replace(PLAN, **{name: OTHER[name]})
    assert read_plan(write_plan(plan)) == plan, "plan file"
    drafted = plan_of_draft(fill(new_draft(DraftId("draft1"), "server"), plan))
    expected = replace(plan, enable_benchmark=True) if plan.enable_speedtest else plan
    assert drafted == expected, "draft"
    assert changes(PLAN, plan, Names()), "words of the summary"
    if name not in BESIDE_THE_STATE:
        state = write_gui_state(plan, CatalogueName(model_name="YOLO26n-det"))
        assert read_gui_state(state, project_id=plan.project_id, model=plan.model) == plan, "state of the app"
        assert state != write_gui_state(PLAN, CatalogueName(model_name="YOLO26n-det")), "state of the app"
