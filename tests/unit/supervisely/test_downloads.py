"""Big files to disk: broken off, gone on with, damaged, cancelled."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.unit.supervisely.scripted import refusal
from traindash.errors import StorageError
from traindash.supervisely.errors import (
    ConnectionFailedError,
    ContractError,
    MissingError,
    RateLimitedError,
    RetryPolicy,
)
from traindash.supervisely.files import DownloadCancelledError, Downloader, Expected, Watcher
from traindash.supervisely.transport import Transport

CONTENT = bytes(range(256)) * 40
HASH = b64encode(hashlib.sha256(CONTENT).digest()).decode()
METHOD = "file-storage.download"
Handler = Callable[[httpx.Request], httpx.Response]


class _Broken(httpx.SyncByteStream):
    """Gives some bytes, then breaks off."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.ReadError("peer closed connection")


class _Server:
    """Breaks off after so many bytes of each answer; ``None`` answers in full."""

    def __init__(self, *cuts: int | None, ranges: bool = True) -> None:
        self._cuts = list(cuts)
        self._ranges = ranges
        self.asked: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        wanted = request.headers.get("range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self._ranges else 0
        rest, cut = CONTENT[start:], self._cuts.pop(0)
        headers = {"content-length": str(len(rest))}
        if start:
            headers["content-range"] = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        stream = httpx.ByteStream(rest) if cut is None else _Broken(rest[:cut])
        return httpx.Response(206 if start else 200, headers=headers, stream=stream)


def downloader(handler: Handler) -> tuple[Downloader, list[float]]:
    waits: list[float] = []
    transport = Transport("http://127.0.0.1:1", "token", http=httpx.MockTransport(handler))
    return Downloader(transport, RetryPolicy(attempts=3, draw=lambda: 1.0), waits.append), waits


RIGHT = Expected(name="best.pt", size=len(CONTENT), hash=HASH)


def fetch(handler: Handler, folder: Path, watcher: Watcher | None = None, expected: Expected = RIGHT) -> list[float]:
    bringer, waits = downloader(handler)
    bringer.fetch(METHOD, {"path": "/best.pt"}, folder / "best.pt", expected, watcher or Watcher())
    return waits


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    server = _Server(1000, 2000, None)
    waits = fetch(server, tmp_path)
    assert (tmp_path / "best.pt").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-", "bytes=3000-"]
    assert len(waits) == 2


def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    fetch(_Server(1000, None, ranges=False), tmp_path)
    assert (tmp_path / "best.pt").read_bytes() == CONTENT


def test_tries_that_bring_nothing_end(tmp_path: Path) -> None:
    server = _Server(500, 0, 0, 0)
    with pytest.raises(ConnectionFailedError, match="broke off"):
        fetch(server, tmp_path)
    assert len(server.asked) == 3
    assert list(tmp_path.iterdir()) == []


def _busy(times: int, seconds: str) -> Handler:
    """Return a server that answers 429 before each of its first answers."""
    server = _Server(*[1000] * times, None)
    turn = iter(range(2 * times + 2))

    def handle(request: httpx.Request) -> httpx.Response:
        return server(request) if next(turn) % 2 else refusal(429, "slow down", retry_after=seconds)

    return handle


def test_a_server_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    waits = fetch(_busy(2, "7"), tmp_path)
    assert (tmp_path / "best.pt").read_bytes() == CONTENT
    assert waits == [7.0, 0.5, 7.0, 0.5, 7.0]


def test_a_wait_that_nobody_wants_is_left_to_the_person(tmp_path: Path) -> None:
    bringer, waits = downloader(_busy(1, "3600"))
    with pytest.raises(RateLimitedError, match="slow down"):
        bringer.fetch(METHOD, {"path": "/best.pt"}, tmp_path / "best.pt", RIGHT, Watcher())
    assert waits == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "said"), [(replace(RIGHT, hash="AAAA"), "damaged"), (replace(RIGHT, size=5, hash=""), "speaks of 5")]
)
def test_another_content_is_refused_and_leaves_nothing(tmp_path: Path, expected: Expected, said: str) -> None:
    (tmp_path / "best.pt").write_bytes(b"old")
    with pytest.raises(ContractError, match=said):
        fetch(_Server(None), tmp_path, expected=expected)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_it_tells_how_far_it_is_and_can_be_cancelled(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch(_Server(None), tmp_path, Watcher(progress=lambda done, size: seen.append((done, size))))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    (tmp_path / "best.pt").unlink()
    with pytest.raises(DownloadCancelledError):
        fetch(_Server(None), tmp_path, Watcher(cancelled=lambda: True))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file"):
        fetch(lambda _: refusal(404, "no such file"), tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match=r"best\.pt cannot be written"):
        fetch(_Server(None), blocked)


def test_unknown_size_and_hash_are_taken_as_they_come(tmp_path: Path) -> None:
    fetch(_Server(None), tmp_path, expected=Expected(name="best.pt"))
    assert (tmp_path / "best.pt").read_bytes() == CONTENT
