"""The HTML that a browser gets for a screen: Streamlit's own, told where its server is.

Without that, Streamlit's page asks below its own path first ("/compare/_stcore/health") and logs two errors in the
browser's console on every load. It reads the answer from ``window.__streamlit`` before it asks anything.
"""

from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from core.ui.screens import SCREENS

_SERVER = "<script>window.__streamlit = { BACKEND_BASE_URL: location.origin }</script>"
_FIRST_SCRIPT = "<script"


def screen_routes() -> list[Route]:
    """Return a route for the path of each screen."""
    html = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    told = html.replace(_FIRST_SCRIPT, _SERVER + _FIRST_SCRIPT, 1)

    def answer(_request: Request) -> HTMLResponse:
        return HTMLResponse(told, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{item.id}", answer, methods=["GET"]) for item in SCREENS]
