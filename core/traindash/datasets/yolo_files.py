"""Which images a folder in YOLO layout has, in which side each is, and which label file belongs to it.

The label file of ``…/images/train/a.jpg`` is ``…/labels/train/a.txt``, or lies beside the image; tools and people vary
both names and places.
"""

import os
import posixpath
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from urllib.parse import unquote

from traindash.datasets.folder import Folder, cleaned, same_name
from traindash.datasets.image_files import IMAGE_SUFFIXES, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.yolo_config import SIDE_OF, YoloConfig, is_name_file, same_side
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.text_files import ascii_start, lines_of, read_text

# Folders of images that have their labels in a folder beside; JPEGImages is darknet's, of Pascal VOC
_IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages"})
_LABELS = "labels"
_LABEL_LINE = re.compile(rb"^\s*-?[\d.eE+-]+([\s,;]+-?[\d.eE+-]+){4,}[\s,;]*$")
# Roboflow's name for what it made of ``a.jpg``: ``a_jpg.rf.<hash>``
_ROBOFLOW = re.compile(r"^(.+)[._]([A-Za-z]+)\.rf\.\w+$")
_PEEK = 4096
_LARGEST_LIST = 2**26
_LONGEST_QUOTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloFiles:
    """The files of a folder, as paths relative to it."""

    sides: Mapping[str, Sequence[str]]  # dataset → its images; none is empty
    unnamed: Sequence[str]  # images of no side
    labels: Mapping[str, str]  # image → its label file
    alone: Sequence[str]  # label files of no image
    lists: Sequence[tuple[str, str, ProblemKind]] = field(default=())  # images that lists name in vain: place, message


def find_files(folder: Folder, config: YoloConfig, log: ProblemLog) -> YoloFiles:
    """Find images, sides and label files.

    Raises:
        InputError: There are no images where they should be, or a list of images cannot be read.
    """
    images = [place for place in folder.files if is_image(posixpath.basename(place))]
    sides = _Sides(folder, config, images, log)
    named, lists = sides.named() if config.sides else ({}, ())
    texts = [
        place
        for place in folder.files
        if place.lower().endswith(".txt") and not is_name_file(place) and place not in sides.list_files
    ]
    labels, spare = _Labels(folder, images, texts, log).match()
    if not config.sides:
        named = _usual_sides(folder, images, labels)
    if not any(named.values()):
        raise _no_images(folder, config)
    taken = set(chain.from_iterable(named.values()))
    return YoloFiles(
        sides={side: places for side, places in named.items() if places},
        unnamed=_unnamed(folder, images, taken),
        labels=labels,
        alone=spare,
        lists=lists,
    )


def _unnamed(folder: Folder, images: Sequence[str], taken: Collection[str]) -> list[str]:
    """The images of no side, without those that are taken by a link."""
    unnamed = [place for place in images if place not in taken]
    real = {os.path.realpath(folder.root / place) for place in taken} if unnamed else set()
    return [place for place in unnamed if os.path.realpath(folder.root / place) not in real]


def _no_images(folder: Folder, config: YoloConfig) -> InputError:
    hint = _("Put images into images/ and labels into labels/, or correct the paths in data.yaml.")
    if not config.sides:
        return InputError(_("{name} holds no images where YOLO layout has them.").format(name=folder.root.name), hint)
    written = ", ".join(f"“{entry[:_LONGEST_QUOTE]}”" for entries in config.sides.values() for entry in entries[:3])
    said = config.place or _("its list of images")
    msg = _("{name} holds no images where {said} has them: {written}.").format(
        name=folder.root.name, said=said, written=written
    )
    return InputError(msg, _("Correct the paths in {said}, or add the images.").format(said=said))


