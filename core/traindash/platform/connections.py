"""Connections to this server: how many there may be, how long one may say nothing, how much the log may say about them.

uvicorn bounds none of that by itself (0.54): a connection that never sends a request stays for ever. When the file
handles run out, asyncio (3.11, ``BaseSelectorEventLoop._accept_connection``) tries as often as the queue is long, 2048
times each second, and writes a traceback each time. Streamlit makes the server and takes no such settings, so they are
put into its configuration while the application starts; connections are accepted only then.
"""

import asyncio
import errno
import gc
import logging
import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import uvicorn

from traindash.platform.startup import handles

HEADER_SECONDS = 15.0  # for a request to begin and its headers to be complete
QUEUE = 100  # connections that the system keeps until they are accepted, as asyncio has it by default
MOST_CONNECTIONS = 400
_LONGEST_HEAD = 2**17
_SHARE = 3  # a third of the handles for connections; database, files and child processes need the others
_LINES, _PER_SECONDS = 20, 10.0
_NO_HANDLES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_accepted: WeakSet[Any] = WeakSet()  # protocols of open connections
_log = logging.getLogger("traindash.platform")
LOGGERS = ("asyncio", "uvicorn.error", "traindash", "traindash.platform")


@dataclass(slots=True)
class Fate:
    """What became of a connection; requests find that of theirs in their state, under :data:`FATE`."""

    was_reset: bool = False  # it broke off; systems do that, too, when a program goes without having read everything
    latest: object = None  # whoever answers the newest request over it may say so here


FATE = "traindash.fate"


class _Waiting:
    """Mixed into a protocol of uvicorn: closes what waits too long, and the longest idle one for a new one."""

    cycle: Any
    transport: Any
    connections: set[Any]
    app_state: dict[str, Any]  # what each request of the connection finds in its state
    waits_since: float = 0.0
    head = 0  # bytes of headers that are not complete
    # of a server, since each has a class of its own
    most: Callable[[], int]
    seconds: float
    is_swept = False

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as in uvicorn
        """Begin to wait for a request; there is room for it as long as another connection is idle."""
        super().connection_made(transport)  # type: ignore[misc]
        self.app_state = {**self.app_state, FATE: Fate()}
        self.waits_since = time.monotonic()
        _accepted.add(self)
        _make_room(self.connections, len(self.connections) - self.most())
        if not self.is_swept:
            type(self).is_swept = True
            self._sweep(self.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note how it ended."""
        self.app_state[FATE].was_reset = isinstance(exc, ConnectionError)
        super().connection_lost(exc)  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        """Read a part of a request, but no headers without end: httptools takes any number of them (0.9)."""
        super().data_received(data)  # type: ignore[misc]
        self.head = self.head + len(data) if _is_idle(self) else 0
        if self.head > _LONGEST_HEAD:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waits_since = time.monotonic()
        super().on_response_complete()  # type: ignore[misc]

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for long, unless its next request has just come."""
        if not _has_unread(self):
            super().timeout_keep_alive_handler()  # type: ignore[misc]

    @classmethod
    def _sweep(cls, connections: set[Any]) -> None:
        """Close, again and again while there are any, connections whose next request does not come."""
        late = time.monotonic() - cls.seconds
        for item in [item for item in connections if _is_idle(item) and item.waits_since < late]:
            if not _has_unread(item):
                item.transport.abort()
        cls.is_swept = bool(connections)
        if connections:
            asyncio.get_running_loop().call_later(min(1.0, cls.seconds / 2), cls._sweep, connections)


def _is_idle(protocol: Any) -> bool:  # noqa: ANN401 - any protocol of uvicorn, WebSockets among them
    return isinstance(protocol, _Waiting) and (protocol.cycle is None or protocol.cycle.response_complete)


def _has_unread(protocol: Any) -> bool:  # noqa: ANN401 - any protocol of uvicorn
    """Return whether a request waits to be read, as it does after the event loop had to wait itself.

    Its sender would see a reset connection, and not know whether the request was taken.
    """
    sent = protocol.transport.get_extra_info("socket")
    if sent is None or sent.fileno() < 0:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(sent.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))


def _make_room(connections: set[Any], wanted: int) -> None:
    """Close so many connections, the one that is idle longest first, or all that are idle."""
    idle = sorted((item for item in connections if _is_idle(item)), key=lambda item: item.waits_since)
    for item in idle[: max(0, wanted)]:
        connections.discard(item)
        item.transport.abort()


def _make_room_for_accepting(loop: asyncio.AbstractEventLoop) -> None:
    """Close half of the idle connections when the system has no file handle for a new one."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _NO_HANDLES and "socket" in context:
            for connections in {id(item.connections): item.connections for item in _accepted}.values():
                _make_room(connections, (len(connections) + 1) // 2)
            _log.warning("There are no file handles left for connections; those that are idle are closed.")
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def most_connections() -> int:
    """Return how many connections there may be with the file handles that this process has."""
    return max(8, min(MOST_CONNECTIONS, handles() // _SHARE))


def bound_connections(config: uvicorn.Config, *, most: Callable[[], int], seconds: float = HEADER_SECONDS) -> None:
    """Put the bounds into the configuration of a server that does not accept connections yet.

    ``most`` connections may be idle, each for ``seconds``.
    """
    if not config.loaded:
        config.load()
    config.backlog = QUEUE
    protocol: type = config.http_protocol_class
    if not issubclass(protocol, _Waiting):
        config.http_protocol_class = type(
            "Bounded", (_Waiting, protocol), {"most": staticmethod(most), "seconds": seconds}
        )


def bound_all_connections() -> None:
    """Do so for each server of this process, on its event loop: Streamlit shows its own to nobody (1.67)."""
    _make_room_for_accepting(asyncio.get_running_loop())
    for item in [item for item in gc.get_objects() if type(item) is uvicorn.Config]:
        bound_connections(item, most=most_connections)


class RateLimit(logging.Filter):
    """Lets a bounded number of lines through in a while, and says afterwards how many there were more."""

    def __init__(self, lines: int = _LINES, seconds: float = _PER_SECONDS) -> None:
        super().__init__()
        self._lines = lines
        self._seconds = seconds
        self._since = 0.0
        self._said = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written; it may get a remark about those that were not."""
        now = record.created
        if now - self._since >= self._seconds:
            left_out = self._said - self._lines
            if left_out > 0:
                record.msg = f"{record.getMessage()} ({left_out} more lines were left out before)"
                record.args = ()
            self._since, self._said = now, 0
        self._said += 1
        return self._said <= self._lines


def bound_log(names: Sequence[str] = LOGGERS) -> None:
    """Bound how much each logger says; tracebacks of asyncio, which are about connections, become one line."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(item, RateLimit) for item in logger.filters):
            logger.addFilter(RateLimit())
    logging.getLogger("asyncio").addFilter(_without_disk_traceback)


def _without_disk_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(error := record.exc_info[1], OSError):
        record.msg, record.args, record.exc_info = f"{record.getMessage().splitlines()[0]}: {error.strerror}", (), None
    return True
