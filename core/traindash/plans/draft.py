"""A training plan with holes, as a person fills it step by step."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NewType, assert_never, get_args

from traindash.datasets.shape_fit import default_classes
from traindash.domain.ids import ProjectId, SeriesId, TaskId
from traindash.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    ModelChoice,
    PartialPlan,
    RandomSplit,
    SplitMethod,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
    UntaggedAction,
)
from traindash.domain.project import ProjectMeta
from traindash.files import JsonRecords
from traindash.language import N_
from traindash.plans.plan_file import decoder_of
from traindash.plans.problems import Step
from traindash.plans.series import Replaced, SeriesChoices

DraftId = NewType("DraftId", str)
FIRST_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsChoice:
    """A :class:`TagsSplit` whose tags need not be chosen yet."""

    train_tag: str | None = None
    val_tag: str | None = None
    untagged_action: UntaggedAction = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitDraft:
    """The split step: one method is in force, what was set for the others is kept for the way back.

    A random split is frozen unless a person or a plan says otherwise, so that later experiments can share it.
    """

    # Every method keeps its own choices, so that looking at another one loses nothing.
    method: SplitMethod = "random"
    random: RandomSplit = field(default_factory=lambda: RandomSplit(seed=FIRST_SEED))
    datasets: DatasetsSplit = field(default_factory=lambda: DatasetsSplit(train_datasets=(), val_datasets=()))
    tags: TagsChoice = field(default_factory=TagsChoice)
    collections: CollectionsSplit = field(
        default_factory=lambda: CollectionsSplit(train_collections=(), val_collections=())
    )

    def chosen(self) -> TrainValSplit | None:
        """Return the split in force, ``None`` while a tag is missing."""
        match self.method:
            case "random":
                return self.random
            case "datasets":
                return self.datasets
            case "collections":
                return self.collections
            case "tags":
                if self.tags.train_tag is None or self.tags.val_tag is None:
                    return None
                return TagsSplit(
                    train_tag=self.tags.train_tag, val_tag=self.tags.val_tag, untagged_action=self.tags.untagged_action
                )
            case _:
                assert_never(self.method)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The training that a draft began with, for "change one thing"."""

    task_id: TaskId | None  # the training; `None` for an experiment that was never started
    title: str  # its name
    plan: TrainingPlan  # what it was started with


@dataclass(frozen=True, slots=True, kw_only=True)
class WizardDraft(PartialPlan):
    """What a person has chosen so far: a plan with holes, and what belongs to the way to it."""

    id: DraftId  # short random text; part of the URL
    server: str  # the server that the ids belong to: its address, or the embedded platform's own name
    created_at: datetime  # in UTC
    changed_at: datetime  # last change, in UTC
    seen: tuple[Step, ...] = ()  # steps that a person has confirmed with "Next", in that order
    task_id: TaskId | None = None  # task that was started from this draft; `None` before the start
    name: str | None = None  # a person's own name for it; `None` for the one made of project and model
    origin: Origin | None = None  # training whose settings it began with
    replaces: Replaced | None = None  # what gives way when it is started
    # all methods of the split step; `train_val_split` is the one in force
    split: SplitDraft = field(default_factory=SplitDraft)
    series: SeriesChoices = field(default_factory=SeriesChoices)  # what varies when a series is started from this draft
    series_id: SeriesId | None = None  # series that was started from this draft

    @property
    def is_started(self) -> bool:
        """Whether a task or a series was started from it; it cannot be changed any more."""
        return self.task_id is not None or self.series_id is not None

    @property
    def train_val_split(self) -> TrainValSplit | None:
        """The split in force, as a plan names it; ``None`` while a tag is missing."""
        return self.split.chosen()

    @property
    def is_untouched(self) -> bool:
        """Whether nothing is lost when this draft is thrown away."""
        return self.project_id is None and self.model is None and self.name is None


def new_draft(draft_id: DraftId, server: str, now: datetime | None = None) -> WizardDraft:
    """Return an empty draft.

    Unlike a plan that says nothing of it, it measures the speed: whether a model is fast enough is asked of every
    model, and half a minute answers it.
    """
    moment = now or datetime.now(UTC)
    return WizardDraft(id=draft_id, server=server, created_at=moment, changed_at=moment, enable_speedtest=True)


def choose_project(
    draft: WizardDraft, project_id: ProjectId, split: SplitDraft, classes: tuple[str, ...] | None = None
) -> WizardDraft:
    """Return the draft on another project: classes and split belong to a project and start anew."""
    # Choosing the same project again must not throw away what was set for it.
    if draft.project_id == project_id:
        return draft
    return replace(draft, project_id=project_id, classes=classes, split=split)


def choose_model(draft: WizardDraft, model: ModelChoice, *, same_framework: bool) -> WizardDraft:
    """Return the draft with another model; hyperparameters of another framework are dropped."""
    # Keys of another framework would be refused, or worse, mean something else.
    kept = draft.hyperparameters if same_framework else None
    return replace(draft, model=model, hyperparameters=kept)


def set_benchmark(draft: WizardDraft, enable: bool) -> WizardDraft:  # noqa: FBT001 - the value of a switch
    """Return the draft with the benchmark on or off; the speed test is a part of it and goes off with it."""
    return replace(draft, enable_benchmark=enable, enable_speedtest=draft.enable_speedtest and enable)


def set_classes(draft: WizardDraft, chosen: Collection[str], meta: ProjectMeta) -> WizardDraft:
    """Return the draft with these classes, in the project's order; those of a plan without any are written as none."""
    # None, not the list of today: a class that is added to the project later is trained, too.
    ordered = tuple(item.name for item in meta.classes if item.name in chosen)
    return replace(draft, classes=None if ordered == default_classes(meta) else ordered)


