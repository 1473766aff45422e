"""Images that clients upload: taken in beside the requests, so that a client sends on while they are looked at.

The form of an upload is a file until each of its images has one of its own. A picture whose parts tell all that there
is to know of it is taken in where it lies in its form, and gets a file when somebody wants it or when nobody uploads
any more: making a file takes longer than all the rest. The others get theirs when they were read to their end. Whoever
adds the images waits for them here, and learns which could not be used. A server that was killed goes on at its next
start with the forms that it left.
"""

import contextlib
import logging
import mmap
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
from traindash.datasets.image_look import look_at
from traindash.datasets.pixels import MAX_PIXELS
from traindash.errors import AppError, InputError, StorageError
from traindash.files import write_new
from traindash.platform.multipart import Form, Part, form_parts
from traindash.platform.store.blobs import IMAGE_TYPES, HeldImage, ImageBlobs
from traindash.platform.store.files import content_hash
from traindash.platform.store.loose_images import LooseImages, StoredImage

_IDLE_SECONDS = 20.0  # after which the processes that check images are ended
_LINGER_SECONDS = 0.2  # for which the sync of what was stored waits for more, unless somebody waits for it
_ANSWER_SECONDS = 0.003  # before a form is looked at: its answer goes first, for one thread computes at a time
_QUIET_SECONDS = 5.0  # without a client that uploads, adds or draws, after which images get files of their own
_MOST_BYTES = 256 * 2**20  # of forms; who sends more waits until some of their images have files
_SYNCED_TOGETHER = 5000  # files; one sync for many takes little longer than one for few
_FORMS_SYNCED = 250  # images whose forms are synced while a client sends on, so that few are left to wait for
_MOST_REMEMBERED = 20_000  # images, those that were refused and those that were stored
_REMEMBERED_SECONDS = 3600.0  # far less than what is collected has to be old
_ALONE = 200  # images of one upload that are checked in this process
_UNPACKED_TOGETHER = 50  # images, between which the thread looks for new forms
_FORM = ".form"
_log = logging.getLogger("traindash.platform")


@dataclass(frozen=True, slots=True)
class _Form:
    """A form, and where in it the images are that no other form brings: hash → first byte and number of bytes."""

    path: Path
    size: int
    images: Mapping[str, tuple[int, int]]
    came: float = 0.0  # when


@dataclass(slots=True, kw_only=True, eq=False)
class _Stored:
    """A form whose images are in the store."""

    form: _Form
    images: Mapping[str, StoredImage]
    refused: Mapping[str, AppError]
    left: list[StoredImage] = field(default_factory=list)  # those that may have no file of their own yet
    stays: bool = False  # the disk does not take them


@dataclass(slots=True)
class _State:
    """What threads share; guarded by the condition."""

    forms: deque[_Form] = field(default_factory=deque)  # not looked at yet
    bytes: int = 0  # of all forms that are kept
    pending: set[str] = field(default_factory=set)
    refused: OrderedDict[str, AppError] = field(default_factory=OrderedDict)
    stored: OrderedDict[str, tuple[StoredImage, float]] = field(default_factory=OrderedDict)  # and when
    waiting: int = 0  # who needs what is on its way
    unpacks_now: bool = False  # somebody waits until images have files of their own
    is_closing: bool = False
    worker: threading.Thread | None = None


