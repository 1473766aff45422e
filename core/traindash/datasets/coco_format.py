"""Data in COCO layout: JSON files with images, annotations and categories (https://cocodataset.org/#format-data).

Each JSON file is a dataset. Boxes and polygons are positions there and become pixels here; an object of several
polygons or of run lengths becomes a mask, so that one object stays one object. Key points are an object of their own
beside the outline or box (:mod:`traindash.datasets.key_points`).
"""

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from traindash.datasets.coco_files import CocoFile, CocoImage, read_coco
from traindash.datasets.coco_objects import CocoObject, Shape, Told, drawn, shape_name_of
from traindash.datasets.folder import Folder, not_there
from traindash.datasets.image_checks import ImageChecks
from traindash.datasets.image_files import check_image, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.key_points import KeyPoints, Skeleton, graph, key_point_classes
from traindash.datasets.shape_fit import common_shape
from traindash.datasets.source import Lazy, ProjectSource, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation, Label, Rectangle
from traindash.domain.project import ObjectClass, ProjectMeta, class_color
from traindash.errors import InputError
from traindash.language import gettext as _


def open_coco(root: Path, log: ProblemLog, checks: ImageChecks) -> ProjectSource:
    """Open a folder with COCO annotations, whose images ``checks`` is going to check.

    Files and pictures that are left out go into the log at once, images and objects that cannot be used while they are
    walked over.

    Raises:
        InputError: A JSON file is not valid as a whole; names it.
    """
    folder = Folder(root)
    checks.expect(sum(is_image(posixpath.basename(place)) for place in folder.files))
    files = read_coco(folder, log)
    classes = _classes(files)
    skeletons = _skeleton_classes(files, classes)
    for file in files:
        _tell_of_categories(file, {item.name for item in classes}, log)
        if file.all_are_crowds:
            message = _("All of its objects are marked as crowds; they are taken as objects.")
            log.note(ProblemKind.CROWD, file.place, message)
        if _look_like_corners(file):
            message = _(
                "Most of its boxes reach over the border of their images, and none does if it is read as "
                "two corners (x1, y1, x2, y2). COCO has x, y, width and height; correct the file if it "
                "has corners."
            )
            log.note(ProblemKind.CUT, file.place, message)
    _tell_of_unnamed(folder, files, log)
    for place in folder.outside:
        log.skip_file(ProblemKind.LINK, place, _("It leads out of the folder, or nowhere."))
    datasets = tuple(
        SourceDataset(
            name=file.dataset,
            parent=None,
            images=Lazy(_Reader(file=file, folder=folder, skeletons=skeletons, log=log).images),
        )
        for file in files
    )
    meta = ProjectMeta(classes=(*classes, *skeletons.values()))
    return ProjectSource(name=folder.root.name, meta=meta, datasets=datasets)


def _classes(files: Sequence[CocoFile]) -> tuple[ObjectClass, ...]:
    names = dict.fromkeys(name for file in files for key, name in file.categories.items() if key not in file.roots)
    shapes: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for item in (item for items in file.objects.values() for item in items):
            name = None if item.category is None else file.categories.get(item.category)
            # Crowds are left out, so their run lengths must not make a class of boxes one of "any".
            if name is not None and not isinstance(item.shape, Told | KeyPoints) and not file.leaves_out(item):
                shapes[name].add(shape_name_of(item.shape))
    return tuple(
        ObjectClass(name=name, shape=common_shape(shapes.get(name, ())), color=class_color(number))
        for number, name in enumerate(names)
    )


def _look_like_corners(file: CocoFile) -> bool:
    """Whether boxes make sense as two corners, and not as corner and size."""
    over = fits = boxes = 0
    for image in file.images:
        width, height = image.size or (0, 0)
        for item in file.objects.get(image.id, ()) if image.size else ():
            if isinstance(box := item.shape, Rectangle):
                across, down = box.right + 1 - box.left, box.bottom + 1 - box.top
                boxes += 1
                over += box.right > width or box.bottom > height
                fits += box.left < across <= width + 1 and box.top < down <= height + 1
    return over > max(1, boxes / 2) and fits == boxes


def _skeleton_classes(files: Sequence[CocoFile], others: Sequence[ObjectClass]) -> Mapping[str, ObjectClass]:
    """Category → the class of its key points, where they were set for at least one object."""
    most: Counter[str] = Counter()  # category → points of an object, up to the last that is set
    skeletons: dict[str, list[Skeleton]] = defaultdict(list)
    for file in files:
        for item in (item for items in file.objects.values() for item in items):
            name = None if item.category is None else file.categories.get(item.category)
            if name is not None and isinstance(item.shape, KeyPoints) and not file.leaves_out(item):
                most[name] = max(most[name], item.shape.reach())
        for key, skeleton in file.skeletons.items():
            skeletons[file.categories[key]].append(skeleton)
    named = {name: (skeletons[name], count) for name, count in most.items()}
    return key_point_classes(named, [item.name for item in others])


def _tell_of_categories(file: CocoFile, classes: set[str], log: ProblemLog) -> None:
    place = f"{file.place}, categories"
    for name in dict.fromkeys(file.categories[key] for key in file.categories if key in file.roots):
        if name not in classes:
            message = _("“{name}” has no objects and only groups other categories; it is no class.").format(name=name)
            log.note(ProblemKind.ROOT_CATEGORY, place, message)
    for name, count in Counter(name for key, name in file.categories.items() if key not in file.roots).items():
        if count > 1:
            message = _("{count} categories are called “{name}”; they are one class.").format(count=count, name=name)
            log.note(ProblemKind.DUPLICATE_NAME, place, message)

    for key, skeleton in file.skeletons.items():
        if skeleton.unclear:
            message = _("Of the skeleton of “{name}”, {number} joined pairs are no two points.").format(
                name=file.categories[key], number=skeleton.unclear
            )
            log.change(ProblemKind.KEY_POINTS, place, message)


