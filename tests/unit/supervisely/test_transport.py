"""From a call to bytes and back: errors, repetitions, the token, https, a server in this process."""

import inspect
import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.live_platform import serve
from tests.unit.supervisely.scripted import Scripted, refusal
from traindash.supervisely.errors import (
    ApiError,
    ConnectionFailedError,
    ContractError,
    ForbiddenError,
    MissingError,
    RateLimitedError,
    RejectedError,
    RequestTimeoutError,
    ServerFailedError,
    UnauthorizedError,
)
from traindash.supervisely.transport import IDLE_SECONDS_LOCAL, Transport, normalised_address

SECRET = "sEcReT-0123456789abcdef"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, MissingError),
        (405, RejectedError),
        (409, RejectedError),
        (422, RejectedError),
        (408, RequestTimeoutError),
        (429, RateLimitedError),
        (500, ServerFailedError),
        (502, ServerFailedError),
        (507, ServerFailedError),
        (598, RequestTimeoutError),
    ],
)
def test_each_status_has_its_error_with_the_servers_words(status: int, kind: type[ApiError]) -> None:
    server = Scripted()
    server.add("tasks.info", refusal(status, "the disk is on fire"))
    with server.transport() as transport, pytest.raises(kind) as caught:
        transport.read("tasks.info", {"id": 1})
    assert type(caught.value) is kind
    # Of a token there is nothing to add, and servers write to programmers.
    assert ("the disk is on fire" in str(caught.value)) is (kind is not UnauthorizedError)
    assert caught.value.method == "tasks.info"
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "short", "details": {"message": "long"}}, "long"),
        ({"error": "short", "details": [{"message": "from a list"}]}, "from a list"),
        ({"error": "short", "details": []}, "short"),
        ({"error": "short"}, "short"),
        ({"message": "plain"}, "plain"),
        ({"details": {"message": 7}, "error": ["x"]}, "refused this"),
        ([1, 2], "refused this"),
    ],
)
def test_error_bodies_of_every_form_are_read(body: object, words: str) -> None:
    server = Scripted()
    server.add("tasks.info", httpx.Response(400, json=body))
    with server.transport() as transport, pytest.raises(RejectedError, match=words) as caught:
        transport.read("tasks.info")
    assert caught.value.details == "tasks.info, status 400"


def test_a_hint_of_the_server_is_the_next_step() -> None:
    server = Scripted()
    body = {"error": "x", "details": {"message": "Agent 3 is offline.", "hint": "Start it."}}
    server.add("tasks.info", httpx.Response(400, json=body))
    with server.transport() as transport, pytest.raises(RejectedError) as caught:
        transport.read("tasks.info")
    assert (caught.value.message, caught.value.hint) == ("Agent 3 is offline.", "Start it.")


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504, 509, 598, 599])
def test_reads_are_repeated_after_passing_failures(status: int) -> None:
    server = Scripted()
    server.add("tasks.info", refusal(status, "later"), refusal(status, "later"), {"id": 1})
    with server.transport() as transport:
        assert transport.read("tasks.info", {"id": 1}) == {"id": 1}
    assert len(server.calls) == 3
    assert server.waits == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422, 501, 507])
def test_lasting_failures_are_not_repeated(status: int) -> None:
    server = Scripted()
    server.add("tasks.info", refusal(status, "no"))
    with server.transport() as transport, pytest.raises(ApiError):
        transport.read("tasks.info")
    assert len(server.calls) == 1


def test_the_400_that_means_later_is_repeated() -> None:
    words = "Agent should call AgentConnected or AgentPing before attempting any other request"
    server = Scripted()
    server.add("tasks.info", httpx.Response(400, json={"error": words}), {"id": 1})
    with server.transport() as transport:
        assert transport.read("tasks.info") == {"id": 1}


