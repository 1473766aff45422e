"""What a split gives to each side. A method of this server's own; Supervisely has none, and answers 404."""

from collections.abc import Sequence
from typing import Literal

from traindash.domain.ids import CollectionId, DatasetId, ProjectId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, TagsSplit, TrainValSplit
from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.split_statistics import ClassOnSides, SplitStatistics, split_statistics
from traindash.platform.tasks.splits import resolve_split
from traindash.platform.wire import Body, Id, Ids

_SAMPLE = 12
_MOST_IMAGES = 200_000
"""Beyond this, counting the sides image by image takes many seconds."""


class _Split(Body):
    method: Literal["datasets", "collections", "tags", "images"]
    train: Ids | None = None
    val: Ids | None = None
    train_tag: str | None = None
    val_tag: str | None = None
    untagged_action: Literal["train", "val", "ignore"] = "ignore"

    def split(self) -> TrainValSplit:
        """Return the split.

        Raises:
            InputError: A part is missing.
        """
        match self:
            case _Split(method="tags", train_tag=str(train), val_tag=str(val)):
                return TagsSplit(train_tag=train, val_tag=val, untagged_action=self.untagged_action)
            case _Split(method="datasets", train=tuple(train_ids), val=tuple(val_ids)):
                return DatasetsSplit(
                    train_datasets=tuple(map(DatasetId, train_ids)), val_datasets=tuple(map(DatasetId, val_ids))
                )
            case _Split(method="collections", train=tuple(train_ids), val=tuple(val_ids)):
                return CollectionsSplit(
                    train_collections=tuple(map(CollectionId, train_ids)),
                    val_collections=tuple(map(CollectionId, val_ids)),
                )
            case _:
                msg = f"The split by {self.method} is not complete."
                raise InputError(msg, "Name both sides.")


class _Statistics(Body):
    project_id: Id
    split: _Split


def _statistics(api: ApiContext, body: _Statistics) -> object:
    """Count; in large projects only what is known without looking at every image."""
    project_id = ProjectId(body.project_id)
    api.services.projects.meta_json(project_id)  # raises when there is no such project
    total = sum(item.items_count for item in api.services.projects.datasets(project_id))
    train: Sequence[int] = ()
    val: Sequence[int] = ()
    if total <= _MOST_IMAGES:
        train, val = _members(api, project_id, body.split)
        found = split_statistics(api.services.database, train, val)
    elif body.split.method == "datasets" and isinstance(split := body.split.split(), DatasetsSplit):
        found = SplitStatistics(classes=_of_datasets(api, project_id, split), shared_contents=None, shared_examples=())
    else:
        msg = f"Sides are counted in projects of up to {_MOST_IMAGES:,} images."
        raise InputError(msg, "Split by datasets, which are always counted.")
    return {
        "classes": [
            {
                "name": item.name,
                "trainImages": item.train_images,
                "trainObjects": item.train_objects,
                "valImages": item.val_images,
                "valObjects": item.val_objects,
            }
            for item in found.classes
        ],
        "sharedContents": found.shared_contents,
        "sharedExamples": [{"train": one, "val": other} for one, other in found.shared_examples],
        "trainSample": _some(train),
        "valSample": _some(val),
    }


def _members(api: ApiContext, project_id: ProjectId, split: _Split) -> tuple[list[int], list[int]]:
    """Return the images of both sides.

    Raises:
        InputError: The split is not complete, names what is not there, or leaves a side empty.
    """
    if split.method == "images":
        known = frozenset(api.services.images.ids(project_id))
        return [item for item in split.train or () if item in known], [
            item for item in split.val or () if item in known
        ]
    sides = resolve_split(api.services, project_id, split.split())
    return [image for image, on in sides.items() if "train" in on], [
        image for image, on in sides.items() if "val" in on
    ]


def _some(images: Sequence[int]) -> list[int]:
    return list(images[:: max(1, -(-len(images) // _SAMPLE))][:_SAMPLE])


def _of_datasets(api: ApiContext, project_id: ProjectId, split: DatasetsSplit) -> tuple[ClassOnSides, ...]:
    """Add up the counts that every import keeps per dataset."""
    counts: dict[str, list[int]] = {}
    for row in api.services.projects.class_counts(project_id):
        own = counts.setdefault(row["class_name"], [0, 0, 0, 0])
        for start, datasets in ((0, split.train_datasets), (2, split.val_datasets)):
            if row["dataset_id"] in datasets:
                own[start] += row["images"]
                own[start + 1] += row["objects"]
    return tuple(
        ClassOnSides(name=name, train_images=a, train_objects=b, val_images=c, val_objects=d)
        for name, (a, b, c, d) in sorted(counts.items())
    )


METHODS = (Method("traindash.splits.statistics", _Statistics, _statistics),)