class _Sides:
    """Finds the folders and lists that a configuration names."""

    def __init__(self, folder: Folder, config: YoloConfig, images: list[str], log: ProblemLog) -> None:
        self.folder, self.config, self.images, self.log = folder, config, images, log
        self.list_files: set[str] = set()
        self._near = tuple(dict.fromkeys((posixpath.dirname(config.place), "")))
        self._places: dict[str, list[str]] = defaultdict(list)
        for place in dict.fromkeys(_with_parents(folder.files)):
            self._places[same_name(place)].append(place)

    def named(self) -> tuple[dict[str, list[str]], list[tuple[str, str, ProblemKind]]]:
        """Return the images of each side; and those that lists name and that are not to be had."""
        found = self._found(dict.fromkeys(entry for entries in self.config.sides.values() for entry in entries))
        sides: dict[str, list[str]] = {}
        vain: list[tuple[str, str, ProblemKind]] = []
        for side, entries in self.config.sides.items():
            images: dict[str, None] = {}
            for entry in entries:
                images |= dict.fromkeys(self._images_of(side, entry, found[entry], images, vain))
            sides[side] = list(images)
        return sides, vain

    def _found(self, written: Iterable[str]) -> dict[str, str | None]:
        """Return the folder or list that each path means, ``None`` for those that are not there.

        Where the folder was called otherwise or lay elsewhere, the beginnings of its paths are left out. They have to
        be the same for all: of ``first/images`` and ``second/images`` neither is the ``images`` that is there.
        """
        found = {entry: self._straight(entry) for entry in written}
        cut = {entry: self._cut(entry) for entry, place in found.items() if place is None}
        for absolute in (True, False):
            group = {entry: seen for entry, seen in cut.items() if seen and _is_absolute(entry) is absolute}
            if len({before for before, _rest in group.values()}) > 1:
                continue
            if absolute or not any(place is not None and not _is_absolute(entry) for entry, place in found.items()):
                found |= {entry: place for entry, (_rest, place) in group.items()}
        return found

    def _images_of(
        self,
        side: str,
        entry: str,
        place: str | None,
        have: Mapping[str, None],
        vain: list[tuple[str, str, ProblemKind]],
    ) -> Iterator[str]:
        if place is None:
            self._tell(side, entry, _("“{entry}” is not there, so nothing of it is taken."))
        elif is_image(place):
            yield place
        elif place.lower().endswith(".txt") and place in self._files:
            self.list_files.add(place)
            yield from self._listed(place, have, vain)
        else:
            images = self._inside(place)
            if not images:
                self._tell(side, entry, _("“{entry}” holds no images, so nothing of it is taken."))
            yield from images

    def _tell(self, side: str, entry: str, what: str) -> None:
        message = what.format(entry=entry[:_LONGEST_QUOTE])
        self.log.skip_file(ProblemKind.MISSING_SIDE, f"{self.config.place}, {side}", message)

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(self.folder.files)

    def _inside(self, place: str) -> list[str]:
        if not place:
            return self.images
        return self.images[bisect_left(self.images, f"{place}/") : bisect_left(self.images, f"{place}0")]

    def _straight(self, written: str) -> str | None:
        text, base = written.strip().replace("\\", "/"), self.config.base.strip().replace("\\", "/")
        relative, above = cleaned(text), (cleaned(base) or "").split("/")
        if relative is None:
            return self._any(above) or (posixpath.dirname(self.config.place) if above == [""] else "")
        bases = ["/".join(above[start:]) for start in range(len(above))]
        for near in self._near:
            straight = [posixpath.normpath(f"{near}/{text}".lstrip("/")), *(f"{near}/{b}/{relative}" for b in bases)]
            for path in (*straight, f"{near}/{relative}"):
                if (place := self._at(path)) is not None:
                    return place
        return None

    def _cut(self, written: str) -> tuple[str, str] | None:
        """Return the last part of the beginning that is left out, and the place that the rest means."""
        parts = (cleaned(written) or "").split("/")
        for start in range(1, len(parts)):
            before = same_name(parts[start - 1])
            if before in SIDE_OF or before in _IMAGE_FOLDERS or before == _LABELS:
                return None  # what is left would be another folder
            for near in self._near:
                if (place := self._at(f"{near}/{'/'.join(parts[start:])}")) is not None:
                    return before, place
        # The folder itself, as it was called elsewhere
        return ("", "") if same_name(parts[-1]) == same_name(self.folder.root.name) else None

    def _any(self, parts: Sequence[str]) -> str | None:
        return next((found for n in range(len(parts)) if (found := self._at("/".join(parts[n:]))) is not None), None)

    def _at(self, path: str) -> str | None:
        path = posixpath.normpath(path.strip("/"))
        found = self._places.get(same_name(path), [])
        return path if path in found else found[0] if len(found) == 1 else None

    def _listed(self, place: str, have: Mapping[str, None], vain: list[tuple[str, str, ProblemKind]]) -> Iterator[str]:
        near = tuple(dict.fromkeys((posixpath.dirname(place), *self._near)))
        given = set(have)
        for number, line in enumerate(_lines(self.folder, place), start=1):
            if not (name := line.strip()) or name.startswith("#"):
                continue
            where = f"{place}, line {number}"
            path = self.folder.find(line, near)
            image = None if path is None else path.relative_to(self.folder.root).as_posix()
            if image is None:
                vain.append(
                    (
                        where,
                        _("The file “{name}” is not there.").format(name=name[:_LONGEST_QUOTE]),
                        ProblemKind.MISSING_IMAGE,
                    )
                )
            elif image in given:
                vain.append((where, _("“{image}” is listed already.").format(image=image), ProblemKind.DUPLICATE_NAME))
            else:
                given.add(image)
                yield image


