"""What makes a page open fast: its HTML with all that comes with it, the client's files, and what is loaded ahead.

A browser that opens a page for the first time gets Streamlit's client, about a hundred files, before the script of the
page runs once. What can be had while it still waits for something else is asked for at once.
"""

import asyncio
import importlib
import json
import mimetypes
import pkgutil
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from traindash import ui
from traindash.comparison.report.rendering import own_text
from traindash.language import Language
from traindash.ui.preferences import language_of_request, messages_for_scripts
from traindash.ui.screens import DEFAULT, PLACES, SCREENS
from traindash.ui.streamlit_internals import CLIENT_FOLDER, STATIC, client_modules, index_page
from traindash.ui.theme import STYLE

# Tables are sorted by a script that the one-file report has, too.
_BEFORE = ";".join(
    [
        *(
            Path(__file__).with_name(name).read_text(encoding="utf-8")
            for name in ("look.js", "numbers.js", "ahead.js", "away.js", "page_links.js")
        ),
        own_text("sorting.js"),
    ]
)
# The link of the current place; the brand above the links says which one that is. A rule for each place: one that
# begins with a choice of them is tried on every element of the page (Chromium 156).
_CURRENT = tuple(
    f'[data-testid="stSidebar"]:has(.td-at-{place.screen}) .st-key-places > :nth-child({number}) a'
    for number, place in enumerate(PLACES, start=1)
)
_HERE = "".join(
    f"{link} {{ background: color-mix(in srgb, var(--td-primary) 12%, transparent) !important; }}"
    f"{link} p {{ font-weight: 600; }}"
    f'{link} [data-testid="stIconMaterial"] {{ color: var(--td-primary); }}'
    for link in _CURRENT
)
# Parts of Streamlit's client that every page needs, and those of some; they are fetched before the page asks for them.
_PARTS = ("PageLink", "BidiComponent", "Button", "Html", "ImageList")
_TABLE, _CHARTS = "DataFrame", "EChartsChart"
_MORE_PARTS: Mapping[str, tuple[str, ...]] = {
    "overview": ("FileUploader",),
    "project": ("Metric", "Checkbox"),
    "model": ("ButtonGroup", _TABLE),
    "classes": ("Checkbox", _TABLE),
    "split": ("ButtonGroup", "Slider", "Multiselect", "Checkbox", "Metric"),
    "hyperparameters": ("ButtonGroup", "NumberInput"),
    "benchmark": ("Checkbox",),
    "export": ("Checkbox",),
    "experiments": ("TextInput", "Multiselect", "Selectbox", _TABLE),
    "agents": ("NumberInput",),
    "task": ("Metric", "MenuButton", "LinkButton", "DownloadButton", "ButtonGroup", "TextInput", "Selectbox"),
    "compare": ("ButtonGroup", "DownloadButton", "Selectbox"),
    "launch": ("Selectbox", "TextInput"),
}


def screen_routes() -> list[Route]:
    """Return a route for the path of each screen, and for the bare address."""
    # Tables first, which are what the next click would wait for; charts, the largest of all, stand further on.
    every = client_modules((_TABLE, *(part for parts in _MORE_PARTS.values() for part in parts), _CHARTS))

    def route(path: str, screen_id: str) -> Route:
        now = client_modules((*_PARTS, *_MORE_PARTS.get(screen_id, ())))
        later = [name for name in every if name not in now]
        asked = f"window.tdLater = {json.dumps(later)};{_BEFORE}"

        @cache
        def page_in(spoken: Language) -> str:
            return index_page(f"{messages_for_scripts(spoken)};{asked}", STYLE + _HERE, now, language=spoken)

        def answer(request: Request) -> HTMLResponse:
            # Streamlit answers any path with its page (1.67); a route of our own comes first, and only for screens that
            # there are.
            html = page_in(language_of_request(request.cookies, request.headers))
            return HTMLResponse(html, headers={"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language"})

        return Route(path, answer, methods=["GET"])

    return [route("/", DEFAULT), *(route(f"/{item.id}", item.id) for item in SCREENS)]


class ClientFiles:
    """ASGI middleware that answers for the files of Streamlit's client, kept in memory once they were asked for.

    Streamlit opens each of them anew and reads it in pieces of 64 KB, each in a thread (1.67).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._paths = {
            f"/{path.relative_to(STATIC).as_posix()}": path for path in CLIENT_FOLDER.rglob("*") if path.is_file()
        }
        self._known: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        # A part of a file, and what is asked about one without wanting it, are Streamlit's.
        is_plain = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in self._paths
        if not is_plain or any(name == b"range" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        name: str = scope["path"]
        content = self._known.get(name)
        if content is None:
            content = self._known[name] = await asyncio.to_thread(self._paths[name].read_bytes)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
            # A name has the hash of the content in it; as Streamlit says itself.
            (b"cache-control", b"public, immutable, max-age=31536000"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def load_ahead() -> None:
    """Import in the background what pages will import, so that nobody waits for it on the first look at one."""

    def work() -> None:
        for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
            importlib.import_module(module.name)

    threading.Thread(target=work, name="traindash-load-ahead", daemon=True).start()
