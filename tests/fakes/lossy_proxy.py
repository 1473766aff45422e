"""A connection to a server that breaks just when a test wants it to."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

_BLOCK = 1 << 16
_TLS = b"\x16"


class Cut(StrEnum):
    """Where the way of an answer ends."""

    BEFORE = "before"  # when the request is through and before there is an answer
    BEGUN = "begun"  # with its first bytes
    UNREAD = "unread"  # when it waits to be read
    WHOLE = "whole"  # when it was taken as a whole


@dataclass(slots=True)
class LossyProxy:
    """Carries each connection on, and drops those that it is told to.

    Attributes:
        port: Of the server.
        url: Where clients connect.
        is_done: Whether the server has done what was asked for; asked before an unread answer is dropped.
        dropped: How many connections were.
    """

    port: int
    url: str
    is_done: Callable[[], bool] = lambda: True
    dropped: int = 0
    _next: list[tuple[str, Cut]] = field(default_factory=list)

    def drop(self, method: str, cut: Cut) -> None:
        """Drop the answer to the next call of a method; another such order for it stands behind this one."""
        self._next.append((method, cut))

    def carry(self, client: socket.socket) -> None:
        """Carry one request there and its answer back, as requests of the SDK have a connection each."""
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self.port)) as server:
            if client.recv(1, socket.MSG_PEEK) in {b"", _TLS}:  # the SDK first tries whether there is https
                return
            head = _read_head(client)
            server.sendall(head)
            cut = self._cut_of(head)
            _carry_body(client, server, head)
            if cut is None:
                while block := server.recv(_BLOCK):
                    client.sendall(block)
                return
            self.dropped += 1
            self._lose(server, cut)

    def _cut_of(self, head: bytes) -> Cut | None:
        for number, (method, cut) in enumerate(self._next):
            if f"/{method}".encode() in head.split(b"\r\n", 1)[0]:
                del self._next[number]
                return cut
        return None

    def _lose(self, server: socket.socket, cut: Cut) -> None:
        match cut:
            case Cut.BEFORE:
                pass
            case Cut.BEGUN:
                server.recv(_BLOCK)
            case Cut.UNREAD:
                while not (_is_whole(server.recv(_BLOCK, socket.MSG_PEEK)) and self.is_done()):
                    threading.Event().wait(0.01)
            case Cut.WHOLE:
                answer = b""
                while not _is_whole(answer):
                    answer += server.recv(_BLOCK)


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (block := connection.recv(_BLOCK)):
        head += block
    return head


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return bool(body) and len(body) >= _length(head)


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _carry_body(client: socket.socket, server: socket.socket, head: bytes) -> None:
    left = _length(head) - len(head.partition(b"\r\n\r\n")[2])
    while left > 0:
        client.settimeout(0.2)
        try:
            block = client.recv(_BLOCK)
        except TimeoutError:  # a body that never comes: the answer may be there nevertheless
            client.settimeout(None)
            return
        if not block:
            return
        server.sendall(block)
        left -= len(block)
    client.settimeout(None)


@contextmanager
def lossy_proxy(port: int) -> Iterator[LossyProxy]:
    """Give a way to the server at a port of this machine that can be broken."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = LossyProxy(port, f"http://127.0.0.1:{listener.getsockname()[1]}")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=proxy.carry, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