def _is_absolute(written: str) -> bool:
    """Whether a path begins at the root of a machine, with Windows' letter of a drive or without."""
    return bool(re.match(r"\s*([A-Za-z]:)?[/\\]", written))


def _lines(folder: Folder, place: str) -> list[str]:
    path = folder.root / place
    if path.stat().st_size > _LARGEST_LIST:
        raise InputError(
            _("{name} is larger than {number} MB.").format(name=place, number=_LARGEST_LIST // 2**20),
            _("Split it into several lists."),
        )
    return lines_of(read_text(path, place))


def _with_parents(places: Sequence[str]) -> Iterator[str]:
    """Give text files, and the folders of all files."""
    seen: set[str] = set()
    for place in places:
        if place.lower().endswith(".txt") or is_image(posixpath.basename(place)):
            yield place
        parent = posixpath.dirname(place)
        while parent and parent not in seen:
            seen.add(parent)
            yield parent
            parent = posixpath.dirname(parent)


def _usual_sides(folder: Folder, images: Sequence[str], labels: Mapping[str, str]) -> dict[str, list[str]]:
    """The sides by the names of folders, where nothing names them; pictures that are no data are left out."""
    of_data = {posixpath.dirname(image) for image in labels}
    sides: dict[str, list[str]] = defaultdict(list)
    rest = same_side(folder.root.name) or "dataset"
    for image in images:
        inside = posixpath.dirname(image)
        side, is_data = _usual_side(inside)
        # A plot or a logo in the folder is no image without objects.
        if is_data or inside in of_data or not labels:
            sides[side or rest].append(image)
    return {side: sides[side] for side in sorted(sides, key=lambda side: (*SIDE_OF.values(), side).index(side))}


@lru_cache(maxsize=1024)
def _usual_side(inside: str) -> tuple[str | None, bool]:
    parts = inside.split("/")
    side = next((found for part in parts if (found := same_side(part))), None)
    return side, side is not None or any(same_name(part) in _IMAGE_FOLDERS for part in parts)


class _Labels:
    """Finds the label file of each image."""

    def __init__(self, folder: Folder, images: Sequence[str], texts: Iterable[str], log: ProblemLog) -> None:
        self.folder, self.images, self.texts, self.log = folder, images, dict.fromkeys(texts), log
        self.labels: dict[str, str] = {}

    def match(self) -> tuple[Mapping[str, str], list[str]]:
        """Return image → label file, and the label files of no image."""
        for image in self.images:
            label = next((place for place in _label_places(image) if place in self.texts), None)
            if label is not None:
                self.labels[image] = label
        if len(self.labels) < len(self.images):
            self._match_spelling()
        spare = [place for place in self._spare() if self._looks_like_labels(place)]
        if spare and len(self.labels) < len(self.images):
            self._match_elsewhere(spare)
            taken = set(self.labels.values())
            spare = [place for place in spare if place not in taken]
        return self.labels, spare

    def _spare(self) -> list[str]:
        taken = set(self.labels.values())
        return [place for place in self.texts if place not in taken]

    def _match_spelling(self) -> None:
        """Match files whose names differ in letters' case or in how accents are composed."""
        by_name: dict[str, list[str]] = defaultdict(list)
        for place in self._spare():
            for spelling in {same_name(place), same_name(unquote(place))}:  # Label Studio writes “%20” for a blank
                by_name[spelling].append(place)
        if not by_name:
            return
        for image in self.images:
            if image not in self.labels:
                found = next((by_name[name] for p in _label_places(image) if (name := same_name(p)) in by_name), [])
                if len(found) == 1:
                    self.labels[image] = found[0]

    def _match_elsewhere(self, spare: Sequence[str]) -> None:
        """Match by name alone the images of folders in which no image has labels where they are looked for."""
        with_labels = {posixpath.dirname(image) for image in self.labels}
        by_name: dict[str, list[str]] = defaultdict(list)
        for image in self.images:
            if posixpath.dirname(image) not in with_labels:
                by_name[_bare(image)].append(image)
        pairs: dict[str, list[str]] = defaultdict(list)
        for place in spare:
            for image in by_name.get(_bare(place), ()):
                sides = {_usual_side(posixpath.dirname(path))[0] for path in (image, place)} - {None}
                if len(sides) < 2:  # noqa: PLR2004 - a label file of another side is another image's
                    pairs[image].append(place)
        of_label: dict[str, list[str]] = defaultdict(list)
        for image, places in pairs.items():
            for place in places:
                of_label[place].append(image)
        found = {i: p[0] for i, p in pairs.items() if len(p) == 1 and len(of_label[p[0]]) == 1}
        if found:
            image, label = next(iter(found.items()))
            message = _("Labels of {count} images lie elsewhere and were matched by name, such as {label}.").format(
                count=len(found), label=label
            )
            self.log.note(ProblemKind.MISSING_ANNOTATION, image, message)
            self.labels |= found

    def _looks_like_labels(self, place: str) -> bool:
        if _LABELS in same_name(place).split("/"):
            return True
        lines = ascii_start(self.folder.root / place, _PEEK).splitlines()  # beside images any text file may lie
        return bool(lines and _LABEL_LINE.match(lines[0]))


def _label_places(image: str) -> Iterator[str]:
    """Give the places where the label file of an image may be, Ultralytics' own first."""
    folder, name = posixpath.split(image)
    stem = posixpath.splitext(name)[0]
    for place in _label_folders(folder):
        yield f"{place}{stem}.txt"
        yield f"{place}{name}.txt"


@lru_cache(maxsize=1024)
def _label_folders(folder: str) -> tuple[str, ...]:
    parts = folder.split("/") if folder else []
    found = []
    # Ultralytics' rule, ``img2label_paths``: the last of several folders ``images`` counts.
    for position in reversed(range(len(parts))):
        if same_name(parts[position]) in _IMAGE_FOLDERS:
            found.append([*parts[:position], _LABELS, *parts[position + 1 :]])
            break
    found.append(parts)
    found += [[*parts[:position], _LABELS, *parts[position:]] for position in reversed(range(len(parts) + 1))]
    return tuple("".join(f"{part}/" for part in place) for place in found)


def _bare(place: str) -> str:
    """Return the name of a file without what tools added to it."""
    stem, suffix = posixpath.splitext(posixpath.basename(place))
    if match := _ROBOFLOW.match(stem):
        stem = match[1] if f".{match[2].lower()}" in IMAGE_SUFFIXES else stem
    first, second = posixpath.splitext(stem)
    return same_name(first if second.lower() in IMAGE_SUFFIXES and suffix.lower() == ".txt" else stem)
