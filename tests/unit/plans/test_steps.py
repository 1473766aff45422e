"""Which steps are open, done, broken or locked."""

from typing import get_args

import pytest

from tests.unit.plans.facts import AGENTS, NOW, draft, facts
from traindash.plans.draft import DraftId, new_draft
from traindash.plans.facts import Facts
from traindash.plans.problems import Step
from traindash.plans.steps import STEPS, StepState, all_problems, neighbour, states, step

EMPTY = new_draft(DraftId("abc123"), "http://server", NOW)


def test_every_step_of_a_problem_is_a_step_of_the_wizard() -> None:
    assert tuple(item.id for item in STEPS) == get_args(Step)


def test_an_empty_draft_is_open_at_the_project_only() -> None:
    standing = states(EMPTY, all_problems(EMPTY, Facts(agents=AGENTS)), "project")
    assert standing["project"] is StepState.CURRENT
    assert {state for name, state in standing.items() if name != "project"} == {StepState.LOCKED}


def test_a_chosen_project_opens_the_model() -> None:
    half = draft(model=None, seen=("project",))
    standing = states(half, all_problems(half, facts(model=None)), "project")
    assert standing["model"] is StepState.OPEN
    assert standing["classes"] is StepState.LOCKED


def test_confirmed_steps_are_done_and_all_others_open() -> None:
    confirmed = draft(seen=("project", "model", "split"))
    standing = states(confirmed, all_problems(confirmed, facts()), "classes")
    assert [name for name, state in standing.items() if state is StepState.DONE] == ["project", "model", "split"]
    assert standing["launch"] is StepState.OPEN


def test_a_confirmed_step_that_broke_shows_it_and_locks_what_follows() -> None:
    broken = draft(classes=(), seen=("project", "model", "classes", "split"))
    standing = states(broken, all_problems(broken, facts()), "project")
    assert standing["classes"] is StepState.BROKEN
    assert standing["split"] is StepState.LOCKED


@pytest.mark.parametrize(
    ("start", "offset", "wanted"), [("project", 1, "model"), ("launch", -1, "export"), ("project", -1, None)]
)
def test_neighbours(start: Step, offset: int, wanted: Step | None) -> None:
    found = neighbour(start, offset)
    assert (found.id if found else None) == wanted


def test_there_is_nothing_after_the_last_step() -> None:
    assert neighbour("launch", 1) is None
    assert step("launch").title == "Launch"
