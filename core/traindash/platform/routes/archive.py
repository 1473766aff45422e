"""A folder of Team Files as a tar stream, made while it is read."""

import tarfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from traindash.platform.store.files import StoredFile

_BLOCK = 1 << 18


def tar_blocks(folder: str, files: Sequence[StoredFile]) -> Iterator[bytes]:
    """Yield a tar archive; its one top folder has the name of the folder.

    A file that is removed meanwhile is left out. One that shrinks is filled up with zeros, since its header is out
    already.

    Args:
        folder: Clean path of the folder.
        files: The files in it.
    """
    base = PurePosixPath(folder)
    for file in files:
        name = PurePosixPath(base.name or "files") / PurePosixPath(file.path).relative_to(base)
        try:
            source = file.local_path.open("rb")
        except FileNotFoundError:
            continue
        with source:
            size = source.seek(0, 2)
            source.seek(0)
            header = tarfile.TarInfo(str(name))
            header.size = size
            header.mtime = int(datetime.fromisoformat(file.updated_at).timestamp())
            yield header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            left = size
            while left > 0:
                block = source.read(min(_BLOCK, left)) or bytes(min(_BLOCK, left))
                left -= len(block)
                yield block
            yield bytes(-size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)
