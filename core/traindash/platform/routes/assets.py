"""What browsers fetch without a key: images, thumbnails and files under addresses that cannot be made up; redirects."""

import hmac
import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from PIL import Image as Pillow
from PIL import ImageOps
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from traindash.datasets.pixels import opened
from traindash.domain.ids import FileId
from traindash.errors import AppError, InputError, NotFoundError
from traindash.files import replacing
from traindash.platform.routes.endpoint import fault_response
from traindash.platform.routes.files import file_response
from traindash.platform.routes.workload import BusyError, Lane, Workload
from traindash.platform.sdk_reports import SdkReports
from traindash.platform.services import Services
from traindash.platform.store.blobs import URL_FOLDER
from traindash.platform.store.files import StoredFile
from traindash.platform.tasks.preparation import REPORT_FILE, TEMPLATE

# The address has the hash of the content: what is under it can never change.
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_TASK_FOLDERS = ("experiments", "model-benchmark")
# A report is made from data, names among them. Without ``allow-same-origin`` its scripts can read neither the dashboard
# nor the API, even where something in it was not escaped.
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
<p><a href="{link}">{words}</a></p></main></body></html>
"""
_TASKS = re.compile(r"(?:^| vs )([0-9]{1,18})_")  # in the name of a comparison, `<task>_<app> vs <task>_<app>`


class Assets:
    """Handlers for what is under addresses of its own, beside the API.

    ``workload`` has threads for disk work; never the event loop's own, which static files need too.
    """

    def __init__(self, services: Services, workload: Workload) -> None:
        self._services = services
        self._workload = workload
        self._sdk_reports = SdkReports(services)

    def routes(self) -> list[Route]:
        """Return the routes; they win over pages of the dashboard with the same address."""
        preview = f"/previews/q/{{extension}}/{{resize}}/{{quality}}/plain/{URL_FOLDER}/{{name}}"
        return [
            self._route(f"/{URL_FOLDER}/{{name}}", self._image),
            self._route(preview, self._preview, self._workload.pictures),
            self._route("/storage/files/{key}/{name}", self._file),
            # Addresses of Supervisely's pages, which clients print and keep in files (docs/supervisely-api.md 5.3).
            self._route("/apps/sessions/{task:int}", self._session),
            self._route("/projects/{project:int}", self._project),
            self._route("/projects/{project:int}/{part:path}", self._project),
            self._route("/app/images/{team:int}/{workspace:int}/{project:int}/{dataset:int}", self._project),
            self._route("/files/{file:int}", self._file_page),
            self._route("/files/", self._folder_page),
            Route("/model-benchmark", self._report),
        ]

    def _route(self, path: str, handle: Callable[[Request], Response], lane: Lane | None = None) -> Route:
        chosen = self._workload.short if lane is None else lane

        async def endpoint(request: Request) -> Response:
            try:
                return await chosen.run(lambda: handle(request))
            except Exception as error:  # noqa: BLE001 - the edge: whatever went wrong becomes JSON
                what = f"The address {ascii(request.url.path)[:100]}"
                return fault_response(error, what, self._services.layout.root)

        return Route(path, endpoint)

    def _image(self, request: Request) -> Response:
        path, mime = self._services.blobs.resolve(request.path_params["name"])
        return FileResponse(path, media_type=mime, headers=_FOREVER)

    def _preview(self, request: Request) -> Response:
        params = request.path_params
        spec = _parse_preview(params["extension"], params["resize"], params["quality"])
        source, _ = self._services.blobs.resolve(params["name"])
        drawn_on = self._services.images.size_of_content(bytes.fromhex(source.stem))
        path = _preview_file(self._services.layout.previews, source, spec, drawn_on)
        return FileResponse(path, media_type=spec.mime, headers=_FOREVER)

    def _file(self, request: Request) -> Response:
        number, _, seal = request.path_params["key"].partition("-")
        known = self._services.blobs.seal(f"file {number}")
        if not _is_id(number) or not hmac.compare_digest(seal.encode(), known.encode()):
            raise NotFoundError("There is no such file.")
        return file_response(self._services.files.get(FileId(int(number))))

    def _session(self, request: Request) -> Response:
        return RedirectResponse(f"/task?task={request.path_params['task']}", 302)

    def _project(self, request: Request) -> Response:
        return RedirectResponse(f"/project?project={request.path_params['project']}", 302)

    def _file_page(self, request: Request) -> Response:
        return RedirectResponse(page_of_path(self._services.files.get(FileId(request.path_params["file"])).path), 302)

    def _folder_page(self, request: Request) -> Response:
        return RedirectResponse(page_of_path(request.query_params.get("path", "/")), 302)

    async def _report(self, request: Request) -> Response:
        """Show the report that belongs to a file of Team Files.

        Supervisely names a report by the id of its ``template.vue``. Trainers here write a self-contained
        ``report.html`` beside it, and that is what a browser gets: in a sandbox, since it holds what was made from
        data, with its own inline scripts and styles and nothing from anywhere else. For one that the SDK has written
        the page is made here, which computes.
        """
        short, wanted = self._workload.short.run, request.query_params.get("id", "")
        try:
            found = await short(lambda: self._find_report(wanted))
            if PurePosixPath(found.path).name == TEMPLATE:
                return await self._sdk_report(found)
            content = await short(found.local_path.read_bytes)
        except AppError as error:
            return _page(error.message, error.hint)
        except OSError:
            return _page("The file of this report is gone.", "Run the task again.")
        except Exception as error:  # noqa: BLE001 - the edge, as above
            return fault_response(error, "The report", self._services.layout.root)
        return HTMLResponse(content, headers={"Content-Security-Policy": REPORT_POLICY})

    async def _sdk_report(self, template: StoredFile) -> Response:
        reports = self._sdk_reports
        evaluations = await self._workload.short.run(lambda: reports.evaluations(template))
        folder = PurePosixPath(template.path).parent
        why = f"Its files are in Team Files below {folder}, but its evaluations are not there."
        if evaluations:
            try:
                page = await self._workload.heavy.run(lambda: reports.page(template, evaluations).read_bytes())
                return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})
            except BusyError as error:
                return _page(error.message, error.hint)
            except AppError as error:
                why = (
                    f"Its files are in Team Files below {folder}, but its evaluations cannot be shown: {error.message}"
                )
        return _page(
            f"This report was made with Supervisely's SDK. {why}",
            "The pages of a Supervisely server can draw it from its own files.",
            _compare_link(template.path),
            title="A report for Supervisely",
        )

    def _find_report(self, wanted: str) -> StoredFile:
        """Return the page of a report, or its template where the SDK has made it."""
        if not _is_id(wanted):
            raise NotFoundError("The address names no report.", "Use the link that the task or the experiment shows.")
        named = self._services.files.get(FileId(int(wanted)))
        for name in (REPORT_FILE, TEMPLATE):
            beside = str(PurePosixPath(named.path).with_name(name))
            if (report := self._services.files.find(named.team_id, beside)) is not None:
                return report
        msg = f"The file {named.path} is not part of a report."
        raise NotFoundError(msg, "Use the link that the task or the experiment shows.")


def _is_id(text: str) -> bool:
    """Return whether a text is the number of a row: digits only, no more than SQLite can take."""
    return text.isascii() and text.isdecimal() and len(text) < 19  # noqa: PLR2004 - digits of 2**63


def page_of_path(path: str) -> str:
    """Return the dashboard's page about a place in Team Files: the task that wrote it, or all experiments."""
    names = [name for name in path.split("/") if name]
    if len(names) > 2 and names[0] in _TASK_FOLDERS:  # noqa: PLR2004 - /experiments/<project>/<task>_<framework>
        task = names[2].partition("_")[0]
        if task.isascii() and task.isdecimal():
            return f"/task?task={quote(task)}"
    return "/experiments"


