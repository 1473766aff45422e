"""What the wizard proposes before a person has chosen."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from traindash.datasets.shape_fit import DETECTION, SEGMENTATION
from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, SplitMethod
from traindash.domain.project import Collection
from traindash.errors import InputError
from traindash.files import JsonFile
from traindash.formatting import count
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.draft import FIRST_SEED, SplitDraft, TagsChoice, WizardDraft, choose_project
from traindash.plans.facts import ProjectFacts
from traindash.plans.splits import MOST_IMAGES, frozen_pairs

_TRAIN_WORDS = ("train", "training")
_VAL_WORDS = ("val", "valid", "validation")
_OUTLINES = frozenset({"polygon", "bitmap"})
_NUMBERED = re.compile(r"train_(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSuggestion:
    """A prepared split step and why its method was taken."""

    split: SplitDraft
    reason: str


def suggest_split(project: ProjectFacts) -> SplitSuggestion:
    """Prepare the split step for a project.

    Datasets, collections and tags named like ``train`` and ``val`` are filled in. The first of them that covers both
    sides is proposed, because every run then sees the same sets; otherwise a random split that is frozen.
    """
    datasets = DatasetsSplit(
        train_datasets=tuple(d.id for d in project.datasets if d.items_count and _named(d.name, _TRAIN_WORDS)),
        val_datasets=tuple(d.id for d in project.datasets if d.items_count and _named(d.name, _VAL_WORDS)),
    )
    collections = _collections(project)
    used_tags = [name for name, images in project.statistics.image_tags.items() if images]
    tags = TagsChoice(
        train_tag=next((name for name in used_tags if _named(name, _TRAIN_WORDS)), None),
        val_tag=next((name for name in used_tags if _named(name, _VAL_WORDS)), None),
    )
    method, reason = _first_complete(datasets, collections, tags)
    if method == "collections":
        reason += _left_out(project, collections)
    # Frozen unless that would take minutes: comparisons need the same validation images.
    random = RandomSplit(seed=FIRST_SEED if project.project.items_count <= MOST_IMAGES else None)
    return SplitSuggestion(
        split=SplitDraft(method=method, random=random, datasets=datasets, collections=collections, tags=tags),
        reason=reason,
    )


def suggest_classes(project: ProjectFacts) -> tuple[str, ...] | None:
    """Return those of the default classes that have objects; ``None``, which means all, where that is the same."""
    objects = {item.name: item.objects for item in project.statistics.classes}
    filled = tuple(name for name in project.default_classes if objects.get(name, 0))
    return None if not filled or filled == project.default_classes else filled


def begin_with(draft: WizardDraft, project: ProjectFacts) -> WizardDraft:
    """Return the draft on a project, with the classes and the split that are proposed for it."""
    return choose_project(draft, project.project.id, suggest_split(project).split, suggest_classes(project))


def suggest_task(project: ProjectFacts | None) -> str:
    """Return the task type that a project was drawn for: segmentation where every object has an outline."""
    if project is None:
        return DETECTION
    objects = {item.name: item.objects for item in project.statistics.classes}
    shapes = {item.shape for item in project.meta.classes if objects.get(item.name, 0)}
    # One class of boxes is enough for detection: every outline has a box, too.
    return SEGMENTATION if shapes and shapes <= _OUTLINES else DETECTION


def recommend_model(
    models: Sequence[CatalogueModel], *, has_gpu: bool, task_type: str = DETECTION
) -> CatalogueModel | None:
    """Return the model to propose.

    ``has_gpu`` says whether a connected agent has a CUDA device; ``task_type`` what the project was drawn for.

    Returns:
        Without a GPU the model for the task with the fewest parameters; with one ``None``: the choice is a matter of
        taste there.
    """
    if has_gpu:
        return None
    # Catalogues of other servers may not name sizes; then nothing is recommended.
    sized = [(size, model) for model in models if (size := _parameters(model)) is not None]
    suitable = [pair for pair in sized if pair[1].task_type == task_type] or sized
    return min(suitable, key=lambda pair: pair[0])[1] if suitable else None


def _parameters(model: CatalogueModel) -> float | None:
    """Return the number of parameters in millions as the catalogue gives it, ``None`` if it does not."""
    for name, value in model.columns.items():
        # Each framework names its own columns, ours “Params (M)”.
        if name.casefold().startswith("params"):
            try:
                return float(value) if value is not None else None
            except ValueError:
                return None
    return None


def _first_complete(
    datasets: DatasetsSplit, collections: CollectionsSplit, tags: TagsChoice
) -> tuple[SplitMethod, str]:
    """Return the first way to split that covers both sides, with the reason to take it."""
    if datasets.train_datasets and datasets.val_datasets:
        return "datasets", _(
            "This project has datasets named for training and validation. They give every run the same images, so that "
            "runs can be compared."
        )
    if collections.train_collections and collections.val_collections:
        return "collections", _(
            "This project has collections named for training and validation. They give every run the same images, so "
            "that runs can be compared."
        )
    if tags.train_tag is not None and tags.val_tag is not None:
        return "tags", _(
            "This project has image tags named for training and validation. They give every run the same images, so "
            "that runs can be compared."
        )
    return "random", ""


def _collections(project: ProjectFacts) -> CollectionsSplit:
    """Return the collections to train and validate on.

    Those that a person has named come first, all of them. Then comes the newest split that was kept: one that was
    frozen, or the one that an experiment left.
    """
    # Training apps take no other type (docs/supervisely-api.md 4).
    usable = [item for item in project.collections if item.type == "default"]
    kept = _kept_pairs(usable)
    ids = {item for pair in kept for item in (*pair.train_collections, *pair.val_collections)}
    own = [item for item in usable if item.id not in ids]
    named = CollectionsSplit(
        train_collections=tuple(item.id for item in own if _named(item.name, _TRAIN_WORDS)),
        val_collections=tuple(item.id for item in own if _named(item.name, _VAL_WORDS)),
    )
    is_whole = bool(named.train_collections and named.val_collections)
    return kept[0] if kept and not is_whole else named


def _left_out(project: ProjectFacts, split: CollectionsSplit) -> str:
    """Say how many images a kept split does not know; a person's own collections may leave out what they like."""
    if split not in _kept_pairs(project.collections):
        return ""
    chosen = (*split.train_collections, *split.val_collections)
    sizes = [item.items_count for item in project.collections if item.id in chosen]
    new = project.project.items_count - sum(size for size in sizes if size is not None)
    # A server that does not count collections cannot say what is left out.
    if None in sizes or new <= 0:
        return ""
    text = ngettext(
        "{count} image is on neither side, for the split is older; “Random” deals all images anew.",
        "{count} images are on neither side, for the split is older; “Random” deals all images anew.",
        new,
    )
    return f" {text.format(count=count(new))}"


