"""The steps of the wizard in their order, and how far a draft has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TypeVar, assert_never

from traindash.domain.ids import AgentId, CollectionId, DatasetId, ProjectId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    ModelChoice,
    PartialPlan,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
    UntaggedAction,
)
from traindash.formatting import quoted
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.draft import WizardDraft, plan_of_draft
from traindash.plans.facts import Facts
from traindash.plans.hyperparameters import differences, read_text
from traindash.plans.problems import Problem, Step, listed
from traindash.plans.rules import RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """A step of the wizard."""

    id: Step  # its name in problems, drafts and URLs
    title: str  # on the step bar and in the summary
    question: str  # what the step asks, as a heading


STEPS: tuple[StepSpec, ...] = (
    StepSpec(id="project", title=N_("Project"), question=N_("Which data to train on?")),
    StepSpec(id="model", title=N_("Model"), question=N_("Which model to start from?")),
    StepSpec(id="classes", title=N_("Classes"), question=N_("Which classes to learn?")),
    StepSpec(id="split", title=N_("Split"), question=N_("Which images train, which validate?")),
    StepSpec(id="hyperparameters", title=N_("Hyperparameters"), question=N_("How to train?")),
    StepSpec(id="benchmark", title=N_("Benchmark"), question=N_("What to measure afterwards?")),
    StepSpec(id="export", title=N_("Export"), question=N_("Which formats to export?")),
    StepSpec(id="launch", title=N_("Launch"), question=N_("Ready to start?")),
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
    return {item.id: RULES[item.id](draft, facts) for item in STEPS}


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
    """
    result: dict[Step, StepState] = {}
    blocked = False
    for item in STEPS:
        broken = bool(errors(problems[item.id]))
        # The step that is shown is never locked: a link may lead into the middle.
        if item.id == current:
            result[item.id] = StepState.CURRENT
        elif blocked:
            result[item.id] = StepState.LOCKED
        elif broken:
            result[item.id] = StepState.BROKEN if item.id in draft.seen else StepState.OPEN
        else:
            result[item.id] = StepState.DONE if item.id in draft.seen else StepState.OPEN
        # Later steps ask for what an earlier one leaves open, such as the classes of a project.
        blocked = blocked or broken
    return result


def complete(draft: WizardDraft, facts: Facts) -> TrainingPlan | tuple[Problem, ...]:
    """Return the plan that a draft stands for, or all errors of all steps, in the order of the steps."""
    # All of them, not the first: a person goes back once.
    found = tuple(problem for problems in all_problems(draft, facts).values() for problem in errors(problems))
    plan = plan_of_draft(draft)
    return found if found or plan is None else plan


# Plans and drafts in words, value by value, so that a person can read one and compare two.

