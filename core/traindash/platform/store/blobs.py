"""Image files by content, and the addresses they are served under."""

import base64
import hmac
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

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


class HeldImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is in a file with others and has none of its own yet."""

    pack: Path  # that file
    start: int  # where it begins in there
    size: int  # bytes
    mime: str


class ImageBlobs:
    """Image files in ``root``, named by the SHA-256 of their content.

    Those that are held (:meth:`hold`) get theirs when somebody asks for it, or when there is time (:meth:`unpack`).

    Addresses carry a seal (a keyed hash of the content's hash), so neither ids nor knowing an image's content is
    enough to make one up. ``secret`` is the key of the seals; see :meth:`unlock`.
    """

    def __init__(self, root: Path, secret: bytes = b"") -> None:
        self._root = root
        self._secret = secret
        self._crowded_until = 0.0
        self._held: dict[str, HeldImage] = {}  # by the name of the file that it will get, without its ending

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
            self.unpack(digest)
            os.utime(target)  # so that it is not collected before there is an image that uses it
            if copy is not None:
                Path(copy).unlink()
        return Blob(hash=digest, mime=mime, size=size, is_new=is_new)

    def place(self, staged: str, digest: str, mime: str) -> None:
        """Move a file of the same file system in, whose hash and media type are known; not synced, as :meth:`add`."""
        target = self._file(digest, mime)
        try:
            os.replace(staged, target)  # noqa: PTH105 - as in `_place_of`
        except FileNotFoundError:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged, target)  # noqa: PTH105 - as in `_place_of`

    def hold(self, digest: str, held: HeldImage) -> None:
        """Take in an image that stays where it is for now.

        A file of its own takes longer than all the rest that is done for a small image. Whoever removes the file that
        it is in has called :meth:`unpack` before, and has synced what that gave.
        """
        self._held[base64.b64decode(digest).hex()] = held

    def forget(self, pack: Path, hashes: Iterable[str]) -> None:
        """Let go of images that are held in a file, which are going to be lost with it."""
        for digest in hashes:
            name = base64.b64decode(digest).hex()
            if (held := self._held.get(name)) is not None and held.pack == pack:
                del self._held[name]

    def unpack(self, digest: str) -> None:
        """Give an image that is held a file of its own, not synced, as :meth:`add`; others stay as they are.

        Raises:
            OSError: The disk does not take it.
        """
        name = base64.b64decode(digest).hex()
        if (held := self._held.get(name)) is None:
            return
        try:
            with held.pack.open("rb") as file:
                file.seek(held.start)
                content = file.read(held.size)
        except FileNotFoundError:  # another thread has just done it
            if name in self._held:
                raise
            return
        self.put(digest, held.mime, content)
        self._held.pop(name, None)

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
            # By its content: after a power cut a file may be as long as it was to be, and empty.
            if Path(target).read_bytes() != content:
                with replacing(Path(target), durable=False) as partial:
                    partial.write_bytes(content)

    def is_whole(self, digest: str, mime: str, size: int) -> bool:
        """Return whether there is an image with this hash, media type and number of bytes."""
        name = base64.b64decode(digest).hex()
        if (held := self._held.get(name)) is not None:
            return (held.mime, held.size) == (mime, size)
        try:
            return os.stat(self._place_of(name, mime)).st_size == size  # noqa: PTH116 - as in `_place_of`
        except OSError:
            return False

    def _file(self, digest: str, mime: str) -> str:
        return self._place_of(base64.b64decode(digest).hex(), mime)

    def sync(self, files: Sequence[tuple[str, str]]) -> None:
        """Bring files onto the disk by their hash and media type, all together, which is ten times faster.

        They were taken in by :meth:`add`, :meth:`place` or :meth:`unpack`.

        Raises:
            OSError: The disk does not take them.
        """
        self.sync_paths([Path(self._file(digest, mime)) for digest, mime in files])

    def sync_paths(self, files: Sequence[Path]) -> None:
        """Bring files onto the disk that are on the file system of the store; the rest as :meth:`sync`."""
        # All of the file system at once: for 50 files 3 ms instead of 30, as measured on ext4. But it waits for what
        # others write, too, which is much while somebody copies a film.
        is_worth_it = len(files) > (_FEW if time.monotonic() >= self._crowded_until else _MANY)
        begun = time.monotonic()
        if is_worth_it and sync_file_system(self._root):
            if (ended := time.monotonic()) - begun > _LONG_SECONDS:
                self._crowded_until = ended + _CROWDED_SECONDS
        else:
            sync_files(files)

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
        self.unpack(digest)
        return Path(self._file(digest, mime))

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
        path = self.path(base64.b64encode(bytes.fromhex(match["digest"])).decode(), mime)
        if not path.is_file():
            raise NotFoundError("There is no such image.")
        return path, mime

    def seal(self, name: str) -> str:
        """Return the part of an address that cannot be made up, for what the name stands for."""
        # 64 bits: enough that nobody finds one by trying, and addresses stay short.
        return hmac.digest(self._secret, name.encode(), "sha256").hex()[:16]

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
