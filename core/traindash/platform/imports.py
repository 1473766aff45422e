"""Imports: an archive or a folder is unpacked, recognised, and taken in as a project when a person says so."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import msgspec

from traindash.datasets.archives import archive_stem, unpack
from traindash.datasets.first_look import look_at
from traindash.datasets.image_checks import ImageChecks
from traindash.datasets.image_files import is_image
from traindash.datasets.importing import FORMATS, Candidate, Layout, OpenedImport, choose, open_import, recognise
from traindash.domain.ids import ImportId, ProjectId
from traindash.domain.jobs import DataImport, FirstLook, JobStatus, RecognisedLayout
from traindash.errors import InputError, NotFoundError, StateError, StorageError
from traindash.platform.garbage import without_full_collections
from traindash.platform.home import HomeLayout, read_token
from traindash.platform.jobs import JobKind, Jobs, Running
from traindash.platform.services import Services
from traindash.platform.store.import_scratch import ImportScratch
from traindash.platform.store.project_import import UNWATCHED, ImportWatch
from traindash.platform.wire import shortened

# imports that wait for a person's choice; with one more the oldest is dropped, with what was unpacked for it
_MOST_WAITING = 3
_KIND = JobKind(
    name="import", type=DataImport, doing="bringing the data in", again="Nothing of it was kept. Start it again."
)


@dataclass(slots=True, kw_only=True)
class _Origin:
    """Where the data of an import are."""

    path: Path  # the person's folder, or the archive
    scratch: ImportScratch | None  # what there is only while the import is not over
    folder: Path  # what is read: the folder, or what was unpacked
    is_ours: bool = False  # the files were unpacked here, so that nobody will write to them again
    # What a look at them found, or why they cannot be read so
    looks: dict[Layout, FirstLook | InputError] = field(default_factory=dict)


class Imports:
    """The imports of a platform."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._jobs = Jobs(services.database, _KIND, self._tidy)
        self._origins: dict[int, _Origin] = {}

    def open(self) -> None:
        """Begin to work; what an earlier server left unfinished is marked as such."""
        folder = self._services.layout.imports
        self._jobs.open(_earlier_imports(folder))
        # In the table by now; a crash before this line takes them in once more, which changes nothing.
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End what runs and leave nothing of it behind. Closing twice does nothing."""
        self._jobs.close()

    def scratch(self) -> ImportScratch:
        """Return a new folder for something that is about to be received."""
        return ImportScratch(self._services.layout.incoming)

    def inspect(self, path: Path, *, scratch: ImportScratch | None = None) -> DataImport:
        """Begin an import: unpack an archive, recognise the layout, then wait for :meth:`start`.

        ``path`` is a folder or an archive on this machine; ``scratch``, the folder that the archive was received in, is
        removed with the import.

        Raises:
            InputError: There is nothing at the path.
            StateError: The platform is closed.
        """
        if not (path.is_dir() or path.is_file()):  # devices and pipes have no end
            what = "is no folder and no file" if path.exists() else "does not exist"
            msg = f"{shortened(str(path))} {what}."
            raise InputError(msg, "Check the path; it must be on the machine that the dashboard runs on.")
        waiting = [job.id for job in self._jobs.all() if job.status is JobStatus.READY]
        for import_id in waiting[_MOST_WAITING:]:
            self._jobs.cancel(import_id)

        def make(number: int) -> DataImport:
            self._origins[number] = _Origin(path=path, scratch=scratch, folder=path)
            source = path.name if scratch else str(path)
            return DataImport(id=ImportId(number), status=JobStatus.INSPECTING, step="waiting", source=source)

        return self._jobs.begin(make, self._inspect)

    def start(self, import_id: int, *, layout: Layout | None = None, name: str | None = None) -> DataImport:
        """Take in what was inspected.

        ``layout`` says how to read it, ``None`` when there is one way only; without a name the project gets the
        source's.

        Raises:
            InputError: The layout is not one of those that were recognised, or several were and none is chosen.
            NotFoundError: There is no such import.
            StateError: It was started already, or is over.
        """
        ready = self._jobs.get(import_id)
        origin = self._origins.get(import_id)
        if origin is None or ready.status is not JobStatus.READY:
            msg = f"Import {import_id} cannot be started now; it is {ready.status}."
            raise StateError(msg, "Choose the data again to begin a new import.")
        chosen = choose(origin.folder, layout).layout
        named = (name or "").strip() or ready.name
        return self._jobs.go_on(
            replace(ready, status=JobStatus.RUNNING, step="waiting", layout=chosen.value, name=named), self._take_in
        )

    def look(self, import_id: int, layout: Layout) -> FirstLook:
        """Return what the data of an import look like in a layout.

        Raises:
            InputError: They cannot be read in it; says why.
            StateError: The import does not wait for a decision.
        """
        origin = self._origins.get(import_id)
        if origin is None or self._jobs.get(import_id).status is not JobStatus.READY:
            raise StateError(f"Import {import_id} does not wait for a decision.", "Choose the data again.")
        if layout not in origin.looks:
            try:
                with without_full_collections():
                    origin.looks[layout] = look_at(choose(origin.folder, layout))
            except InputError as error:
                origin.looks[layout] = error
        found = origin.looks[layout]
        if isinstance(found, InputError):
            raise found
        return found

    def cancel(self, import_id: int) -> DataImport:
        """End an import; nothing of it stays. One that is over stays as it is.

        Raises:
            NotFoundError: There is no such import.
        """
        return self._jobs.cancel(import_id)

    def get(self, import_id: int) -> DataImport:
        """Return an import.

        Raises:
            NotFoundError: There is none with this id.
        """
        return self._jobs.get(import_id)

    def all(self) -> Iterator[DataImport]:
        """Yield all imports, the newest first."""
        return self._jobs.all()

    def _tidy(self, import_id: int) -> None:
        origin = self._origins.pop(import_id, None)
        if origin is not None and origin.scratch is not None:
            origin.scratch.close()

    def _inspect(self, running: Running[DataImport]) -> DataImport:
        origin = self._origins[running.job.id]
        with _disk_errors(running.job.source):
            if origin.path.is_file():
                self._unpack(origin, running)
            running.tell(replace(running.job, step="recognising", done=0, total=None))
            found = recognise(origin.folder)
        if not found:
            choose(origin.folder)  # raises, and says what would be a layout
        top = found[0].root
        name = archive_stem(origin.path.name) if origin.is_ours and top == origin.folder else top.name
        layouts = tuple(
            RecognisedLayout(name=item.layout.value, title=FORMATS[item.layout].title, reason=item.reason)
            for item in found
        )
        # Told before the look, so that data which are refused in it say what they were taken for.
        running.tell(replace(running.job, step="looking", layouts=layouts))
        with without_full_collections():
            self._look_at_all(origin, found, running)
        return replace(running.job, status=JobStatus.READY, step="", name=name)

    def _look_at_all(self, origin: _Origin, found: tuple[Candidate, ...], running: Running[DataImport]) -> None:
        """Look at the data in each layout they seem to have.

        Raises:
            InputError: They can be read in none of them.
        """
        for candidate in found:
            running.tell(running.job)
            try:
                origin.looks[candidate.layout] = look_at(candidate)
            except InputError as error:
                origin.looks[candidate.layout] = error
        refusals = [look for look in origin.looks.values() if isinstance(look, InputError)]
        if len(refusals) == len(found):
            raise refusals[0]

    def _unpack(self, origin: _Origin, running: Running[DataImport]) -> None:
        scratch = origin.scratch = origin.scratch or self.scratch()
        target = scratch.folder / "unpacked" / archive_stem(origin.path.name)
        size = origin.path.stat().st_size
        unpack(
            origin.path,
            target,
            on_progress=lambda done: running.tell(
                replace(running.job, step="unpacking", done=done, total=max(size, done))
            ),
        )
        # It was uploaded; what is unpacked needs the room.
        if scratch.folder in origin.path.parents:
            origin.path.unlink()
        origin.folder, origin.is_ours = target, True

    def _take_in(self, running: Running[DataImport]) -> DataImport:
        asked, origin = running.job, self._origins[running.job.id]
        scratch = origin.scratch = origin.scratch or self.scratch()
        blobs = self._services.blobs
        with (
            _disk_errors(asked.source),
            without_full_collections(),
            ImageChecks(contents=blobs.contents(scratch.folder, link=origin.is_ours)) as checks,
        ):
            layout = None if asked.layout is None else Layout(asked.layout)
            running.tell(replace(asked, step="reading", done=0, total=None))
            opened = open_import(origin.folder, work=scratch.folder / "unused", layout=layout, checks=checks)
            # Counting first costs a look into each folder; without it a person would see no share of what is done.
            total = _count_images(opened.candidate.root, lambda: running.tell(running.job))

            def on_image(done: int) -> None:
                running.tell(replace(running.job, done=done, total=max(total, done)))

            def on_row(done: int) -> None:
                read = running.job.done if running.job.step == "reading" else running.job.total
                running.tell(replace(running.job, step="saving", done=done, total=read))

            ended = running.job

            def finish(connection: Connection, project_id: ProjectId) -> None:
                nonlocal ended
                ended = replace(
                    running.job, status=JobStatus.FINISHED, step="", project_id=project_id, report=opened.report()
                )
                self._jobs.write_end(connection, ended)

            self._services.imports.run(
                opened.source,
                self._services.accounts.home(),
                name=asked.name or None,
                link=origin.is_ours,  # a link costs nothing, and a copy protects what others may still write to
                watch=ImportWatch(on_image=on_image, on_row=on_row, on_read=opened.refuse_nothing),
                also=finish,
            )
        return ended


@contextmanager
def _disk_errors(source: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{source} cannot be read or stored: {error.strerror or 'input or output failed'}."
        raise StorageError(msg, "Check that the disk has space and the folder can be read.") from error


def _count_images(folder: Path, tick: Callable[[], None]) -> int:
    """Return how many image files there are; images of a layout that names others are more or fewer."""
    total = 0
    for _, _, files in os.walk(folder):
        tick()
        total += sum(is_image(name) for name in files)
    return total


def _earlier_imports(folder: Path) -> Iterator[DataImport]:
    """Yield the imports that versions before the table of jobs kept: a JSON file each, in camelCase.

    Files that are damaged are passed over; they were a history to look at, nothing depends on them.
    """
    for path in folder.glob("*.json"):
        try:
            known = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
            report = known.get("report")
            if report is not None:
                report["classes"] = {item["name"]: item["objects"] for item in report["classes"]}
            layouts = [{**item, "name": item["layout"]} for item in known.get("layouts", ())]
            renamed = {
                "status": known["state"],
                "step": known.get("phase", ""),
                "project_id": known.get("projectId"),
                "layouts": layouts,
            }
            yield msgspec.convert({**known, **renamed}, DataImport)
        except (OSError, KeyError, TypeError, msgspec.MsgspecError):
            continue


def import_path(
    home: Path, path: Path, *, name: str | None = None, layout: Layout | None = None
) -> tuple[ProjectId, OpenedImport]:
    """Import a project from the command line, whether a server runs on the data directory or not.

    A server must have been started on it once. ``path`` is a folder, which is only read, or an archive. The project is
    named as the source by default; a number is added when the name is taken. Without a layout, the content decides how
    the folder is to be read.

    Returns:
        The project, and how it was read, with the report.

    Raises:
        InputError: The folder or archive cannot be used. Nothing is left behind.
        NotFoundError: No server was ever started on the data directory.
    """
    places = HomeLayout(home.absolute())
    read_token(places.token)
    if not places.database.is_file():
        raise NotFoundError(f"{places.root} has no database yet.", "Start the dashboard once.")
    services = Services(home, address="", environment={})
    services.database.open()
    places.incoming.mkdir(exist_ok=True)
    try:
        # On the disk of the data directory: what an archive holds may be more than a temporary folder takes.
        with (
            ImportScratch(places.incoming) as scratch,
            ImageChecks(contents=services.blobs.contents(scratch.folder, link=path.is_file())) as checks,
        ):
            work = scratch.folder / archive_stem(path.name)
            opened = open_import(path, work=work, layout=layout, checks=checks)
            watch = replace(UNWATCHED, on_read=opened.refuse_nothing)
            project = services.imports.run(
                opened.source, services.accounts.home(), name=name, link=path.is_file(), watch=watch
            )
            return project, opened
    finally:
        services.database.close()
