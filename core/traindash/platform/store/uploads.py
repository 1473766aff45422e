"""Images that clients upload: taken in beside the requests, so that a client sends on while they are looked at.

The form of an upload is kept as a file until its images are in the store, and a server that was killed goes on with it
at its next start. Whoever adds the images waits for them here, and learns which could not be used.
"""

import contextlib
import logging
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from traindash.datasets.image_checks import ImageChecks
from traindash.datasets.image_files import CheckedImage
from traindash.datasets.jpeg_look import look_at_jpeg
from traindash.datasets.pixels import MAX_PIXELS
from traindash.errors import AppError, InputError, StorageError
from traindash.files import write_new
from traindash.platform.multipart import Form, Part, form_parts
from traindash.platform.store.blobs import IMAGE_TYPES, ImageBlobs
from traindash.platform.store.files import content_hash
from traindash.platform.store.loose_images import LooseImages, StoredImage

_IDLE_SECONDS = 20.0  # after which the processes that check images are ended
_LINGER_SECONDS = 0.2  # for which the sync of what was stored waits for more, unless somebody waits for it
_MOST_BYTES = 256 * 2**20  # of forms that wait; who sends more waits for them
_SYNCED_TOGETHER = 5000  # files; one sync for many takes little longer than one for few
_MOST_REMEMBERED = 20_000  # images, those that were refused and those that were stored
_REMEMBERED_SECONDS = 3600.0  # far less than what is collected has to be old
_ALONE = 200  # images of one upload that are checked in this process
_FORM = ".form"
_log = logging.getLogger("traindash.platform")


@dataclass(frozen=True, slots=True)
class _Form:
    """A form that waits."""

    path: Path
    size: int
    images: tuple[str, ...]  # hashes of its parts, in their order; empty while nobody has looked into a leftover one
    hashes: frozenset[str]  # of these, what no other form brings


@dataclass(slots=True)
class _State:
    """What threads share; guarded by the condition."""

    forms: deque[_Form] = field(default_factory=deque)
    bytes: int = 0
    pending: set[str] = field(default_factory=set)
    refused: OrderedDict[str, AppError] = field(default_factory=OrderedDict)
    stored: OrderedDict[str, tuple[StoredImage, float]] = field(default_factory=OrderedDict)  # and when
    leftovers: int = 0  # forms of an earlier server, whose hashes are not known yet
    waiting: int = 0  # who needs what is on its way
    is_closing: bool = False
    worker: threading.Thread | None = None