class Uploads:
    """Takes uploaded images into the store. ``folder`` is for the forms, on the file system of the store."""

    def __init__(self, blobs: ImageBlobs, loose: LooseImages, folder: Path) -> None:
        self._blobs = blobs
        self._loose = loose
        self._folder = folder
        self._changed = threading.Condition()
        self._state = _State()
        self._stirred = 0.0  # when a client was last at it

    def recover(self) -> None:
        """Go on with what an earlier server had received; who asks for its images finds them when this returns."""
        for path in sorted(self._folder.iterdir()):
            form = _left_form(path) if path.suffix == _FORM else None
            if form is None:
                path.unlink(missing_ok=True)
                continue
            # Also those that have a file: it may never have come to the disk, and is compared when they are unpacked.
            for digest, image in self._loose.noted(form.images).items():
                self._hold(form, image)
                self._state.stored[digest] = (image, time.monotonic())
            with self._changed:
                self._state.pending |= form.images.keys()
                self._put(form)

    def accept(self, form: Form) -> list[str]:
        """Take over a form and return the hashes of its images, which are not looked at yet.

        Raises:
            InputError: It is no whole form, or empty.
        """
        with form_parts(form) as parts:
            images = [(content_hash(part.content)[0], part) for part in parts]
            size = sum(part.size for part in parts)
        if not images:
            raise InputError("The form has no file.", "Send at least one part with an image.")
        path = self._folder / f"{time.time_ns():020}-{uuid4().hex}{_FORM}"
        with self._changed:
            state = self._state
            self._wait_for(lambda: state.bytes + size <= _MOST_BYTES or not state.bytes)
            # Those that are here already are left out when it is stored, so that nobody waits for that look.
            new = {digest: (part.start, part.size) for digest, part in images if digest not in state.pending}
            if new:
                form.move(path)
                state.pending |= new.keys()
                for digest in new:
                    state.refused.pop(digest, None)
                self._put(_Form(path, size, new, time.monotonic()))
        return [digest for digest, _ in images]

    def pending(self, hashes: Iterable[str]) -> set[str]:
        """Return those of the hashes whose images have come and are not in the store yet."""
        with self._changed:
            return self._state.pending & set(hashes)

    def settled(self, hashes: Sequence[str]) -> Mapping[str, AppError]:
        """Wait until none of the images is on its way; return why some could not be used: hash → reason."""
        self.stir()
        with self._changed:
            state = self._state
            self._wait_for(lambda: not state.pending.intersection(hashes))
            return {digest: state.refused[digest] for digest in hashes if digest in state.refused}

    def recent(self, hashes: Iterable[str]) -> dict[str, StoredImage]:
        """Return those of the images that were stored lately; nobody has to look for their files."""
        border = time.monotonic() - _REMEMBERED_SECONDS
        with self._changed:
            found = {digest: self._state.stored[digest] for digest in hashes if digest in self._state.stored}
        return {digest: image for digest, (image, moment) in found.items() if moment > border}

    def stir(self) -> None:
        """Say that a client goes on with its images: they get files of their own when it is through."""
        self._stirred = time.monotonic()

    def unpack(self) -> None:
        """Wait until every image that has come has a file of its own, and no form is left."""
        with self._changed:
            state = self._state
            state.unpacks_now = True
            self._wait_for(lambda: not state.bytes)
            state.unpacks_now = False

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
        self.stir()
        self._state.forms.append(form)
        self._state.bytes += form.size
        if self._state.worker is None and not self._state.is_closing:
            self._state.worker = threading.Thread(target=self._work, name="uploads", daemon=True)
            self._state.worker.start()
        self._changed.notify_all()

    def _work(self) -> None:
        checks = _checks()
        unsynced: list[_Stored] = []  # forms whose images are in the store, but for the sync of the forms
        packed: deque[_Stored] = deque()  # those that are synced, and have images without files
        unpacked: list[_Stored] = []  # and those whose images have files, but for their sync
        try:
            while not self._state.is_closing:
                form = self._next(lingers=bool(unsynced), has_packed=bool(packed))
                is_quiet = form is None and not unsynced and not self._state.is_closing
                if form is not None:
                    unsynced.append(self._store(form, checks))
                if unsynced and (form is None or _count(unsynced) >= _FORMS_SYNCED):
                    packed += self._finish(unsynced)
                    unsynced = []
                elif is_quiet and packed:
                    if self._unpack_some(packed[0]):
                        unpacked.append(packed.popleft())
                elif is_quiet:
                    checks.close()
                    checks = _checks()
                if unpacked and (not packed or _count(unpacked) >= _SYNCED_TOGETHER):
                    self._drop(unpacked)
                    unpacked = []
            if unsynced:
                self._finish(unsynced)
        finally:
            checks.close()

    def _next(self, *, lingers: bool, has_packed: bool) -> _Form | None:
        """Return the next form when it comes, ``None`` when it is time for something else."""
        state = self._state
        unpacks = has_packed and not lingers

        def quiet_in() -> float:
            if state.unpacks_now or state.bytes > _MOST_BYTES // 2:
                return 0.0
            return self._stirred + _QUIET_SECONDS - time.monotonic()

        until = time.monotonic() + (_LINGER_SECONDS if lingers else _IDLE_SECONDS)

        def left() -> float:
            if state.is_closing or ((state.forms or lingers) and state.waiting):
                return 0.0
            if state.forms:
                return state.forms[0].came + _ANSWER_SECONDS - time.monotonic()
            return quiet_in() if unpacks else until - time.monotonic()

        with self._changed:
            while (seconds := left()) > 0:
                self._changed.wait(seconds)
            return state.forms.popleft() if state.forms and not state.is_closing else None

    def _store(self, form: _Form, checks: ImageChecks) -> _Stored:
        try:
            known = self._loose.known(form.images)
            with form.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                new = {
                    digest: Part("", "", whole, start, start + size)
                    for digest, (start, size) in form.images.items()
                    if digest not in known
                }
                return self._take_in(form, known, new, checks)
        except Exception as error:  # noqa: BLE001 - the edge of the thread: who waits for these images shall hear of it
            _log.warning("An upload could not be stored: %s", type(error).__name__)
            self._blobs.forget(form.path, form.images)
            reason = error if isinstance(error, AppError) else _not_stored(error)
            return _Stored(form=form, images={}, refused=dict.fromkeys(form.images, reason))

    def _take_in(
        self, form: _Form, known: Mapping[str, StoredImage], new: Mapping[str, Part], checks: ImageChecks
    ) -> _Stored:
        refused: dict[str, AppError] = {}
        fine: dict[str, StoredImage] = {}
        staged: dict[str, str] = {}
        for digest, part in new.items():
            content = part.content
            look = look_at(content)
            if look is not None and look.is_plain and look.width * look.height <= MAX_PIXELS:
                fine[digest] = StoredImage(
                    hash=digest, mime=IMAGE_TYPES[look.kind], size=part.size, width=look.width, height=look.height
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
            if digest in staged:
                self._blobs.place(staged[digest], digest, image.mime)
            else:
                self._hold(form, image)
        images = {**known, **fine}
        return _Stored(form=form, images=images, refused=refused, left=list(images.values()))

    def _hold(self, form: _Form, image: StoredImage) -> None:
        start, size = form.images[image.hash]
        self._blobs.hold(image.hash, HeldImage(pack=form.path, start=start, size=size, mime=image.mime))

    def _stage(self, content: bytes) -> str:
        path = f"{self._folder}/{uuid4().hex}.partial"
        write_new(path, content)
        return path

    def _finish(self, stored: Sequence[_Stored]) -> list[_Stored]:
        """Sync forms and tell who waits for their images; return those that are still needed."""
        failed: AppError | None = None
        try:
            self._blobs.sync_paths([each.form.path for each in stored if each.images])
        except OSError as error:
            failed = _not_stored(error)
        needed = [each for each in stored if each.images and failed is None]
        for each in stored:
            if each not in needed:
                self._blobs.forget(each.form.path, each.form.images)
                _remove(each.form)
        with self._changed:
            state = self._state
            for each in stored:
                state.pending -= each.form.images.keys()
                state.bytes -= 0 if each in needed else each.form.size
                state.refused |= each.refused if failed is None else dict.fromkeys(each.form.images, failed)
                if failed is None:
                    state.stored |= {digest: (image, time.monotonic()) for digest, image in each.images.items()}
            for memory in (state.refused, state.stored):
                while len(memory) > _MOST_REMEMBERED:
                    memory.popitem(last=False)
            self._changed.notify_all()
        return needed

    def _unpack_some(self, stored: _Stored) -> bool:
        """Give some of the images of a form files of their own; return whether it was the last of them."""
        some, stored.left = stored.left[:_UNPACKED_TOGETHER], stored.left[_UNPACKED_TOGETHER:]
        try:
            for image in some:
                self._blobs.unpack(image.hash)
        except OSError as error:  # they stay where they are, and the next start tries again
            _log.warning("Uploaded images got no files of their own: %s", _not_stored(error).message)
            stored.left, stored.stays = [], True
        return not stored.left

    def _drop(self, stored: Sequence[_Stored]) -> None:
        """Sync the files of images and remove the forms that they came in."""
        try:
            files = [(image.hash, image.mime) for each in stored if not each.stays for image in each.images.values()]
            self._blobs.sync(files)
        except OSError as error:
            _log.warning("Uploaded images could not be synced: %s", _not_stored(error).message)
        else:
            for each in stored:
                if not each.stays:
                    _remove(each.form)
        with self._changed:
            self._state.bytes -= sum(each.form.size for each in stored)
            self._changed.notify_all()


def _checks() -> ImageChecks:
    return ImageChecks(processes=max(1, (os.cpu_count() or 1) - 1), alone=_ALONE)


def _count(stored: Sequence[_Stored]) -> int:
    return sum(len(each.images) for each in stored)


def _remove(form: _Form) -> None:
    with contextlib.suppress(OSError):
        form.path.unlink(missing_ok=True)


def _left_form(path: Path) -> _Form | None:
    """Read a form that an earlier server has left; ``None`` for one that is damaged."""
    try:
        with form_parts(Form(content_type=_content_type(path), path=path)) as parts:
            images = {content_hash(part.content)[0]: (part.start, part.size) for part in parts}
    except InputError as error:  # the power failed before it was synced, so nobody was told that its images are here
        _log.warning("An upload that was under way is lost: %s", error.message)
        return None
    return _Form(path, sum(size for _, size in images.values()), images)


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
