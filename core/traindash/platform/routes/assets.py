"""What browsers fetch without a key: images, thumbnails and files under addresses that cannot be made up; redirects."""

import asyncio
import hmac
from collections.abc import Callable
from concurrent.futures import Executor
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from traindash.domain.ids import FileId
from traindash.errors import AppError, NotFoundError
from traindash.platform.parts import Services
from traindash.platform.routes.files import file_response
from traindash.platform.routes.previews import parse_preview, preview_file
from traindash.platform.store.blobs import URL_FOLDER
from traindash.platform.wire import error_response

_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_TASK_FOLDERS = ("experiments", "model-benchmark")


class Assets:
    """Handlers for images, files and redirects.

    Args:
        parts: The platform.
        executor: Threads for disk work.
    """

    def __init__(self, parts: Services, executor: Executor) -> None:
        self._parts = parts
        self._executor = executor

    def routes(self) -> list[Route]:
        """Return the routes; they win over pages of the dashboard with the same address."""
        preview = f"/previews/q/{{extension}}/{{resize}}/{{quality}}/plain/{URL_FOLDER}/{{name}}"
        return [
            Route(f"/{URL_FOLDER}/{{name}}", self._image),
            Route(preview, self._preview),
            Route("/storage/files/{key}/{name}", self._file),
            Route("/apps/sessions/{task:int}", self._session),
            Route("/files/{file:int}", self._file_page),
            Route("/files/", self._folder_page),
        ]

    async def _image(self, request: Request) -> Response:
        def answer() -> Response:
            path, mime = self._parts.blobs.resolve(request.path_params["name"])
            return FileResponse(path, media_type=mime, headers=_FOREVER)

        return await self._answer(answer)

    async def _preview(self, request: Request) -> Response:
        def answer() -> Response:
            params = request.path_params
            spec = parse_preview(params["extension"], params["resize"], params["quality"])
            source, _ = self._parts.blobs.resolve(params["name"])
            path = preview_file(self._parts.layout.previews, source, spec)
            return FileResponse(path, media_type=spec.mime, headers=_FOREVER)

        return await self._answer(answer)

    async def _file(self, request: Request) -> Response:
        def answer() -> Response:
            number, _, seal = request.path_params["key"].partition("-")
            is_number = number.isascii() and number.isdecimal() and len(number) < 19  # noqa: PLR2004 - digits of an id
            if not is_number or not hmac.compare_digest(
                seal.encode(), self._parts.blobs.seal(f"file {number}").encode()
            ):
                msg = "There is no such file."
                raise NotFoundError(msg)
            return file_response(self._parts.files.get(FileId(int(number))))

        return await self._answer(answer)

    async def _session(self, request: Request) -> Response:
        return RedirectResponse(f"/task?task={request.path_params['task']}", 302)

    async def _file_page(self, request: Request) -> Response:
        def answer() -> Response:
            return RedirectResponse(page_of_path(self._parts.files.get(FileId(request.path_params["file"])).path), 302)

        return await self._answer(answer)

    async def _folder_page(self, request: Request) -> Response:
        return RedirectResponse(page_of_path(request.query_params.get("path", "/")), 302)

    async def _answer(self, function: Callable[[], Response]) -> Response:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function)
        except AppError as error:
            return error_response(error)


def page_of_path(path: str) -> str:
    """Return the dashboard's page about a place in Team Files: the task that wrote it, or all experiments."""
    names = [name for name in path.split("/") if name]
    if len(names) > 2 and names[0] in _TASK_FOLDERS:  # noqa: PLR2004 - /experiments/<project>/<task>_<framework>
        task = names[2].partition("_")[0]
        if task.isascii() and task.isdecimal():
            return f"/task?task={quote(task)}"
    return "/experiments"
