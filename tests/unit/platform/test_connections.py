"""Connections that say nothing, or too slowly, make room for others; the log stays short."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.fakes.live_platform import serve
from traindash.platform import connections
from traindash.platform.connections import RateLimit, bound_connections, most_connections

MOST = 5


async def _answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


def _served(seconds: float) -> Iterator[str]:
    def bound(config: uvicorn.Config) -> None:
        bound_connections(config, most=lambda: MOST, seconds=seconds)

    with serve(Starlette(routes=[Route("/", _answer)]), bound) as url:
        yield url


@pytest.fixture
def patient() -> Iterator[str]:
    """A server with few places, on which connections may wait for long."""
    yield from _served(600)


@pytest.fixture
def impatient() -> Iterator[str]:
    """A server on which connections may not wait for long."""
    yield from _served(0.2)


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), parts.port or 0), timeout=20)


def _ends(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_idle_connections_make_room_for_new_ones(patient: str) -> None:
    held = [_connected(patient) for _ in range(4 * MOST)]
    try:
        assert httpx.get(patient, timeout=20).text == "here"
        assert all(_ends(item) for item in held[: 3 * MOST]), "the oldest ones are closed"
        held[-1].sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert b"here" in held[-1].makefile("rb").read(), "the youngest ones are not"
    finally:
        for item in held:
            item.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"])
def test_a_request_that_does_not_come_is_not_waited_for(impatient: str, sent: bytes) -> None:
    with _connected(impatient) as connection:
        connection.sendall(sent)
        assert _ends(connection)


def test_a_request_that_comes_in_time_is_answered(impatient: str) -> None:
    assert httpx.get(impatient, timeout=20).text == "here"


def test_there_are_fewer_connections_than_file_handles() -> None:
    resource = pytest.importorskip("resource", reason="Windows counts no file handles")
    assert 8 <= most_connections() <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 3


def test_the_log_is_bounded_and_says_so() -> None:
    bound = RateLimit(lines=3, seconds=10)

    def said(moment: float) -> str | None:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "no %s", ("room",), None)
        record.created = moment
        return record.getMessage() if bound.filter(record) else None

    assert [said(100 + number / 10) for number in range(6)] == ["no room"] * 3 + [None] * 3
    assert said(111) == "no room (3 more lines were left out before)"
    assert said(112) == "no room"


def test_a_request_that_waits_to_be_read_is_answered_though_its_time_is_over() -> None:
    """The event loop had to wait itself; a reset would leave the sender in doubt."""
    stands, is_sent = threading.Event(), threading.Event()

    async def stall(_request: Request) -> PlainTextResponse:
        stands.set()
        assert is_sent.wait(20)
        for item in filter(connections._is_idle, tuple(connections._accepted)):
            item.waits_since = 0.0
            type(item)._sweep(item.connections)
            item.timeout_keep_alive_handler()
        return PlainTextResponse("over")

    def bound(config: uvicorn.Config) -> None:
        bound_connections(config, most=lambda: MOST, seconds=600)

    with (
        serve(Starlette(routes=[Route("/", _answer), Route("/stall", stall)]), bound) as url,
        closing(HTTPConnection(urlsplit(url).netloc, timeout=20)) as early,
        _connected(url) as other,
    ):
        early.request("GET", "/")
        assert early.getresponse().read() == b"here"
        other.sendall(b"GET /stall HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert stands.wait(20)
        early.request("GET", "/")
        is_sent.set()
        assert early.getresponse().read() == b"here"
        assert b"over" in other.makefile("rb").read()


def test_headers_without_end_are_not_taken(patient: str) -> None:
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 99) for n in range(100_000))
    with _connected(patient) as connection, pytest.raises(ConnectionError):
        connection.sendall(head)
