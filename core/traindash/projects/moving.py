"""Images that go to another dataset or, as copies, to another project, over the API of any server.

A server has no call that moves an image: it is put into the other dataset once more, gets what was drawn on it, and
goes from the first one (as the SDK's ``image.move`` does). No file is sent. What fails in between is undone, so that no
image is lost, and none is there twice unless the server stops answering.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId
from traindash.domain.project import Dataset, Image, Project
from traindash.errors import AppError, InputError
from traindash.language import gettext as _
from traindash.projects.choosing import free_file_names, free_name
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.project_edits import Deleted

AT_ONCE = 50  # images in a request, as the official SDK sends them
Tell: TypeAlias = Callable[[int], None]  # gets the number of images that are done
_REMOVED = "Removed images"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder:
    """Which images go where."""

    project_id: ProjectId
    images: tuple[ImageId, ...]
    dataset_id: DatasetId  # where they go
    keeps_originals: bool = False  # copies instead


def move_images(client: SuperviselyClient, order: MoveOrder, tell: Tell = lambda _: None) -> int:
    """Move or copy images; return how many. Names that the dataset has already get a number.

    A moved image has a new id. Collections that had it have it under the new one.

    Raises:
        ApiError: The server refuses; what was moved until then stays moved.
    """
    members = {} if order.keeps_originals else _memberships(client, order.project_id, order.images)
    taken = {image.name for image in client.images.list(dataset_id=order.dataset_id)}
    done = 0
    for start in range(0, len(order.images), AT_ONCE):
        details = client.image_edits.details(order.project_id, order.images[start : start + AT_ONCE])
        names = free_file_names([item.name for item in details], taken)
        taken |= set(names)
        copies = [replace(item, name=name) for item, name in zip(details, names, strict=True)]
        if not copies:  # removed meanwhile
            continue
        made = client.image_edits.add_copies(order.dataset_id, copies)
        try:
            client.image_edits.copy_drawn(made)
            _join(client, members, made)
        except BaseException:
            with contextlib.suppress(AppError):
                client.image_edits.remove(list(made.values()))
            raise
        if not order.keeps_originals:
            client.image_edits.remove(list(made))
        done += len(made)
        tell(done)
    return done


def _counted_from(done: int, tell: Tell) -> Tell:
    """Return what tells the images of one part after those that are done already."""
    return lambda number: tell(done + number)


def _memberships(
    client: SuperviselyClient, project_id: ProjectId, images: Sequence[ImageId]
) -> dict[CollectionId, frozenset[ImageId]]:
    wanted, found = frozenset(images), dict[CollectionId, frozenset[ImageId]]()
    for collection in client.collections.list(project_id):
        listed = client.images.list(project_id=project_id, collection_id=collection.id)
        if own := wanted & {image.id for image in listed}:
            found[collection.id] = own
    return found


def _join(
    client: SuperviselyClient, members: Mapping[CollectionId, frozenset[ImageId]], made: Mapping[ImageId, ImageId]
) -> None:
    for collection, own in members.items():
        if new := [copy for image, copy in made.items() if image in own]:
            client.collections.add_images(collection, new)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOrder:
    """A dataset that goes into another one of the project."""

    source: Dataset
    target: Dataset
    datasets: tuple[Dataset, ...]  # all of the project


def merge_datasets(client: SuperviselyClient, order: MergeOrder, tell: Tell = lambda _: None) -> int:
    """Move all images of a dataset into another one, and those inside it below that one; return how many moved.

    The empty dataset is put into the server's archive.
    """
    source, target = order.source, order.target
    images = tuple(image.id for image in client.images.list(dataset_id=source.id))
    moved = move_images(client, MoveOrder(project_id=source.project_id, images=images, dataset_id=target.id), tell)
    taken = {item.name for item in order.datasets if item.parent_id == target.id}
    for inside in order.datasets:
        if inside.parent_id == source.id and inside.id != target.id:
            name = free_name(inside.name, taken)
            if name != inside.name:
                client.project_edits.rename_dataset(inside.id, name)
            client.project_edits.move_dataset(inside.id, target.id)
            taken.add(name)
    client.project_edits.archive_dataset(source.id)
    return moved


def split_off(
    client: SuperviselyClient,
    project_id: ProjectId,
    name: str,
    images: Sequence[ImageId],
    tell: Tell = lambda _: None,
) -> Dataset:
    """Move images into a new dataset at the top, and return it."""
    made = client.writing.add_dataset(project_id, name)
    move_images(client, MoveOrder(project_id=project_id, images=tuple(images), dataset_id=made.id), tell)
    return made


def project_of_copies(
    client: SuperviselyClient,
    project_id: ProjectId,
    name: str,
    images: Sequence[ImageId],
    *,
    keeps_labels: bool,
    tell: Tell = lambda _done: None,
) -> Project:
    """Make a project of some images of another one, with its classes and tags, in datasets of the same names.

    Raises:
        InputError: There is no image.
    """
    if not images:
        raise InputError(_("There is no image to copy."), _("Choose others."))
    source = client.projects.get(project_id)
    taken = {item.name for item in client.projects.list(source.workspace_id)}
    about = _("Made from “{project}”.").format(project=source.name)
    made = client.writing.add_project(source.workspace_id, free_name(name, taken), about)
    client.writing.set_meta(made.id, client.projects.meta(project_id))
    names = {item.id: item.name for item in client.datasets.list(project_id)}
    used: set[str] = set()
    done = 0
    for dataset, found in _by_dataset(client, project_id, images).items():
        own = [image.id for image in found]
        title = free_name(names.get(dataset, "images"), used)
        used.add(title)
        target = client.writing.add_dataset(made.id, title)
        if keeps_labels:
            order = MoveOrder(project_id=project_id, images=tuple(own), dataset_id=target.id, keeps_originals=True)
            done += move_images(client, order, _counted_from(done, tell))
        else:
            for start in range(0, len(own), AT_ONCE):
                details = client.image_edits.details(project_id, own[start : start + AT_ONCE])
                client.image_edits.add_copies(target.id, details)
                done += len(details)
                tell(done)
    return made


def _by_dataset(
    client: SuperviselyClient, project_id: ProjectId, images: Sequence[ImageId]
) -> dict[DatasetId, list[Image]]:
    found: dict[DatasetId, list[Image]] = {}
    for start in range(0, len(images), AT_ONCE):
        for image in client.images.get(project_id, images[start : start + AT_ONCE]):
            found.setdefault(image.dataset_id, []).append(image)
    return found


def add_copies(client: SuperviselyClient, project_id: ProjectId, target: ProjectId, images: Sequence[ImageId]) -> int:
    """Copy images with their labels to earlier copies of the project, into datasets of the same names.

    Images that such a dataset has by their name stay as they are there. Returns how many were copied.
    """
    names = {item.id: item.name for item in client.datasets.list(project_id)}
    there = {item.name: item.id for item in client.datasets.list(target)}
    done = 0
    for dataset, own in _by_dataset(client, project_id, images).items():
        title = names.get(dataset, "images")
        goal = there[title] if title in there else client.writing.add_dataset(target, title).id
        known = {image.name for image in client.images.list(dataset_id=goal)}
        new = tuple(image.id for image in own if image.name not in known)
        order = MoveOrder(project_id=project_id, images=new, dataset_id=goal, keeps_originals=True)
        done += move_images(client, order)
    return done


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedImages:
    """Images that were removed, as what they can be brought back from."""

    datasets: tuple[DatasetId, ...]  # in the server's archive
    count: int


def remove_images(
    client: SuperviselyClient, project_id: ProjectId, images: Sequence[ImageId], tell: Tell = lambda _: None
) -> RemovedImages:
    """Remove images so that they can come back.

    A server has an archive for datasets, and none for images: those of a dataset go into a new one inside of it, and
    that one into the archive.
    """
    by_dataset: dict[DatasetId, list[ImageId]] = {}
    for image in client.images.get(project_id, images):
        by_dataset.setdefault(image.dataset_id, []).append(image.id)
    siblings = client.datasets.list(project_id)
    archived, done = list[DatasetId](), 0
    for dataset, own in by_dataset.items():
        name = free_name(_REMOVED, {item.name for item in siblings if item.parent_id == dataset})
        made = client.writing.add_dataset(project_id, name, dataset)
        order = MoveOrder(project_id=project_id, images=tuple(own), dataset_id=made.id)
        done += move_images(client, order, _counted_from(done, tell))
        client.project_edits.archive_dataset(made.id)
        archived.append(made.id)
    return RemovedImages(datasets=tuple(archived), count=done)


def _is_removed_images(name: str) -> bool:
    """Whether a deleted dataset is one that :func:`remove_images` made."""
    return name.startswith(_REMOVED)


def whole_deletions(deleted: Sequence[Deleted]) -> tuple[Deleted, ...]:
    """Return deleted datasets, each with the images of those that went with it in place of rows of their own."""
    known = {item.id: item for item in deleted}

    def top(item: Deleted) -> Deleted:
        parent = known.get(item.parent_id or 0)
        return item if parent is None else top(parent)

    images: dict[int, int] = {}
    for item in deleted:
        images[top(item).id] = images.get(top(item).id, 0) + item.items_count
    return tuple(replace(item, items_count=images[item.id]) for item in deleted if item.id in images)


def restore_dataset(client: SuperviselyClient, dataset_id: DatasetId, tell: Tell = lambda _: None) -> Dataset:
    """Bring a deleted dataset back. Images that were removed return into the dataset that they were in.

    Returns:
        The dataset that has the images now.

    Raises:
        MissingError: The server has no such method, or the dataset that it was in is deleted itself.
    """
    found = client.project_edits.restore_dataset(dataset_id)
    if not _is_removed_images(found.name) or found.parent_id is None:
        return found
    datasets = client.datasets.list(found.project_id)
    parent = next(item for item in datasets if item.id == found.parent_id)
    merge_datasets(client, MergeOrder(source=found, target=parent, datasets=datasets), tell)
    return parent
