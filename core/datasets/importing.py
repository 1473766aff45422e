"""From a folder or archive of unknown layout to a project that can be taken in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.datasets.archives import unpack
from core.datasets.coco_format import open_coco
from core.datasets.inspection import inspected
from core.datasets.problems import ImportReport, ProblemLog
from core.datasets.recognition import Candidate, Layout, choose
from core.datasets.source import ProjectSource
from core.datasets.supervisely_format import open_project
from core.datasets.yolo_format import open_yolo
from core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImport:
    """A project to take in.

    Attributes:
        source: Gives only what can be used.
        candidate: How it was read.
    """

    source: ProjectSource
    candidate: Candidate
    log: ProblemLog

    def report(self) -> ImportReport:
        """Return what was taken and what was not; complete after one walk over all images and collections."""
        return self.log.report(tuple(item.name for item in self.source.meta.classes))


def open_import(
    path: Path,
    *,
    work: Path,
    layout: Layout | None = None,
    on_unpacked: Callable[[int], None] | None = None,
) -> OpenedImport:
    """Open a folder or an archive, in whatever layout it is.

    Args:
        path: A folder, which is only read, or an archive.
        work: A folder that does not exist yet; an archive is unpacked there. The caller removes it.
        layout: The person's choice; ``None`` lets the content decide.
        on_unpacked: Called with the bytes unpacked so far; what it raises ends the import.

    Raises:
        InputError: The archive is refused, the layout is not known or not certain, or its main file is not valid.
    """
    folder = path
    if path.is_file():
        unpack(path, work, on_progress=on_unpacked)
        folder = work
    elif not path.exists():
        msg = f"{path} does not exist."
        raise InputError(msg, "Check the path; it must be on the machine that the dashboard runs on.")
    candidate = choose(folder, layout)
    log = ProblemLog()
    return OpenedImport(source=inspected(open_layout(candidate, log), log), candidate=candidate, log=log)


def open_layout(candidate: Candidate, log: ProblemLog) -> ProjectSource:
    """Open a folder whose layout is known; nothing is checked yet.

    Raises:
        InputError: Its main file is not valid.
    """
    match candidate.layout:
        case Layout.SUPERVISELY:
            return open_project(candidate.root, log)
        case Layout.COCO:
            return open_coco(candidate.root, log)
        case Layout.YOLO:
            return open_yolo(candidate.root, log)
