"""What a split gives to each side. A method of this server's own; Supervisely has none, and answers 404."""

from typing import Annotated, Literal

from pydantic import Field

from core.domain.ids import CollectionId, DatasetId, ProjectId
from core.domain.plan import CollectionsSplit, DatasetsSplit, TagsSplit, TrainValSplit
from core.errors import InputError
from core.local_platform.routes.endpoint import Body, Method, Site
from core.local_platform.routes.lists import Id, Ids
from core.local_platform.store.split_statistics import split_statistics
from core.local_platform.tasks.splits import resolve_split


class _Split(Body):
    method: Literal["datasets", "collections", "tags"]
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
            case _Split(method="datasets", train=list(train_ids), val=list(val_ids)):
                return DatasetsSplit(
                    train_datasets=tuple(map(DatasetId, train_ids)), val_datasets=tuple(map(DatasetId, val_ids))
                )
            case _Split(method="collections", train=list(train_ids), val=list(val_ids)):
                return CollectionsSplit(
                    train_collections=tuple(map(CollectionId, train_ids)),
                    val_collections=tuple(map(CollectionId, val_ids)),
                )
            case _:
                msg = f"The split by {self.method} is not complete."
                raise InputError(msg, "Name both sides.")


class _Statistics(Body):
    project_id: Id
    split: Annotated[_Split, Field()]


def _statistics(site: Site, body: _Statistics) -> object:
    project_id = ProjectId(body.project_id)
    site.parts.projects.meta_json(project_id)  # raises when there is no such project
    sides = resolve_split(site.parts, project_id, body.split.split())
    found = split_statistics(
        site.parts.database,
        [image for image, on in sides.items() if "train" in on],
        [image for image, on in sides.items() if "val" in on],
    )
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
        "sharedExamples": [{"train": train, "val": val} for train, val in found.shared_examples],
    }


METHODS = (Method("traindash.splits.statistics", _Statistics, _statistics),)
