"""Gets facts from the server. One function per fact, so that each can be cached by its ids."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import assert_never

import msgspec

from traindash import formatting
from traindash.datasets.geometry import bounds
from traindash.domain.annotation import Annotation, Geometry
from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import CollectionId, ImageId, ProjectId, TaskId, TeamId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainValSplit,
)
from traindash.domain.project import Image
from traindash.errors import InputError
from traindash.files import JsonFile
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.app_state import split_checkpoint_path
from traindash.plans.facts import ModelFacts, ProjectFacts, SplitCounts, counts_by_arithmetic
from traindash.plans.problems import listed, quoted
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ContractError, MissingError


def project_facts(client: SuperviselyClient, project_id: ProjectId) -> ProjectFacts:
    """Return a project with its meta, datasets, collections and statistics.

    Raises:
        NotFoundError: The server has no such project.
    """
    return ProjectFacts(
        project=client.projects.get(project_id),
        meta=client.projects.meta(project_id),
        datasets=tuple(client.datasets.list(project_id)),
        collections=tuple(client.collections.list(project_id)),
        statistics=client.projects.statistics(project_id),
    )


def custom_checkpoints(experiments: Sequence[ExperimentInfo]) -> dict[str, ExperimentInfo]:
    """Return the Team Files path of each checkpoint with its experiment; the best one of each comes first."""
    found: dict[str, ExperimentInfo] = {}
    for experiment in experiments:
        best = experiment.best_checkpoint
        # The first one is what the model page offers.
        for relative in sorted(experiment.checkpoints, key=lambda path: PurePosixPath(path).name != best):
            found[str(PurePosixPath(experiment.artifacts_dir) / relative)] = experiment
    return found


def model_facts(
    client: SuperviselyClient, choice: ModelChoice, *, team_id: TeamId, catalogue: Sequence[CatalogueModel]
) -> ModelFacts | None:
    """Return what the server says about a model, ``None`` if it does not have it."""
    match choice:
        case PretrainedModel(framework=framework, name=name):
            row = next((row for row in catalogue if row.framework == framework and row.name == name), None)
            return None if row is None else ModelFacts.of_catalogue(row, _defaults(client, framework))
        case CustomCheckpoint(path=path):
            made = _experiment_of(client, team_id, path)
            if made is None:
                return None
            return ModelFacts.of_experiment(made, PurePosixPath(path).name, _defaults(client, made.framework_name))
        case _:
            assert_never(choice)


def _defaults(client: SuperviselyClient, framework: str) -> str:
    return client.ecosystem.default_hyperparameters(framework) or ""


def _experiment_of(client: SuperviselyClient, team_id: TeamId, checkpoint: str) -> ExperimentInfo | None:
    """Return the experiment that a checkpoint belongs to, ``None`` where there is none that can be read."""
    try:
        folder, _name = split_checkpoint_path(checkpoint)
        experiment = client.experiments.of_folder(team_id, folder)
    # The rules say that the checkpoint is not among the experiments; why is of no help to a person.
    except (InputError, MissingError, ContractError):
        return None
    return custom_checkpoints([experiment]).get(checkpoint)


def split_counts(client: SuperviselyClient, project: ProjectFacts, split: TrainValSplit) -> SplitCounts:
    """Count the images on both sides as the training app deals them (docs/supervisely-api.md 4, split semantics)."""
    match split:
        case RandomSplit() | DatasetsSplit():
            return counts_by_arithmetic(split, project)
        case TagsSplit():
            return _by_tags(client, project.project.id, split)
        case CollectionsSplit(train_collections=train_cols, val_collections=val_cols):
            known = project.collection_names
            train_images = _members(client, project.project.id, [c for c in train_cols if c in known])
            val_images = _members(client, project.project.id, [c for c in val_cols if c in known])
            return _counts(train_images, val_images, project.project.items_count)
        case _:
            assert_never(split)


def _by_tags(client: SuperviselyClient, project_id: ProjectId, split: TagsSplit) -> SplitCounts:
    train: set[ImageId] = set()
    val: set[ImageId] = set()
    total = 0
    # Image by image: the statistics count tags, but not images with both of them.
    for image in client.images.list(project_id=project_id):
        total += 1
        names = {tag.name for tag in image.tags}
        # An image with both tags is on both sides (docs/supervisely-api.md 4).
        if split.train_tag in names:
            train.add(image.id)
        if split.val_tag in names:
            val.add(image.id)
        if not names & {split.train_tag, split.val_tag} and split.untagged_action != "ignore":
            (train if split.untagged_action == "train" else val).add(image.id)
    return _counts(train, val, total)


def _members(client: SuperviselyClient, project_id: ProjectId, collections: Sequence[CollectionId]) -> set[ImageId]:
    return {
        image.id
        for collection in collections
        for image in client.images.list(project_id=project_id, collection_id=collection)
    }


def _counts(train: set[ImageId], val: set[ImageId], total: int) -> SplitCounts:
    return SplitCounts(train=len(train), val=len(val), both=len(train & val), unused=max(total - len(train | val), 0))


# How large images and objects of a project are, from a sample of its images.

_IMAGE_STEPS = (320, 640, 1280, 1920, 3840)
_SMALL, _MEDIUM = 32, 96  # COCO's limits of small and medium objects: sides of a square, in pixels
OBJECT_SIZES = (N_("up to 32 px"), N_("32 to 96 px"), N_("over 96 px"))
IMAGE_SIZES = (
    N_("up to 320 px"),
    N_("up to 640 px"),
    N_("up to 1,280 px"),
    N_("up to 1,920 px"),
    N_("up to 3,840 px"),
    N_("larger"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataProfile:
    """Counts of a sample."""

    images: int  # images in the sample
    objects: int  # objects on them whose extent is known
    image_sizes: Mapping[str, int]  # one of :data:`IMAGE_SIZES`, by the longer side → images
    object_sizes: Mapping[str, int]  # one of :data:`OBJECT_SIZES`, by the side of a square of the same area → objects


def profile(images: Sequence[Image], annotations: Mapping[ImageId, Annotation]) -> DataProfile:
    """Count sizes of images and of the boxes around their objects."""
    image_sizes = Counter(IMAGE_SIZES[bisect_left(_IMAGE_STEPS, max(image.width, image.height))] for image in images)
    object_sizes: Counter[str] = Counter()
    for annotation in annotations.values():
        object_sizes.update(size for label in annotation.labels if (size := _object_size(label.geometry)) is not None)
    return DataProfile(
        images=len(images),
        objects=object_sizes.total(),
        image_sizes={name: image_sizes[name] for name in IMAGE_SIZES},
        object_sizes={name: object_sizes[name] for name in OBJECT_SIZES},
    )


def _object_size(geometry: Geometry) -> str | None:
    try:
        box = bounds(geometry)
    except InputError:  # a damaged mask
        return None
    if box is None:
        return None
    area = (box.right - box.left + 1) * (box.bottom - box.top + 1)
    return OBJECT_SIZES[0 if area <= _SMALL**2 else 1 if area <= _MEDIUM**2 else 2]


# What changed in a project since it was last trained on.
#
# A start notes what the data was like; the newest experiment of the project is compared with that note. An experiment
# that was started elsewhere has no note: of it, only the data's version and the number of images it used are known.

_KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DataNote:
    """What the data of a project was like when a training was started."""

    images: int  # number of images
    objects: Mapping[str, int]  # class → number of objects; the project's classes in their order
    version: int | None = None  # version number of the data, where the server keeps one
    class_ids: Mapping[str, int] = field(default_factory=dict)  # class → its id, which a rename keeps
    newest_image: ImageId | None = None  # ids rise, so later images have larger ones; `None` where it was not noted


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceLast:
    """What changed since an experiment."""

    task_id: TaskId  # task of the experiment
    title: str  # name of the experiment
    changes: tuple[str, ...]  # one phrase each; empty when the data is the same as far as it can be known
    is_exact: bool  # the data was noted at the start; otherwise only the experiment's record is known
    used: int | None  # images that the experiment used; `None` where its record does not say
    images: int  # images that the project has now


_NOTES = msgspec.json.Decoder(dict[str, DataNote])


class DataNotes:
    """Notes of all starts from this machine, by server and task. Safe for use from several threads.

    A file that is missing or damaged means that nothing was noted.
    """

    def __init__(self, path: Path) -> None:
        self._file: JsonFile[Mapping[str, DataNote]] = JsonFile(
            path=path, decode=_NOTES.decode, empty={}, noun=N_("What the data was like")
        )

    def of(self, server: str, task_id: TaskId) -> DataNote | None:
        """Return what was noted when a task was started."""
        return self._file.read().get(_key(server, task_id))

    def keep(self, server: str, task_id: TaskId, note: DataNote) -> None:
        """Note what the data was like; of many notes the latest are kept.

        Raises:
            StorageError: The file cannot be written.
        """

        def with_note(notes: Mapping[str, DataNote]) -> Mapping[str, DataNote]:
            # Dictionaries keep their order, so the oldest notes are at the begin.
            return dict(list({**notes, _key(server, task_id): note}.items())[-_KEPT:])

        self._file.change(with_note)


def note_of(project: ProjectFacts, newest_image: ImageId | None = None) -> DataNote:
    """Return what the data of a project is like now."""
    objects = {item.name: item.objects for item in project.statistics.classes}
    return DataNote(
        images=project.project.items_count,
        # Classes without an object are noted, too: one that gets its first object is no new class.
        objects={name: objects.get(name, 0) for name in project.class_names},
        version=project.project.version,
        class_ids={item.name: item.id for item in project.meta.classes if item.id is not None},
        newest_image=newest_image,
    )


def since_last(
    project: ProjectFacts,
    experiments: Sequence[ExperimentInfo],
    notes: DataNotes,
    server: str,
    count_after: Callable[[ImageId], int | None] = lambda _image: None,
) -> SinceLast | None:
    """Return what changed since the newest experiment of a project, ``None`` where there is none.

    The experiments are those of the team, in any order; the notes those of the starts from this machine.
    ``count_after`` tells how many images have a larger id than one, ``None`` where nobody knows.
    """
    own = [info for info in experiments if info.project_id == project.project.id]
    if not own:
        return None
    # By task, not by time: clocks of agents differ.
    last = max(own, key=lambda info: info.task_id)
    now, then = note_of(project), notes.of(server, last.task_id)
    known = last.train_size is not None and last.val_size is not None
    version = (last.project_version or {}).get("version")
    by_record = _version(now.version, version if isinstance(version, int) else None)
    return SinceLast(
        task_id=last.task_id,
        title=last.experiment_name,
        changes=tuple(by_record if then is None else _by_note(now, then, _new_images(then, count_after))),
        is_exact=then is not None,
        used=(last.train_size or 0) + (last.val_size or 0) if known else None,
        images=now.images,
    )


def _new_images(then: DataNote, count_after: Callable[[ImageId], int | None]) -> int | None:
    return None if then.newest_image is None else count_after(then.newest_image)


def _by_note(now: DataNote, then: DataNote, new_images: int | None) -> list[str]:
    found = _version(now.version, then.version) + _images(now, then, new_images)
    renamed = _renamed(now, then)
    if renamed:
        pairs = [f"{formatting.quoted(before)} → {formatting.quoted(after)}" for before, after in renamed.items()]
        found.append(_("renamed {names}").format(names=listed(pairs)))
        then = replace(then, objects={renamed.get(name, name): count for name, count in then.objects.items()})
    before, after = sum(then.objects.values()), sum(now.objects.values())
    if before != after:
        found.append(_("objects {change}").format(change=_moved(before, after)))
    new = [name for name in now.objects if name not in then.objects]
    gone = [name for name in then.objects if name not in now.objects]
    other = [
        f"{name} {formatting.count(then.objects[name])} → {formatting.count(count)}"
        for name, count in now.objects.items()
        if name in then.objects and then.objects[name] != count
    ]
    if new:
        found.append(_("new classes {names}").format(names=quoted(new)))
    if gone:
        found.append(_("classes that are gone {names}").format(names=quoted(gone)))
    if other:
        found.append(_("objects per class: {changes}").format(changes=listed(other)))
    return found


def _moved(before: int, after: int) -> str:
    """Write how a number has changed: ``120 → 150 (+30)``."""
    sign = "+" if after >= before else "-"
    return f"{formatting.count(before)} → {formatting.count(after)} ({sign}{formatting.count(abs(after - before))})"


def _images(now: DataNote, then: DataNote, new: int | None) -> list[str]:
    change = _moved(then.images, now.images)
    gone = 0 if new is None else then.images + new - now.images
    if new and gone > 0:  # an image that is moved to another dataset is a new one there
        text = _("images {change}, {new} of them new or moved and {gone} gone or moved")
        return [text.format(change=change, new=formatting.count(new), gone=formatting.count(gone))]
    return [_("images {change}").format(change=change)] if now.images != then.images else []


def _renamed(now: DataNote, then: DataNote) -> dict[str, str]:
    """Return classes that have another name by now: before → now."""
    names = {number: name for name, number in now.class_ids.items()}
    return {
        before: names[number]
        for before, number in then.class_ids.items()
        if number in names and names[number] != before and before in then.objects
    }


def _version(now: int | None, then: int | None) -> list[str]:
    return (
        [_("version {before} → {now}").format(before=then, now=now)]
        if now is not None and then is not None and now != then
        else []
    )


def _key(server: str, task_id: TaskId) -> str:
    return f"{server} {task_id}"
