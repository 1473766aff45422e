"""Image files by content, and the addresses they are served under."""

import base64
import hmac
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from traindash.datasets.image_files import CheckedImage, Contents
from traindash.errors import NotFoundError
from traindash.files import replacing, sync_file_system, sync_files, write_new
from traindash.platform.store.files import content_hash, file_hash

# Pillow's format → media type of what may be imported and served: nothing that a browser would run (SVG, HTML).
IMAGE_TYPES: Mapping[str, str] = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}

EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/bmp": "bmp",
    "image/webp": "webp",
    "image/tiff": "tiff",
    "image/gif": "gif",
}
_READ_WHOLE = 16 * 2**20  # bytes up to which a file is read once, for its hash and for its copy
_FEW, _MANY = 8, 100  # files that are synced one by one, and as many while others write much
_LONG_SECONDS, _CROWDED_SECONDS = 0.25, 60.0
URL_FOLDER = "storage/images"
_NAME = re.compile(r"(?P<digest>[0-9a-f]{64})-(?P<seal>[0-9a-f]{16})\.(?P<extension>[a-z]{3,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """An image file in the store."""

    hash: str  # base64 of the SHA-256 of the file
    mime: str  # one of :data:`IMAGE_TYPES`
    size: int
    is_new: bool  # it was not in the store before


class ImageBlobs:
    """Image files in ``root``, named by the SHA-256 of their content.

    Addresses carry a seal (a keyed hash of the content's hash), so neither ids nor knowing an image's content is
    enough to make one up. ``secret`` is the key of the seals; see :meth:`unlock`.
    """

    def __init__(self, root: Path, secret: bytes = b"") -> None:
        self._root = root
        self._secret = secret
        self._crowded_until = 0.0

    def unlock(self, secret: bytes) -> None:
        """Set the key of the seals, once it is known."""
        self._secret = secret

    def add(
        self,
        source: Path,
        checked: CheckedImage,
        *,
        link: bool = False,
        before: Callable[[str, str], None] | None = None,
        staging: Path | None = None,
    ) -> Blob:
        """Take an image in. It is not synced to the disk: who adds many syncs them together, which is much faster.

        The source is left as it is; ``checked`` is what a look at it found, and its copy, which is on the file system
        of the store, is used up. ``link`` makes a hard link where the file system can; only for files that nobody will
        write to again. ``before`` is called with hash and media type before a file that is new is put in place.
        ``staging`` is a folder as of :func:`~traindash.files.replacing`.
        """
        mime = IMAGE_TYPES[checked.kind]
        known, content = checked.content, None
        if known is not None and (link or known.copy is not None):
            digest, size = known.hash, known.size
        else:  # of what is copied now, for the source may have been written to since the check
            content = source.read_bytes() if source.stat().st_size <= _READ_WHOLE else None
            digest, size = file_hash(source) if content is None else content_hash(content)
        copy = None if known is None else known.copy
        target = self._place_of(base64.b64decode(digest).hex(), mime)
        is_new = not self.is_whole(digest, mime, size)  # the same content under another name is kept once
        if is_new:
            if before is not None:
                before(digest, mime)
            if copy is None or link:
                _place(source, Path(target), content=content, link=link, staging=staging)
            else:
                _move(copy, target)
        else:
            os.utime(target)  # so that it is not collected before there is an image that uses it
            if copy is not None:
                Path(copy).unlink()
        return Blob(hash=digest, mime=mime, size=size, is_new=is_new)

    def place(self, staged: str, digest: str, mime: str) -> None:
        """Move a file of the same file system in, whose hash and media type are known; not synced, as :meth:`add`."""
        target = self._file(digest, mime)
        try:
            os.replace(staged, target)  # noqa: PTH105 - as in `_file`
        except FileNotFoundError:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged, target)  # noqa: PTH105 - as in `_file`

    def put(self, digest: str, mime: str, content: bytes) -> None:
        """Write a file whose hash and media type are known; not synced, as :meth:`add`.

        A server that dies meanwhile leaves a shorter one, which :meth:`is_whole` tells: half the time of a file that is
        written elsewhere and moved.

        Raises:
            OSError: The disk does not take it.
        """
        target = self._file(digest, mime)
        try:
            write_new(target, content)
        except FileNotFoundError:  # the first file of its folder
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            write_new(target, content)
        except FileExistsError:  # of somebody who died, or who puts the same one here right now
            if not self.is_whole(digest, mime, len(content)):
                with replacing(Path(target), durable=False) as partial:
                    partial.write_bytes(content)

    def is_whole(self, digest: str, mime: str, size: int) -> bool:
        """Return whether there is a file with this hash, media type and number of bytes."""
        try:
            return os.stat(self._file(digest, mime)).st_size == size  # noqa: PTH116 - as in `_file`
        except OSError:
            return False

    def _file(self, digest: str, mime: str) -> str:
        # A text: a path takes ten times as long to make, and uploads ask for thousands.
        name = base64.b64decode(digest).hex()
        return f"{self._root}/{name[:2]}/{name}.{EXTENSIONS[mime]}"

    def sync(self, files: Sequence[tuple[str, str]]) -> None:
        """Bring files onto the disk by their hash and media type, all together, which is ten times faster.

        They were taken in by :meth:`add` or :meth:`place`.

        Raises:
            OSError: The disk does not take them.
        """
        # All of the file system at once: for 50 files 3 ms instead of 30, as measured on ext4. But it waits for what
        # others write, too, which is much while somebody copies a film.
        is_worth_it = len(files) > (_FEW if time.monotonic() >= self._crowded_until else _MANY)
        begun = time.monotonic()
        if is_worth_it and sync_file_system(self._root):
            if (ended := time.monotonic()) - begun > _LONG_SECONDS:
                self._crowded_until = ended + _CROWDED_SECONDS
        else:
            sync_files(self.path(digest, mime) for digest, mime in files)

    def sync_all(self) -> None:
        """Bring onto the disk whatever was taken in, by whom ever.

        Raises:
            OSError: The disk does not take it.
        """
        if self._root.is_dir() and not sync_file_system(self._root):
            sync_files(path for path in self._root.rglob("*") if path.is_file())

    def staging(self, folder: Path) -> Path | None:
        """Return a folder for :meth:`add` to write in if it is on the same file system as the store."""
        # Renamed from one folder instead of written into 256 of them: up to 40 % less processor time, by measure.
        self._root.mkdir(parents=True, exist_ok=True)
        return folder if folder.stat().st_dev == self._root.stat().st_dev else None

    def contents(self, folder: Path, *, link: bool) -> Contents | None:
        """Return what a check of an image should give for :meth:`add`; ``folder`` as for :meth:`staging`."""
        copies = None if link else self.staging(folder)
        return Contents(copies=copies) if link or copies is not None else None

    def path(self, digest: str, mime: str) -> Path:
        """Return the file with this hash (base64) and media type."""
        return self._path(base64.b64decode(digest).hex(), mime)

    def remove(self, blob: Blob) -> None:
        """Remove a file from the store."""
        self.path(blob.hash, blob.mime).unlink(missing_ok=True)

    def url_path(self, digest: str, mime: str) -> str:
        """Return the path part of an image's address, with a slash at its start."""
        name = base64.b64decode(digest).hex()
        return f"/{URL_FOLDER}/{name}-{self.seal(name)}.{EXTENSIONS[mime]}"

    def resolve(self, name: str) -> tuple[Path, str]:
        """Return the file and media type behind the last part of an address.

        Raises:
            NotFoundError: The address was not made here, or the file is gone.
        """
        match = _NAME.fullmatch(name)
        mime = next((mime for mime, known in EXTENSIONS.items() if match and known == match["extension"]), None)
        if match is None or mime is None or not hmac.compare_digest(match["seal"], self.seal(match["digest"])):
            raise NotFoundError("There is no such image.")
        path = self._path(match["digest"], mime)
        if not path.is_file():
            raise NotFoundError("There is no such image.")
        return path, mime

    def seal(self, name: str) -> str:
        """Return the part of an address that cannot be made up, for what the name stands for."""
        # 64 bits: enough that nobody finds one by trying, and addresses stay short.
        return hmac.digest(self._secret, name.encode(), "sha256").hex()[:16]

    def _path(self, name: str, mime: str) -> Path:
        return Path(self._place_of(name, mime))

    def _place_of(self, name: str, mime: str) -> str:
        # 256 folders: file systems and people are slow with a million files in one. A text and no path object, which
        # would take as long to make as the file to move.
        return f"{self._root}/{name[:2]}/{name}.{EXTENSIONS[mime]}"


def _place(source: Path, target: Path, *, content: bytes | None, link: bool, staging: Path | None) -> None:
    """Put a file in place at one stroke, by a hard link if wished and possible; ``content`` if it was read already."""
    with replacing(target, durable=False, staging=staging) as partial:
        if link and _linked(source, partial):
            return
        if content is None:
            shutil.copyfile(source, partial)
        else:
            partial.write_bytes(content)


def _move(copy: str, target: str) -> None:
    try:
        os.replace(copy, target)  # noqa: PTH105 - see `_place_of`
    except FileNotFoundError:  # the first file of its folder
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(copy).replace(target)


def _linked(source: Path, target: Path) -> bool:
    """Make a hard link; return whether the file system does that."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        return False
    return True