class Uploads:
    """Takes uploaded images into the store. ``folder`` is for the forms that wait."""

    def __init__(self, blobs: ImageBlobs, loose: LooseImages, folder: Path) -> None:
        self._blobs = blobs
        self._loose = loose
        self._folder = folder
        self._unsynced = folder / "unsynced"  # there while images are not synced whose forms are gone
        self._changed = threading.Condition()
        self._state = _State()

    def recover(self) -> None:
        """Go on with what an earlier server had received."""
        if self._unsynced.exists():
            self._blobs.sync_all()
        for path in sorted(self._folder.iterdir()):
            if path.suffix != _FORM:
                path.unlink(missing_ok=True)
                continue
            with self._changed:
                self._state.leftovers += 1
                self._put(_Form(path, path.stat().st_size, (), frozenset()))

    def accept(self, form: Form) -> list[str]:
        """Take over a form and return the hashes of its images, which are not looked at yet.

        Raises:
            InputError: It is no whole form, or empty.
        """
        with form_parts(form) as parts:
            hashes = [content_hash(part.content)[0] for part in parts]
            size = sum(part.size for part in parts)
        if not hashes:
            raise InputError("The form has no file.", "Send at least one part with an image.")
        path = self._folder / f"{time.time_ns():020}-{uuid4().hex}{_FORM}"
        with self._changed:
            state = self._state
            self._wait_for(lambda: state.bytes + size <= _MOST_BYTES or not state.bytes)
            # Those that are here already are left out when it is stored, so that nobody waits for that look.
            new = frozenset(hashes) - state.pending
            if new:
                form.move(path)
                state.pending |= new
                for digest in new:
                    state.refused.pop(digest, None)
                self._put(_Form(path, size, tuple(hashes), new))
        return hashes

    def pending(self, hashes: Iterable[str]) -> set[str]:
        """Return those of the hashes whose images have come and are not in the store yet."""
        with self._changed:
            return self._state.pending & set(hashes)

    def settled(self, hashes: Sequence[str]) -> Mapping[str, AppError]:
        """Wait until none of the images is on its way; return why some could not be used: hash → reason."""
        with self._changed:
            state = self._state
            self._wait_for(lambda: not (state.leftovers or state.pending.intersection(hashes)))
            return {digest: state.refused[digest] for digest in hashes if digest in state.refused}

    def recent(self, hashes: Iterable[str]) -> dict[str, StoredImage]:
        """Return those of the images that were stored lately; nobody has to look for their files."""
        border = time.monotonic() - _REMEMBERED_SECONDS
        with self._changed:
            found = {digest: self._state.stored[digest] for digest in hashes if digest in self._state.stored}
        return {digest: image for digest, (image, moment) in found.items() if moment > border}

    def close(self) -> None:
        """Stop after the images at hand; what is left is done at the next start. Closing twice does nothing."""
        with self._changed:
            self._state.is_closing = True
            worker, self._state.worker = self._state.worker, None
            self._changed.notify_all()
        if worker is not None:
            worker.join()

    def _wait_for(self, is_so: Callable[[], bool]) -> None:
        """Wait, holding the condition, for what the thread does; it syncs at once as long as anybody waits."""
        state = self._state
        if is_so():
            return
        state.waiting += 1
        self._changed.notify_all()
        try:
            self._changed.wait_for(lambda: state.is_closing or is_so())
        finally:
            state.waiting -= 1

    def _put(self, form: _Form) -> None:
        self._state.forms.append(form)
        self._state.bytes += form.size
        if self._state.worker is None and not self._state.is_closing:
            self._state.worker = threading.Thread(target=self._work, name="uploads", daemon=True)
            self._state.worker.start()
        self._changed.notify_all()

    def _work(self) -> None:
        checks = _checks()
        done: list[_Done] = []
        count = 0
        try:
            while not self._state.is_closing:
                form = self._next(lingers=bool(done))
                if form is not None:
                    done.append(self._store(form, checks))
                    count += len(done[-1].stored)
                    self._drop(form, is_first=len(done) == 1)
                elif not done:
                    checks.close()
                    checks = _checks()
                if done and (form is None or count >= _SYNCED_TOGETHER):
                    self._finish(done)
                    done, count = [], 0
            if done:
                self._finish(done)
        finally:
            checks.close()

    def _next(self, *, lingers: bool) -> _Form | None:
        state = self._state
        with self._changed:
            self._changed.wait_for(
                lambda: state.forms or state.is_closing or (lingers and state.waiting),
                timeout=_LINGER_SECONDS if lingers else _IDLE_SECONDS,
            )
            return state.forms.popleft() if state.forms and not state.is_closing else None

    def _store(self, form: _Form, checks: ImageChecks) -> "_Done":
        try:
            with form_parts(Form(content_type=_content_type(form.path), path=form.path)) as parts:
                hashes = form.images or [content_hash(part.content)[0] for part in parts]
                wanted = (form.hashes or frozenset(hashes)) - self._loose.known(hashes).keys()
                new = {digest: part for digest, part in zip(hashes, parts, strict=True) if digest in wanted}
                return self._place(form, new, checks)
        except Exception as error:  # noqa: BLE001 - the edge of the thread: who waits for these images shall hear of it
            _log.warning("An upload could not be stored: %s", type(error).__name__)
            reason = error if isinstance(error, AppError) else _not_stored(error)
            return _Done(form=form, stored={}, refused=dict.fromkeys(form.hashes, reason))

    def _place(self, form: _Form, new: Mapping[str, Part], checks: ImageChecks) -> "_Done":
        refused: dict[str, AppError] = {}
        fine: dict[str, StoredImage] = {}
        plain: set[str] = set()
        staged: dict[str, str] = {}
        for digest, part in new.items():
            content = part.content
            look = look_at_jpeg(content)
            if look is not None and look.is_plain and look.width * look.height <= MAX_PIXELS:
                plain.add(digest)
                fine[digest] = StoredImage(
                    hash=digest, mime=IMAGE_TYPES["JPEG"], size=len(content), width=look.width, height=look.height
                )
            else:
                staged[digest] = self._stage(content)
        for digest, found in checks.each(list(staged), lambda digest: Path(staged[digest])):
            if isinstance(found, CheckedImage):
                fine[digest] = _stored(digest, new[digest].size, found)
            else:
                refused[digest] = found
                Path(staged[digest]).unlink(missing_ok=True)
        if fine:
            self._loose.note(fine.values())  # first: a file that nobody has written down is never collected
        for digest, image in fine.items():
            if digest in plain:
                self._blobs.put(digest, image.mime, new[digest].content)
            else:
                self._blobs.place(staged[digest], digest, image.mime)
        return _Done(form=form, stored=fine, refused=refused)

    def _stage(self, content: bytes) -> str:
        path = f"{self._folder}/{uuid4().hex}.partial"
        write_new(path, content)
        return path

    def _drop(self, form: _Form, *, is_first: bool) -> None:
        """Remove a form whose images are in place. Before they are synced: its pages would go to the disk with them."""
        with contextlib.suppress(OSError):
            if is_first:
                self._unsynced.touch()
            form.path.unlink(missing_ok=True)

    def _finish(self, done: Sequence["_Done"]) -> None:
        failed: AppError | None = None
        try:
            self._blobs.sync([(image.hash, image.mime) for each in done for image in each.stored.values()])
            self._unsynced.unlink(missing_ok=True)
        except OSError as error:
            failed = _not_stored(error)
        with self._changed:
            state = self._state
            for each in done:
                state.pending -= each.form.hashes
                state.bytes -= each.form.size
                state.leftovers -= not each.form.images
                state.refused |= each.refused if failed is None else dict.fromkeys(each.form.hashes, failed)
                if failed is None:
                    state.stored |= {digest: (image, time.monotonic()) for digest, image in each.stored.items()}
            for memory in (state.refused, state.stored):
                while len(memory) > _MOST_REMEMBERED:
                    memory.popitem(last=False)
            self._changed.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A form whose images are in place, but for the sync."""

    form: _Form
    stored: Mapping[str, StoredImage]
    refused: Mapping[str, AppError]


def _checks() -> ImageChecks:
    return ImageChecks(processes=max(1, (os.cpu_count() or 1) - 1), alone=_ALONE)


def _content_type(form: Path) -> str:
    """Return the type of a form from its first line, which is the boundary."""
    with form.open("rb") as file:
        line = file.readline(300).strip().decode("latin-1")
    return f'multipart/form-data; boundary="{line.removeprefix("--")}"'


def _stored(digest: str, size: int, checked: CheckedImage) -> StoredImage:
    width, height = checked.seen_size
    return StoredImage(hash=digest, mime=IMAGE_TYPES[checked.kind], size=size, width=width, height=height)


def _not_stored(error: Exception) -> StorageError:
    said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return StorageError(f"The uploaded images could not be stored: {said}.", "Check that the disk has space.")
