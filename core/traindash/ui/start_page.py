"""The HTML that a browser gets for a screen: Streamlit's own, told where its server is."""

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from traindash.ui.screens import SCREENS
from traindash.ui.streamlit_internals import index_page


def screen_routes() -> list[Route]:
    """Return a route for the path of each screen."""
    html = index_page()

    def answer(_request: Request) -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{item.id}", answer, methods=["GET"]) for item in SCREENS]
