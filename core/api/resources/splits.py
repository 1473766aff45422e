"""What a split gives to each side; only the embedded platform knows that without listing every image."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from core.api.errors import MissingError
from core.api.resources.base import Resource
from core.api.wire.reading import Shape, read
from core.domain.ids import ImageId, ProjectId
from core.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, TagsSplit, TrainValSplit
from core.domain.split import SideCounts, SplitContent

_METHOD = "traindash.splits.statistics"


class _ClassShape(Shape):
    name: str
    train_images: int
    train_objects: int
    val_images: int
    val_objects: int


class _ExampleShape(Shape):
    train: str
    val: str


class _ContentShape(Shape):
    classes: tuple[_ClassShape, ...]
    shared_contents: int | None
    shared_examples: tuple[_ExampleShape, ...] = ()
    train_sample: tuple[int, ...] = ()
    val_sample: tuple[int, ...] = ()


class Splits(Resource):
    """Splits of projects."""

    def content(self, project_id: ProjectId, split: TrainValSplit) -> SplitContent | None:
        """Return what a split gives.

        Returns:
            ``None`` for a random split, which is dealt when the training starts, and from servers that do not count.

        Raises:
            RejectedError: Something named does not exist in the project, or a side stays empty.
        """
        match split:
            case RandomSplit():
                return None
            case DatasetsSplit(train_datasets=train, val_datasets=val):
                body: dict[str, object] = {"method": "datasets", "train": list(train), "val": list(val)}
            case CollectionsSplit(train_collections=train_ids, val_collections=val_ids):
                body = {"method": "collections", "train": list(train_ids), "val": list(val_ids)}
            case TagsSplit(train_tag=train_tag, val_tag=val_tag, untagged_action=action):
                body = {"method": "tags", "trainTag": train_tag, "valTag": val_tag, "untaggedAction": action}
            case _:
                assert_never(split)
        return self._content(project_id, body)

    def content_of(
        self, project_id: ProjectId, train: Sequence[ImageId], val: Sequence[ImageId]
    ) -> SplitContent | None:
        """Return what two sets of images hold, ``None`` from servers that do not count."""
        return self._content(project_id, {"method": "images", "train": list(train), "val": list(val)})

    def _content(self, project_id: ProjectId, body: Mapping[str, object]) -> SplitContent | None:
        try:
            answer = self.transport.read(_METHOD, {"projectId": project_id, "split": body})
        except MissingError:
            return None
        shape = read(_METHOD, _ContentShape, answer)
        return SplitContent(
            classes={
                item.name: SideCounts(
                    train_images=item.train_images,
                    train_objects=item.train_objects,
                    val_images=item.val_images,
                    val_objects=item.val_objects,
                )
                for item in shape.classes
            },
            shared_contents=shape.shared_contents,
            shared_examples=tuple((item.train, item.val) for item in shape.shared_examples),
            train_sample=tuple(map(ImageId, shape.train_sample)),
            val_sample=tuple(map(ImageId, shape.val_sample)),
        )
