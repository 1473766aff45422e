"""Reports that Supervisely's SDK has left in Team Files, as pages of this server.

What the SDK writes is a template for Supervisely's own pages (docs/supervisely-api.md 7.2, 7.3). The evaluations that
it tells of are in Team Files too, and the page is made from these, as reports of this server's own tasks are.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from traindash.domain.ids import FileId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.files import replacing
from traindash.platform.services import Services
from traindash.platform.store.files import StoredFile
from traindash.platform.tasks.preparation import evaluated_images, evaluation_source

MOST_EVALUATIONS = 20  # of a comparison
_MOST_BYTES = 2**20  # of a template and of a text of it
_KEPT = 50  # pages
# A comparison says in a text for each model which evaluation report is its own; the template has them in their order
_TEXT = re.compile(r"data/([\w-]{1,200}\.md)\b")
_REPORT = re.compile(r"/model-benchmark\?id=([0-9]{1,18})\b")


class SdkReports:
    """Makes the pages and keeps them. Any thread may use it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def evaluations(self, template: StoredFile) -> tuple[str, ...]:
        """Return the evaluation directories that a report tells of, in its order; none where they are not known."""
        folder = PurePosixPath(template.path).parent
        if self._has_boxes(template.team_id, folder.parent):
            return (str(folder.parent),)
        found: dict[str, None] = {}
        for name in dict.fromkeys(_TEXT.findall(_text(template))):
            text = self._services.files.find(template.team_id, str(folder / "data" / name))
            for number in _REPORT.findall("" if text is None else _text(text)):
                if (evaluation := self._evaluation(template.team_id, FileId(int(number)))) is not None:
                    found[evaluation] = None
        return tuple(found) if len(found) <= MOST_EVALUATIONS else ()

    def page(self, template: StoredFile, evaluations: Sequence[str]) -> Path:
        """Return the page of a report as a file; made unless it is kept. Takes seconds.

        Raises:
            InputError: An evaluation cannot be read.
            NotFoundError: An evaluation is gone.
        """
        target = self._services.layout.reports / f"{self._key(template, evaluations)}.html"
        if not target.is_file():
            try:
                self._make(template.team_id, evaluations, target)
            except InputError as error:
                raise InputError(self._told(template.team_id, evaluations, error.message), error.hint) from error
        return target

    def _told(self, team_id: TeamId, evaluations: Sequence[str], message: str) -> str:
        """Name files by their places in Team Files, not by those on the disk of the server."""
        for folder in evaluations:
            message = message.replace(f"{self._services.files.local_folder(team_id, folder)}", folder)
        return message

    def _make(self, team_id: TeamId, evaluations: Sequence[str], target: Path) -> None:
        # What draws reports takes a tenth of a second to import, and a server starts without it
        from traindash.comparison.comparison_basis import on_fair_basis  # noqa: PLC0415
        from traindash.comparison.folder import compare_experiments, disk_images  # noqa: PLC0415
        from traindash.comparison.report.page import render_report  # noqa: PLC0415

        sources = [evaluation_source(self._services, team_id, folder) for folder in evaluations]
        # Images that one of the models was trained on say nothing about it, as in the comparison app
        comparison, significance = on_fair_basis(compare_experiments(sources))
        images: dict[int, str] = {}
        for folder in evaluations:
            images |= evaluated_images(self._services, team_id, folder)
        names = comparison.labels if len(evaluations) > 1 else [one.full_name for one in comparison.experiments]
        title = " vs. ".join(names)
        page = render_report(
            comparison,
            title=title if len(evaluations) > 1 else f"Evaluation of {title}",
            load=disk_images({image: Path(file) for image, file in images.items()}),
            significance=significance,
        )
        with replacing(target) as partial:
            partial.write_text(page, encoding="utf-8")
        for old in sorted(target.parent.glob("*.html"), key=_changed)[:-_KEPT]:
            old.unlink(missing_ok=True)

    def _key(self, template: StoredFile, evaluations: Sequence[str]) -> str:
        """Return what changes with anything that the page is made from."""
        digest = hashlib.sha256(template.hash.encode())
        for folder in evaluations:
            for file in self._services.files.list(template.team_id, folder):
                if not file.path.startswith(f"{folder}/visualizations/"):
                    digest.update(f"{file.path}\n{file.hash}\n".encode())
        return digest.hexdigest()

    def _evaluation(self, team_id: TeamId, report: FileId) -> str | None:
        """Return the directory of the evaluation that a report belongs to."""
        try:
            file = self._services.files.get(report)
        except NotFoundError:
            return None
        folder = PurePosixPath(file.path).parent.parent
        return str(folder) if file.team_id == team_id and self._has_boxes(team_id, folder) else None

    def _has_boxes(self, team_id: TeamId, folder: PurePosixPath) -> bool:
        """Whether it is an evaluation with matches; that of a semantic segmentation has none."""
        names = (f"{folder}/evaluation/cocoGt.json", f"{folder}/evaluation/cocoDt.json")
        return all(self._services.files.find(team_id, name) is not None for name in names)


def _text(file: StoredFile) -> str:
    try:
        with file.local_path.open("rb") as content:
            return content.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
