"""Names that the classes and tags of projects had before, so that a plan with an old one is told the new one.

A server keeps the id of a class through a rename, so each look at a project shows which of the names that were seen
before are others now, whoever renamed them. What was merged away has no id any more; whoever merges says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from traindash.domain.ids import ProjectId
from traindash.domain.plan import TagsSplit, TrainingPlan
from traindash.domain.project import NameKind, ProjectMeta
from traindash.files import JsonFile
from traindash.language import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The classes, or the tags, of one project."""

    last: Mapping[str, str] = field(default_factory=dict)  # id → name at the last look
    former: Mapping[str, str] = field(default_factory=dict)  # former name → id of what had it
    merged: Mapping[str, str] = field(default_factory=dict)  # id → id of what it is a part of now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    classes: Names = field(default_factory=Names)
    tags: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerNames:
    """Former name → the one that it has now, of what is in a project."""

    classes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether any name is a former one."""
        return bool(self.classes or self.tags)

    def used_by(self, plan: TrainingPlan) -> "FormerNames":
        """Return those that a plan names."""
        split = plan.train_val_split
        tags = {split.train_tag, split.val_tag} if isinstance(split, TagsSplit) else set[str]()
        return FormerNames(
            classes={name: self.classes[name] for name in plan.classes or () if name in self.classes},
            tags={name: self.tags[name] for name in sorted(tags) if name in self.tags},
        )

    def renamed_in(self, plan: TrainingPlan) -> TrainingPlan:
        """Return a plan with the names of today."""
        classes = plan.classes
        if classes is not None:
            classes = tuple(dict.fromkeys(self.classes.get(name, name) for name in classes))
        split = plan.train_val_split
        if isinstance(split, TagsSplit):
            train, val = (self.tags.get(name, name) for name in (split.train_tag, split.val_tag))
            split = msgspec.structs.replace(split, train_tag=train, val_tag=val)
        return replace(plan, classes=classes, train_val_split=split)


class NameMemory:
    """Former names of the projects that this machine has looked at. Safe for use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file: JsonFile[Mapping[str, _Project]] = JsonFile(
            path=path,
            decode=msgspec.json.Decoder(dict[str, _Project]).decode,
            empty={},
            noun=N_("The names of classes and tags"),
        )

    def look(self, server: str, project_id: ProjectId, meta: ProjectMeta) -> FormerNames:
        """Take notice of the names that a project has now, and return the former ones.

        Raises:
            StorageError: The disk does not take it.
        """
        classes = {str(item.id): item.name for item in meta.classes if item.id is not None}
        tags = {str(item.id): item.name for item in meta.tags if item.id is not None}
        key = _key(server, project_id)
        known = self._file.read().get(key, _Project())
        seen = _Project(classes=_seen(known.classes, classes), tags=_seen(known.tags, tags))
        if seen != known:
            self._file.change(lambda every: {**every, key: seen})
        return FormerNames(classes=_now(seen.classes), tags=_now(seen.tags))

    def note(self, server: str, project_id: ProjectId, kind: NameKind, before: str, after: str) -> None:
        """Write down that a class or tag was renamed, or merged into another one.

        Raises:
            StorageError: The disk does not take it.
        """
        key = _key(server, project_id)

        def change(every: Mapping[str, _Project]) -> Mapping[str, _Project]:
            known = every.get(key, _Project())
            changed = (
                replace(known, classes=_noted(known.classes, before, after))
                if kind == "class"
                else replace(known, tags=_noted(known.tags, before, after))
            )
            return {**every, key: changed}

        self._file.change(change)


def _key(server: str, project_id: ProjectId) -> str:
    return f"{server} {project_id}"


def _noted(names: Names, before: str, after: str) -> Names:
    ids = {name: number for number, name in names.last.items()}
    # Without another that is called so, it is the same one under its new name.
    number = ids.get(after, ids.get(before))
    if number is None:  # nobody has looked at them
        return names
    merged = {**names.merged, ids[before]: number} if ids.get(before, number) != number else names.merged
    return replace(names, former={**names.former, before: number}, merged=merged)


def _seen(known: Names, current: Mapping[str, str]) -> Names:
    """Return the names of a project after another look at it."""
    changed = {before: number for number, before in known.last.items() if current.get(number, before) != before}
    taken = set(current.values())
    # A name that something has now is no former one, whatever it once was.
    former = {name: number for name, number in {**known.former, **changed}.items() if name not in taken}
    return replace(known, last=current, former=former)


def _now(names: Names) -> dict[str, str]:
    """Return former name → name of today, for what is still there."""
    found = dict[str, str]()
    for name, own in names.former.items():
        number, steps = own, len(names.merged)
        while number not in names.last and number in names.merged and steps:
            number, steps = names.merged[number], steps - 1
        if number in names.last:
            found[name] = names.last[number]
    return found
