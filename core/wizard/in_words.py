"""Plans and drafts in words, value by value, so that a person can read one and compare two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import assert_never

from core.domain.ids import AgentId, ProjectId
from core.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from core.launch.rules.hyperparameters import differences, read_text
from core.launch.rules.problems import Step, listed
from core.wizard.draft import WizardDraft

_DEFAULT = "framework defaults"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names for the ids in a plan; an id without a name is written as it is."""

    projects: Mapping[ProjectId, str] = field(default_factory=dict)
    agents: Mapping[AgentId, str] = field(default_factory=dict)
    places: Mapping[int, str] = field(default_factory=dict)
    default_hyperparameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One value of a plan.

    Attributes:
        step: Where it is chosen.
        label: What it is.
        text: Its value.
    """

    step: Step
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that two plans say differently."""

    step: Step
    label: str
    before: str
    after: str


def described(plan: TrainingPlan | WizardDraft, names: Names) -> tuple[Said, ...]:
    """Return everything that a plan says, in the order of the steps."""
    project = "not chosen" if plan.project_id is None else names.projects.get(plan.project_id, f"{plan.project_id}")
    agent = "automatic" if plan.agent_id is None else names.agents.get(plan.agent_id, f"{plan.agent_id}")
    rows: tuple[tuple[Step, str, str], ...] = (
        ("project", "Project", project),
        ("project", "Files stay on the agent", _switch(on=plan.cache_project)),
        ("model", "Model", _model(plan.model)),
        ("classes", "Classes", "all" if plan.classes is None else f"{len(plan.classes)}: {listed(plan.classes)}"),
        ("classes", "Convert class shapes", _switch(on=plan.convert_class_shapes)),
        ("split", "Split", _split(plan.train_val_split, names.places)),
        ("hyperparameters", "Hyperparameters", _hyperparameters(plan.hyperparameters, names.default_hyperparameters)),
        ("benchmark", "Evaluation", _switch(on=plan.enable_benchmark or plan.enable_speedtest)),
        ("benchmark", "Speed test", _switch(on=plan.enable_speedtest)),
        ("export", "ONNX", _switch(on=plan.export_onnx)),
        ("export", "TensorRT", _switch(on=plan.export_tensorrt)),
        ("launch", "Agent", agent),
        ("launch", "Experiment name", plan.experiment_name or "made by the training app"),
        ("launch", "Starts at once", _switch(on=plan.autostart)),
        ("launch", "Description", plan.description or "the model's name"),
    )
    return tuple(Said(step=step, label=label, text=text) for step, label, text in rows)


def changes(before: TrainingPlan | WizardDraft, after: TrainingPlan | WizardDraft, names: Names) -> tuple[Change, ...]:
    """Return what two plans say differently; hyperparameters key by key."""
    found: list[Change] = []
    for old, new in zip(described(before, names), described(after, names), strict=True):
        if old.label == "Hyperparameters":
            found.extend(_changed_keys(before.hyperparameters, after.hyperparameters, names.default_hyperparameters))
        elif old.text != new.text:
            found.append(Change(step=new.step, label=new.label, before=old.text, after=new.text))
    return tuple(found)


def _changed_keys(before: str | None, after: str | None, defaults: str) -> Sequence[Change]:
    old, new = read_text(before or defaults), read_text(after or defaults)
    if (before or defaults) == (after or defaults):
        return ()
    if not old.is_readable or not new.is_readable:
        return (Change(step="hyperparameters", label="Hyperparameters", before="other text", after="edited"),)
    return [
        Change(
            step="hyperparameters",
            label=item.key,
            before="not given" if item.is_new else f"{item.default}",
            after="not given" if item.is_removed else f"{item.value}",
        )
        for item in differences(new.values, old.values)
    ]


def _switch(*, on: bool) -> str:
    return "on" if on else "off"


def _model(model: ModelChoice | None) -> str:
    match model:
        case None:
            return "not chosen"
        case PretrainedModel(framework=framework, name=name):
            return f"{name} ({framework})"
        case CustomCheckpoint(path=path):
            parts = PurePosixPath(path)
            return f"checkpoint {parts.name} of {parts.parent.parent.name}"
        case _:
            assert_never(model)


def _split(split: TrainValSplit | None, places: Mapping[int, str]) -> str:
    match split:
        case None:
            return "not complete"
        case RandomSplit(percent=percent, split=side, seed=seed):
            return f"random, {percent} % {side}, {'drawn anew' if seed is None else f'frozen with seed {seed}'}"
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            return f"datasets {_ids(train, places)} to train, {_ids(val, places)} to validate"
        case TagsSplit(train_tag=train_tag, val_tag=val_tag, untagged_action=action):
            return f"tags {train_tag} and {val_tag}, untagged: {action}"
        case CollectionsSplit(train_collections=train_sets, val_collections=val_sets):
            return f"collections {_ids(train_sets, places)} to train, {_ids(val_sets, places)} to validate"
        case _:
            assert_never(split)


def _ids(ids: Sequence[int], places: Mapping[int, str]) -> str:
    return listed([f"“{places[number]}”" if number in places else f"{number}" for number in ids]) or "none"


def _hyperparameters(text: str | None, defaults: str) -> str:
    if text is None:
        return _DEFAULT
    found = read_text(text)
    if not found.is_readable:
        return "a text that cannot be read"
    keys = differences(found.values, read_text(defaults).values) if defaults else ()
    if not defaults:
        return f"{len(found.values)} keys"
    return listed([f"{item.key} {'left out' if item.is_removed else item.value}" for item in keys]) or _DEFAULT
