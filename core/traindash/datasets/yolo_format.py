"""Data in YOLO layout: images, a text file of labels for each, class names in ``data.yaml`` or a list.

Written by Ultralytics (https://docs.ultralytics.com/datasets/detect/), darknet, and annotation tools in many variants.
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

from traindash.datasets.folder import Folder, is_hidden
from traindash.datasets.image_checks import ImageChecks
from traindash.datasets.image_files import CheckedImage, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.key_points import KeyPoints, Skeleton, graph, key_point_classes
from traindash.datasets.shape_fit import common_shape
from traindash.datasets.source import Lazy, ProjectSource, SourceDataset, SourceImage
from traindash.datasets.yolo_config import YoloConfig, config_files, is_name_file, read_yolo_config
from traindash.datasets.yolo_files import YoloFiles, find_files
from traindash.datasets.yolo_labels import Drawn, LabelForm, LabelSurvey, are_pixels, drawn, numbers
from traindash.domain.annotation import Annotation, Label
from traindash.domain.project import ObjectClass, ProjectMeta, class_color
from traindash.errors import InputError
from traindash.files import read_up_to
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.language import ngettext
from traindash.text_files import ascii_part, ascii_start, decode_text, lines_of

_LARGEST_LABEL_FILE = 64 * 2**20
# What is looked at to recognise label files; a folder of a million must not be walked through to find that it is none
_LOOKED_INTO = 50
_OF_A_FOLDER = 10
_DEPTH = 4
_LABEL_LINE = re.compile(rb"^\s*\d+(\.0*(e\+00)?)?(\s+-?[\d.eE+-]+){4,}\s*$")


def recognise_yolo(folder: Folder) -> str:
    """Return what speaks for YOLO layout, a sentence; empty if nothing does."""
    if configs := config_files(folder.root):
        return _("It has {file} with class names.").format(file=configs[0])
    return _("It has images and label files (.txt).") if _has_yolo_labels(folder.root) else ""


def _has_yolo_labels(root: Path) -> bool:
    """Whether there are label files with class numbers and coordinates, and images."""
    folders = list(_folders(root))
    texts = (path for folder, names in folders for path in _first_texts(folder, names))
    if not any(map(_begins_like_labels, islice(texts, _LOOKED_INTO))):
        return False
    return any(is_image(name) for _rest, names in folders for name in names)


def _folders(root: Path) -> Iterator[tuple[str, list[str]]]:
    for folder, inside, names in os.walk(root):
        depth = os.path.relpath(folder, root).count(os.sep)
        inside[:] = sorted(name for name in inside if not is_hidden(name)) if depth < _DEPTH - 1 else []
        yield folder, names


def _first_texts(folder: str, names: Sequence[str]) -> Iterator[Path]:
    texts = (name for name in sorted(names) if name.lower().endswith(".txt") and not is_name_file(name))
    return (Path(folder, name) for name in islice(texts, _OF_A_FOLDER))


def _begins_like_labels(path: Path) -> bool:
    lines = ascii_start(path, 4096).splitlines()
    return bool(lines and _LABEL_LINE.match(lines[0]))


def open_yolo(root: Path, log: ProblemLog, checks: ImageChecks) -> ProjectSource:
    """Open a folder in YOLO layout.

    All label files are looked at once for what their numbers mean; images and labels are read when walked over, and
    what cannot be used goes into the log then.

    Raises:
        InputError: What names classes and sides is not valid, or there are no images; names what is missing.
    """
    folder = Folder(root)
    config = read_yolo_config(folder, log)
    files = find_files(folder, config, log)
    checks.expect(sum(map(len, files.sides.values())))
    survey = LabelSurvey(keypoints=config.keypoints)
    counts: dict[str, int] = {}  # label file → lines
    for place in dict.fromkeys((*files.labels.values(), *files.alone)):
        content = _content(f"{folder.root}/{place}")
        survey.add(content)
        counts[place] = sum(1 for line in content.splitlines() if line.strip())
    form = survey.form()
    shapes = survey.shapes(form)
    names = config.names or {number: f"class {number}" for number in sorted(shapes)}
    classes = tuple(
        ObjectClass(name=name, shape=common_shape(shapes.get(number, ())), color=class_color(position))
        for position, (number, name) in enumerate(names.items())
    )
    posed = {number: names[number] for number in sorted(survey.posed(form)) if number in names}
    figures = _key_point_classes(posed, form, config, [item.name for item in classes])
    _tell_left_out(folder, files, counts, log)
    _tell_of_labels(files, form, log)
    _tell_of_numbers(shapes, config, log)
    reader = _Reader(
        root=folder.root,
        names=names,
        form=form,
        labels=files.labels,
        skeletons=config.skeletons,
        figures={number: figures[name].name for number, name in posed.items()},
        checks=checks,
        log=log,
    )
    datasets = tuple(
        SourceDataset(name=name, parent=None, images=Lazy(partial(reader.images, images)))
        for name, images in files.sides.items()
    )
    return ProjectSource(
        name=folder.root.name, meta=ProjectMeta(classes=(*classes, *figures.values())), datasets=datasets
    )


def _key_point_classes(
    posed: Mapping[int, str], form: LabelForm, config: YoloConfig, taken: Sequence[str]
) -> Mapping[str, ObjectClass]:
    """Class → that of its key points, which also says which of them change places in a mirror."""
    count = form.keypoints[0] if form.keypoints else 0
    named = {name: ([config.skeletons.get(number, Skeleton())], count) for number, name in posed.items()}
    classes = key_point_classes(named, taken)
    if not config.mirrored:
        return classes
    flips = {"flip_idx": list(config.mirrored)}
    return {
        name: replace(
            item, extra={"geometry_config": {**cast("Mapping[str, object]", item.extra["geometry_config"]), **flips}}
        )
        for name, item in classes.items()
    }


def _content(path: str) -> bytes:
    try:
        return ascii_part(read_up_to(path, _LARGEST_LABEL_FILE) or b"")
    except OSError:  # told when the image is read
        return b""


def _tell_left_out(folder: Folder, files: YoloFiles, counts: Mapping[str, int], log: ProblemLog) -> None:
    for place in folder.outside:
        log.skip_file(ProblemKind.LINK, place, _("It leads out of the folder or nowhere, and is not followed."))
    for place, message, kind in files.lists:
        log.found(images=1)
        log.skip_image(kind, place, message)
    for place in files.alone:
        log.found(images=1, objects=counts[place])
        message = _("There is no image for these labels.")
        log.skip_image(ProblemKind.MISSING_IMAGE, place, message, objects=counts[place])
    for place in files.unnamed:
        objects = counts[files.labels[place]] if place in files.labels else 0
        log.found(images=1, objects=objects)
        log.skip_image(ProblemKind.UNNAMED_IMAGE, place, _("The image is in none of the sides."), objects=objects)


def _tell_of_labels(files: YoloFiles, form: LabelForm, log: ProblemLog) -> None:
    bare = [image for images in files.sides.values() for image in images if image not in files.labels]
    if bare:
        message = ngettext(
            "{count} image has no label file and is taken as without objects.",
            "{count} images have no label file and are taken as without objects.",
            len(bare),
        ).format(count=count(len(bare)))
        log.note(ProblemKind.MISSING_ANNOTATION, bare[0], message)
    if form.could_be_keypoints:
        message = _("The labels are read as outlines; if they are key points, say so with kpt_shape in data.yaml.")
        log.note(ProblemKind.UNSUPPORTED_GEOMETRY, next(iter(files.labels.values())), message)


def _tell_of_numbers(used: Collection[int], config: YoloConfig, log: ProblemLog) -> None:
    """Labels that count from 1 give every object the name of the next class, which nobody sees."""
    most = len(config.names)
    if most and list(config.names) == list(range(most)) and max(used, default=0) == most and min(used) == 1:
        message = _(
            "The labels have class numbers from 1 to {most}, the names go from 0 to {last}. If the "
            "labels count from 1, every object has the name of the next class; put a name in front "
            "of the others."
        ).format(most=most, last=most - 1)
        log.note(ProblemKind.UNKNOWN_CLASS, config.place, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """The lines of a label file, as far as they can be read."""

    objects: Sequence[tuple[str, int, list[float]]]  # place, class number, values
    damaged: Sequence[tuple[str, str]]  # place, what is wrong
    twice: Sequence[tuple[str, str]]  # place, what is told of it
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    root: Path
    names: Mapping[int, str]
    form: LabelForm
    labels: Mapping[str, str]  # image → its label file
    skeletons: Mapping[int, Skeleton]  # class number → what is said of its key points
    figures: Mapping[int, str]  # class number → name of the class of its key points
    checks: ImageChecks
    log: ProblemLog

    def images(self, places: Sequence[str]) -> Iterator[SourceImage]:
        self.log.found(images=len(places))
        for place, found in self.checks.each(places, lambda place: self.root / place):
            if (image := self._image(place, found)) is not None:
                yield image

    def _image(self, place: str, found: CheckedImage | InputError) -> SourceImage | None:
        label_file = self.labels.get(place)
        try:
            lines = _Lines(objects=(), damaged=(), twice=(), count=0) if label_file is None else self._read(label_file)
        except InputError as error:
            self.log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, label_file or place, error.message)
            return None
        self.log.found(objects=lines.count)
        if isinstance(found, InputError):
            self.log.skip_image(ProblemKind.UNREADABLE_IMAGE, place, found.message, objects=lines.count)
            return None
        pixels = [where for where, _rest, values in lines.objects if are_pixels(values)]
        if len(pixels) * 2 > lines.count:
            # Left out as a whole: without its objects the image would be taught as one that has none.
            message = _("The values are not shares of the image's size (0 to 1); they look like pixels.")
            self.log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, pixels[0], message, objects=lines.count)
            return None
        size = found.seen_size
        annotation = Annotation(width=size[0], height=size[1], labels=tuple(self._labels(lines, size)))
        path = self.root / place
        return SourceImage(name=path.name, path=path, annotation=annotation, checked=found)

    def _read(self, place: str) -> _Lines:
        try:
            content = read_up_to(f"{self.root}/{place}", _LARGEST_LABEL_FILE)
        except OSError as error:
            raise InputError(_("The label file cannot be read.")) from error
        if content is None:
            raise InputError(
                _("The label file is larger than {number} MB.").format(number=_LARGEST_LABEL_FILE // 2**20)
            )
        text = decode_text(content, "The label file")
        return _parsed([(n, line) for n, line in enumerate(lines_of(text), start=1) if line.strip()], place)

    def _labels(self, lines: _Lines, size: tuple[int, int]) -> Iterator[Label]:
        for place, message in lines.damaged:
            self.log.skip_object(ProblemKind.DAMAGED_OBJECT, place, message)
        for place, message in lines.twice:
            self.log.skip_object(ProblemKind.DUPLICATE_OBJECT, place, message)
        for place, number, values in lines.objects:
            if number not in self.names:
                message = _("There is no class with the number {number}; the classes are 0 to {last}.").format(
                    number=number, last=max(self.names, default=-1)
                )
                self.log.skip_object(ProblemKind.UNKNOWN_CLASS, place, message)
            elif (found := self._drawn(place, values, size)) is not None:
                binding = {} if found.points is None else {"instance": place}
                yield Label(class_name=self.names[number], geometry=found.geometry, extra=binding)
                if found.points is not None and (figure := self._figure(place, number, found.points, size)) is not None:
                    yield figure

    def _drawn(self, place: str, values: list[float], size: tuple[int, int]) -> Drawn | None:
        try:
            found = drawn(values, self.form, size)
        except InputError as error:
            self.log.skip_object(ProblemKind.DAMAGED_OBJECT, place, error.message)
            return None
        if found.left_out:
            self.log.change(ProblemKind.UNSUPPORTED_GEOMETRY, place, found.left_out)
        return found

    def _figure(self, place: str, number: int, points: KeyPoints, size: tuple[int, int]) -> Label | None:
        """The key points of a box, an object of their own."""
        self.log.found(objects=1)
        geometry, outside = graph(points, self.skeletons.get(number, Skeleton()), *size)
        if geometry is None:
            self.log.skip_object(ProblemKind.OUTSIDE, place, _("Its key points lie outside the image."))
            return None
        if outside:
            self.log.change(
                ProblemKind.CUT, place, _("{number} of its key points lie outside the image.").format(number=outside)
            )
        own = self.figures[number]
        self.log.change(
            ProblemKind.KEY_POINTS, place, _("Its key points are an object of the class “{name}”.").format(name=own)
        )
        return Label(class_name=own, geometry=geometry, extra={"instance": place})


def _parsed(lines: Sequence[tuple[int, str]], place: str) -> _Lines:
    objects, damaged, twice = [], [], []
    seen: dict[tuple[float, ...], int] = {}
    for line_number, line in lines:
        where = f"{place}, line {line_number}"
        try:
            number, values = numbers(line)
        except InputError as error:
            damaged.append((where, error.message))
            continue
        first = seen.setdefault((number, *values), line_number)
        if first == line_number:
            objects.append((where, number, values))
        else:  # Ultralytics drops them, too (``verify_image_label``)
            twice.append((where, _("It is the same as line {line}.").format(line=first)))
    return _Lines(objects=objects, damaged=damaged, twice=twice, count=len(lines))