@pytest.mark.parametrize(
    ("failure", "kind", "sent", "tries"),
    [
        (httpx.ConnectError("refused"), ConnectionFailedError, False, 2),
        (httpx.ConnectTimeout("slow"), ConnectionFailedError, False, 2),
        (httpx.ReadError("reset"), ConnectionFailedError, True, 3),
        (httpx.RemoteProtocolError("closed"), ConnectionFailedError, True, 3),
        (httpx.ReadTimeout("slow"), RequestTimeoutError, None, 3),
    ],
)
def test_failures_without_an_answer(failure: Exception, kind: type[ApiError], sent: object, tries: int) -> None:
    server = Scripted()
    server.add("tasks.info", failure)
    with server.transport(attempts=3) as transport, pytest.raises(kind) as caught:
        transport.read("tasks.info")
    assert len(server.calls) == tries
    assert "127.0.0.1:1" in caught.value.message
    assert getattr(caught.value, "sent", None) is sent


@pytest.mark.parametrize(
    "failure", [refusal(500, "x"), refusal(429, "x"), httpx.ReadTimeout("x"), httpx.ReadError("x")]
)
def test_changes_are_sent_exactly_once(failure: object) -> None:
    server = Scripted()
    server.add("tasks.run.app", failure)
    with server.transport() as transport, pytest.raises(ApiError):
        transport.write("tasks.run.app", {})
    assert len(server.calls) == 1
    assert server.waits == []


@pytest.mark.parametrize(("asked", "waited"), [("3", [3.0]), ("0", [0.5]), ("nonsense", [0.5])])
def test_retry_after_is_kept(asked: str, waited: list[float]) -> None:
    server = Scripted()
    server.add("tasks.info", refusal(429, "slow down", retry_after=asked), {"id": 1})
    with server.transport() as transport:
        transport.read("tasks.info")
    assert server.waits == waited


def test_a_very_long_retry_after_is_left_to_the_person() -> None:
    server = Scripted()
    server.add("tasks.info", refusal(503, "maintenance", retry_after="3600"))
    with server.transport() as transport, pytest.raises(ServerFailedError, match="maintenance"):
        transport.read("tasks.info")
    assert len(server.calls) == 1


@pytest.mark.parametrize("content", [b"<html>login</html>", b"", b"{", b"\xff\xfe"])
def test_an_answer_that_is_no_json_breaks_the_contract(content: bytes) -> None:
    server = Scripted()
    server.add("tasks.info", httpx.Response(200, content=content))
    with server.transport() as transport, pytest.raises(ContractError, match=r"tasks\.info") as caught:
        transport.read("tasks.info")
    assert caught.value.field == "body"


def test_redirects_are_told_and_not_followed() -> None:
    server = Scripted()
    server.add("tasks.info", httpx.Response(301, headers={"location": "https://new.example/"}))
    with server.transport() as transport, pytest.raises(RejectedError, match=r"https://new\.example/"):
        transport.read("tasks.info")
    assert len(server.calls) == 1


@pytest.mark.parametrize("token", [f"{SECRET}\nX-Admin: 1", f"{SECRET}\x00", f"{SECRET}ö", f"{SECRET}\u200b"])
def test_a_token_that_can_be_none_is_refused_without_being_quoted(token: str) -> None:
    server = Scripted()
    with server.transport(token=token) as transport:
        for call in (transport.read, transport.write):
            with pytest.raises(UnauthorizedError, match="that no token has") as caught:
                call("tasks.info", {})
            assert SECRET not in "".join(traceback.format_exception(caught.value))
        with pytest.raises(UnauthorizedError), transport.stream("file-storage.download", {}):
            pass
    assert server.calls == []


def test_space_around_a_token_is_left_out() -> None:
    server = Scripted()
    server.add("tasks.info", {"id": 1})
    with server.transport(token=f" {SECRET}\n") as transport:
        transport.read("tasks.info")
    assert server.headers[0]["x-api-key"] == SECRET


