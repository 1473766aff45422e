"""Which layout a folder has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import yaml

from traindash.datasets.source import is_image
from traindash.errors import InputError

_LAYOUTS = (
    "A Supervisely project has meta.json and dataset folders, COCO a .json file with images and categories, "
    "YOLO images, labels and data.yaml."
)
_LABEL_FOLDERS = ("labels/*.txt", "*/labels/*.txt", "labels/*/*.txt", "*.txt")
_DEPTH = 3
_LOOKED_INTO = 50
"""Label files; a folder of a million must not be walked through to find that it is none."""
_PEEK = 2**18
_COCO_KEYS = (b'"categories"', b'"annotations"')


class Layout(StrEnum):
    """Layouts that can be read."""

    SUPERVISELY = "supervisely"
    COCO = "coco"
    YOLO = "yolo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A layout that a folder seems to have.

    Attributes:
        root: The folder the layout begins at, which may lie some levels down.
        reason: What speaks for it, a sentence.
    """

    layout: Layout
    root: Path
    reason: str


def recognise(folder: Path) -> tuple[Candidate, ...]:
    """Return the layouts that a folder may have, the likeliest first; several when in doubt, none if nothing fits.

    Folders that hold nothing but one folder (as archives often do) are looked into.

    Raises:
        InputError: It is no folder or cannot be read.
    """
    if not folder.is_dir():
        msg = f"{folder} is not a folder."
        raise InputError(msg, "Choose a folder or an archive with images and annotations.")
    for root in reversed(tuple(_roots(folder))):
        if found := tuple(_candidates(root)):
            return found
    return ()


def choose(folder: Path, layout: Layout | None = None) -> Candidate:
    """Return the one layout of a folder.

    Args:
        folder: Where to look.
        layout: The person's choice; ``None`` lets the content decide.

    Raises:
        InputError: There is none, or several and no choice; the hint lists them.
    """
    found = recognise(folder)
    matching = tuple(candidate for candidate in found if layout in (None, candidate.layout))
    if len(matching) == 1:
        return matching[0]
    if len(matching) > 1:
        named = ", ".join(candidate.layout.value for candidate in matching)
        msg = f"{folder.name} could be read in several ways: {named}."
        raise InputError(msg, "Choose one of them as the format.")
    if found:
        named = ", ".join(candidate.layout.value for candidate in found)
        msg = f"{folder.name} is not in {layout} layout; it looks like {named}."
        raise InputError(msg, f"Choose {named} as the format.")
    msg = f"{folder.name} has no layout that can be read."
    raise InputError(msg, _LAYOUTS)


def _roots(folder: Path) -> Iterator[Path]:
    """The folder, and those inside as long as each is alone."""
    yield folder
    for _ in range(_DEPTH):
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
        if len(entries) != 1 or not entries[0].is_dir():
            return
        folder = entries[0]
        yield folder


def _candidates(root: Path) -> Iterator[Candidate]:
    if (root / "meta.json").is_file() and any(_has_supervisely_images(entry) for entry in root.iterdir()):
        reason = "It has meta.json and datasets with img folders."
        yield Candidate(layout=Layout.SUPERVISELY, root=root, reason=reason)
        return
    if files := coco_files(root):
        names = ", ".join(path.relative_to(root).as_posix() for path in files[:3])
        reason = f"It has COCO annotations: {names}{', …' if len(files) > 3 else ''}."  # noqa: PLR2004
        yield Candidate(layout=Layout.COCO, root=root, reason=reason)
    if config := yolo_config(root):
        yield Candidate(layout=Layout.YOLO, root=root, reason=f"It has {config.name} with class names.")
    elif has_yolo_labels(root):
        yield Candidate(layout=Layout.YOLO, root=root, reason="It has images and label files (.txt).")


def _has_supervisely_images(entry: Path) -> bool:
    return entry.is_dir() and ((entry / "img").is_dir() or (entry / "datasets").is_dir())


def coco_files(root: Path) -> tuple[Path, ...]:
    """Return the JSON files that look like COCO annotations, at most three folders down."""
    paths = [path for pattern in ("*.json", "*/*.json", "*/*/*.json") for path in root.glob(pattern)]
    return tuple(sorted(path for path in paths if path.is_file() and _looks_like_coco(path)))


def _looks_like_coco(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        text = file.read(_PEEK)
        if size > _PEEK:
            file.seek(max(size - _PEEK, _PEEK))
            text += file.read(_PEEK)
    if not text.lstrip().startswith(b"{"):
        return False
    return b'"images"' in text and any(key in text for key in _COCO_KEYS)


def yolo_config(root: Path) -> Path | None:
    """Return the YAML file with class names, ``data.yaml`` before others."""
    paths = sorted(path for path in root.iterdir() if path.suffix.lower() in (".yaml", ".yml") and path.is_file())
    paths.sort(key=lambda path: path.stem.lower() not in ("data", "dataset"))
    for path in paths:
        if path.stat().st_size <= _PEEK and re.search(rb"^\s*[\"']?names[\"']?\s*:", path.read_bytes(), re.MULTILINE):
            try:
                content = yaml.safe_load(path.read_bytes())
            except yaml.YAMLError:
                return path  # it is meant to be one; opening it tells the line
            if isinstance(content, dict) and "names" in content:
                return path
    return None


_LABEL_LINE = re.compile(r"^\s*\d+(\s+-?[\d.eE+-]+){4,}\s*$")


def has_yolo_labels(root: Path) -> bool:
    """Whether there are label files with class numbers and coordinates, and images."""
    texts = (path for pattern in _LABEL_FOLDERS for path in root.glob(pattern))
    for path in islice(texts, _LOOKED_INTO):
        with path.open("rb") as file:
            first = file.readline(4096).decode("utf-8", "replace")
        if _LABEL_LINE.match(first):
            return any(is_image(path.name) for pattern in ("*", "*/*", "*/*/*") for path in root.glob(pattern))
    return False
