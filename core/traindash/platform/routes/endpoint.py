"""The one ASGI endpoint behind all API methods: key, body, handler, answer; errors are always JSON."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.errors import AppError, InputError, NotFoundError, StateError, StorageError
from traindash.platform.dry_runs import DryRuns
from traindash.platform.imports import Imports
from traindash.platform.services import Services
from traindash.platform.tasks.admission import Admission
from traindash.platform.webhook import WebhookWorker
from traindash.platform.wire import checked, parse_json

# Largest JSON body; uploads are streamed to a file instead and have no bound but the disk.
MAX_BODY_BYTES = 32 * 2**20
_BUFFER = 1 << 20
_log = logging.getLogger("traindash.platform")


_STATUS_OF_ERROR: tuple[tuple[type[AppError], int], ...] = (
    (InputError, 400),
    (NotFoundError, 404),
    (StateError, 409),
    (StorageError, 507),  # not 500: clients of this API repeat a call for five minutes after a 500
)


def json_response(value: object, status: int = 200) -> Response:
    """Return JSON. Values of our own types have snake_case keys; numbers that are none become null.

    JSON out of the database goes in as it is, as :class:`msgspec.Raw`.
    """
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem(status: int, message: str, hint: str = "") -> Response:
    """Return an error."""
    return json_response({"error": message, "details": {"message": message, "hint": hint}}, status)


def error_response(error: AppError) -> Response:
    """Return an error of ours."""
    status = next((code for kind, code in _STATUS_OF_ERROR if isinstance(error, kind)), 400)
    return problem(status, error.message, error.hint)


class Control(Protocol):
    """What routes ask of the supervisor."""

    def wake(self) -> None:
        """Look for work now."""

    def request_stop(self, task_id: TaskId) -> TaskStatus:
        """Stop a task; the status after it."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What handlers work with."""

    services: Services
    admission: Admission
    control: Control
    imports: Imports
    dry_runs: DryRuns
    webhook: WebhookWorker


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Method(Generic[_T]):
    """An API method with a JSON body."""

    name: str  # dotted name, e.g. `projects.info`
    body: type[_T]  # shape of the request
    # runs in a worker thread; returns what becomes JSON, or a finished response
    handle: Callable[[ApiContext, _T], object]

    def run(self, api: ApiContext, data: dict[str, object]) -> Response:
        """Check the body and answer."""
        answer = self.handle(api, checked(self.name, self.body, data))
        return answer if isinstance(answer, Response) else json_response(answer)


class InThread(Protocol):
    """Runs functions in worker threads of the API."""

    def __call__(self, function: Callable[[], _T], /) -> Awaitable[_T]:
        """Run a function and return what it returns."""


@dataclass(frozen=True, slots=True)
class StreamMethod:
    """An API method that reads the request itself, for uploads; runs on the event loop and must not block it."""

    name: str
    handle: Callable[[ApiContext, Request, InThread], Awaitable[Response]]


class ApiEndpoint:
    """Answers ``/public/api/{version}/{method}``.

    ``api`` is what handlers work with; ``token`` gives the API key that clients must send; ``executor`` has the threads
    for the handlers, never the event loop's own, which static files need too.
    """

    def __init__(
        self,
        api: ApiContext,
        methods: Sequence[Method[Any] | StreamMethod],
        token: Callable[[], str],
        executor: Executor,
    ) -> None:
        self._api = api
        self._methods = {method.name: method for method in methods}
        self._token = token
        self._executor = executor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return  # nobody is left to answer
        except AppError as error:
            response = error_response(error)
        except OSError as error:
            _log.exception("The API method %s failed.", request.path_params.get("method"))
            message = f"The data directory does not work: {error.strerror or 'input or output failed'}."
            response = problem(507, message, "Check that the disk has space and that the folder is writable.")
        # The SDK repeats a call for five minutes after a 500 (docs/supervisely-api.md 1.1): it seems frozen.
        # Only a mistake of ours may come this far; what a client did wrong is an AppError, 4xx.
        except Exception:  # noqa: BLE001 - the edge: a mistake of ours becomes JSON and a log entry
            _log.exception("The API method %s failed.", request.path_params.get("method"))
            response = problem(500, "The server made a mistake.", "The log of the server has the details.")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        # The key first: without it nobody learns which methods there are.
        if not self._is_authorised(request):
            return problem(
                401, "The API token is missing or wrong.", "Send the server's token in the header x-api-key."
            )
        name = request.path_params["method"]
        method = self._methods.get(name) if request.path_params["version"] == "v3" else None
        if method is None:
            return problem(404, f"This server has no API method {name!r}.")
        # The SDK posts nearly everything, reads too; two methods come as GET (docs/supervisely-api.md 1).
        if request.method not in {"GET", "POST"}:
            return problem(405, f"{name} does not answer {request.method}.", "Use POST.")
        if isinstance(method, StreamMethod):
            return await method.handle(self._api, request, self._in_thread)
        data = await read_object(request)
        return await self._in_thread(lambda: method.run(self._api, data))

    async def _in_thread(self, function: Callable[[], _T], /) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    def _is_authorised(self, request: Request) -> bool:
        # Not a Bearer token (docs/supervisely-api.md 1). Compared in constant time, so that it cannot be felt out.
        key = request.headers.get("x-api-key", "")
        return hmac.compare_digest(key.encode("latin-1", "replace"), self._token().encode())


async def receive(request: Request, target: Path, in_thread: InThread) -> None:
    """Write the body of a request to a file, block by block; it is made even when the body is empty."""
    buffer = bytearray()

    def flush() -> None:
        with target.open("ab") as file:
            file.write(buffer)
        buffer.clear()

    # Opened for each block: whichever thread of the pool writes it, nothing is left open when the client goes away.
    async for chunk in request.stream():
        buffer.extend(chunk)
        if len(buffer) >= _BUFFER:
            await in_thread(flush)
    await in_thread(flush)


async def read_object(request: Request) -> dict[str, object]:
    """Return the request's parameters: those of the address, over them those of a form or JSON body.

    Raises:
        InputError: The body is too large, no JSON, or no object.
    """
    data: dict[str, object] = dict(request.query_params)
    # The SDK sends ecosystem.models.list as a GET with a form in its body (docs/supervisely-api.md 3.3).
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/"):
        raise InputError("This method takes a JSON body.", "Send it with content-type application/json.")
    content = await _read_limited(request)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return data | dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))
    if not content.strip():
        return data
    try:
        parsed = parse_json(content)
    except ValueError as error:
        raise InputError(f"The body is not valid JSON: {error}.", "Send a JSON object.") from error
    if not isinstance(parsed, dict):
        raise InputError(f"The body must be a JSON object, not {type(parsed).__name__}.")
    return data | parsed


async def _read_limited(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise InputError(f"The body is larger than {MAX_BODY_BYTES // 2**20} MB.", "Send fewer items at once.")
        chunks.append(chunk)
    return b"".join(chunks)
