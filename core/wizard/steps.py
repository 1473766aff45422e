"""The steps of the wizard in their order, and how far a draft has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.launch.rules.check import RULES
from core.launch.rules.facts import Facts
from core.launch.rules.problems import Problem, Step
from core.wizard.draft import WizardDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """A step of the wizard.

    Attributes:
        id: Its name in problems, drafts and URLs.
        title: On the step bar and in the summary.
        question: What the step asks, as a heading.
    """

    id: Step
    title: str
    question: str

    def check(self, draft: WizardDraft, facts: Facts) -> tuple[Problem, ...]:
        """Return what speaks against leaving the step."""
        return RULES[self.id](draft, facts)


STEPS: tuple[StepSpec, ...] = (
    StepSpec(id="project", title="Project", question="Which data to train on?"),
    StepSpec(id="model", title="Model", question="Which model to start from?"),
    StepSpec(id="classes", title="Classes", question="Which classes to learn?"),
    StepSpec(id="split", title="Split", question="Which images train, which validate?"),
    StepSpec(id="hyperparameters", title="Hyperparameters", question="How to train?"),
    StepSpec(id="benchmark", title="Benchmark", question="What to measure afterwards?"),
    StepSpec(id="export", title="Export", question="Which formats to export?"),
    StepSpec(id="launch", title="Launch", question="Ready to start?"),
)


class StepState(StrEnum):
    """How a step looks on the step bar."""

    DONE = "done"
    CURRENT = "current"
    OPEN = "open"
    BROKEN = "broken"
    LOCKED = "locked"


def step(step_id: Step) -> StepSpec:
    """Return a step by its id."""
    return next(item for item in STEPS if item.id == step_id)


def neighbour(step_id: Step, offset: int) -> StepSpec | None:
    """Return the step ``offset`` places further, ``None`` beyond either end."""
    position = [item.id for item in STEPS].index(step_id) + offset
    return STEPS[position] if 0 <= position < len(STEPS) else None


def all_problems(draft: WizardDraft, facts: Facts) -> dict[Step, tuple[Problem, ...]]:
    """Return every step with its problems, in the order of the steps."""
    return {item.id: item.check(draft, facts) for item in STEPS}


def errors(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return the problems that keep a plan from being started."""
    return tuple(problem for problem in problems if problem.severity == "error")


def first_open_step(problems: Mapping[Step, tuple[Problem, ...]]) -> Step:
    """Return the first step that cannot be left yet; the last one when all can."""
    return next((item.id for item in STEPS if errors(problems[item.id])), STEPS[-1].id)


def reached(draft: WizardDraft) -> Step:
    """Return the step that a person would go on with: the one after the last that was confirmed."""
    order = [item.id for item in STEPS]
    furthest = max((order.index(item) for item in draft.seen), default=-1)
    return order[min(furthest + 1, len(order) - 1)]


def states(draft: WizardDraft, problems: Mapping[Step, tuple[Problem, ...]], current: Step) -> dict[Step, StepState]:
    """Return how each step stands, seen from the one that is shown.

    A step can be opened when no step before it has an error. It is done when it was confirmed and has none itself.

    Args:
        draft: The draft.
        problems: Those of all steps.
        current: The step that is shown.
    """
    result: dict[Step, StepState] = {}
    blocked = False
    for item in STEPS:
        broken = bool(errors(problems[item.id]))
        if item.id == current:
            result[item.id] = StepState.CURRENT
        elif blocked:
            result[item.id] = StepState.LOCKED
        elif broken:
            result[item.id] = StepState.BROKEN if item.id in draft.seen else StepState.OPEN
        else:
            result[item.id] = StepState.DONE if item.id in draft.seen else StepState.OPEN
        blocked = blocked or broken
    return result
