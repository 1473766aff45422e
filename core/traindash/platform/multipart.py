"""Parts of a ``multipart/form-data`` body; nothing of it is copied before it is asked for."""

import mmap
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from traindash.errors import InputError
from traindash.files import write_new

_MOST_PARTS = 20_000
_LONGEST_HEAD = 8192  # bytes of the headers of a part
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))')
_NAME = re.compile(rb'[;\s]name="([^"]*)"')
_FILE_NAME = re.compile(rb'[;\s]filename="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The body of a request, as it was received."""

    content_type: str
    path: Path  # where it lies, unless `content` is given; whoever handles it may move it away
    content: bytes | None = None  # all of a small one, which lies nowhere

    def move(self, target: Path) -> None:
        """Put it into a file that does not exist, in one step.

        Raises:
            OSError: The disk does not take it.
        """
        if self.content is None:
            shutil.move(self.path, target)
            return
        partial = f"{target}.partial"
        write_new(partial, self.content)
        os.replace(partial, target)  # noqa: PTH105 - a path object takes longer than the file system


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form."""

    name: str
    file_name: str  # empty for a plain field
    body: mmap.mmap | bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return self.end - self.start

    @property
    def content(self) -> bytes:
        """A copy of its content."""
        return self.body[self.start : self.end]

    def write(self, target: Path) -> None:
        """Write its content into a file, which takes no memory.

        Raises:
            OSError: The disk does not take it.
        """
        with target.open("xb") as file, memoryview(self.body) as whole, whole[self.start : self.end] as content:
            file.write(content)


@contextmanager
def form_parts(form: Form) -> Iterator[tuple[Part, ...]]:
    """Give the parts of a form, which may be used as long as the block runs.

    Raises:
        InputError: It is no whole form, or has too many parts.
    """
    found = _BOUNDARY.search(form.content_type)
    size = form.path.stat().st_size if form.content is None else len(form.content)
    if not form.content_type.startswith("multipart/") or found is None or size == 0:
        raise InputError("The body is not a multipart form.", "Send it as multipart/form-data.")
    delimiter = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    if form.content is not None:
        yield tuple(_parts(form.content, delimiter))
        return
    with form.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        yield tuple(_parts(body, delimiter))


def _parts(body: mmap.mmap | bytes, delimiter: bytes) -> Iterator[Part]:
    position = body.find(delimiter)
    for _ in range(_MOST_PARTS):
        if position < 0:
            break
        position += len(delimiter)
        if body[position : position + 2] == b"--":
            return
        head_end = body.find(b"\r\n\r\n", position, position + _LONGEST_HEAD)
        end = -1 if head_end < 0 else body.find(b"\r\n" + delimiter, head_end + 2)
        if end < 0:
            break
        head = body[position : head_end + 2]
        start = min(head_end + 4, end)  # an empty part has one line end for both
        yield Part(_text(_NAME, head), _text(_FILE_NAME, head), body, start, end)
        position = end + 2
    else:
        raise InputError(f"The form has more than {_MOST_PARTS:,} parts.", "Send fewer at once.")
    raise InputError("The form is cut off or damaged.", "Send it again.")


def _text(pattern: re.Pattern[bytes], head: bytes) -> str:
    found = pattern.search(head)
    return "" if found is None else found[1].decode("utf-8", "replace")
