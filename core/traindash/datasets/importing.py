"""From a folder or archive of unknown layout to a project that can be taken in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import count
from operator import is_
from pathlib import Path

from traindash.datasets.archives import unpack
from traindash.datasets.box_lists import open_box_csv, open_createml, recognise_box_csv, recognise_createml
from traindash.datasets.coco_files import recognise_coco
from traindash.datasets.coco_format import open_coco
from traindash.datasets.cvat_format import open_cvat, recognise_cvat
from traindash.datasets.folder import Folder, is_hidden
from traindash.datasets.foreign_formats import archives_in, refusal
from traindash.datasets.geometry import clip_geometry, tight_bounds
from traindash.datasets.image_checks import ImageChecks
from traindash.datasets.image_files import CheckedImage
from traindash.datasets.image_folders import open_images, recognise_images
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.import_words import in_words
from traindash.datasets.label_studio_format import open_label_studio, recognise_label_studio
from traindash.datasets.labelme_format import open_labelme, recognise_labelme
from traindash.datasets.source import (
    ImageKey,
    Lazy,
    ProjectSource,
    SourceCollection,
    SourceDataset,
    SourceImage,
)
from traindash.datasets.supervisely_format import open_project, recognise_project
from traindash.datasets.voc_format import open_voc, recognise_voc
from traindash.datasets.yolo_format import open_yolo, recognise_yolo
from traindash.domain.annotation import Annotation, Label, OtherGeometry, Tag, shape_name
from traindash.domain.jobs import ImportReport
from traindash.errors import InputError
from traindash.formatting import alternatives
from traindash.language import N_
from traindash.language import gettext as _

_SMALL_IMAGE = 8  # pixels
_DEPTH = 10  # folders around a project, as archives of whole disks have them


class Layout(StrEnum):
    """Layouts that can be read."""

    SUPERVISELY = "supervisely"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    CVAT = "cvat"
    LABELME = "labelme"
    LABEL_STUDIO = "label-studio"
    CREATE_ML = "createml"
    BOX_CSV = "csv"
    IMAGES = "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a layout is called, recognised and read."""

    title: str  # for people, a message
    about: str  # what it consists of, the rest of a sentence that begins with its title
    recognise: Callable[[Folder], str]  # what speaks for a folder having it, a sentence; empty if nothing does
    # opens a folder, with a folder of ours for images that are not files of their own; it need not exist yet
    open: Callable[[Path, ProblemLog, Path, ImageChecks], ProjectSource]
    is_certain: bool = False  # where it is recognised nothing else needs to be thought of


def _from_files(
    read: Callable[[Path, ProblemLog], ProjectSource],
) -> Callable[[Path, ProblemLog, Path, ImageChecks], ProjectSource]:
    """Of a layout whose images are files of their own."""
    return lambda root, log, _work, _checks: read(root, log)


# The likeliest first. To read another layout, write its module and add its line.
FORMATS: Mapping[Layout, Format] = {
    Layout.SUPERVISELY: Format(
        title="Supervisely",
        about=N_("has meta.json and dataset folders with img and ann"),
        recognise=recognise_project,
        open=_from_files(open_project),
        is_certain=True,
    ),
    Layout.COCO: Format(
        title="COCO",
        about=N_("has a .json file with images and categories"),
        recognise=recognise_coco,
        open=lambda root, log, _work, checks: open_coco(root, log, checks),
    ),
    Layout.YOLO: Format(
        title="YOLO",
        about=N_("has images, labels and data.yaml"),
        recognise=recognise_yolo,
        open=lambda root, log, _work, checks: open_yolo(root, log, checks),
    ),
    Layout.VOC: Format(
        title="Pascal VOC",
        about=N_("has an .xml file for each image, in Annotations or beside the image"),
        recognise=recognise_voc,
        open=_from_files(open_voc),
    ),
    Layout.CVAT: Format(
        title="CVAT for images",
        about=N_("has annotations.xml and images"),
        recognise=recognise_cvat,
        open=_from_files(open_cvat),
    ),
    Layout.LABELME: Format(
        title="LabelMe",
        about=N_("has a .json file with shapes for each image"),
        recognise=recognise_labelme,
        open=lambda root, log, work, _checks: open_labelme(root, log, work),
    ),
    Layout.LABEL_STUDIO: Format(
        title="Label Studio",
        about=N_("has a .json file with tasks, and the images they name"),
        recognise=recognise_label_studio,
        open=_from_files(open_label_studio),
    ),
    Layout.CREATE_ML: Format(
        title="Create ML",
        about=N_("has a .json file with a list of images and their annotations"),
        recognise=recognise_createml,
        open=_from_files(open_createml),
    ),
    Layout.BOX_CSV: Format(
        title="TensorFlow CSV",
        about=N_("has a .csv file with the columns filename, class, xmin, ymin, xmax and ymax"),
        recognise=recognise_box_csv,
        open=_from_files(open_box_csv),
    ),
    Layout.IMAGES: Format(
        title=N_("Images only"),
        about=N_("has images and nothing else; they become a project whose labels are still to come"),
        recognise=recognise_images,
        open=_from_files(open_images),
    ),
}


