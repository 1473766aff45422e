"""Reports as pages: ``/model-benchmark?id=<file id>``.

Supervisely names a report by the Team Files id of its ``template.vue``. Trainers here write a self-contained
``report.html`` beside it, and that is what a browser gets: in a sandbox, since it holds what was made from data, with
its own inline scripts and styles and nothing from anywhere else.
"""

import asyncio
import html
from concurrent.futures import Executor
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from traindash.domain.ids import FileId
from traindash.errors import AppError, NotFoundError
from traindash.platform.parts import Services
from traindash.platform.store.files import StoredFile

REPORT_FILE = "report.html"
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_PLAIN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_PROBLEM_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1.5rem }}
</style></head><body><main><h1>{title}</h1><p>{message}</p><p>{hint}</p>
<p><a href="/experiments">Open the experiments</a></p></main></body></html>
"""


class Reports:
    """Handler for reports.

    Args:
        parts: The platform.
        executor: Threads for disk work.
    """

    def __init__(self, parts: Services, executor: Executor) -> None:
        self._parts = parts
        self._executor = executor

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/model-benchmark", self._report)]

    async def _report(self, request: Request) -> Response:
        wanted = request.query_params.get("id", "")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._page, wanted)

    def _page(self, wanted: str) -> Response:
        try:
            content = self._find(wanted).local_path.read_bytes()
        except AppError as error:
            return _problem_page("Report not found", error.message, error.hint, 404)
        except OSError:
            return _problem_page("Report not found", "The file of this report is gone.", "Run the task again.", 404)
        return HTMLResponse(content, headers={"Content-Security-Policy": REPORT_POLICY})

    def _find(self, wanted: str) -> StoredFile:
        if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 19):  # noqa: PLR2004 - digits of an id
            msg = "The address names no report."
            raise NotFoundError(msg, "Use the link that the task or the experiment shows.")
        named = self._parts.files.get(FileId(int(wanted)))
        beside = str(PurePosixPath(named.path).with_name(REPORT_FILE))
        report = self._parts.files.find(named.team_id, beside)
        if report is None:
            msg = f"The file {named.path} is not part of a report."
            raise NotFoundError(msg, "Use the link that the task or the experiment shows.")
        return report


def _problem_page(title: str, message: str, hint: str, status: int) -> Response:
    content = _PROBLEM_PAGE.format(title=html.escape(title), message=html.escape(message), hint=html.escape(hint))
    return HTMLResponse(content, status, headers={"Content-Security-Policy": _PLAIN_POLICY})