def _tell_of_unnamed(folder: Folder, files: Sequence[CocoFile], log: ProblemLog) -> None:
    named = {image.path for file in files for image in file.images if image.path is not None}
    pictures = (place for place in folder.files if is_image(posixpath.basename(place)))
    others = [place for place in pictures if folder.root / place not in named]
    if not others:
        return
    # A picture may have two paths here: through a link, or in other letters on a disk that does not tell them apart.
    known = {_identity(path) for path in named}
    for place in others:
        if (identity := _identity(folder.root / place)) not in known:
            known.add(identity)
            log.found(images=1)
            log.skip_image(ProblemKind.UNNAMED_IMAGE, place, _("No annotation file names it."))


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Walks over the images of a file."""

    file: CocoFile
    folder: Folder
    skeletons: Mapping[str, ObjectClass]  # category → the class of its key points
    log: ProblemLog

    def images(self) -> Iterator[SourceImage]:
        file, log = self.file, self.log
        log.found(images=len(file.images), objects=sum(map(len, file.objects.values())))
        for image in file.images:
            objects = file.objects.get(image.id, []) if image.id is not None else []
            place = f"{file.place}, image {image.number}"
            if image.fault:
                log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, place, image.fault, objects=len(objects))
            elif image.path is None:
                message = not_there(image.written, self.folder)
                log.skip_image(ProblemKind.MISSING_IMAGE, place, message, objects=len(objects))
            elif (found := self._image(image, image.path, objects)) is not None:
                yield found
        known = {image.id for image in file.images}
        # Each by its number, for that is how people find it in a file of a million lines.
        for image_id, items in file.objects.items():
            if image_id is None or image_id not in known:
                for item in items:
                    message = _("There is no image with the id {id!r}.").format(id=image_id)
                    log.skip_object(
                        ProblemKind.MISSING_IMAGE,
                        f"{file.place}, annotation {item.number}",
                        message,
                    )

    def _image(self, image: CocoImage, path: Path, objects: Sequence[CocoObject]) -> SourceImage | None:
        """The size is what the file says; that of the picture where it says none."""
        checked = None
        if image.size is None:
            try:
                checked = check_image(path)
            except InputError as error:
                self.log.skip_image(ProblemKind.UNREADABLE_IMAGE, path.name, error.message, objects=len(objects))
                return None
        width, height = checked.seen_size if checked else image.size or (0, 0)
        labels = tuple(label for item in objects if (label := self._label(item, width, height)) is not None)
        annotation = Annotation(width=width, height=height, labels=labels)
        return SourceImage(name=path.name, path=path, annotation=annotation, checked=checked)

    def _label(self, item: CocoObject, width: int, height: int) -> Label | None:
        place = f"{self.file.place}, annotation {item.number}"
        name = None if item.category is None else self.file.categories.get(item.category)
        if isinstance(item.shape, Told):
            self.log.skip_object(item.shape.kind, place, item.shape.message)
        elif name is None:
            message = _("There is no category with the id {id!r}.").format(id=item.category)
            self.log.skip_object(ProblemKind.UNKNOWN_CLASS, place, message)
        elif self.file.leaves_out(item):
            self.log.skip_object(ProblemKind.CROWD, place, _("It marks a crowd, not an object."))
        elif isinstance(item.shape, KeyPoints):
            return self._key_points(item, item.shape, name, (width, height))
        else:
            return self._drawn(item, item.shape, name, (width, height))
        return None

    def _key_points(self, item: CocoObject, found: KeyPoints, name: str, size: tuple[int, int]) -> Label | None:
        place = f"{self.file.place}, annotation {item.number}"
        skeleton = Skeleton() if item.category is None else self.file.skeletons.get(item.category, Skeleton())
        geometry, outside = graph(found, skeleton, *size)
        if geometry is None:
            self.log.skip_object(ProblemKind.OUTSIDE, place, _("Its key points lie outside the image."))
            return None
        own = self.skeletons[name].name
        if outside:
            self.log.change(
                ProblemKind.CUT, place, _("{number} of its key points lie outside the image.").format(number=outside)
            )
        message = _("Its key points are an object of the class “{name}”.").format(name=own)
        self.log.change(ProblemKind.KEY_POINTS, place, message)
        return Label(class_name=own, geometry=geometry, extra=self._binding(item))

    def _binding(self, item: CocoObject) -> Mapping[str, object]:
        """What ties the two objects of an annotation together."""
        return {"instance": f"{self.file.dataset} {item.number}"} if item.is_one_of_two else {}

    def _drawn(self, item: CocoObject, shape: Shape, name: str, size: tuple[int, int]) -> Label | None:
        place = f"{self.file.place}, annotation {item.number}"
        try:
            clipped = drawn(shape, *size)
        except InputError as error:
            self.log.skip_object(ProblemKind.DAMAGED_OBJECT, place, error.message)
            return None
        if clipped.geometry is None:
            self.log.skip_object(ProblemKind.OUTSIDE, place, _("Its outlines lie outside the image."))
            return None
        if clipped.was_cut:
            self.log.change(ProblemKind.CUT, place, _("Its outlines reach over the border of the image."))
        for kind, message in item.changes:
            self.log.change(kind, place, message)
        return Label(class_name=name, geometry=clipped.geometry, extra=self._binding(item))
