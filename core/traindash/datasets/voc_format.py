"""Data in Pascal VOC layout: an XML file per image, as the challenge, labelImg, Roboflow and CVAT write it.

::

    Annotations/<image>.xml, JPEGImages/<image>.jpg, ImageSets/Main/{train,val,test}.txt     the challenge, CVAT
    <image>.xml beside <image>.jpg                                                            labelImg
    {train,valid,test}/<image>.xml beside the image                                           Roboflow

Who wrote a file decides what its numbers mean:

- The challenge counts pixels from 1, both corners inclusive: “The top-left pixel in the image has coordinates (1,1)”
  (VOC2012 Development Kit, section 3.3). That is how files are read that do not say anything else.
- labelImg writes positions, with 1 in place of 0 (``convert_points_to_bnd_box`` in its ``libs/labelFile.py``); CVAT, by
  way of Datumaro 1.13, writes positions. Both say ``<database>Unknown</database>``.
- Roboflow writes positions plus one: a box up to the right edge of an image 155 pixels wide has ``xmax`` 156.
- Files in which a coordinate below 1 occurs do not count from 1, so their numbers are positions.
"""

import math
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from traindash.datasets import drawn_shapes
from traindash.datasets.drawn_shapes import Size, number
from traindash.datasets.folder import Folder
from traindash.datasets.image_files import is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.records import (
    DrawnObject,
    ImageRecord,
    RecordedDataset,
    RecordedObject,
    Remark,
    believed_size,
    checked_name,
    dataset_name,
    drawn,
    located,
    recorded_project,
)
from traindash.datasets.source import ProjectSource
from traindash.datasets.voc_masks import FOLDERS, ObjectMasks, VocMasks, named_objects, with_masks
from traindash.datasets.xml_files import text_of, xml_elements, xml_start
from traindash.domain.annotation import Geometry, Rectangle, Tag
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.text_files import lines_of, read_text

_LOOKED_AT = 20  # XML files of another kind before the first of VOC
_FLAGS = ("difficult", "truncated", "occluded")
_KNOWN_PARTS = frozenset(
    {"name", "pose", "bndbox", "robndbox", "polygon", "type", "attributes", "difficult", "truncated", "occluded"}
)
_NO_POSE = frozenset({"", "unspecified"})
_OTHER_XML = re.compile(r"<(?!annotation[\s>])\w")
_BELOW_ONE = re.compile(rb"<[xy]m(?:in|ax)>\s*(?:-|0+\s*<|0*\.)")
_UNION = "trainval"
_FLAGGED = re.compile(r"(\S.*?)\s+(?:-?1|0)", re.ASCII)
_ABOVE = re.compile(r"^(?:.*/)?(?:JPEGImages|Annotations)/", re.IGNORECASE)
_OF_ONE_CLASS = re.compile(r".+_(train|val|trainval|test)")


def recognise_voc(folder: Folder) -> str:
    """Return what speaks for Pascal VOC layout, a sentence; empty if nothing does."""
    files = [place for place in folder.files if place.lower().endswith(".xml")]
    found = next((place for place in files[:_LOOKED_AT] if _looks_like_voc(folder.root / place)), None)
    if found:
        return _("It has an XML file for each image, such as {found}.").format(found=found)
    return _("It has masks of objects, and labelmap.txt with their classes.") if VocMasks(folder).names_classes else ""