def _layouts_in_words() -> str:
    """Return what each layout consists of, a line for each."""
    return "\n".join(
        (_("These layouts are read:"), *(f"{_(known.title)} {_(known.about)}." for known in FORMATS.values()))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A layout that a folder seems to have."""

    layout: Layout
    root: Path  # the folder the layout begins at, which may lie some levels down
    reason: str  # what speaks for it, a sentence


def recognise(folder: Path) -> tuple[Candidate, ...]:
    """Return the layouts that a folder may have, the likeliest first; several when in doubt, none if nothing fits.

    Folders that hold nothing but one folder (as archives often do) are looked into.

    Raises:
        InputError: It is no folder or cannot be read.
    """
    if not folder.is_dir():
        raise InputError(
            _("{folder} is not a folder.").format(folder=folder),
            _("Choose a folder or an archive with images and annotations."),
        )
    # From the innermost: the patterns of layouts reach some folders down and would match from farther up as well.
    for root in reversed(tuple(_roots(folder))):
        if found := tuple(_candidates(root)):
            return found
    return ()


def choose(folder: Path, layout: Layout | None = None) -> Candidate:
    """Return the one layout of a folder. ``layout`` is the person's choice; ``None`` lets the content decide.

    A person may choose what :func:`recognise` thinks less likely, as long as anything speaks for it.

    Raises:
        InputError: There is none, or several and no choice; the hint lists them.
    """
    if layout is not None and (chosen := _in_layout(folder, layout)) is not None:
        return chosen  # without a look for the other layouts, which opens many files
    found = recognise(folder)
    if not found:
        raise refusal(Folder(folder), _layouts_in_words())
    titles = [_(FORMATS[candidate.layout].title) for candidate in found]
    named = ", ".join(titles)
    if layout is None and len(found) == 1:
        return found[0]
    if layout is None:
        choices = " or ".join(candidate.layout.value for candidate in found)
        raise InputError(
            _("{name} could be read in several ways: {named}.").format(name=folder.name, named=named),
            _("Choose the format: {choices}.").format(choices=choices),
        )
    msg = _("{name} is not in {title} layout; it looks like {named}.").format(
        name=folder.name, title=_(FORMATS[layout].title), named=named
    )
    raise InputError(msg, _("Read it as {layouts}.").format(layouts=alternatives(titles)))


def _in_layout(folder: Path, layout: Layout) -> Candidate | None:
    if not folder.is_dir():
        return None
    for root in reversed(tuple(_roots(folder))):
        if reason := FORMATS[layout].recognise(Folder(root)):
            return Candidate(layout=layout, root=root, reason=reason)
    return None


def _roots(folder: Path) -> Iterator[Path]:
    """The folder, and those inside as long as each is alone."""
    yield folder
    for _level in range(_DEPTH):
        # macOS hides files beside the one folder that a person packed.
        entries = [entry for entry in folder.iterdir() if not is_hidden(entry.name)]
        if len(entries) != 1 or not entries[0].is_dir():
            return
        folder = entries[0]
        yield folder


def _candidates(root: Path) -> Iterator[Candidate]:
    folder = Folder(root)
    for layout, known in FORMATS.items():
        if reason := known.recognise(folder):
            yield Candidate(layout=layout, root=root, reason=reason)
            if known.is_certain:
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImport:
    """A project to take in."""

    source: ProjectSource  # gives only what can be used
    candidate: Candidate  # how it was read
    log: ProblemLog

    def report(self) -> ImportReport:
        """Return what was taken and what was not; complete after one walk over all images and collections."""
        return self.log.report(tuple(item.name for item in self.source.meta.classes))

    def refuse_nothing(self) -> None:
        """Make sure that after the walk there is anything to take in.

        Raises:
            InputError: No image was taken; says why.
        """
        report = self.report()
        if report.images:
            return
        # What is named in vain explains those that nothing names.
        problems = sorted(report.problems, key=lambda item: item.kind == ProblemKind.UNNAMED_IMAGE)
        why = "; ".join(map(in_words, problems))
        examples = [example for item in problems for example in item.examples][:1]
        msg = _("No image can be taken in: there is none.")
        if why:
            msg = _("No image can be taken in: {why}.").format(why=why)
        if examples:
            first = _("The first: {place}: {message}").format(place=examples[0].place, message=examples[0].message)
            msg = f"{msg} {first}"
        packed = archives_in(Folder(self.candidate.root))
        hint = _("Unpack {archive} first: it is not looked into.").format(archive=packed[0]) if packed else ""
        raise InputError(msg, hint or _("Correct the data, or choose another folder or format."))


def open_import(
    path: Path, *, work: Path, layout: Layout | None = None, checks: ImageChecks | None = None
) -> OpenedImport:
    """Open a folder or an archive, in whatever layout it is.

    A folder is only read; an archive is unpacked into ``work``, which does not exist yet and which the caller removes.
    ``layout`` is the person's choice; ``None`` lets the content decide. ``checks`` checks the images, until it is
    closed; by default without processes.

    Raises:
        InputError: The archive is refused, the layout is not known or not certain, or its main file is not valid.
    """
    return open_candidate(choose(folder_of(path, work), layout), work, checks)


def folder_of(path: Path, work: Path) -> Path:
    """Return a folder itself, or the one that an archive is unpacked into; see :func:`open_import`.

    Raises:
        InputError: There is nothing, or the archive is refused.
    """
    if path.is_file():
        unpack(path, work)
        return work
    if not path.exists():
        msg = _("{path} does not exist.").format(path=path)
        raise InputError(msg, _("Check the path; it must be on the machine that the dashboard runs on."))
    return path


def open_candidate(candidate: Candidate, work: Path, checks: ImageChecks | None = None) -> OpenedImport:
    """Open a folder in a layout; ``work`` and ``checks`` as for :func:`open_import`.

    Raises:
        InputError: Its main file is not valid.
    """
    log = ProblemLog()
    checks = checks or ImageChecks(processes=0)
    source = _inspected(FORMATS[candidate.layout].open(candidate.root, log, work, checks), log, checks)
    return OpenedImport(source=source, candidate=candidate, log=log)


def _inspected(source: ProjectSource, log: ProblemLog, checks: ImageChecks) -> ProjectSource:
    """Return a source that gives only what can be used, and tells a log about the rest.

    Every image of it opens; every object lies inside its image and names a class and tags of the project. Collections
    list the images that were taken, so they are to be read after the images.

    The log is filled by one walk over all images.
    """
    inspector = _Inspector(
        classes=frozenset(item.name for item in source.meta.classes),
        tags=frozenset(item.name for item in source.meta.tags),
        checks=checks,
        log=log,
    )
    datasets = tuple(replace(dataset, images=Lazy(partial(inspector.images, dataset))) for dataset in source.datasets)
    collections = tuple(
        SourceCollection(name=item.name, images=Lazy(partial(inspector.members, item))) for item in source.collections
    )
    return replace(source, datasets=datasets, collections=collections)


@dataclass(slots=True)
class _Sizes:
    """Whether the objects of a dataset are as large as objects are."""

    first_pixel: int = 0  # objects within the upper left pixel of a larger image
    elsewhere: bool = False  # any other object

    def add(self, annotation: Annotation) -> None:
        for label in annotation.labels if not self.elsewhere else ():  # one is enough; masks take time to measure
            box = tight_bounds(label.geometry)
            is_first = box is not None and max(box.right, box.bottom) <= 1
            if box is not None and is_first and min(annotation.width, annotation.height) > _SMALL_IMAGE:
                self.first_pixel += bool(box.left % 1 or box.top % 1)  # whole numbers say neither
            else:
                self.elsewhere = True
                return

    def look_like_shares(self) -> str:
        if self.elsewhere or not self.first_pixel:
            return ""
        return _(
            "All objects lie in the first pixel of their image: the coordinates look like shares of "
            "its size (0 to 1), where this format has pixels."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inspector:
    classes: frozenset[str]
    tags: frozenset[str]
    checks: ImageChecks
    log: ProblemLog
    taken: set[ImageKey] = field(default_factory=set)

    def images(self, dataset: SourceDataset) -> Iterator[SourceImage]:
        names: dict[str, Path] = {}
        sizes = _Sizes()
        # A reader may have had an image checked already.
        for image, found in self.checks.each(dataset.images, lambda image: image.checked or image.path):
            place = f"{dataset.path}/{image.name}"
            if names.get(image.name) == image.path:
                message = _("The dataset has this image already.")
                self.log.skip_image(ProblemKind.DUPLICATE_NAME, place, message, objects=image.objects)
                continue
            if isinstance(found, InputError):
                self.log.skip_image(ProblemKind.UNREADABLE_IMAGE, place, found.message, objects=image.objects)
                continue
            name = self._free_name(image, names, place)
            names[name] = image.path
            annotation = self._annotation(image, found, place)
            if annotation is not None:
                self.taken.add((dataset.path, name))
                if found.frames > 1:
                    message = _("It holds {frames} pages or moving pictures; the first one is used.").format(
                        frames=found.frames
                    )
                    self.log.note(ProblemKind.SEVERAL_PICTURES, place, message)
                self.log.took([label.class_name for label in annotation.labels])
                sizes.add(annotation)
                is_same = name == image.name and annotation is image.annotation and found is image.checked
                if is_same and not image.damaged:
                    yield image
                else:
                    yield replace(image, name=name, annotation=annotation, damaged={}, checked=found)

        if message := sizes.look_like_shares():
            self.log.note(ProblemKind.EMPTY, dataset.path, message)

    def _free_name(self, image: SourceImage, names: Mapping[str, Path], place: str) -> str:
        """The image's own name; with its folder's in front if another image of the dataset has it."""
        if image.name not in names:
            return image.name
        name = wanted = f"{image.path.parent.name}_{image.name}"
        number = 2
        while name in names:
            stem, dot, suffix = wanted.rpartition(".")
            name, number = f"{stem}_{number}{dot}{suffix}", number + 1
        # A dataset of Supervisely's has each name once; the pictures of two cameras often have the same.
        self.log.change(
            ProblemKind.DUPLICATE_NAME,
            place,
            _("Another image has this name; it is called “{name}”.").format(name=name),
        )
        return name

    def members(self, collection: SourceCollection) -> Iterator[ImageKey]:
        for key in collection.images:
            if key in self.taken:
                yield key
            elif not self.log.has_skipped("/".join(key)):  # that was told of already, with the cause
                place = _("collection “{name}”").format(name=collection.name)
                self.log.change(
                    ProblemKind.UNKNOWN_MEMBER, place, _("There is no image {key}.").format(key="/".join(key))
                )

    def _annotation(self, image: SourceImage, checked: CheckedImage, place: str) -> Annotation | None:
        given = image.annotation
        size = given.width, given.height
        # Objects of another size belong to another picture; to scale them would be to guess.
        if not checked.has_size(*size):
            message = _("The annotation says {across} x {down} pixels, the image has {width} x {height}.").format(
                across=size[0], down=size[1], width=checked.width, height=checked.height
            )
            self.log.skip_image(ProblemKind.WRONG_SIZE, place, message, objects=image.objects)
            return None
        for number, message in image.damaged.items():
            self.log.skip_object(ProblemKind.DAMAGED_OBJECT, f"{place}, object {number}", message)
        numbers = (number for number in count(1) if number not in image.damaged)  # as the file counts its objects
        labels = (
            self._label(label, size, f"{place}, object {number}")
            for label, number in zip(given.labels, numbers, strict=False)
        )
        kept = tuple(label for label in labels if label is not None)
        tags = self._known(given.tags, place)
        # To make a thing anew takes as long as to look at it, and nearly all stay as they are.
        if len(kept) == len(given.labels) and all(map(is_, kept, given.labels)) and tags is given.tags:
            return given
        return replace(given, labels=kept, tags=tags)

    def _label(self, label: Label, size: tuple[int, int], place: str) -> Label | None:
        try:
            clipped = clip_geometry(label.geometry, *size)
        except InputError as error:
            self.log.skip_object(ProblemKind.DAMAGED_OBJECT, place, error.message)
            return None
        shape = shape_name(label.geometry)
        if label.class_name not in self.classes:
            # Not added to the meta: a slip of the pen would become a class that is trained.
            self.log.skip_object(
                ProblemKind.UNKNOWN_CLASS,
                place,
                _("The project has no class “{class_name}”.").format(class_name=label.class_name),
            )
            return None
        if clipped.geometry is None:
            kind = ProblemKind.OUTSIDE if clipped.had_area else ProblemKind.EMPTY
            outside, empty = _("The {shape} lies outside the image."), _("The {shape} has no area.")
            message = (outside if clipped.had_area else empty).format(shape=shape)
            self.log.skip_object(kind, place, message)
            return None
        if clipped.was_cut:
            self.log.change(
                ProblemKind.CUT, place, _("The {shape} reaches over the border of the image.").format(shape=shape)
            )
        if isinstance(clipped.geometry, OtherGeometry):
            other = _("Nothing is trained on the shape “{shape}”; it is kept.").format(shape=shape)
            message = _("Nothing is trained on key points; they are kept.") if shape == "graph" else other
            self.log.note(ProblemKind.UNSUPPORTED_GEOMETRY, place, message)
        tags = self._known(label.tags, place)
        if clipped.geometry is label.geometry and tags is label.tags:
            return label
        return replace(label, geometry=clipped.geometry, tags=tags)

    def _known(self, tags: tuple[Tag, ...], place: str) -> tuple[Tag, ...]:
        unknown = [tag for tag in tags if tag.name not in self.tags]
        for tag in unknown:
            self.log.change(ProblemKind.UNKNOWN_TAG, place, _("The project has no tag “{name}”.").format(name=tag.name))
        return tuple(tag for tag in tags if tag.name in self.tags) if unknown else tags
