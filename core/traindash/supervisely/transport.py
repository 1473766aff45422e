"""Bytes to a server and back. The only module that knows httpx.

Every request has timeouts; reads are repeated after passing failures, nothing else is; the API token goes into the
header ``x-api-key`` and nowhere else.
"""

import ipaddress
import logging
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias
from urllib.parse import urlsplit

import httpx

from traindash.language import gettext as _
from traindash.supervisely.errors import (
    NO_RETRY,
    ApiError,
    ConnectionFailedError,
    HttpAnswer,
    RequestTimeoutError,
    RetryPolicy,
    UnauthorizedError,
    error_of,
    json_of,
    may_pass,
)

JsonObject: TypeAlias = Mapping[str, object]

# A server that is there answers a connection within a second; its slowest lists take half a minute.
_TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=60.0, pool=15.0)
_PROBE_TIMEOUT = httpx.Timeout(5.0)
# The answer to an upload comes when the server has looked through the whole archive.
_UPLOAD_TIMEOUT = httpx.Timeout(connect=5.0, read=3600.0, write=60.0, pool=15.0)
_BLOCK = 1 << 20
_CONNECTIONS = 16
# A connection is given up before the server does it: who writes into one that is just being closed gets an error, and a
# start is never sent again. uvicorn, which serves the embedded platform, closes idle ones after 5 s, and Streamlit
# 1.67 leaves it at that; nginx, which stands before Supervisely, after 75 s.
IDLE_SECONDS_LOCAL, _IDLE_SECONDS = 4.0, 30.0
_HIDDEN = "[token]"
_SHORTEST_SECRET = 8  # characters; what is shorter is no token of a server, and may be a part of any word
_log = logging.getLogger(__name__)


EMBEDDED = "embedded"  # name of the platform of this machine, whatever its port is, in everything that is kept here


def normalised_address(address: str) -> str:
    """Return an address with a scheme and without slashes at its ends, by the official SDK's rules."""
    bare = address.strip().strip("/")
    # "in" and not "startswith", as the SDK does it: what it takes as it is must stay as it is here, too.
    return bare if "http://" in bare or "https://" in bare else f"http://{bare}"


def host_of(address: str) -> str:
    """Return an address without its scheme, as people call a server."""
    return address.split("://", 1)[-1]


