"""Checks all the image files of an import: in this process, and from some hundred on in processes beside it.

Reading a small picture takes a fifth of a millisecond, as long as all that is done with its annotation; threads gain
nothing there, since most of it holds Python's lock. A process (:mod:`traindash.datasets.check_process`) gets lines of
JSON, lists of paths, and answers each with a list of what it found. It ends when its input does, so none is left behind
when this process is killed.
"""

import contextlib
import json
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import msgspec

import traindash
from traindash.datasets.image_files import CheckedImage, Contents, check_images
from traindash.errors import InputError
from traindash.piped_process import end_piped, start_piped

_Item = TypeVar("_Item")
Found: TypeAlias = CheckedImage | InputError

# Processes take a quarter of a second to start.
_IMAGES_HERE = 500
_MOST_PROCESSES = 8
_TOGETHER = 16  # images of one line: handing it over costs little beside them, and who cancels waits for one line
# Images that are read ahead: always as many, so that what is told of them comes in the same order on every machine
_AHEAD = 256
# Lines that a process has not answered; their answers fit into a pipe, so that neither side waits for the other
_LINES = 4
_CODE = Path(traindash.__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """What a process found; neither image nor message where it leaves the check to the process that asked."""

    image: CheckedImage | None = None
    message: str = ""
    hint: str = ""

    def found(self) -> Found | None:
        """Return what was found, ``None`` where nothing was tried."""
        return self.image or (InputError(self.message, self.hint) if self.message else None)


_ANSWERS = msgspec.json.Decoder(list[CheckAnswer])


class ImageChecks:
    """Checks image files one after another. Not for use by several threads.

    ``processes`` is how many may be started beside this one, as many as there are processors by default; ``contents``
    what is wanted of each file beyond the check, and ``alone`` after how many files they are started. To be closed, if
    there may be processes.
    """

    def __init__(
        self, *, processes: int | None = None, contents: Contents | None = None, alone: int = _IMAGES_HERE
    ) -> None:
        self._most = min(_MOST_PROCESSES, os.cpu_count() or 1) if processes is None else processes
        self._contents = contents
        self._alone = alone
        self._processes: list[_Process] = []
        self._begun = False
        self._asked = 0

    def expect(self, images: int) -> None:
        """Tell that so many are going to be checked: processes start while annotations are still being read."""
        if images > self._alone and not self._begun:
            self._begun = True
            self._processes = [_Process(self._contents) for _ in range(self._most)]

    def each(self, items: Iterable[_Item], path_of: Callable[[_Item], Path | Found]) -> Iterator[tuple[_Item, Found]]:
        """Give each item, in order, with what a check of its file found; ``path_of`` may know that already."""
        walk = iter(items)
        begun: deque[tuple[list[_Item], list[Path | Found], _Request]] = deque()
        while True:
            while len(begun) * _TOGETHER < _AHEAD and (batch := list(islice(walk, _TOGETHER))):
                known = [path_of(item) for item in batch]
                begun.append((batch, known, self._ask([entry for entry in known if isinstance(entry, Path)])))
            if not begun:
                return
            batch, known, request = begun.popleft()
            found = iter(self._answers(request))
            for item, entry in zip(batch, known, strict=True):
                yield item, next(found) if isinstance(entry, Path) else entry

    def close(self) -> None:
        """End the processes. Closing twice does nothing."""
        for process in self._processes:
            process.end()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _ask(self, paths: Sequence[Path]) -> "_Request":
        self._asked += len(paths)
        self.expect(self._asked)
        request = _Request(paths=paths)
        running = [process for process in self._processes if process.is_running]
        if running and paths:
            min(running, key=lambda process: (len(process.open), process.asked)).ask(request)
        return request

    def _answers(self, request: "_Request") -> list[Found]:
        if request.process is not None:
            request.process.wait_for(request)
        found = [answer.found() for answer in request.answers] or [None] * len(request.paths)
        left = [path for path, entry in zip(request.paths, found, strict=True) if entry is None]
        here = iter(check_images(left, self._contents))
        return [next(here) if entry is None else entry for entry in found]


@dataclass(slots=True, kw_only=True, eq=False)
class _Request:
    """Image files to be checked; here, where no process has answered."""

    paths: Sequence[Path]
    process: "_Process | None" = None
    answers: Sequence[CheckAnswer] = ()


@dataclass(slots=True)
class _Process:
    """A process that checks image files."""

    contents: Contents | None
    asked: int = 0  # lines so far
    open: deque[_Request] = field(default_factory=deque)  # not answered yet, in the order of the answers
    _child: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        wanted = [] if self.contents is None else [str(self.contents.copies or "")]
        # Where the system gives no further process, the images are checked here.
        with contextlib.suppress(OSError):
            # `-m` looks for the module where it is started
            self._child = start_piped("traindash.datasets.check_process", *wanted, cwd=_CODE)

    @property
    def is_running(self) -> bool:
        return self._child is not None

    def ask(self, request: _Request) -> None:
        while len(self.open) >= _LINES:
            self._read()
        if self._child is None or self._child.stdin is None:
            return
        request.process = self
        self.asked += 1
        self.open.append(request)
        try:
            self._child.stdin.write(json.dumps([str(path.absolute()) for path in request.paths]).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            self.end()

    def wait_for(self, request: _Request) -> None:
        while request in self.open:
            self._read()

    def end(self) -> None:
        """End it; what it has not answered is left to this process."""
        child, self._child = self._child, None
        self.open.clear()
        if child is not None:
            end_piped(child)

    def _read(self) -> None:
        line = self._child.stdout.readline() if self._child is not None and self._child.stdout is not None else b""
        if line.endswith(b"\n"):
            self.open.popleft().answers = _ANSWERS.decode(line)
        else:  # it is gone: memory was short, or a picture has broken its decoder
            self.end()
