"""What a split gives to each side. A method of this server's own; Supervisely has none, and answers 404."""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import Struct

from traindash.domain.ids import ImageId, ProjectId
from traindash.domain.plan import CountableSplit, DatasetsSplit, ImagesSplit, SideCounts, SplitContent
from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.tasks.splits import resolve_split
from traindash.platform.wire import Id

_SAMPLE = 12
_MOST_IMAGES = 200_000
"""Beyond this, counting the sides image by image takes many seconds."""


class _Statistics(Struct):
    project_id: Id
    split: CountableSplit


def _statistics(api: ApiContext, body: _Statistics) -> SplitContent:
    """Count; in large projects only what is known without looking at every image."""
    project_id = ProjectId(body.project_id)
    api.services.projects.meta_json(project_id)  # raises when there is no such project
    total = sum(item.items_count for item in api.services.projects.datasets(project_id))
    if total <= _MOST_IMAGES:
        train, val = _members(api, project_id, body.split)
        found = api.services.images.split_content(train, val)
        return replace(found, train_sample=_some(train), val_sample=_some(val))
    if isinstance(body.split, DatasetsSplit):
        return SplitContent(classes=_of_datasets(api, project_id, body.split), shared_contents=None)
    msg = f"Sides are counted in projects of up to {_MOST_IMAGES:,} images."
    raise InputError(msg, "Split by datasets, which are always counted.")


def _members(api: ApiContext, project_id: ProjectId, split: CountableSplit) -> tuple[list[ImageId], list[ImageId]]:
    """Return the images of both sides.

    Raises:
        InputError: The split names what is not there, or leaves a side empty.
    """
    if isinstance(split, ImagesSplit):
        known = frozenset(api.services.images.ids(project_id))
        return [item for item in split.train if item in known], [item for item in split.val if item in known]
    sides = resolve_split(api.services, project_id, split)
    return [image for image, on in sides.items() if "train" in on], [
        image for image, on in sides.items() if "val" in on
    ]


def _some(images: Sequence[ImageId]) -> tuple[ImageId, ...]:
    return tuple(images[:: max(1, -(-len(images) // _SAMPLE))][:_SAMPLE])


def _of_datasets(api: ApiContext, project_id: ProjectId, split: DatasetsSplit) -> dict[str, SideCounts]:
    """Add up the counts that every import keeps per dataset."""
    counts: dict[str, list[int]] = {}
    for row in api.services.projects.class_counts(project_id):
        own = counts.setdefault(row["name"], [0, 0, 0, 0])
        for start, datasets in ((0, split.train_datasets), (2, split.val_datasets)):
            if row["dataset_id"] in datasets:
                own[start] += row["images"]
                own[start + 1] += row["objects"]
    return {
        name: SideCounts(train_images=a, train_objects=b, val_images=c, val_objects=d)
        for name, (a, b, c, d) in sorted(counts.items())
    }


METHODS = (Method("traindash.splits.statistics", _Statistics, _statistics),)
