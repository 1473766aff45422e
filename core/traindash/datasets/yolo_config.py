"""What a folder in YOLO layout says of itself: classes and sides.

They stand in ``data.yaml`` (https://docs.ultralytics.com/datasets/detect/), in darknet's ``obj.data``
(https://github.com/AlexeyAB/darknet#how-to-train-to-detect-your-custom-objects), or only in a list of class names.
"""

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from traindash.datasets.data_yaml import checked_names, is_data_yaml, read_data_yaml
from traindash.datasets.folder import Folder, is_hidden, same_name
from traindash.datasets.image_files import is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.key_points import Skeleton
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.text_files import ascii_part, lines_of, read_bytes, read_text

# Dataset → the names its folder and its key go by
SIDES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SIDE_OF: Mapping[str, str] = {name: side for side, names in SIDES.items() for name in names}
# Lists of class names as darknet, Label Studio, labelImg, makesense and Roboflow call them
_NAME_FILES = frozenset({"classes.txt", "obj.names", "classes.names", "predefined_classes.txt", "_darknet.labels"})
_USUAL_STEMS = frozenset({"data", "dataset", "obj"})
_YAML, _DARKNET = (".yaml", ".yml"), ".data"
_DARKNET_KEY = re.compile(rb"^\s*(names|train|valid)\s*=", re.MULTILINE)
_NO_SIDE = frozenset({"classes", "names", "backup", "eval", "results", "top", "labels"})  # other keys of darknet's
_LARGEST = 2**18
_LONGEST_LIST = 2**26
_LONGEST_QUOTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloConfig:
    """Classes and datasets."""

    place: str  # the file that says it, relative to the folder; empty where only lists do
    names: Mapping[int, str]  # class number → name; empty if nothing names them
    sides: Mapping[str, tuple[str, ...]]  # dataset → paths of folders or lists of images, as they are written
    base: str = ""  # what the paths are relative to, as it is written
    keypoints: tuple[int, int] | None = None  # how many key points an object has, and numbers each; `None` unsaid
    skeletons: Mapping[int, Skeleton] = field(default_factory=dict)  # class number → what is said of its key points
    mirrored: tuple[int, ...] = ()  # for each key point the one that it is in a mirror; empty unsaid


def config_files(root: Path) -> list[str]:
    """Return the files that say classes and sides, relative to the root: of the folder, or else of those inside it."""
    here, folders = _configs_in(root, "")
    return here or [place for folder in folders for place in _configs_in(root, folder)[0]]


def _configs_in(root: Path, under: str) -> tuple[list[str], list[str]]:
    configs, folders = [], []
    with os.scandir(root / under) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root.resolve()):
                continue
            if entry.is_dir():
                folders.append(entry.name)
            elif entry.name.lower().endswith((*_YAML, _DARKNET)) and _is_config(Path(entry.path)):
                configs.append(posixpath.join(under, entry.name))
    configs.sort(key=lambda place: (_stem(place) not in _USUAL_STEMS, not place.lower().endswith(_YAML), place))
    return configs, sorted(folders)


def _is_config(path: Path) -> bool:
    try:
        if path.stat().st_size > _LARGEST:
            return False
        content = path.read_bytes()
    except OSError:
        return False
    return bool(_DARKNET_KEY.search(ascii_part(content))) if _is_darknet(path.name) else is_data_yaml(content)


def _is_darknet(place: str) -> bool:
    return place.lower().endswith(_DARKNET)


def _stem(place: str) -> str:
    return posixpath.splitext(posixpath.basename(place))[0].lower()


def read_yolo_config(folder: Folder, log: ProblemLog) -> YoloConfig:
    """Read what a folder says of its classes and sides.

    Raises:
        InputError: A file of it is not valid, or several files say different things; names the file, line or key.
    """
    places = config_files(folder.root)
    if not places:
        return _with_names(folder, YoloConfig(place="", names={}, sides=_listed_sides(folder)), log)
    place, *others = places
    config = _read(folder, place, log)
    for other in others:
        if posixpath.dirname(place) != posixpath.dirname(other):
            raise _several(places)
        if _stem(place) in _USUAL_STEMS:
            log.skip_file(
                ProblemKind.OTHER_FILE,
                other,
                _("{place} says what the folder holds; this file is left out.").format(place=place),
            )
        elif not _says_the_same(_read(folder, other, ProblemLog()), config):
            raise _several(places)
    return _with_names(folder, config, log)


def _listed_sides(folder: Folder) -> dict[str, tuple[str, ...]]:
    """The sides of a folder that has lists of images, such as ``train.txt``, and nothing that names them."""
    sides: dict[str, tuple[str, ...]] = {}
    for place in folder.files:
        if "/" not in place and place.lower().endswith(".txt") and (side := SIDE_OF.get(_stem(place))):
            first = next((line.strip() for line in _lines(folder.root / place, place) if line.strip()), "")
            if is_image(posixpath.basename(first.replace("\\", "/"))):
                sides[side] = (place,)
    return sides


def _says_the_same(one: YoloConfig, other: YoloConfig) -> bool:
    return (one.names, one.sides) == (other.names, other.sides)


def _several(places: Sequence[str]) -> InputError:
    named = ", ".join(places[:5]) + (" …" if len(places) > 5 else "")  # noqa: PLR2004 - a sentence, not a list
    if posixpath.dirname(places[0]):
        return InputError(
            _("There are several data sets inside: {named}.").format(named=named),
            _("Import each of the folders on its own."),
        )
    hint = _("Call the right one data.yaml, or take the others out of the folder.")
    return InputError(
        _("Several files say what the folder holds, each something else: {named}.").format(named=named), hint
    )