def _looks_like_voc(path: Path) -> bool:
    start = xml_start(path)
    return bool(re.match(r"<annotation[\s>]", start)) and any(
        f"<{tag}" in start for tag in ("object", "size", "filename")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """What the numbers of a file count from."""

    first: float  # what the left edge of the image is called
    inclusive: bool  # the right corner is the last pixel inside, not the edge behind it

    def rectangle(self, x1: float, y1: float, x2: float, y2: float) -> Rectangle:
        """Return the box between two corners in any order."""
        more = 1.0 if self.inclusive else 0.0
        left, right = min(x1, x2) - self.first, max(x1, x2) - self.first + more
        top, bottom = min(y1, y2) - self.first, max(y1, y2) - self.first + more
        return drawn_shapes.box(left, top, right, bottom)


_CHALLENGE = _Origin(first=1, inclusive=True)
_POSITIONS = _Origin(first=0, inclusive=False)
_ROBOFLOW = _Origin(first=1, inclusive=False)


def open_voc(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder with Pascal VOC annotations; they are read while its images are walked over.

    Raises:
        InputError: There are no annotations or no images.
    """
    folder = Folder(root)
    given = [place for place in folder.files if place.lower().endswith(".xml")]
    files = [place for place in given if not _OTHER_XML.match(xml_start(folder.root / place))]
    for place in sorted({*given} - {*files}):
        log.skip_file(ProblemKind.OTHER_FILE, place, _("It is no annotation of an image."))
    masks = VocMasks(folder)
    if not files and not masks.names_classes:
        raise InputError(
            _("{name} holds no XML files.").format(name=root.name), _("Pascal VOC has an XML file for each image.")
        )
    lists = _image_sets(folder, files, log)
    groups: dict[str, list[str]] = {name: [] for name in lists.order}
    for place in files:
        groups.setdefault(lists.dataset_of(place) or dataset_name(place.rpartition("/")[0]), []).append(place)
    from_zero = any(_counts_from_zero(folder.root / place) for place in files)
    datasets = [
        RecordedDataset(name=name, records=_Records(folder, places, lists.without_file(name, files), from_zero, masks))
        for name, places in groups.items()
    ]
    for name, alone in _only_masked(masks, lists, files).items():
        datasets.append(RecordedDataset(name=name, records=_Records(folder, (), alone, from_zero, masks)))
    for place in sorted({place.rpartition("/")[0] for place in folder.files if _is_mask(place)}):
        if not masks.are_read(place):
            message = _("Its masks of whole classes are not read; those of single objects are, in SegmentationObject.")
            log.skip_file(ProblemKind.OTHER_FILE, place, message)
    return recorded_project(folder, datasets, log, others=_is_mask)


def _only_masked(masks: VocMasks, lists: "_ImageSets", files: Sequence[str]) -> dict[str, list[tuple[str, str, str]]]:
    """Dataset → images that have masks, and neither an annotation nor a place in a list."""
    known = {key for place in files for key in _keys(place)} | lists.members.keys()
    alone: dict[str, list[tuple[str, str, str]]] = {}
    for base, stem, place in masks.images():
        if (base, stem) not in known:
            alone.setdefault(dataset_name(base), []).append((base, stem, place))
    return alone


def _is_mask(place: str) -> bool:
    return is_image(place) and not FOLDERS.isdisjoint(part.casefold() for part in place.split("/"))


def _counts_from_zero(path: Path) -> bool:
    """Whether a corner in a file is below 1; looked for in its bytes, for the whole files are read twice anyway."""
    try:
        return _BELOW_ONE.search(path.read_bytes().replace(b"\0", b"")) is not None
    except OSError:  # told of when the image's turn comes
        return False


# Lists of images: ImageSets/Main/train.txt names one image in each line, without its extension.


@dataclass(frozen=True, slots=True)
class _ImageSets:
    order: tuple[str, ...]  # names of datasets
    members: dict[tuple[str, str], str]  # (folder that holds ImageSets, stem) → dataset
    places: dict[tuple[str, str], str]  # the same keys → the list that names it

    def dataset_of(self, place: str) -> str | None:
        return next((self.members[key] for key in _keys(place) if key in self.members), None)

    def without_file(self, dataset: str, files: Sequence[str]) -> list[tuple[str, str, str]]:
        """Images of a dataset that have no XML file: folder, stem and the list that names each."""
        known = {key for place in files for key in _keys(place)}
        return [(*key, self.places[key]) for key, name in self.members.items() if name == dataset and key not in known]


def _base(place: str) -> str:
    """The folder that holds ``Annotations`` or ``ImageSets``."""
    parts = place.split("/")
    for number_, part in enumerate(parts):
        if part.casefold() in ("annotations", "imagesets", "jpegimages"):
            return "/".join(parts[:number_])
    return "/".join(parts[:-1])


def _inside(place: str) -> str:
    """The folder of an annotation below ``Annotations``; CVAT keeps those that its images lie in."""
    parts = place.split("/")[:-1]
    under = next((number_ for number_, part in enumerate(parts) if part.casefold() == "annotations"), len(parts))
    return "/".join(parts[under + 1 :])


def _keys(place: str) -> Iterator[tuple[str, str]]:
    """How lists may name the image of an annotation: with the folder it lies in, and without."""
    base, stem = _base(place), PurePosixPath(place).stem
    if inside := _inside(place):
        yield base, f"{inside}/{stem}"
    yield base, stem


def _image_sets(folder: Folder, files: Sequence[str], log: ProblemLog) -> _ImageSets:
    known = {key for place in files for key in _keys(place)}
    found: dict[tuple[str, str], str] = {}
    places: dict[tuple[str, str], str] = {}
    order: list[str] = []
    lists = [place for place in folder.files if re.search(r"(?i)(^|/)ImageSets/(Main|Segmentation)/[^/]+\.txt$", place)]
    # The union of two lists says least, so it comes last; Main has more images than Segmentation.
    ranks = {"train": 0, "val": 1, "test": 2, _UNION: 4}
    lists.sort(key=lambda place: ("/Segmentation/" in place, ranks.get(PurePosixPath(place).stem, 3), place))
    for place in lists:
        name = PurePosixPath(place).stem
        if _OF_ONE_CLASS.fullmatch(name):
            continue  # cat_train.txt says of each image whether a cat is on it, which its objects say as well
        base = _base(place)
        dataset = "_".join(part for part in (dataset_name(base) if base else "", name) if part)
        for line in _listed(folder.root / place, place, log):
            # Lists of one class say behind each image whether it is on it; people copy them to train.txt.
            flagged = None if (base, line) in known else _FLAGGED.fullmatch(line)
            stem = flagged[1] if flagged else line
            first = found.setdefault((base, stem), dataset)
            places.setdefault((base, stem), place)
            if first == dataset and dataset not in order:
                order.append(dataset)
            elif first != dataset and name != _UNION and "/Segmentation/" not in place:
                message = _("{place} names it too; it is taken once.").format(place=place)
                log.change(ProblemKind.DUPLICATE_NAME, f"{first}/{stem}", message)
    return _ImageSets(tuple(order), found, places)


def _listed(path: Path, place: str, log: ProblemLog) -> Iterator[str]:
    try:
        lines = lines_of(read_text(path, place))
    except InputError as error:
        log.skip_file(ProblemKind.OTHER_FILE, place, error.message)
        return
    for name in filter(None, map(str.strip, lines)):
        bare = _ABOVE.sub("", name.replace("\\", "/"))
        yield str(PurePosixPath(bare).with_suffix("")) if is_image(bare) else bare


# Records


@dataclass(frozen=True, slots=True)
class _Records:
    """The images of a dataset, read anew in each walk."""

    folder: Folder
    places: Sequence[str]
    listed: Sequence[tuple[str, str, str]]
    from_zero: bool
    masks: VocMasks

    def __iter__(self) -> Iterator[ImageRecord]:
        """Start a walk."""
        for place in self.places:
            if (record := _record(self.folder.root / place, place, from_zero=self.from_zero)) is not None:
                stem = f"{_inside(place)}/{PurePosixPath(place).stem}".strip("/")
                yield with_masks(record, *self._masks_of(_base(place), stem))
        for base, stem, place in self.listed:
            masks, fault = self._masks_of(base, stem)
            if masks is not None or fault:
                yield _masked(masks, fault, (base, stem, place))
                continue
            note = (ProblemKind.MISSING_ANNOTATION, _("There is no annotation for it; it is an image without objects."))
            name = PurePosixPath(stem).name
            locate = partial(_find, name, name, _near(base, str(PurePosixPath(stem).parent)))
            yield ImageRecord(place=f"{place}, {stem}", written=stem, locate=locate, notes=(note,))

    def _masks_of(self, base: str, stem: str) -> tuple[ObjectMasks | None, str]:
        """The masks of an image, or why they cannot be read."""
        try:
            return self.masks.of(base, stem), ""
        except InputError as error:
            return None, error.message


def _masked(masks: ObjectMasks | None, fault: str, listed: tuple[str, str, str]) -> ImageRecord:
    """An image without an annotation, whose masks say what its objects are."""
    base, stem, list_ = listed
    name, place = PurePosixPath(stem).name, f"{list_}, {stem}"
    if masks and not masks.names:  # without its objects it would be taught as an image that has none
        fault = _("It has masks, but neither an annotation nor a labelmap.txt that names its objects.")
    return ImageRecord(
        place=place,
        written=stem,
        locate=partial(_find, name, name, _near(base, str(PurePosixPath(stem).parent))),
        size=masks.size if masks else None,
        objects=tuple(named_objects(masks, place)) if masks else (),
        damage=fault,
    )


def _near(base: str, inside: str = "") -> tuple[str, ...]:
    folders = [f"{base}/{name}".strip("/") for name in ("JPEGImages", "images", "Images", "")]
    return tuple(
        dict.fromkeys(
            posixpath.normpath(f"{place or '.'}/{part}").removeprefix(".").strip("/")
            for part in (inside, "")
            for place in folders
        )
    )


def _find(stem: str, written: str, near: tuple[str, ...], folder: Folder) -> Path | None:
    """The name of the XML file counts: by definition it is the image's, while ``filename`` outlives renaming."""

    def wanted(name: str) -> bool:
        return is_image(name)

    exact = PurePosixPath(written.replace("\\", "/")).name
    if PurePosixPath(exact).stem == stem and (path := located(exact, near)(folder)):
        return path
    allowed = folder.find_stem(stem, near, wanted)
    if allowed is not None and not _is_mask(allowed.relative_to(folder.root).as_posix()):
        return allowed
    return located(written, near)(folder) if written else None


def _record(path: Path, place: str, *, from_zero: bool) -> ImageRecord | None:
    stem = PurePosixPath(place).stem
    near = (place.rpartition("/")[0], *_near(_base(place), _inside(place)))
    try:
        root = next(xml_elements(path, place, "annotation"), None)
        if root is None:
            return None
        return _annotation(root, place, stem, near, from_zero=from_zero)
    except InputError as error:
        return ImageRecord(place=place, written=stem, locate=partial(_find, stem, "", near), damage=error.message)


def _annotation(root: Element, place: str, stem: str, near: tuple[str, ...], *, from_zero: bool) -> ImageRecord:
    written = text_of(root, "filename")
    origin = _origin(text_of(root, "source/database"), from_zero=from_zero)
    objects: list[RecordedObject] = []
    for count, element in enumerate(root.iterfind("object"), start=1):
        objects.extend(drawn(f"{place}, object {count}", partial(_objects, element, origin)))
    return ImageRecord(
        place=place,
        written=written or stem,
        locate=partial(_find, stem, written, near),
        size=believed_size(text_of(root, "size/width"), text_of(root, "size/height")),
        objects=tuple(objects),
    )


def _origin(database: str, *, from_zero: bool) -> _Origin:
    if database.casefold().startswith("roboflow"):
        return _ROBOFLOW
    return _POSITIONS if from_zero or database.casefold() == "unknown" else _CHALLENGE


def _objects(element: Element, origin: _Origin, place: str) -> Iterator[RecordedObject]:
    name = checked_name(text_of(element, "name"))
    shape, draw = _shape(element, origin)
    yield DrawnObject(
        place=place, class_name=name, shape=shape, draw=draw, tags=_tags(element), changes=tuple(_changes(element))
    )


def _shape(element: Element, origin: _Origin) -> tuple[str, Callable[[Size], Geometry]]:
    outline = element.find("polygon")
    if outline is not None and len(outline):
        polygon = drawn_shapes.polygon(_points(outline, origin))
        return "polygon", lambda _: polygon
    if (turned := element.find("robndbox")) is not None:  # roLabelImg; the angle is in radians, clockwise
        x, y, width, height, angle = (number(text_of(turned, part)) for part in ("cx", "cy", "w", "h", "angle"))
        middle = x - origin.first, y - origin.first
        corner = middle[0] - width / 2, middle[1] - height / 2
        box = drawn_shapes.turned_box(corner, (width, height), math.degrees(angle), middle)
        return "polygon", lambda _: box
    corners = [number(text_of(element, f"bndbox/{corner}")) for corner in ("xmin", "ymin", "xmax", "ymax")]
    rectangle = origin.rectangle(*corners)
    return "rectangle", lambda _: rectangle


def _points(outline: Element, origin: _Origin) -> list[tuple[float, float]]:
    """Points as Roboflow writes them (``x1``, ``y1``, ``x2``, …), or as ``pt`` with ``x`` and ``y``."""
    texts = {child.tag: (child.text or "").strip() for child in outline}
    if any(child.tag == "pt" for child in outline):
        pairs = [(text_of(child, "x"), text_of(child, "y")) for child in outline if child.tag == "pt"]
    else:
        count = sum(tag.startswith("x") for tag in texts)
        pairs = [(texts.get(f"x{place}", ""), texts.get(f"y{place}", "")) for place in range(1, count + 1)]
    return [(number(x) - origin.first, number(y) - origin.first) for x, y in pairs]


def _tags(element: Element) -> tuple[Tag, ...]:
    flags = [Tag(name=flag) for flag in _FLAGS if text_of(element, flag).casefold() in ("1", "true", "yes")]
    pose = text_of(element, "pose")
    poses = [] if pose.casefold() in _NO_POSE else [Tag(name="pose", value=pose)]
    return (*flags, *poses, *(_attribute(item) for item in element.iterfind("attributes/attribute") if _says(item)))


def _says(attribute: Element) -> bool:
    """Whether an attribute of CVAT's says anything; every box has a rotation of zero."""
    name, value = text_of(attribute, "name"), text_of(attribute, "value")
    return bool(name) and not (name == "rotation" and value in ("0", "0.0"))


def _attribute(attribute: Element) -> Tag:
    return Tag(name=checked_name(text_of(attribute, "name")), value=text_of(attribute, "value"))


def _changes(element: Element) -> Iterator[Remark]:
    for part in element.iterfind("part"):
        message = _("Its part “{name}” is not taken; the object is.").format(name=text_of(part, "name"))
        yield ProblemKind.UNSUPPORTED_GEOMETRY, message
    others = sorted({child.tag for child in element if child.tag not in _KNOWN_PARTS and child.tag != "part"})
    others = [tag for tag in others if element.find(f"{tag}/*") is not None or text_of(element, tag)]
    if others:
        yield ProblemKind.UNKNOWN_TAG, _("What it says under {others} is not taken.").format(others=", ".join(others))