def _is_loopback(address: str) -> bool:
    """Return whether an address with a scheme leads to this machine and nowhere else."""
    try:
        # Names are not looked up: who answers to one may change, and the token must not follow.
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent: POST with JSON, or GET with query parameters or a form (docs/supervisely-api.md 1, "Verb")."""

    method: str
    verb: str
    json: JsonObject | None = None
    params: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    file: "_Blocks | None" = None
    parts: Sequence[tuple[str, bytes]] = ()


class Transport:
    """A pooled connection to one server. Safe to share between threads.

    ``http://`` is assumed where the address has no scheme. ``policy`` says how reads are repeated; ``http`` and
    ``sleep`` stand in for the network and the clock in tests.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        http: httpx.BaseTransport | None = None,
        policy: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = normalised_address(address)
        self._token = token.strip()  # files often end with a line break
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        local = _is_loopback(self._address)
        # A proxy from the environment serves the way out; it must never see requests to this machine.
        self._client = httpx.Client(
            transport=http,
            timeout=_TIMEOUT,
            limits=httpx.Limits(
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS_LOCAL if local else _IDLE_SECONDS,
            ),
            auth=_TokenAuth(self._token),
            headers={"User-Agent": "traindash"},
            trust_env=http is None and not local,
            # Reading the machine's certificates takes as long as ten calls; a loopback address without TLS needs none.
            verify=not (local and self._address.startswith("http://")),
        )
        # Supervisely on another machine has https as a rule; the embedded platform never has.
        self._probe_lock = threading.Lock()
        self._probed = local or self._address.startswith("https://")

    def __repr__(self) -> str:
        """Return a text without the token."""
        return f"Transport({self._address!r})"

    @property
    def address(self) -> str:
        """Address of the server, without a slash at the end. May turn from http to https with the first request."""
        return self._address

    def read(self, method: str, body: JsonObject | None = None) -> object:
        """Ask for something and return the JSON of the answer; repeated after passing failures.

        The method, e.g. ``tasks.info``, must change nothing on the server.

        Raises:
            ApiError: By kind, see :mod:`traindash.supervisely.errors`.
        """
        return json_of(method, self._send(_Request(method, "POST", json=body or {}), self._policy))

    def read_bytes(self, method: str, body: JsonObject) -> bytes:
        """Ask for a file; repeated after passing failures. Raises as :meth:`read`."""
        return self._send(_Request(method, "POST", json=body), self._policy).body

    def get(
        self, method: str, *, params: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> object:
        """Ask with GET, for the two methods that want it. Raises as :meth:`read`."""
        return json_of(method, self._send(_Request(method, "GET", params=params, form=form), self._policy))

    def write(self, method: str, body: JsonObject) -> object:
        """Change something on the server. Sent exactly once; whoever calls decides what a failure means.

        Raises:
            ApiError: By kind. After a :class:`RequestTimeoutError`, a server failure or a
                :class:`ConnectionFailedError` with ``sent`` the change may have happened.
        """
        return json_of(method, self._send(_Request(method, "POST", json=body), NO_RETRY))

    @contextmanager
    def stream(self, method: str, body: JsonObject, *, offset: int = 0) -> Iterator["Content"]:
        """Open a file of any size, to be read block by block as it arrives. Sent once; whoever reads may go on later.

        ``offset`` counts the bytes that are known already. A server that cannot leave them out begins anew.

        Raises:
            ApiError: By kind; also while the blocks are read.
        """
        self._be_ready(method)
        request = self._built(_Request(method, "POST", json=body))
        request.headers["accept-encoding"] = "identity"  # offsets and lengths count the file's own bytes
        if offset:
            request.headers["range"] = f"bytes={offset}-"
        with self._failures(method):
            response = self._client.send(request, stream=True)
            try:
                if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                    answer = HttpAnswer(response.status_code, _lower(response.headers), response.read())
                    error = error_of(method, answer, self._address)
                    if error is not None:
                        raise self._without_token(error)
                yield _content(response, offset)
            finally:
                # Also when the reader stops early: the pool would wait for the rest of the file otherwise.
                response.close()

    def upload(self, method: str, params: Mapping[str, str], file: BinaryIO, size: int) -> object:
        """Send a file as the body, block by block from its start. Sent exactly once, as :meth:`write`.

        ``params`` are query parameters; ``size`` is the file's length in bytes.

        Raises:
            ApiError: As :meth:`write`.
        """
        return json_of(method, self._send(_Request(method, "POST", params=params, file=_Blocks(file, size)), NO_RETRY))

    def send_parts(self, method: str, parts: Sequence[tuple[str, bytes]]) -> object:
        """Send a form of parts, each with its name and its bytes, in that order. Sent exactly once, as :meth:`write`.

        Raises:
            ApiError: As :meth:`write`.
        """
        return json_of(method, self._send(_Request(method, "POST", parts=parts), NO_RETRY))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _send(self, request: _Request, policy: RetryPolicy) -> HttpAnswer:
        self._be_ready(request.method)
        attempt = 1
        while True:
            try:
                answer = self._exchange(request)
                error = error_of(request.method, answer, self._address)
                if error is None:
                    return answer
            except (ConnectionFailedError, RequestTimeoutError) as failure:
                error = failure
            attempt += 1
            wait = policy.wait_before(attempt, error.retry_after) if may_pass(error, attempt) else None
            if wait is None:
                raise self._without_token(error)
            _log.info("%s failed (%s); trying again in %.1f s", request.method, type(error).__name__, wait)
            self._sleep(wait)

    def _exchange(self, request: _Request) -> HttpAnswer:
        with self._failures(request.method):
            response = self._client.send(self._built(request))
        return HttpAnswer(response.status_code, _lower(response.headers), response.content)

    @contextmanager
    def _failures(self, method: str) -> Iterator[None]:
        """Turn what can go wrong on the way into typed errors."""
        try:
            yield
        # The order matters: these two are time-outs for httpx, but nothing was sent, so nothing can have happened.
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unreachable(method, sent=False) from error
        except httpx.TimeoutException as error:
            msg = _("{address} did not answer in time.").format(address=self._address)
            hint = _("Try again; if it stays so, the server is overloaded.")
            raise RequestTimeoutError(msg, hint, method=method) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.ConnectError) as error:
            raise self._unreachable(method, sent=False) from error
        except httpx.HTTPError as error:
            raise self._unreachable(method, sent=True) from error
        except RuntimeError as error:  # httpx's word for a client that somebody else has closed meanwhile
            if not self._client.is_closed:
                raise
            raise self._unreachable(method, sent=False) from error

    def _built(self, request: _Request) -> httpx.Request:
        url = f"{self._address}/public/api/v3/{request.method}"
        if request.parts:
            files = [(name, (name, content)) for name, content in request.parts]
            return self._client.build_request(request.verb, url, files=files)
        if request.file is None:
            return self._client.build_request(
                request.verb, url, json=request.json, params=request.params, data=request.form
            )
        headers = {"content-type": "application/octet-stream", "content-length": str(request.file.size)}
        built = self._client.build_request(
            request.verb, url, params=request.params, headers=headers, timeout=_UPLOAD_TIMEOUT
        )
        built.stream = request.file  # httpx would send an iterable in chunks, and servers want the length before
        return built

    def _unreachable(self, method: str, *, sent: bool) -> ConnectionFailedError:
        msg = _("The connection to {address} broke off.") if sent else _("{address} cannot be reached.")
        hint = _("Check the address, and that the server runs and this machine has a connection to it.")
        return ConnectionFailedError(msg.format(address=self._address), hint, method=method, sent=sent)

    def _without_token(self, error: ApiError) -> ApiError:
        # Servers quote requests in their errors, and messages end up on screens and in logs.
        if len(self._token) >= _SHORTEST_SECRET:
            error.message = error.message.replace(self._token, _HIDDEN)
            error.hint = error.hint.replace(self._token, _HIDDEN)
            error.args = (error.message,)
        return error

    def _be_ready(self, method: str) -> None:
        """Check the token before anything is sent: what refuses it further down would quote it."""
        if not self._token.isascii() or not self._token.isprintable():
            msg = _("The API token for {address} has characters that no token has.").format(address=self._address)
            hint = _("Copy it again from your account page on the server.")
            raise UnauthorizedError(msg, hint, method=method)
        self._probe_once()

    def _probe_once(self) -> None:
        """Switch to https if the server has it, as the official SDK does before its first request."""
        with self._probe_lock:
            if self._probed:
                return
            secure = "https://" + self._address.removeprefix("http://")
            try:
                # Without the token: it must not go anywhere before the way is known.
                answer = self._client.get(secure, timeout=_PROBE_TIMEOUT, auth=_NoAuth(), follow_redirects=False)
                if answer.status_code < HTTPStatus.BAD_REQUEST:  # a redirect to the login page counts, too
                    self._address = secure
            except httpx.HTTPError:
                _log.info("%s does not speak https; staying with http", self._address)
            self._probed = True


@dataclass(frozen=True, slots=True)
class Content:
    """A file that is arriving."""

    start: int  # place of the first byte: 0, or the offset asked for
    size: int | None  # bytes of the whole file, `None` where the server does not say
    blocks: Iterator[bytes]  # the bytes from `start` on


def _content(response: httpx.Response, offset: int) -> Content:
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
    # Whatever else came is the file from its start; a 206 for another place than asked for would damage the copy.
    if response.status_code == HTTPStatus.PARTIAL_CONTENT and told is not None and int(told[1]) == offset:
        size = None if told[2] == "*" else int(told[2])
        return Content(offset, size, response.iter_bytes())
    length = response.headers.get("content-length", "")
    return Content(0, int(length) if length.isdigit() else None, response.iter_bytes())


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class _Blocks(httpx.SyncByteStream):
    """A file in blocks, for a socket."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            yield block


class _TokenAuth(httpx.Auth):
    """Adds the token to a request at the last moment, so that no header store shows it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["x-api-key"] = self._token
        yield request


class _NoAuth(httpx.Auth):
    """Sends a request as it is."""
