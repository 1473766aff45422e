"""Imports under way: one thread works on them in turn; any thread asks and cancels."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from traindash.datasets.archives import archive_stem, unpack
from traindash.datasets.importing import open_import
from traindash.datasets.recognition import Layout, choose, recognise
from traindash.datasets.source import is_image
from traindash.errors import AppError, InputError, StateError, StorageError
from traindash.platform.imports.record import ImportRecord, ImportRecords, ImportState, LayoutRow, report_row
from traindash.platform.parts import Services
from traindash.platform.store.import_scratch import ImportScratch
from traindash.platform.store.project_import import ImportWatch

_MOST_WAITING = 3
"""Imports that wait for a person's choice; with one more the oldest is dropped, with what was unpacked for it."""

_log = logging.getLogger("traindash.platform")


class _CanceledError(Exception):
    """Somebody wants the import to end."""


@dataclass(slots=True, kw_only=True)
class _Job:
    """An import that is not over.

    Attributes:
        origin: The person's folder, or the archive.
        folder: What is read: the folder, or what was unpacked.
        is_ours: The files were unpacked here, so that nobody will write to them again.
    """

    record: ImportRecord
    origin: Path
    scratch: ImportScratch | None
    folder: Path
    is_ours: bool = False
    canceled: threading.Event = field(default_factory=threading.Event)

    def tell(self, phase: str, done: int, total: int | None = None) -> None:
        if self.canceled.is_set():
            raise _CanceledError
        self.record = replace(self.record, phase=phase, done=done, total=total)


