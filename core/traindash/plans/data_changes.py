"""Drafts and plans that name what a person renames, merges or deletes in a project: they follow, and forget nothing.

What is gone stays named in a draft, so that the wizard can say what is missing; only its owner decides what instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.plan import DatasetsSplit, TrainingPlan
from traindash.domain.project import NameKind
from traindash.plans.draft import WizardDraft
from traindash.plans.former_names import FormerNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """A class or tag of a project that has another name now, or was merged into another one."""

    project_id: ProjectId
    kind: NameKind
    before: str
    after: str

    def in_draft(self, draft: WizardDraft) -> WizardDraft:
        """Return a draft that names it as it is called now."""
        follow = follow_class if self.kind == "class" else follow_tag
        return follow(draft, self.project_id, self.before, self.after)

    def in_plan(self, plan: TrainingPlan) -> TrainingPlan:
        """Return a plan of an experiment that is not started yet, in the same way."""
        if plan.project_id != self.project_id:
            return plan
        names = {self.before: self.after}
        former = FormerNames(classes=names) if self.kind == "class" else FormerNames(tags=names)
        return former.renamed_in(plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMerge:
    """Datasets of a project that were merged into others: merged → into."""

    project_id: ProjectId
    merged: Mapping[DatasetId, DatasetId]

    def in_draft(self, draft: WizardDraft) -> WizardDraft:
        """Return a draft whose split names the others."""
        return follow_datasets(draft, self.project_id, self.merged)

    def in_plan(self, plan: TrainingPlan) -> TrainingPlan:
        """Return a plan of an experiment that is not started yet, in the same way."""
        split = plan.train_val_split
        if plan.project_id != self.project_id or not isinstance(split, DatasetsSplit):
            return plan
        return replace(plan, train_val_split=_moved(split, self.merged))


DataChange: TypeAlias = Renaming | DatasetMerge


def follow_class(draft: WizardDraft, project_id: ProjectId, before: str, after: str) -> WizardDraft:
    """Return a draft that names a class by its new name, or the one that it was merged into."""
    if not _is_open_on(draft, project_id) or before not in (draft.classes or ()):
        return draft
    named = dict.fromkeys(after if name == before else name for name in draft.classes or ())
    return replace(draft, classes=tuple(named))


def follow_tag(draft: WizardDraft, project_id: ProjectId, before: str, after: str) -> WizardDraft:
    """Return a draft whose split names a tag by its new name."""
    if not _is_open_on(draft, project_id):
        return draft
    tags = draft.split.tags
    train = after if tags.train_tag == before else tags.train_tag
    val = after if tags.val_tag == before else tags.val_tag
    return replace(draft, split=replace(draft.split, tags=replace(tags, train_tag=train, val_tag=val)))


def follow_datasets(draft: WizardDraft, project_id: ProjectId, merged: Mapping[DatasetId, DatasetId]) -> WizardDraft:
    """Return a draft whose split names the datasets that others were merged into: merged → into."""
    if not _is_open_on(draft, project_id):
        return draft
    return replace(draft, split=replace(draft.split, datasets=_moved(draft.split.datasets, merged)))


def _moved(split: DatasetsSplit, merged: Mapping[DatasetId, DatasetId]) -> DatasetsSplit:
    def followed(ids: Sequence[DatasetId]) -> tuple[DatasetId, ...]:
        return tuple(dict.fromkeys(merged.get(item, item) for item in ids))

    return DatasetsSplit(train_datasets=followed(split.train_datasets), val_datasets=followed(split.val_datasets))


def drafts_naming(
    drafts: Sequence[WizardDraft],
    project_id: ProjectId,
    *,
    class_names: Sequence[str] = (),
    tags: Sequence[str] = (),
    datasets: Sequence[DatasetId] = (),
) -> tuple[WizardDraft, ...]:
    """Return the open drafts on a project whose choices name one of these."""
    return tuple(
        draft
        for draft in drafts
        if _is_open_on(draft, project_id)
        and (
            set(class_names) & set(draft.classes or ())
            or set(tags) & _tags_of(draft)
            or set(datasets) & _datasets_of(draft)
        )
    )


def drafts_on(drafts: Sequence[WizardDraft], project_id: ProjectId) -> tuple[WizardDraft, ...]:
    """Return the open drafts on a project."""
    return tuple(draft for draft in drafts if _is_open_on(draft, project_id))


def _is_open_on(draft: WizardDraft, project_id: ProjectId) -> bool:
    return draft.project_id == project_id and not draft.is_started


def _tags_of(draft: WizardDraft) -> set[str]:
    split = draft.split
    return {name for name in (split.tags.train_tag, split.tags.val_tag) if name} if split.method == "tags" else set()


def _datasets_of(draft: WizardDraft) -> set[DatasetId]:
    split = draft.split
    if split.method != "datasets":
        return set()
    return {*split.datasets.train_datasets, *split.datasets.val_datasets}
