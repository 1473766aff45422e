"""Images and objects → batches: reading, variation (torchvision's transforms), stretching to the size of the model.

Images are stretched to the size, not padded: so do RT-DETR, D-FINE and their kin, in training and at prediction.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from traindash.datasets.training_labels import learnt_objects
from traindash.domain.annotation import Annotation
from traindash.domain.plan import Side
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.detr.settings import Settings
from traindash.training.trainers.resume_state import EpochOrder, epoch_seed

_SMALLEST_BOX = 1.0  # pixels of a side: what is left of an object at the border

# Nothing; mirrored; also other colours, zoomed and cropped
Strength: TypeAlias = Literal["none", "mirrored", "strong"]
Row = tuple[int, float, float, float, float]  # class number, and left, top, right, bottom as parts of the sides


class JsonLabels:
    """Writes labels for this engine: ``labels-<side>.jsonl`` with ``{"file": …, "objects": [row, …]}`` a line."""

    def __init__(self, root: Path, spec: TrainSpec) -> None:
        self._root = root
        self._spec = spec

    def describe(self, annotation: Annotation) -> tuple[Row, ...]:
        """Return a row for each object.

        Raises:
            InputError: Something of the annotation cannot be used.
        """
        learnt = learnt_objects(annotation, classes=self._spec.classes, task_type=self._spec.task_type)
        return tuple((item.number, *item.box) for item in learnt)

    def add(self, side: Side, file: Path, objects: Sequence[Row]) -> None:
        """Write the labels of an image."""
        with _labels_file(self._root, side).open("a", encoding="utf-8") as labels:
            labels.write(json.dumps({"file": str(file), "objects": objects}) + "\n")

    def finish(self) -> Path:
        """Return the data set folder."""
        return self._root


def _labels_file(root: Path, side: Side) -> Path:
    """Return the file with the labels of a side."""
    return root / f"labels-{side}.jsonl"


def read_image(file: Path) -> torch.Tensor:
    """Return (3, height, width) of uint8."""
    with Image.open(file) as image:
        pixels = np.array(image.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def stretched(image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return (3, *size) of float32, 0 to 1, as the frameworks give images to their models."""
    resized = functional.resize(image, list(size), interpolation=v2.InterpolationMode.BILINEAR, antialias=True)
    return functional.to_dtype(resized, torch.float32, scale=True)


@dataclass(slots=True)
class TrainImages(Dataset):  # type: ignore[misc, unused-ignore]
    """The training images with their objects.

    Attributes:
        strength: How images are varied; changes from epoch to epoch.
    """

    files: Sequence[str]
    objects: Sequence[Sequence[Row]]
    size: tuple[int, int]
    strength: Strength

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return an image as the model gets it, and its objects."""
        pixels = read_image(Path(self.files[index]))
        height, width = pixels.shape[1:]
        rows = torch.tensor(self.objects[index], dtype=torch.float32).reshape(-1, 5)
        corners = rows[:, 1:] * torch.tensor([width, height, width, height])
        boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=(height, width))  # type: ignore[call-overload, unused-ignore]
        image, target = _variations(self.strength, self.size)(
            tv_tensors.Image(pixels), {"boxes": boxes, "labels": rows[:, 0].long()}
        )
        sides = torch.tensor([self.size[1], self.size[0]] * 2, dtype=torch.float32)
        left_top, right_bottom = (target["boxes"].as_subclass(torch.Tensor) / sides).split(2, dim=1)
        return image.as_subclass(torch.Tensor), {
            "class_labels": target["labels"],
            "boxes": torch.cat([(left_top + right_bottom) / 2, right_bottom - left_top], dim=1),
        }


def _variations(strength: Strength, size: tuple[int, int]) -> v2.Compose:
    """Return the transforms of an image and its boxes: those of RT-DETRv2, D-FINE and DEIM, without mixed images."""
    first: list[Any] = []  # on the image as it is
    then: list[Any] = []  # on the stretched one, which is quicker
    if strength != "none":
        then = [v2.RandomHorizontalFlip()]
    if strength == "strong":
        cropped = v2.RandomApply([v2.RandomIoUCrop()], p=0.8)
        first = [v2.RandomPhotometricDistort(p=0.5), v2.RandomZoomOut(fill=0), cropped]
    return v2.Compose(
        [
            *first,
            v2.Resize(list(size), antialias=True),
            *then,
            v2.ClampBoundingBoxes(),
            v2.SanitizeBoundingBoxes(min_size=_SMALLEST_BOX),
            v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
        ]
    )


Batch = tuple[torch.Tensor, list[dict[str, torch.Tensor]]]


class TrainingBatches:
    """Batches of an epoch, the same ones for the same seed and epoch.

    Attributes:
        images: The images.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        lines = _labels_file(root, "train").read_text(encoding="utf-8").splitlines()
        rows: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
        self.images = TrainImages(
            files=[row["file"] for row in rows],
            objects=[row["objects"] for row in rows],
            size=settings.size,
            strength="mirrored",
        )
        self._settings = settings
        self._seed = settings.seed
        self._generator = torch.Generator()
        self._order = EpochOrder(len(self.images), self._seed)
        self._loader = DataLoader(
            self.images,
            batch_size=settings.batch_size,
            sampler=self._order,
            num_workers=settings.get("train_dataloader.num_workers", 0),
            collate_fn=_together,
            # As the frameworks do: a last batch of one or two images would count as much as a whole one
            drop_last=len(self.images) >= settings.batch_size,
            generator=self._generator,
        )

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._loader)

    def of_epoch(self, epoch: int) -> Any:  # noqa: ANN401 - torch's iterator of batches
        """Return the batches of an epoch, 0 for the first."""
        self._order.epoch = epoch
        self._generator.manual_seed(epoch_seed(self._seed, epoch))  # worker processes get their seeds from it
        strong, weak = self._settings.varies_strongly(epoch), self._settings.varies(epoch)
        self.images.strength = "strong" if strong else "mirrored" if weak else "none"
        return iter(self._loader)

    def scaled(self, pixels: torch.Tensor, epoch: int) -> torch.Tensor:
        """Return a batch in one of the sizes of multi-scale training, as it is in epochs without."""
        if not self._settings.has_sizes(epoch):
            return pixels
        sizes = self._settings.sizes
        size = sizes[int(torch.randint(len(sizes), ()))]
        return pixels if size == self._settings.size else torch.nn.functional.interpolate(pixels, size=size)


def _together(items: Sequence[tuple[torch.Tensor, dict[str, torch.Tensor]]]) -> Batch:
    return torch.stack([image for image, _ in items]), [objects for _, objects in items]