def _read(folder: Folder, place: str, log: ProblemLog) -> YoloConfig:
    return _from_darknet(folder, place) if _is_darknet(place) else _from_yaml(folder, place, log)


def _from_yaml(folder: Folder, place: str, log: ProblemLog) -> YoloConfig:
    content = read_data_yaml(read_bytes(folder.root / place, place), place)
    if content.nc is not None and content.nc != len(content.names):
        message = _("nc says {count} classes, names has {named}; names is what counts.").format(
            count=content.nc, named=len(content.names)
        )
        log.note(ProblemKind.UNKNOWN_CLASS, place, message)
    written = {
        side: next((content.texts[key] for key in keys if key in content.texts), ()) for side, keys in SIDES.items()
    }
    return YoloConfig(
        place=place,
        names=content.names,
        sides={side: entries for side, entries in written.items() if entries},
        base=content.path,
        keypoints=content.kpt_shape,
        skeletons={number: Skeleton(names=names) for number, names in content.kpt_names.items()},
        mirrored=content.flip_idx,
    )


def _from_darknet(folder: Folder, place: str) -> YoloConfig:
    values: dict[str, str] = {}
    for line in _lines(folder.root / place, place):
        key, equals, value = line.partition("=")
        if equals and value.strip() and not key.lstrip().startswith(("#", ";")):
            values[key.strip().lower()] = value.strip()
    names: Mapping[int, str] = {}
    if "names" in values:
        path = folder.find(values["names"], (posixpath.dirname(place), ""))
        if path is None:
            msg = _("{place} says that “{file}” has the names of the classes; it is not there.").format(
                place=place, file=values["names"][:_LONGEST_QUOTE]
            )
            raise InputError(msg, _("Add the file, with the name of a class on each line."))
        names = _names_in(path, path.relative_to(folder.root).as_posix())
    # CVAT writes a list for every subset, under the subset's own name.
    sides = {SIDE_OF.get(key, key): (value,) for key, value in values.items() if key not in _NO_SIDE}
    return YoloConfig(place=place, names=names, sides=sides)


def is_name_file(place: str) -> bool:
    """Whether a file goes by a name that lists of class names have."""
    name = posixpath.basename(place).lower()
    return name in _NAME_FILES or name.endswith(".names")


def _with_names(folder: Folder, config: YoloConfig, log: ProblemLog) -> YoloConfig:
    """Add the names of a list where nothing else has named the classes, and tell of lists that say otherwise."""
    lists: dict[str, Mapping[int, str]] = dict(_name_lists(folder, lenient=bool(config.names)))
    place, names = config.place, config.names
    if not names and lists:
        place = _chosen(lists)
        names = lists[place]
    if not names:
        log.note(ProblemKind.UNKNOWN_CLASS, folder.root.name, _("Nothing names the classes; their numbers do."))
    for other, said in lists.items():
        if not said.items() <= names.items():
            message = _("It names the classes otherwise than {place}, which counts.").format(place=place)
            log.skip_file(ProblemKind.OTHER_FILE, other, message)
    return replace(config, names=names)


def _name_lists(folder: Folder, *, lenient: bool) -> Iterator[tuple[str, Mapping[int, str]]]:
    for place in folder.files:
        if is_name_file(place):
            try:
                yield place, _names_in(folder.root / place, place)
            except InputError:
                if not lenient:
                    raise


def _chosen(lists: Mapping[str, Mapping[int, str]]) -> str:
    """The list of names that is nearest to the folder; of several that go on from each other, the longest.

    labelImg writes one into each folder that labels are saved in, and adds to it as classes come up.
    """
    by_depth: dict[int, list[str]] = defaultdict(list)
    for place in lists:
        by_depth[place.count("/")].append(place)
    nearest = by_depth[min(by_depth)]
    longest = max(nearest, key=lambda place: len(lists[place]))
    for place in nearest:
        if not lists[place].items() <= lists[longest].items():
            msg = _("{place} and {other} name the classes differently.").format(place=place, other=longest)
            raise InputError(msg, _("Import each folder on its own, or give both the same names in the same order."))
    return longest


def _names_in(path: Path, place: str) -> Mapping[int, str]:
    lines = [line.strip() for line in _lines(path, place)]
    while lines and not lines[-1]:
        lines.pop()
    if "" in lines:
        # Darknet counts an empty line as a class, other tools leave it out: labels would mean other classes
        msg = _("{place}, line {line} is empty, so the numbers of the classes are not certain.").format(
            place=place, line=lines.index("") + 1
        )
        raise InputError(msg, _("Write a name into the line, or remove it."))
    return checked_names(dict(enumerate(lines)), place)


def _lines(path: Path, place: str) -> list[str]:
    if path.stat().st_size > _LONGEST_LIST:
        raise InputError(
            _("{place} is too large for what its name says.").format(place=place), _("Check that it is the right file.")
        )
    return lines_of(read_text(path, place))


def same_side(part: str) -> str | None:
    """Return the dataset that a folder's name stands for, such as ``train2017``; ``None`` if for none."""
    match = re.fullmatch(r"(?:obj_)?([a-z]+)(?:\d{4}|_data)?", same_name(part))
    return SIDE_OF.get(match[1]) if match else None
