"""A person's folder: which files it has, and which of them is meant by what another program wrote down.

Programs write paths as they were on their machine: with other slashes, other letters' case, accents composed in another
way, from another folder. Nothing outside the folder is ever returned.
"""

import os
import posixpath
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from traindash.formatting import listing
from traindash.language import gettext as _

_LONGEST_QUOTE = 200
_NAMED = 3  # files that a message names
# Folders that programs keep for themselves: macOS' archives, Synology's thumbnails, Windows' recycle bin
_NOT_OF_THE_DATA = frozenset({"__macosx", "@eadir", "$recycle.bin"})


def is_hidden(name: str) -> bool:
    """Whether a file or folder belongs to a program and not to the data, such as ``.ipynb_checkpoints``."""
    return name.startswith(".") or name.casefold() in _NOT_OF_THE_DATA


def same_name(name: str) -> str:
    """Return the form that all spellings of a name have in common: accents composed, case folded.

    macOS stores ``ü`` as two characters where JSON mostly has one (Unicode Standard Annex 15); Windows and macOS do not
    tell ``A.JPG`` from ``a.jpg``, so files written there mix them.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Folder:
    """A folder with all that lies in it, walked over once and only when it is needed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._outside: list[str] = []
        self._folders: list[str] = []
        self._inside: dict[str, bool] = {}
        self._there: dict[str, bool] = {}  # folder relative to the root → whether there is one

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of all files relative to the root, with ``/``, sorted; hidden ones are left out.

        Links that stay inside are followed.
        """
        self._outside.clear()
        self._folders.clear()
        return tuple(sorted(self._walk("", (str(self.root),))))

    @property
    def folders(self) -> tuple[str, ...]:
        """Paths of all folders below the root, as :attr:`files`; those without files, too."""
        _listed = self.files
        return tuple(sorted(self._folders))

    @property
    def outside(self) -> tuple[str, ...]:
        """Links that lead out of the folder or nowhere; they are not followed."""
        _listed = self.files
        return tuple(self._outside)

    def _walk(self, under: str, above: tuple[str, ...]) -> Iterator[str]:
        with os.scandir(self.root / under) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                place = f"{under}/{entry.name}" if under else entry.name
                if entry.is_symlink() and not self._leads_inside(entry.path):
                    self._outside.append(place)
                elif entry.is_dir():
                    real = os.path.realpath(entry.path)
                    if real not in above:  # a link to a folder around itself would be walked for ever
                        self._folders.append(place)
                        yield from self._walk(place, (*above, real))
                elif entry.is_file():
                    yield place

    def _leads_inside(self, path: str) -> bool:
        real = Path(path).resolve()
        return real.exists() and real.is_relative_to(self.root)

    def _is_own_file(self, path: str) -> bool:
        """Whether there is a file that does not lie outside by way of a link."""
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if not stat.S_ISREG(mode):  # a link mostly
            return Path(path).is_file() and self._leads_inside(path)
        # Where a folder leads takes a look at each one around it, and a million files are in a few folders.
        folder = posixpath.dirname(path)
        if folder not in self._inside:
            self._inside[folder] = self._leads_inside(folder)
        return self._inside[folder]

    def find(self, written: str, near: Sequence[str] = ("",)) -> Path | None:
        """Return the file that a written path means.

        The path as it stands is looked for in each of the folders ``near``, which are relative to the root; then the
        longest end of it that exists anywhere. ``..`` in front is left out.

        Returns:
            The file; ``None`` if there is none, or several that could be meant equally well.
        """
        found = self._find(written, near)
        # Blanks around a name are mostly those of a list, yet a name may have them itself.
        return self._find(written.strip(), near) if found is None and written != written.strip() else found

    def _find(self, written: str, near: Sequence[str]) -> Path | None:
        if (relative := cleaned(written)) is None:
            return None
        for folder in near:
            if folder not in self._there:
                self._there[folder] = (self.root / folder).is_dir()
            # Asked of the disk, not of the index: most data are as they say, and need no walk over a million files.
            try:
                if self._there[folder] and self._is_own_file(path := f"{self.root}/{folder}/{relative}"):
                    return Path(path)
            except OSError:  # no disk has a name that long, so it is no file's
                return None
        return self._nearest(self._alike(relative), near)

    def find_stem(self, stem: str, near: Sequence[str], wanted: Callable[[str], bool]) -> Path | None:
        """Return the one file of a name without its extension, such as the picture of an annotation.

        ``wanted`` chooses among file names. Files in one of the folders ``near`` come before others.
        """
        named = [place for place in self._by_stem.get(same_name(stem), ()) if wanted(posixpath.basename(place))]
        return self._nearest(named, near)

    def meant(self, written: str) -> tuple[str, ...]:
        """Return all files that a written path could mean as well as any other, relative to the root, sorted."""
        relative = cleaned(written)
        return tuple(self._alike(relative)) if relative is not None else ()

    def _alike(self, relative: str) -> list[str]:
        """The files that have the longest end of a path in common with it."""
        named = self._by_name.get(same_name(posixpath.basename(relative)), ())
        parts = relative.split("/")
        for start in range(len(parts)):
            end = same_name("/".join(parts[start:]))
            found = [place for place in named if f"/{same_name(place)}".endswith(f"/{end}")]
            if found:
                exact = [place for place in found if f"/{place}".endswith("/" + "/".join(parts[start:]))]
                return exact or found
        return []

    def _nearest(self, places: Sequence[str], near: Sequence[str]) -> Path | None:
        for folder in near:
            inside = [place for place in places if not folder or place.startswith(f"{folder}/")]
            beside = [place for place in inside if posixpath.dirname(place) == folder]
            for candidates in (beside, inside):
                if len(candidates) == 1:
                    return self.root / candidates[0]
        return self.root / places[0] if len(places) == 1 else None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return _grouped(self.files, posixpath.basename)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _grouped(self.files, lambda place: posixpath.splitext(posixpath.basename(place))[0])


def cleaned(written: str) -> str | None:
    """Return a written path with ``/``, without ``.`` and ``..`` in front; ``None`` if nothing is left of it."""
    path = posixpath.normpath(written.strip("\r\n").replace("\\", "/")).lstrip("/")
    while path.startswith("../"):
        path = path[3:]
    return None if path in ("", ".", "..") or "\0" in path else path


def not_there(written: str, folder: Folder) -> str:
    """Return why a file is not found by a path that is written of it, a sentence."""
    shown = written[:_LONGEST_QUOTE]
    alike = folder.meant(written)
    if len(alike) > 1:
        where = listing(alike, limit=_NAMED)
        return _("“{shown}” could be any of {count} files: {where}. Write the folder in front of its name.").format(
            shown=shown, count=len(alike), where=where
        )
    return _("The file “{shown}” is not there.").format(shown=shown)


def _grouped(places: Sequence[str], name_of: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for place in places:
        groups[same_name(name_of(place))].append(place)
    return dict(groups)
