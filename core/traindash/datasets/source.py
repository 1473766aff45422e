"""What every reader of a data layout gives: a project as it lies on disk, images one at a time."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from traindash.datasets.image_files import CheckedImage
from traindash.datasets.large_json import parse_large
from traindash.domain.annotation import Annotation
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.text_files import as_utf8, not_utf8

MAX_JSON_BYTES = 512 * 2**20
_Item = TypeVar("_Item")
# Python's JSON reads half of a surrogate pair as a character, which neither a file name nor a database takes; and names
# that came out of another file may begin with its byte order mark
_NO_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]|\\u[fF][eE][fF]{2}|\xef\xbb\xbf")
_SEARCHED = 2**20  # bytes at one stroke
_PERHAPS_NONE = (b"\\ud", b"\\uD", b"\\uf", b"\\uF", b"\xef\xbb\xbf")


def read_json(path: Path, name: str | None = None) -> object:
    """Read a JSON file; ``name`` is what messages call it, by default its path.

    Raises:
        InputError: It cannot be read or is not JSON; names the file, and the line where it breaks off or is not UTF-8.
    """
    name = name or str(path)
    content = b""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(
                _("{name} is larger than {number} MB.").format(name=name, number=MAX_JSON_BYTES // 2**20),
                _("Split it into smaller files."),
            )
        content = as_utf8(path.read_bytes(), name)
        parsed = parse_large(str(content, "utf-8"), name)
        # The words first: with a million objects the pattern takes a second.
        if _holds_any(content, _PERHAPS_NONE) and _NO_CHARACTER.search(content):
            parsed = json.loads(json.dumps(parsed, ensure_ascii=False).replace("\ufeff", "").encode(errors="replace"))
    except FileNotFoundError as error:
        raise InputError(_("{name} does not exist.").format(name=name)) from error
    except OSError as error:
        raise InputError(
            _("{name} cannot be read: {reason}.").format(name=name, reason=error.strerror),
            _("Check the permissions of the file."),
        ) from error
    except json.JSONDecodeError as error:
        # "Unterminated string starting at": a column would follow
        msg = _("{name} is not valid JSON: {problem} in line {line}.").format(
            name=name, problem=error.msg.removesuffix(" starting at"), line=error.lineno
        )
        raise InputError(msg, _("Correct the file or leave it out.")) from error
    except UnicodeDecodeError as error:
        raise not_utf8(content, error.start, name) from error
    except (RecursionError, ValueError) as error:
        raise InputError(
            _("{name} is not valid JSON.").format(name=name), _("Correct the file or leave it out.")
        ) from error
    return parsed


def _holds_any(content: bytes, words: Sequence[bytes]) -> bool:
    # In parts: a search through 60 MB lets no other thread work for 200 ms.
    starts = range(0, len(content), _SEARCHED)
    return any(content.find(word, at, at + _SEARCHED + len(word) - 1) != -1 for at in starts for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """An image file and what is drawn on it."""

    name: str  # name within its dataset, with extension
    path: Path  # the image file; readers never write to it
    annotation: Annotation  # what could be read of it
    # what could not: number of the object in its file from 1 → what is wrong. Empty after inspection
    damaged: Mapping[int, str] = field(default_factory=dict)
    meta: Mapping[str, object] = field(default_factory=dict)  # free JSON of the image, as Supervisely keeps it
    checked: CheckedImage | None = None  # what a look at the whole file found; `None` while nobody took one

    @property
    def objects(self) -> int:
        """How many objects were found on it, damaged ones too."""
        return len(self.annotation.labels) + len(self.damaged)


@dataclass(frozen=True, slots=True)
class Lazy(Generic[_Item]):
    """Items that are read while they are walked over; each walk starts again from the first."""

    read: Callable[[], Iterator[_Item]]  # opens a new walk

    def __iter__(self) -> Iterator[_Item]:
        """Start a walk."""
        return self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDataset:
    """A dataset."""

    name: str  # name without its parents
    parent: str | None  # :attr:`path` of the dataset that contains it, `None` at the top
    # its own images, not those of nested datasets. Walking may raise :class:`~traindash.errors.InputError` at the image
    # that is not usable
    images: Iterable[SourceImage]

    @property
    def path(self) -> str:
        """Names from the top joined by ``/``; unique within the project."""
        return self.name if self.parent is None else f"{self.parent}/{self.name}"


ImageKey: TypeAlias = tuple[str, str]  # (path of the dataset, name of the image)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCollection:
    """A named set of images over all datasets."""

    name: str
    images: Iterable[ImageKey]  # to be read after the images of the datasets


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSource:
    """A project."""

    name: str
    meta: ProjectMeta
    datasets: tuple[SourceDataset, ...]  # parents before their children
    collections: tuple[SourceCollection, ...] = ()
    description: str = ""  # text for people
