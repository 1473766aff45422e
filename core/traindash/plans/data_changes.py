"""Drafts that name what a person renames, merges or deletes in a project: they follow a new name, and forget no other.

What is gone stays named in a draft, so that the wizard can say what is missing; only its owner decides what instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.plan import DatasetsSplit
from traindash.plans.draft import WizardDraft


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
    split = draft.split.datasets

    def followed(ids: Sequence[DatasetId]) -> tuple[DatasetId, ...]:
        return tuple(dict.fromkeys(merged.get(item, item) for item in ids))

    moved = DatasetsSplit(train_datasets=followed(split.train_datasets), val_datasets=followed(split.val_datasets))
    return replace(draft, split=replace(draft.split, datasets=moved))


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
