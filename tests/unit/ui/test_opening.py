"""The client's files from memory."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from traindash.ui.opening import ClientFiles
from traindash.ui.streamlit_internals import STATIC, client_modules

BUTTON = client_modules(["Button"])[0]


@pytest.fixture
def browser() -> Iterator[TestClient]:
    """A client of a server that says which requests have come through."""

    def passed_on(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"passed on: {request.url.path}")

    every = Route("/{path:path}", passed_on, methods=["GET", "HEAD"])
    with TestClient(Starlette(routes=[every], middleware=[Middleware(ClientFiles)])) as client:
        yield client


@pytest.mark.parametrize("name", [f"js/{BUTTON}", "css/DataFrame.*.css", "media/MaterialSymbols-Rounded.*.woff2"])
def test_a_file_is_the_one_on_disk_and_kept_by_the_browser(browser: TestClient, name: str) -> None:
    path = next((STATIC / "static").glob(name))
    for _ in range(2):
        answer = browser.get(f"/static/{path.parent.name}/{path.name}")
        assert answer.content == path.read_bytes()
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].split("/")[0] in {"text", "application", "font"}


@pytest.mark.parametrize("path", ["/", "/tasks", "/static/js/none.js", "/static/../index.html", "/index.html"])
def test_everything_else_is_passed_on(browser: TestClient, path: str) -> None:
    assert browser.get(path).text.startswith("passed on")


def test_a_part_of_a_file_is_passed_on(browser: TestClient) -> None:
    assert browser.get(f"/static/js/{BUTTON}", headers={"Range": "bytes=0-9"}).text.startswith("passed on")
    assert browser.head(f"/static/js/{BUTTON}").headers["content-type"].startswith("text/plain")
