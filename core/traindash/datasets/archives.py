"""Unpacking archives that nobody vouches for.

An archive is refused as a whole as soon as one entry is not a plain file or folder inside the target, or when it turns
out larger than allowed; what was unpacked so far is removed. Sizes are counted while bytes arrive, because the sizes
written in an archive may lie.
"""

import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from traindash.datasets.archive_names import entry_names
from traindash.datasets.image_files import is_image
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import N_
from traindash.language import gettext as _

_CHUNK = 2**20
# ext4, APFS and NTFS end names at 255; a path far beyond what people make is an attack or an accident
_LONGEST_PATH = 1024
_LONGEST_NAME = 255
_LONGEST_STEM = 100
_DEEPEST = 64
_LARGEST_HEADER = 16 * 2**20
_PEEK = 64
# What file managers of macOS and Windows add to every archive
_NOISE = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db"})
_DRIVE = re.compile(r"[A-Za-z]:")
_LINK, _LOCKED = N_("which is a link or a device"), N_("which is encrypted")
_HINTS = {
    _LINK: N_("Pack the plain files and folders again, without links."),
    _LOCKED: N_("Pack it without a password."),
}
_PACK_AGAIN = N_("Pack the plain files and folders again.")
# What people choose in place of the folder around it
_PARTS = frozenset({".json", ".yaml", ".yml", ".xml", ".csv", ".txt", ".data", ".names"})
_ZIP_START = b"PK\x03\x04"
# What people take for an archive that can be read, by its first bytes
_OTHERS = (
    (b"Rar!", N_("{archive} is a RAR archive, which is not read.")),
    (b"7z\xbc\xaf\x27\x1c", N_("{archive} is a 7-Zip archive, which is not read.")),
    (b"\x28\xb5\x2f\xfd", N_("{archive} is packed with Zstandard, which is not read.")),
)
_WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How large an archive may become."""

    entries: int = 2_000_000  # number of files and folders
    total_bytes: int = 200 * 2**30  # sum of all files
    ratio: float = 100.0  # unpacked size divided by the size of the archive; looked at beyond `ratio_floor`
    ratio_floor: int = 256 * 2**20  # bytes below which any ratio is fine: a few text files pack very well


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: str
    is_folder: bool
    refused: str | None
    open: Callable[[], IO[bytes]]


def archive_stem(name: str) -> str:
    """Return the name of an archive without its endings, ``shapes`` for ``shapes.tar.gz``; never empty or a path."""
    stem = PurePosixPath(name.replace("\\", "/")).name
    for ending in (".zip", ".gz", ".bz2", ".xz", ".tgz", ".tbz2", ".txz", ".tar"):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    return stem.strip(". ")[:_LONGEST_STEM] or "Imported"


def unpack(
    archive: Path,
    target: Path,
    *,
    limits: ArchiveLimits | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Unpack a zip or tar archive (plain, gzip, bzip2, xz) into a new folder.

    The content decides what it is, not its name. ``on_progress`` gets the bytes written so far; what it raises ends the
    unpacking, and nothing is left behind.

    Raises:
        InputError: The archive is none, is damaged, encrypted or too large, or holds an entry that is not a plain
            file or folder inside of it; names the entry. Nothing is left behind.
        FileExistsError: The target exists.
    """
    target.mkdir(parents=True)
    try:
        writer = _Writer(archive, target, limits or ArchiveLimits(), on_progress)
        for entry in _entries(archive):
            writer.take(entry)
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, _DAMAGED):
            raise InputError(
                _("{name} is damaged or not complete.").format(name=archive.name), _("Copy or download it again.")
            ) from error
        raise


# What reading an archive raises that is damaged, or packed in a way that the standard library does not know
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, EOFError, lzma.LZMAError, gzip.BadGzipFile, NotImplementedError,
    UnicodeDecodeError,
)  # fmt: skip