class ImportJobs:
    """The imports of a platform.

    Args:
        parts: The platform.
    """

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._records = ImportRecords(parts.layout.imports)
        self._jobs: dict[int, _Job] = {}
        self._lock = threading.RLock()
        self._executor: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Begin to work; what an earlier server left unfinished is marked as such."""
        self._records.close_interrupted()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="import")

    def close(self) -> None:
        """End what runs and leave nothing of it behind. Closing twice does nothing."""
        with self._lock:
            executor, self._executor = self._executor, None
            jobs = tuple(self._jobs.values())
        for job in jobs:
            job.canceled.set()
        if executor is not None:
            executor.shutdown(wait=True)
            for job in tuple(self._jobs.values()):
                self._end(job, replace(job.record, state=ImportState.CANCELED, phase=""))

    def scratch(self) -> ImportScratch:
        """Return a new folder for something that is about to be received."""
        return ImportScratch(self._parts.layout.incoming)

    def inspect(self, path: Path, *, scratch: ImportScratch | None = None) -> ImportRecord:
        """Begin an import: unpack an archive, recognise the layout, then wait for :meth:`start`.

        Args:
            path: A folder or an archive on this machine.
            scratch: The folder that the archive was received in; removed with the import.

        Raises:
            InputError: There is nothing at the path.
            StateError: The platform is closed.
        """
        if not path.exists():
            msg = f"{path} does not exist."
            raise InputError(msg, "Check the path; it must be on the machine that the dashboard runs on.")
        with self._lock:
            record = self._records.new(path.name if scratch else str(path))
            job = _Job(record=replace(record, phase="waiting"), origin=path, scratch=scratch, folder=path)
            self._jobs[record.id] = job
            self._make_room()
            self._submit(job, self._inspect)
        return job.record

    def start(self, import_id: int, *, layout: Layout | None = None, name: str | None = None) -> ImportRecord:
        """Take in what was inspected.

        Args:
            import_id: The import.
            layout: How to read it; ``None`` when there is one way only.
            name: Name of the project; ``None`` takes the one of the source.

        Raises:
            InputError: The layout is not one of those that were recognised, or several were and none is chosen.
            NotFoundError: There is no such import.
            StateError: It was started already, or is over.
        """
        with self._lock:
            record = self.get(import_id)
            job = self._jobs.get(import_id)
            if job is None or record.state is not ImportState.READY:
                msg = f"Import {import_id} cannot be started now; it is {record.state}."
                raise StateError(msg, "Choose the data again to begin a new import.")
            candidate = choose(job.folder, layout)
            job.record = self._records.save(
                replace(
                    record,
                    state=ImportState.RUNNING,
                    layout=candidate.layout.value,
                    name=(name or "").strip() or record.name,
                    phase="waiting",
                )
            )
            self._submit(job, self._take_in)
            return job.record

    def cancel(self, import_id: int) -> ImportRecord:
        """End an import; nothing of it stays. One that is over stays as it is.

        Raises:
            NotFoundError: There is no such import.
        """
        with self._lock:
            job = self._jobs.get(import_id)
            if job is None:
                return self._records.get(import_id)
            job.canceled.set()
            if job.record.state is ImportState.READY:
                self._end(job, replace(job.record, state=ImportState.CANCELED, phase=""))
            return job.record

    def get(self, import_id: int) -> ImportRecord:
        """Return an import.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._lock:
            job = self._jobs.get(import_id)
            return self._records.get(import_id) if job is None else job.record

    def all(self) -> list[ImportRecord]:
        """Return all imports, the newest first."""
        with self._lock:
            running = {number: job.record for number, job in self._jobs.items()}
            return [running.get(record.id, record) for record in self._records.all()]

    def _make_room(self) -> None:
        waiting = [job for job in self._jobs.values() if job.record.state is ImportState.READY]
        for job in waiting[: max(0, len(waiting) - _MOST_WAITING)]:
            self._end(job, replace(job.record, state=ImportState.CANCELED, phase=""))

    def _submit(self, job: _Job, work: Callable[[_Job], ImportRecord]) -> None:
        if self._executor is None:
            self._jobs.pop(job.record.id, None)
            msg = "The server is being stopped."
            raise StateError(msg, "Start it again, then the import.")
        self._executor.submit(self._run, job, work)

    def _run(self, job: _Job, work: Callable[[_Job], ImportRecord]) -> None:
        try:
            job.tell(job.record.phase, 0)
            after = work(job)
        except _CanceledError:
            after = replace(job.record, state=ImportState.CANCELED, phase="")
        except AppError as error:
            after = job.record.failed(error)
        except OSError as error:
            _log.exception("Import %s failed.", job.record.id)
            msg = f"{job.record.source} cannot be read or stored: {error.strerror or 'input or output failed'}."
            after = job.record.failed(StorageError(msg, "Check that the disk has space and the folder can be read."))
        except Exception:  # noqa: BLE001 - the edge of this thread: a mistake of ours becomes a state and a log entry
            _log.exception("Import %s failed.", job.record.id)
            message = AppError("The server made a mistake during the import.", "Its log has the details.")
            after = job.record.failed(message)
        with self._lock:
            if after.state is ImportState.READY and not job.canceled.is_set():
                job.record = self._records.save(after)
            elif after.state is ImportState.READY:
                self._end(job, replace(after, state=ImportState.CANCELED))
            else:
                self._end(job, after)

    def _end(self, job: _Job, record: ImportRecord) -> None:
        """Store the last state; only then is the import no longer among those that run."""
        if job.scratch is not None:
            job.scratch.close()
        with self._lock:
            job.record = self._records.save(record)
            self._jobs.pop(record.id, None)

    def _inspect(self, job: _Job) -> ImportRecord:
        if job.origin.is_file():
            self._unpack(job)
        job.tell("recognising", 0)
        found = recognise(job.folder)
        if not found:
            choose(job.folder)  # raises, and says what would be a layout
        top = found[0].root
        name = archive_stem(job.origin.name) if job.is_ours and top == job.folder else top.name
        layouts = tuple(LayoutRow(layout=item.layout.value, reason=item.reason) for item in found)
        return replace(job.record, state=ImportState.READY, phase="", name=name, layouts=layouts)

    def _unpack(self, job: _Job) -> None:
        scratch = job.scratch or self.scratch()
        job.scratch = scratch
        target = scratch.folder / "unpacked" / archive_stem(job.origin.name)
        size = job.origin.stat().st_size
        unpack(job.origin, target, on_progress=lambda done: job.tell("unpacking", done, max(size, done)))
        if scratch.folder in job.origin.parents:
            job.origin.unlink()
        job.folder, job.is_ours = target, True

    def _take_in(self, job: _Job) -> ImportRecord:
        record = job.record
        if job.scratch is None:
            job.scratch = self.scratch()
        layout = None if record.layout is None else Layout(record.layout)
        job.tell("reading", 0)
        opened = open_import(job.folder, work=job.scratch.folder / "unused", layout=layout)
        total = _count_images(opened.candidate.root, lambda: job.tell("reading", 0))
        read = 0

        def on_image(done: int) -> None:
            nonlocal read
            read = done
            job.tell("reading", done, max(total, done))

        watch = ImportWatch(
            on_image=on_image,
            on_row=lambda done: job.tell("saving", done, read),
        )
        project_id = self._parts.imports.run(
            opened.source, self._parts.accounts.home(), name=record.name or None, link=job.is_ours, watch=watch
        )
        return replace(
            job.record,
            state=ImportState.FINISHED,
            phase="",
            project_id=int(project_id),
            report=report_row(opened.report()),
        )


def _count_images(folder: Path, tick: Callable[[], None]) -> int:
    """Return how many image files there are; images of a layout that names others are more or fewer."""
    total = 0
    for _, _, files in os.walk(folder):
        tick()
        total += sum(is_image(name) for name in files)
    return total