_DEFAULT = N_("framework defaults")
_KEYS = N_("Hyperparameters")
_TAGS: Mapping[UntaggedAction, str] = {
    "train": N_("tags {train} and {val}, untagged: train"),
    "val": N_("tags {train} and {val}, untagged: val"),
    "ignore": N_("tags {train} and {val}, untagged: ignore"),
}
_IdT = TypeVar("_IdT", DatasetId, CollectionId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names for the ids in a plan; an id without a name is written as it is."""

    projects: Mapping[ProjectId, str] = field(default_factory=dict)
    agents: Mapping[AgentId, str] = field(default_factory=dict)
    # Two tables: a dataset and a collection may have the same number, for ids are unique per kind only.
    datasets: Mapping[DatasetId, str] = field(default_factory=dict)
    collections: Mapping[CollectionId, str] = field(default_factory=dict)
    default_hyperparameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One value of a plan."""

    step: Step  # where it is chosen
    label: str  # what it is
    text: str  # its value


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """A value that two plans say differently."""

    step: Step
    label: str
    before: str
    after: str


def described(plan: PartialPlan, names: Names) -> tuple[SummaryRow, ...]:
    """Return everything that a plan says, in the order of the steps."""
    project = _("not chosen") if plan.project_id is None else names.projects.get(plan.project_id, f"{plan.project_id}")
    agent = _("automatic") if plan.agent_id is None else names.agents.get(plan.agent_id, f"{plan.agent_id}")
    rows: tuple[tuple[Step, str, str], ...] = (
        ("project", _("Project"), project),
        ("project", _("Files stay on the agent"), _switch(on=plan.cache_project)),
        ("model", _("Model"), _model(plan.model)),
        ("classes", _("Classes"), _("all") if plan.classes is None else f"{len(plan.classes)}: {listed(plan.classes)}"),
        ("classes", _("Convert class shapes"), _switch(on=plan.convert_class_shapes)),
        ("split", _("Split"), _split(plan.train_val_split, names)),
        ("hyperparameters", _(_KEYS), _hyperparameters(plan.hyperparameters, names.default_hyperparameters)),
        # The speed test switches the evaluation on, whatever the plan says (docs/supervisely-api.md 4).
        ("benchmark", _("Evaluation"), _switch(on=plan.enable_benchmark or plan.enable_speedtest)),
        ("benchmark", _("Speed test"), _switch(on=plan.enable_speedtest)),
        ("export", "ONNX", _switch(on=plan.export_onnx)),
        ("export", "TensorRT", _switch(on=plan.export_tensorrt)),
        ("launch", _("Agent"), agent),
        ("launch", _("Experiment name"), plan.experiment_name or _("made by the training app")),
        ("launch", _("Starts at once"), _switch(on=plan.autostart)),
        ("launch", _("Description"), plan.description or _("the model's name")),
    )
    return tuple(SummaryRow(step=step, label=label, text=text) for step, label, text in rows)


def changes(before: PartialPlan, after: PartialPlan, names: Names) -> tuple[PlanChange, ...]:
    """Return what two plans say differently; hyperparameters key by key."""
    found: list[PlanChange] = []
    for old, new in zip(described(before, names), described(after, names), strict=True):
        if old.step == "hyperparameters":
            found.extend(_changed_keys(before.hyperparameters, after.hyperparameters, names.default_hyperparameters))
        elif old.text != new.text:
            found.append(PlanChange(step=new.step, label=new.label, before=old.text, after=new.text))
    return tuple(found)


def _changed_keys(before: str | None, after: str | None, defaults: str) -> Sequence[PlanChange]:
    old, new = read_text(before or defaults), read_text(after or defaults)
    # A text that says the same as the defaults is no change, whether it was given or not.
    if (before or defaults) == (after or defaults):
        return ()
    if not old.is_readable or not new.is_readable:
        return (PlanChange(step="hyperparameters", label=_(_KEYS), before=_("other text"), after=_("edited")),)
    return [
        PlanChange(
            step="hyperparameters",
            label=item.key,
            before=_("not given") if item.is_new else f"{item.default}",
            after=_("not given") if item.is_removed else f"{item.value}",
        )
        for item in differences(new.values, old.values)
    ]


def _switch(*, on: bool) -> str:
    return _("on") if on else _("off")


def _model(model: ModelChoice | None) -> str:
    match model:
        case None:
            return _("not chosen")
        case PretrainedModel(framework=framework, name=name):
            return f"{name} ({framework})"
        case CustomCheckpoint(path=path):
            # /experiments/<project>/<task>_<framework>/checkpoints/<file> (docs/supervisely-api.md 7.1).
            parts = PurePosixPath(path)
            return _("checkpoint {name} of {folder}").format(name=parts.name, folder=parts.parent.parent.name)
        case _:
            assert_never(model)


def _split(split: TrainValSplit | None, names: Names) -> str:
    match split:
        case None:
            return _("not complete")
        case RandomSplit():
            return _random_split(split)
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            text = _("datasets {train} to train, {val} to validate")
            return text.format(train=_ids(train, names.datasets), val=_ids(val, names.datasets))
        case TagsSplit(train_tag=train_tag, val_tag=val_tag, untagged_action=action):
            return _(_TAGS[action]).format(train=train_tag, val=val_tag)
        case CollectionsSplit(train_collections=train_sets, val_collections=val_sets):
            known = names.collections
            text = _("collections {train} to train, {val} to validate")
            return text.format(train=_ids(train_sets, known), val=_ids(val_sets, known))
        case _:
            assert_never(split)


def _random_split(split: RandomSplit) -> str:
    match split.split, split.seed:
        case "train", None:
            text = _("random, {percent} % train, drawn anew")
        case "val", None:
            text = _("random, {percent} % val, drawn anew")
        case "train", _:
            text = _("random, {percent} % train, frozen with seed {seed}")
        case _:
            text = _("random, {percent} % val, frozen with seed {seed}")
    return text.format(percent=split.percent, seed=split.seed)


def _ids(ids: Sequence[_IdT], names: Mapping[_IdT, str]) -> str:
    return listed([quoted(names[number]) if number in names else f"{number}" for number in ids]) or _("none")


def _hyperparameters(text: str | None, defaults: str) -> str:
    if text is None:
        return _(_DEFAULT)
    found = read_text(text)
    if not found.is_readable:
        return _("a text that cannot be read")
    if not defaults:
        return ngettext("{count} key", "{count} keys", len(found.values)).format(count=len(found.values))
    keys = differences(found.values, read_text(defaults).values)
    left_out = _("left out")
    return listed([f"{item.key} {left_out if item.is_removed else item.value}" for item in keys]) or _(_DEFAULT)