def _compare_link(path: str) -> tuple[str, str]:
    """Return where the experiments of a comparison can be compared here, by the name of its folder, and the words."""
    tasks = _TASKS.findall(PurePosixPath(path).parent.name)
    if not tasks:
        return _EXPERIMENTS
    return f"/compare?ids={','.join(tasks)}", "Compare them here"


_EXPERIMENTS = ("/experiments", "Open the experiments")


def _page(
    message: str, hint: str, link: tuple[str, str] = _EXPERIMENTS, *, title: str = "Report not found"
) -> Response:
    texts = {"title": title, "message": message, "hint": hint, "link": link[0], "words": link[1]}
    content = _PROBLEM_PAGE.format(**{key: html.escape(text) for key, text in texts.items()})
    return HTMLResponse(content, 404, headers={"Content-Security-Policy": _PLAIN_POLICY})


# Thumbnails of images, made once and kept (address form of Supervisely's ``resize_image_url``).

MAX_SIDE = 4096
MAX_PIXELS = 8_000_000  # of a preview
_RESIZE = re.compile(
    r"resize:(?P<method>fit|fill|fill-down|force|auto):(?P<width>[0-9]{0,5}|None):(?P<height>[0-9]{0,5}|None)(:[0-9])?"
)
_QUALITY = re.compile(r"q:([0-9]{1,3})")
_FORMATS = {"ext:jpeg": ("JPEG", "image/jpeg"), "ext:png": ("PNG", "image/png")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSpec:
    """What a thumbnail shall look like."""

    format: str
    mime: str
    method: str  # `force` distorts, `fill` crops, everything else keeps the whole picture
    width: int  # pixels, 0 to follow the height
    height: int  # pixels, 0 to follow the width; both 0 keep the size
    quality: int  # JPEG quality, 1 to 100


def _parse_preview(extension: str, resize: str, quality: str) -> PreviewSpec:
    """Read the three options of a thumbnail's address.

    Raises:
        InputError: One is not possible.
    """
    size, level, kind = _RESIZE.fullmatch(resize), _QUALITY.fullmatch(quality), _FORMATS.get(extension)
    if size is None or level is None or kind is None:
        msg = "The address of this preview is not valid."
        raise InputError(msg, "Write it like /previews/q/ext:jpeg/resize:fit:300:0:0/q:70/plain/….")
    width, height = _pixels(size["width"]), _pixels(size["height"])
    if max(width, height) > MAX_SIDE:
        raise InputError(f"Previews have at most {MAX_SIDE} pixels to a side.")
    if width * height > MAX_PIXELS and size["method"] in {"force", "fill", "fill-down"}:
        raise InputError(f"Previews have at most {MAX_PIXELS // 10**6} million pixels.")
    return PreviewSpec(
        format=kind[0],
        mime=kind[1],
        method=size["method"],
        width=width,
        height=height,
        quality=min(max(int(level[1]), 1), 100),
    )


def _pixels(text: str) -> int:
    return int(text) if text.isdecimal() else 0  # the SDK writes None for a side that is not given


def _preview_file(folder: Path, source: Path, spec: PreviewSpec, drawn_on: tuple[int, int] | None = None) -> Path:
    """Return the thumbnail, kept in ``folder``, of an image that is named by its content, making it if needed.

    ``drawn_on`` is width and height of the image's annotation, which say how the picture is to be turned.

    Raises:
        InputError: The image cannot be read.
    """
    kind = spec.format.lower()
    turned = "" if drawn_on is None else f"-{drawn_on[0]}x{drawn_on[1]}"
    name = f"{source.stem}{turned}-{spec.method}-{spec.width}x{spec.height}-{spec.quality}.{kind}"
    target = folder / source.stem[:2] / name
    if target.is_file():
        return target
    with opened(source) as image:
        width, height = _target_size(image.size_for(drawn_on), spec)
        # twice the size, so that the last step smooths
        picture = image.pixels(least=(2 * width, 2 * height), drawn_on=drawn_on)
    with replacing(target) as partial:
        _resized(picture, spec, (width, height)).save(
            partial, spec.format, quality=spec.quality, compress_level=1
        )  # of a PNG: quickly
    return target


def _resized(picture: Pillow.Image, spec: PreviewSpec, size: tuple[int, int]) -> Pillow.Image:
    if spec.method in {"fill", "fill-down"} and spec.width and spec.height:
        return ImageOps.fit(picture, size)
    return picture if picture.size == size else picture.resize(size, Pillow.Resampling.BILINEAR, reducing_gap=2.0)


def _target_size(own: tuple[int, int], spec: PreviewSpec) -> tuple[int, int]:
    """Width and height of a thumbnail: never larger than the picture itself, nor than :data:`MAX_SIDE`."""
    if spec.width and spec.height and spec.method in {"force", "fill", "fill-down"}:
        return spec.width, spec.height
    sides = ((wished or MAX_SIDE, side) for wished, side in zip((spec.width, spec.height), own, strict=True))
    # The last number but one of a ``resize`` asks for enlarging; the SDK always writes 0.
    scale = min(1.0, *(min(wished, MAX_SIDE) / side for wished, side in sides))
    scale = min(scale, math.sqrt(MAX_PIXELS / (own[0] * own[1])))
    return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))
