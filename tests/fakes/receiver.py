"""A program that is told by a webhook: listens on the loopback interface and answers as a test wants."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request: its path, headers and body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """What came in.

    Attributes:
        url: Where it listens.
        statuses: Answers to the first requests; afterwards 200. 0 closes the connection without an answer.
        received: All requests.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Received) -> int:
        """Note a request and say what to answer."""
        with self.lock:
            self.received.append(request)
            return self.statuses.pop(0) if self.statuses else 200


@contextmanager
def receiver(statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """Listen on a free port."""
    state = Receiver(statuses=list(statuses))

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = state.take(Received(path=self.path, headers=dict(self.headers.items()), body=body))
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