class _Writer:
    """Writes entries and keeps count."""

    def __init__(
        self, archive: Path, target: Path, limits: ArchiveLimits, on_progress: Callable[[int], None] | None
    ) -> None:
        self._archive = archive
        self._packed = max(archive.stat().st_size, 1)
        self._target = target
        self._limits = limits
        self._on_progress = on_progress
        self._entries = 0
        self._bytes = 0
        self._room = shutil.disk_usage(target).free

    def take(self, entry: _Entry) -> None:
        self._entries += 1
        if self._entries > self._limits.entries:
            self._refuse(
                _("{archive} has more than {number} entries.").format(
                    archive=self._archive.name, number=count(self._limits.entries)
                )
            )
        if entry.refused:
            self._refuse(
                _("{archive} holds “{name}”, {why}.").format(
                    archive=self._archive.name, name=entry.name, why=_(entry.refused)
                ),
                _HINTS.get(entry.refused, _PACK_AGAIN),
            )
        parts = self._parts(entry.name)
        if not parts or _NOISE & set(parts):
            return
        path = self._target.joinpath(*parts)
        try:
            if entry.is_folder:
                path.mkdir(parents=True, exist_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with entry.open() as source, path.open("xb") as file:
                self._copy(source, file)
        except (FileExistsError, NotADirectoryError):
            self._refuse(_("{archive} holds “{name}” twice.").format(archive=self._archive.name, name=entry.name))

    def _copy(self, source: IO[bytes], file: IO[bytes]) -> None:
        while chunk := source.read(_CHUNK):
            self._bytes += len(chunk)
            self._check_size()  # before it is written: the sizes that an archive names may lie
            file.write(chunk)
            if self._on_progress is not None:
                self._on_progress(self._bytes)

    def _check_size(self) -> None:
        if self._bytes > self._limits.total_bytes:
            self._refuse(
                _("{archive} unpacks to more than {size}.").format(
                    archive=self._archive.name, size=_size(self._limits.total_bytes)
                )
            )
        if self._bytes > self._room:
            self._refuse(
                _("{archive} does not fit on the disk, which has {room} free.").format(
                    archive=self._archive.name, room=_size(self._room)
                )
            )
        if self._bytes > self._limits.ratio_floor and self._bytes > self._limits.ratio * self._packed:
            self._refuse(
                _("{archive} unpacks to more than {ratio} times its own size, as only a harmful one does.").format(
                    archive=self._archive.name, ratio=f"{self._limits.ratio:g}"
                )
            )

    def _parts(self, name: str) -> tuple[str, ...]:
        """The folders and the file of an entry's name; refuses what would lead out of the target."""
        path = PurePosixPath(name.replace("\\", "/"))  # some tools of Windows write backslashes
        parts = tuple(part for part in path.parts if part != ".")
        if path.is_absolute() or ".." in parts or _DRIVE.match(name):
            self._refuse(
                _("{archive} holds “{name}”, a path that leads out of it.").format(
                    archive=self._archive.name, name=name
                )
            )
        bad = "\0" in name or len(name) > _LONGEST_PATH or len(parts) > _DEEPEST or (os.name == "nt" and ":" in name)
        if bad or any(len(part.encode("utf-8", "surrogateescape")) > _LONGEST_NAME for part in parts):
            self._refuse(
                _("{archive} holds “{name}”, a name that cannot be used.").format(
                    archive=self._archive.name, name=name[:80]
                )
            )
        return parts

    def _refuse(self, why: str, hint: str = _PACK_AGAIN) -> None:
        raise InputError(why, _(hint))


def _entries(archive: Path) -> Iterator[_Entry]:
    if zipfile.is_zipfile(archive):
        yield from _zip_entries(archive)
    elif _is_tar(archive):
        yield from _tar_entries(archive)
    else:
        raise _no_archive(archive)


def _no_archive(path: Path) -> InputError:
    with path.open("rb") as file:
        start = file.read(_PEEK)
    hint = _("Choose a .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz file, or a folder.")
    if start.startswith(_ZIP_START):
        return InputError(
            _("{name} is a zip archive that is cut off.").format(name=path.name), _("Copy or download it again.")
        )
    if not start:
        return InputError(_("{name} is empty: neither a zip nor a tar archive.").format(name=path.name), hint)
    if _WEB_PAGE.match(start):
        msg = _("{name} is a web page, neither a zip nor a tar archive.").format(name=path.name)
        return InputError(msg, _("Download the archive again; the site may have asked for a login."))
    if what := next((what for mark, what in _OTHERS if start.startswith(mark)), ""):
        msg = _(what).format(archive=path.name)
        return InputError(msg, f"{_('Unpack it and choose the folder.')} {hint}")
    if path.suffix.lower() in _PARTS or is_image(path.name):
        msg = _("{name} is one file of the data, neither a zip nor a tar archive.").format(name=path.name)
        return InputError(msg, f"{_('Choose the folder that holds it, with the images.')} {hint}")
    return InputError(_("{name} is neither a zip nor a tar archive.").format(name=path.name), hint)


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as source:
        for info, name in zip(source.infolist(), entry_names(source, archive.name), strict=True):
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where a system without file modes packed it
            refused = None
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                refused = _LINK
            elif info.flag_bits & 1:
                refused = _LOCKED
            is_folder = info.is_dir() or (name.endswith("\\") and not info.file_size)  # as .NET before 4.6.1 writes it
            yield _Entry(name=name, is_folder=is_folder, refused=refused, open=partial(source.open, info))


def _tar_entries(archive: Path) -> Iterator[_Entry]:
    with archive.open("rb") as raw, _decompressed(raw) as plain:
        stream = _Bounded(plain)
        # "r|" reads forward only, so that nothing in the archive can send us back and forth.
        with tarfile.open(fileobj=stream, mode="r|") as source:
            for info in source:
                refused = None if info.isreg() or info.isdir() else _LINK
                if info.issparse():
                    refused = N_("which is a sparse file")
                name = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                if name != info.name:
                    refused = N_("whose name is not UTF-8")
                read = partial(_content, source, info)
                yield _Entry(name=name, is_folder=info.isdir(), refused=refused, open=read)


def _content(source: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return source.extractfile(info) or io.BytesIO()


class _Bounded(io.RawIOBase):
    """Lets no single read be larger than a header may be: ``tarfile`` reads extended headers in one go."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or size > _LARGEST_HEADER:
            raise tarfile.ReadError("header too large")
        return self._source.read(size)


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if start.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if start == b"\xfd7zXZ\x00":
        return lzma.LZMAFile(raw)
    return raw


def _is_tar(path: Path) -> bool:
    try:
        with path.open("rb") as raw, _decompressed(raw) as plain:
            tarfile.TarInfo.frombuf(plain.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except (tarfile.HeaderError, OSError, EOFError, lzma.LZMAError, ValueError):
        return False
    return True


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