def _kept_pairs(collections: Sequence[Collection]) -> tuple[CollectionsSplit, ...]:
    """Return the splits that were frozen, then those that experiments left, each the newest first."""
    return (*frozen_pairs(collections), *_numbered_pairs(collections))


def _numbered_pairs(collections: Sequence[Collection]) -> tuple[CollectionsSplit, ...]:
    """Return the pairs ``train_001`` and ``val_001`` that training apps leave for their experiments, newest first."""
    by_name = {item.name: item.id for item in collections}
    numbers = [found[1] for name in by_name if (found := _NUMBERED.fullmatch(name)) and f"val_{found[1]}" in by_name]
    return tuple(
        CollectionsSplit(train_collections=(by_name[f"train_{number}"],), val_collections=(by_name[f"val_{number}"],))
        for number in sorted(numbers, key=int, reverse=True)
    )


def _named(name: str, words: Sequence[str]) -> bool:
    first = name.casefold().replace("-", "_").replace(" ", "_").split("_")[0]
    return first in words


LONGEST_NAME = 60
_Kept: TypeAlias = Mapping[str, Mapping[str, str]]
_PRESETS = msgspec.json.Decoder(dict[str, dict[str, str]])


class PresetStore:
    """A person's own presets. Safe for use from several threads.

    A file that is missing or damaged means that there are none.
    """

    def __init__(self, path: Path) -> None:
        self._file: JsonFile[_Kept] = JsonFile(path=path, decode=_PRESETS.decode, empty={}, noun=N_("The presets"))

    def of(self, framework: str) -> Mapping[str, str]:
        """Return name → YAML text of the presets for a framework, in the order they were made."""
        return self._file.read().get(framework, {})

    def save(self, framework: str, name: str, text: str) -> None:
        """Keep a text; one that has the name already is replaced.

        Raises:
            InputError: The name is empty or too long.
            StorageError: The file cannot be written.
        """
        title = " ".join(name.split())
        if not title:
            raise InputError(_("The preset has no name."), _("Write a name for it."))
        if len(title) > LONGEST_NAME:
            msg = _("The name has {count} characters.").format(count=len(title))
            raise InputError(msg, _("Use at most {count}.").format(count=LONGEST_NAME))
        self._file.change(lambda kept: {**kept, framework: {**kept.get(framework, {}), title: text}})

    def remove(self, framework: str, name: str) -> None:
        """Forget a preset; one that is gone already is no error.

        Raises:
            StorageError: The file cannot be written.
        """

        def without(kept: _Kept) -> _Kept:
            return {
                **kept,
                framework: {title: text for title, text in kept.get(framework, {}).items() if title != name},
            }

        self._file.change(without)
