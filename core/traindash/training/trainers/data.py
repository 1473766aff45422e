"""The run's images → a data set folder for an engine.

::

    dataset/images/train/000001.jpg  → link to the original
    dataset/images/val/…
    dataset/…                        labels, as the engine wants them

Nothing is ever written to an original.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from traindash.datasets.geometry import annotation_inside
from traindash.datasets.pixels import opened
from traindash.datasets.shape_fit import unsuitable_shapes
from traindash.domain.plan import Side
from traindash.domain.task import ExitCause
from traindash.errors import InputError
from traindash.training.runs.spec import RunImage, TrainSpec, read_images
from traindash.training.trainers.engine import LabelWriter, PlacedImage, PreparedData, Run
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.reporting import Progress

DATASET_FOLDER = "dataset"
# Formats that engines read as they are; others become PNG copies.
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp", "MPO": ".mpo"}
# Pixels; Ultralytics leaves out smaller images without a word (8.4.190, ``verify_image_label``).
SMALLEST_SIDE = 10
_SIDES: tuple[Side, ...] = ("train", "val")
# So many unusable images are named one by one in the log; the rest is counted.
_NAMED_PROBLEMS = 20
_JPEG_END = b"\xff\xd9"


def write_dataset(run: Run, labels: LabelWriter) -> PreparedData:
    """Write the data set folder into the run's work folder.

    Raises:
        RunError: One side has no usable image, or there is nothing to learn on the train side.
    """
    _refuse_unsuitable(run.spec)
    for side in _SIDES:
        (run.layout.work / DATASET_FOLDER / "images" / side).mkdir(parents=True, exist_ok=True)
    writer = _Writer(run, labels)
    val = writer.write_all()
    writer.refuse_useless()
    return PreparedData(config=labels.finish(), train_size=writer.images["train"], val=val, problems=writer.problems())


def _refuse_unsuitable(spec: TrainSpec) -> None:
    unsuitable = unsuitable_shapes(spec.meta, spec.classes, spec.task_type, convert=spec.convert_class_shapes)
    if unsuitable:
        names = ", ".join(f"{item.name} ({item.shape})" for item in unsuitable)
        message = f"A model for {spec.task_type} cannot use the shapes of these classes: {names}."
        raise RunError(ExitCause.BAD_DATA, message, "Switch on “Convert class shapes” or leave the classes out.")


class _Writer:
    """Writes images and labels and counts them by side."""

    def __init__(self, run: Run, labels: LabelWriter) -> None:
        self.images: Counter[Side] = Counter()
        self._objects: Counter[Side] = Counter()
        self._unusable = 0
        self._first_unusable = ""
        self._run = run
        self._labels = labels
        self._root = run.layout.work / DATASET_FOLDER / "images"
        self._progress = Progress(run.events)

    def write_all(self) -> tuple[PlacedImage, ...]:
        """Write all images; returns those of the validation side."""
        images = self._run.layout.images
        with images.open("rb") as file:
            total = sum(1 for _ in file)
        val: list[PlacedImage] = []
        for number, image in enumerate(read_images(images), start=1):
            val.extend(self._write(number, image))
            self._progress.report("Preparing data for training...", number, total)
        counts = ", ".join(f"{self.images[side]} {side} images with {self._objects[side]} objects" for side in _SIDES)
        self._run.events.log(f"Data: {counts}.")
        return tuple(val)

    def _write(self, number: int, image: RunImage) -> Iterator[PlacedImage]:
        try:
            annotation = annotation_inside(image.annotation, where=image.name)
            objects = self._labels.describe(annotation)
            size = (annotation.width, annotation.height)
            for side in image.sides:
                # Numbers instead of names: two datasets may both hold 0001.jpg
                file = place_image(Path(image.path), self._root / side / f"{number:06d}", size)
                self._labels.add(side, file, objects)
                self.images[side] += 1
                self._objects[side] += len(objects)
                if side == "val":
                    yield PlacedImage(file=file, image=image, annotation=annotation)
        except InputError as error:
            self._unusable += 1
            if self._unusable <= _NAMED_PROBLEMS:
                name = f"“{image.dataset_name}/{image.name}”"
                self._run.events.log(f"Image {name} is left out: {error.message}", "warning")
                self._first_unusable = self._first_unusable or f"{name}: {error.message.rstrip('.')}"

    def problems(self) -> tuple[str, ...]:
        """Say how many images were left out."""
        if not self._unusable:
            return ()
        return (f"{self._unusable} images could not be used and were left out; the log names them.",)

    def refuse_useless(self) -> None:
        """Refuse data that nothing can be learned from or measured on."""
        unusable = (
            f" {self._unusable} images could not be used, the first one {self._first_unusable}. The log names them."
            if self._unusable
            else ""
        )
        for side in _SIDES:
            if not self.images[side]:
                message = f"The {side} set has no image that can be used.{unusable}"
                raise RunError(ExitCause.BAD_DATA, message, "Choose another train/val split or repair the images.")
        if not self._objects["train"]:
            names = ", ".join(self._run.spec.classes)
            message = f"No train image has an object of the chosen classes ({names})."
            raise RunError(ExitCause.BAD_DATA, message, "Choose other classes or another train/val split.")


def place_image(source: Path, target: Path, size: tuple[int, int]) -> Path:
    """Link an image to a place of the run's own, or copy it where an engine would read other pixels than people see.

    Engines turn images the way their EXIF tag says. If the annotation was drawn on the image as it is stored, a
    copy without that tag keeps the two together.

    The target has no suffix: it follows the content. ``size`` is width and height that the annotation counts in.

    Returns:
        The path with suffix.

    Raises:
        InputError: It is missing, damaged, of another size than its annotation, or too small.
    """
    with opened(source) as image:
        if image.kind == "PNG":
            image.image.verify()
    with opened(source) as image:  # Pillow wants a fresh look after that
        seen, stored, suffix = image.seen_size, image.stored_size, SUFFIXES.get(image.kind)
        if min(seen) < SMALLEST_SIDE:
            raise InputError(f"It is only {seen[0]} x {seen[1]} pixels.")
        if size not in {seen, stored}:
            raise InputError(f"It is {seen[0]} x {seen[1]} pixels, its annotation {size[0]} x {size[1]}.")
        complete = suffix != ".jpg" or _is_complete_jpeg(source)
        plain = suffix is not None and size == seen and complete and image.is_plain()
        pixels = None if plain else image.pixels(drawn_on=size)
    if pixels is None:
        return _link(source, target.with_suffix(suffix or ""))
    converted = target.with_suffix(".png")
    # Engines read it anew in each epoch: time counts more than room
    pixels.save(converted, format="PNG", compress_level=1, exif=b"")
    return converted


def _is_complete_jpeg(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-len(_JPEG_END), 2)
        return file.read() == _JPEG_END


def _link(source: Path, target: Path) -> Path:
    try:
        target.symlink_to(source)
    except FileExistsError:
        raise
    except OSError:  # Windows lets only some users make links
        shutil.copyfile(source, target)
    return target