def mark_seen(draft: WizardDraft, step: Step) -> WizardDraft:
    """Return the draft with a step confirmed."""
    return draft if step in draft.seen else replace(draft, seen=(*draft.seen, step))


def fill(draft: WizardDraft, plan: TrainingPlan) -> WizardDraft:
    """Return the draft with everything that a plan says; ids, times and server stay.

    This is the way from a plan file, an earlier experiment or a copied draft into the wizard.
    """
    return replace(
        draft,
        **{
            **_choices(plan),
            "split": split_draft(plan.train_val_split),
            "enable_benchmark": plan.enable_benchmark or plan.enable_speedtest,
        },
    )


def plan_of_draft(draft: WizardDraft) -> TrainingPlan | None:
    """Return the plan that a draft stands for, ``None`` while project, model or split is a hole."""
    split = draft.train_val_split
    if draft.project_id is None or draft.model is None or split is None:
        return None
    choices = {**_choices(draft), "experiment_name": draft.experiment_name or None}
    return TrainingPlan(**choices, train_val_split=split)


def _choices(plan: PartialPlan) -> dict[str, Any]:
    """Return what plans and drafts have in common, all fields but the split."""
    # From the fields themselves: a field that is added to a plan is copied without a line here.
    return {item.name: getattr(plan, item.name) for item in fields(PartialPlan)}


def begin_again(draft: WizardDraft, origin: Origin) -> WizardDraft:
    """Return the draft with everything that an earlier training was started with, except its name and its agent."""
    # The same name twice would hide which is which; the agent may be gone.
    plan = replace(origin.plan, experiment_name=None, agent_id=None, autostart=True)
    return replace(fill(draft, plan), origin=replace(origin, plan=plan), seen=get_args(Step))


def begin_in_place(draft: WizardDraft, plan: TrainingPlan, replaced: Replaced) -> WizardDraft:
    """Return the draft with everything of a training whose place it will take, its name and its agent too."""
    filled = fill(draft, replace(plan, autostart=True))
    origin = Origin(task_id=replaced.task_id, title=replaced.title, plan=plan)
    return replace(filled, origin=origin, replaces=replaced, seen=get_args(Step))


def split_draft(split: TrainValSplit) -> SplitDraft:
    """Return the split step that stands for a complete split."""
    match split:
        case RandomSplit():
            return SplitDraft(method="random", random=split)
        case DatasetsSplit():
            return SplitDraft(method="datasets", datasets=split)
        case CollectionsSplit():
            return SplitDraft(method="collections", collections=split)
        case TagsSplit(train_tag=train, val_tag=val, untagged_action=action):
            return SplitDraft(method="tags", tags=TagsChoice(train_tag=train, val_tag=val, untagged_action=action))
        case _:
            assert_never(split)


# What stands in a draft besides choices: another tab may change it without taking anything from anybody.
_BESIDES = frozenset({"id", "server", "created_at", "changed_at", "seen", "task_id", "series_id"})


def disputed(seen: WizardDraft, stored: WizardDraft, change: Callable[[WizardDraft], WizardDraft]) -> tuple[str, ...]:
    """Return the fields that a change would take from somebody else: they are not any more as its author saw them.

    ``seen`` is the draft as the author of the change saw it, ``stored`` as it is now.
    """
    wanted = change(seen)
    names = [item.name for item in fields(WizardDraft) if item.name not in _BESIDES]
    states = {name: (getattr(seen, name), getattr(stored, name), getattr(wanted, name)) for name in names}
    return tuple(name for name, (old, other, mine) in states.items() if mine != old and other not in (old, mine))


# Drafts on disk, so that no refresh, crash or second tab loses anything.


class DraftStore(JsonRecords[WizardDraft]):
    """All drafts of this machine.

    Safe for use from several threads. Two tabs on one draft see each other's changes; the last change of a field wins,
    because a change is applied to what is stored, not to what a tab has seen.

    The folder is made when the first draft is written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder=folder, decode=decoder_of(WizardDraft), noun=N_("draft"), way_out=N_("Start a new one.")
        )

    def create(self, server: str, start: WizardDraft | None = None, *, name: str | None = None) -> WizardDraft:
        """Store a new draft and return it.

        ``start`` is a draft whose choices the new one begins with; "again with changes".
        """
        fresh = new_draft(DraftId(secrets.token_hex(5)), server)
        if start is not None:
            # A copy has not started anything, and takes nobody's place.
            started_nothing = replace(start, task_id=None, series_id=None, replaces=None)
            moment = fresh.created_at
            fresh = replace(started_nothing, id=fresh.id, server=server, created_at=moment, changed_at=moment)
        return self.add(fresh.id, replace(fresh, name=name))

    def update(self, record_id: str, change: Callable[[WizardDraft], WizardDraft]) -> WizardDraft:
        """Apply a change, with its moment. Errors as :meth:`JsonRecords.update`."""

        def stamped(current: WizardDraft) -> WizardDraft:
            changed = change(current)
            # Widgets write back what they show: a draft that was only looked at must not become the newest.
            return current if changed == current else replace(changed, changed_at=datetime.now(UTC))

        return super().update(record_id, stamped)

    def drafts(self, server: str) -> tuple[WizardDraft, ...]:
        """Return the readable drafts of a server, last changed first; damaged files are left out and logged."""
        own = (draft for draft in self.all() if draft.server == server)
        return tuple(sorted(own, key=lambda draft: draft.changed_at, reverse=True))

    def latest_open(self, server: str) -> WizardDraft | None:
        """Return the draft of a new training that was changed last and not started yet, ``None`` if there is none."""
        return next((draft for draft in self.drafts(server) if not draft.is_started and draft.replaces is None), None)