def test_the_token_travels_in_its_header_and_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    server = Scripted()
    said = {"message": f"x-api-key {SECRET} is broken", "hint": f"Renew {SECRET}."}
    server.add("tasks.info", httpx.Response(500, json={"error": "x", "details": said}))
    caplog.set_level(logging.DEBUG)
    transport = server.transport(token=SECRET, attempts=2)
    with transport, pytest.raises(ServerFailedError) as caught:
        transport.read("tasks.info", {"id": 1})
    assert [headers["x-api-key"] for headers in server.headers] == [SECRET, SECRET]
    shown = [str(caught.value), repr(caught.value), repr(transport), repr(transport._client.headers), caplog.text]
    assert all(SECRET not in text for text in shown)
    assert "[token]" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("127.0.0.1:8501", "http://127.0.0.1:8501"),
        (" https://app.example/ ", "https://app.example"),
        ("http://a.example///", "http://a.example"),
    ],
)
def test_addresses_are_normalised(given: str, address: str) -> None:
    assert normalised_address(given) == address


def _probed(answer: Callable[[httpx.Request], httpx.Response], address: str) -> tuple[str, list[str], list[str]]:
    seen: list[str] = []
    tokens: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        tokens.append(request.headers.get("x-api-key", ""))
        return answer(request) if request.method == "GET" else httpx.Response(200, json={})

    with Transport(address, SECRET, http=httpx.MockTransport(handle)) as transport:
        transport.read("instance.version")
        transport.read("instance.version")
        return transport.address, seen, tokens


def test_a_server_with_https_is_spoken_to_in_https() -> None:
    address, seen, tokens = _probed(lambda _: httpx.Response(302), "http://sly.example:99")
    assert address == "https://sly.example:99"
    assert seen == ["https://sly.example:99", *["https://sly.example:99/public/api/v3/instance.version"] * 2]
    assert tokens == ["", SECRET, SECRET]


def test_a_server_without_https_is_spoken_to_in_http() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no tls", request=request)

    address, seen, _ = _probed(refuse, "sly.example")
    assert address == "http://sly.example"
    assert len(seen) == 3


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "https://a.example"])
def test_this_machine_and_https_are_not_probed(address: str) -> None:
    _, seen, _ = _probed(lambda _: httpx.Response(200), address)
    assert all("instance.version" in url for url in seen)


async def _echo(request: Request) -> Response:
    body = await request.json() if request.method == "POST" else dict(request.query_params)
    return JSONResponse({"method": request.path_params["method"], "body": body})


async def _broken(_: Request) -> Response:
    raise ZeroDivisionError("a mistake of ours")


@pytest.fixture(scope="module")
def own_address() -> Iterator[str]:
    """The address of a server in this process, as the embedded platform is one for the pages."""
    routes = [
        Route("/public/api/v3/broken", _broken, methods=["POST"]),
        Route("/public/api/v3/{method}", _echo, methods=["GET", "POST"]),
    ]
    with serve(Starlette(routes=routes)) as url:
        yield url


def test_a_server_in_this_process_answers_over_its_port(own_address: str) -> None:
    with Transport(own_address, "t") as transport:
        assert transport.read("a.b", {"x": "ü"}) == {"method": "a.b", "body": {"x": "ü"}}
        assert transport.get("c.d", params={"id": "1"}) == {"method": "c.d", "body": {"id": "1"}}


def test_an_unhandled_error_of_the_server_is_a_server_failure(own_address: str) -> None:
    with Transport(own_address, "t") as transport, pytest.raises(ServerFailedError):
        transport.write("broken", {})


def test_many_threads_share_one_client(own_address: str) -> None:
    with Transport(own_address, "t") as transport, ThreadPoolExecutor(40) as pool:
        results = list(pool.map(lambda n: transport.read("m", {"n": n}), range(40)))
    assert results == [{"method": "m", "body": {"n": n}} for n in range(40)]


def test_idle_connections_are_given_up_before_the_embedded_platform_closes_them() -> None:
    keeps = inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
    assert keeps > IDLE_SECONDS_LOCAL


def test_a_closed_connection_is_an_error_like_others() -> None:
    server = Scripted()
    server.add("tasks.info", {})
    transport = server.transport()
    transport.close()
    with pytest.raises(ConnectionFailedError):
        transport.read("tasks.info", {"id": 1})
