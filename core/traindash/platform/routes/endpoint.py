"""The one ASGI endpoint behind all API methods: key, body, handler, answer; errors are always JSON."""

import asyncio
import contextlib
import errno
import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, assert_never
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.errors import AppError, InputError, NotFoundError, StateError, StorageError, without_folders
from traindash.platform.dry_runs import DryRuns
from traindash.platform.exports import ModelExports
from traindash.platform.imports import Imports
from traindash.platform.multipart import Form
from traindash.platform.ready_models import Predictors
from traindash.platform.routes.repeats import Attempt, Effect, Given, Repeats, call_key, effect_of, form_key, is_drawn
from traindash.platform.routes.workload import (
    RETRY_SECONDS,
    SOME,
    BusyError,
    InThread,
    SlowError,
    Workload,
    chunks_in_time,
    log_fault,
    some_of,
)
from traindash.platform.services import Services
from traindash.platform.serving.service import Serving
from traindash.platform.tasks.admission import Admission
from traindash.platform.webhook import WebhookWorker
from traindash.platform.wire import USUAL, BodyBounds, DetailedError, checked, decoded, shortened

API = "/public/api/"  # what the path of each method begins with
_BUFFER = 1 << 20
_SMALL = 1 << 16
_MOMENT = 0.1  # seconds
_LONGEST = 2000  # characters of an error, whatever a client has put into it
_MOST_FIELDS = 200  # of a form or an address
_NONE: Mapping[str, object] = {}


_STATUS_OF_ERROR: tuple[tuple[type[AppError], int], ...] = (
    (InputError, 400),
    (NotFoundError, 404),
    (StateError, 409),
    (BusyError, 429),
    (SlowError, 408),
    (StorageError, 507),  # not 500: clients of this API repeat a call for five minutes after a 500
)


def json_response(value: object, status: int = 200) -> Response:
    """Return JSON. Values of our own types have snake_case keys; numbers that are none become null.

    JSON out of the database goes in as it is, as :class:`msgspec.Raw`.
    """
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem(status: int, message: str, hint: str = "", details: Mapping[str, object] = _NONE) -> Response:
    """Return an error; ``details`` is what clients read of it beside the text."""
    said = shortened(message, _LONGEST)
    told = {**details, "message": said, "hint": shortened(hint, _LONGEST)}
    return json_response({"error": said, "details": told}, status)


def _error_response(error: AppError, data: Path) -> Response:
    """Return an error of ours."""
    status = next((code for kind, code in _STATUS_OF_ERROR if isinstance(error, kind)), 400)
    details = error.details if isinstance(error, DetailedError) else _NONE
    response = problem(status, without_folders(error.message, data), without_folders(error.hint, data), details)
    if isinstance(error, BusyError):
        response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


# What an operating system says about its disks, handles and memory, and not about the names that it was asked for.
_TROUBLE = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "EFBIG")
    if hasattr(errno, name)
)


def fault_response(error: Exception, what: str, data: Path) -> Response:
    """Return what went wrong as JSON, and log what is no error of ours; to be called where it was caught.

    ``what`` failed, in a few words; ``data`` is the data directory, of which no client is told where it lies.
    """
    if isinstance(error, AppError):
        return _error_response(error, data)
    if isinstance(error, OSError) and error.errno in _TROUBLE:
        log_fault(what)
        message = f"The data directory does not work: {error.strerror or 'input or output failed'}."
        return problem(507, message, "Check that the disk has space and that the folder is writable.")
    if isinstance(error, MemoryError):
        log_fault(what)
        return problem(507, "The machine has too little memory left for this.", "Ask for less at once.")
    # The SDK repeats a call for five minutes after a 500 (docs/supervisely-api.md 1.1): it seems frozen.
    # Only a mistake of ours may come this far; what a client did wrong is an AppError, 4xx.
    hint = f"The log of the server says more under the reference {log_fault(what)}."
    return problem(500, "The server made a mistake.", hint)


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
    predictors: Predictors
    serving: Serving
    exports: ModelExports
    webhook: WebhookWorker
    call: str = ""  # what a call that changes something and its repeats have in common


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that is made while it is sent."""

    blocks: Iterator[bytes]
    media_type: str = "application/json"

    def begun(self) -> "Response | Streamed":
        """Make the beginning; most answers are over then."""
        first = some_of(self.blocks)
        if len(first) < SOME:
            return Response(first, media_type=self.media_type)
        return Streamed(chain((first,), self.blocks), self.media_type)


@dataclass(frozen=True, slots=True)
class Method(Generic[_T]):
    """An API method with a JSON body."""

    name: str  # dotted name, e.g. `projects.info`; says whether it changes something, see `effect_of`
    body: type[_T]  # shape of the request
    # runs in a worker thread; returns what becomes JSON, or a finished response
    handle: Callable[[ApiContext, _T], object]
    bounds: BodyBounds = USUAL
    heavy: bool = False  # may compute or read for more than a few milliseconds
    in_rows: bool = False  # asked hundreds of times in a row, and a repeat does no harm or is refused
    given: Callable[[ApiContext], None] | None = None  # what is left to do when the answer was handed over
    # answers once more by the ids of what was made; `None` when that is gone. Without it the answer itself is kept
    again: Callable[[ApiContext, tuple[int, ...]], object | None] | None = None

    def run(self, api: ApiContext, sent: "Parameters") -> Response | Streamed:
        """Check the body and answer."""
        answer = self.handle(api, sent.read(self.name, self.body, self.bounds))
        if isinstance(answer, Streamed):
            return answer.begun()
        return answer if isinstance(answer, Response | Streamed) else json_response(answer)


@dataclass(frozen=True, slots=True)
class WaitingMethod(Generic[_T]):
    """An API method with a small JSON body that may wait; runs on the event loop and must not block it."""

    name: str
    body: type[_T]
    handle: Callable[[ApiContext, _T, InThread], Awaitable[Response]]
    bounds: BodyBounds = USUAL


@dataclass(frozen=True, slots=True)
class StreamMethod:
    """An API method that reads the request itself, for uploads; runs on the event loop and must not block it.

    A form that is sent again is known by its boundary. Anything else is done again, so it must come to the same.
    """

    name: str
    handle: Callable[[ApiContext, Request, InThread], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class UploadMethod:
    """An API method whose body is a form of any size, received first; then it runs in a worker thread."""

    name: str
    handle: Callable[[ApiContext, Form], object]
    heavy: bool = False  # as of a :class:`Method`


AnyMethod: TypeAlias = Method[Any] | WaitingMethod[Any] | StreamMethod | UploadMethod


class ApiEndpoint:
    """Answers ``/public/api/{version}/{method}``; an ASGI application.

    ``api`` is what handlers work with; ``token`` gives the API key that clients must send; ``workload`` has the threads
    for the handlers.
    """

    def __init__(
        self, api: ApiContext, methods: Sequence[AnyMethod], token: Callable[[], str], workload: Workload
    ) -> None:
        self._api = api
        self._methods = {method.name: method for method in methods}
        self._token = token
        self._workload = workload
        self._repeats = Repeats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return  # nobody is left to answer
        except Exception as error:  # noqa: BLE001 - the edge: whatever went wrong becomes JSON
            what = f"The API method {ascii(_named(scope)[1])[:100]}"
            response = fault_response(error, what, self._api.services.layout.root)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        # The key first: without it nobody learns which methods there are.
        if not self._is_authorised(request):
            return problem(
                401, "The API token is missing or wrong.", "Send the server's token in the header x-api-key."
            )
        attempt = self._repeats.attempt(request)
        version, name = _named(request.scope)
        method = self._methods.get(name) if version == "v3" else None
        if method is None:
            return problem(404, f"This server has no API method {shortened(name)!r}.")
        # The SDK posts nearly everything, reads too; two methods come as GET (docs/supervisely-api.md 1).
        if request.method not in {"GET", "POST"}:
            return problem(405, f"{name} does not answer {request.method}.", "Use POST.")
        if isinstance(method, Method | WaitingMethod):
            return await self._run(method, request, attempt)
        if (key := form_key(request)) is None:
            return await self._take(method, request)
        effect, certain = effect_of(name), is_drawn(request)
        return await self._repeats.answer(key, effect, attempt, lambda: self._take(method, request), certain=certain)

    async def _take(self, method: StreamMethod | UploadMethod, request: Request) -> Response:
        short = self._workload.short.run
        if isinstance(method, StreamMethod):
            return await method.handle(self._api, request, short)
        target = self._api.services.layout.incoming / uuid4().hex
        try:
            content = await receive(request, target, short, small=True)
            form = Form(content_type=request.headers.get("content-type", ""), path=target, content=content)
            lane = self._workload.heavy if method.heavy else self._workload.short
            return await lane.run(lambda: _of_form(method, self._api, form))
        except BaseException:
            await short(lambda: target.unlink(missing_ok=True))
            raise

    async def _run(self, method: Method[Any] | WaitingMethod[Any], request: Request, attempt: Attempt) -> Response:
        effect = effect_of(method.name)
        async with self._workload.body(request, method.bounds.megabytes) as content:
            sent = Parameters.of(request, content)
            if effect is Effect.READS:
                return await self._made(method, self._api, sent)
            attempt.watch()  # all of the request is here: what comes now is its end
            if len(content) > _SMALL:  # it takes milliseconds, a small one less than the way to a thread
                key = await self._workload.short.run(lambda: call_key(request, content))
            else:
                key = call_key(request, content)
            api = replace(self._api, call=key)
            held = not (isinstance(method, Method) and method.in_rows)
            answer = await self._repeats.answer(key, effect, attempt, lambda: self._made(method, api, sent), held=held)
        if not isinstance(answer, Given):
            return answer
        if (given := method.given if isinstance(method, Method) else None) is not None:
            return _Followed(answer, lambda: self._workload.short.run(lambda: given(api)))
        return _Followed(answer, lambda: self._forget(api.call, held=held)) if _is_noted(method) else answer

    async def _forget(self, call: str, *, held: bool) -> None:
        unanswered = self._api.services.unanswered
        if unanswered.given(call) or held:
            if not held:  # one transaction for all that are answered in the same moment
                await asyncio.sleep(_MOMENT)
            with contextlib.suppress(RuntimeError):  # the server ends, which forgets them itself
                await self._workload.short.run(unanswered.forget)

    async def _made(self, method: Method[Any] | WaitingMethod[Any], api: ApiContext, sent: "Parameters") -> Response:
        match method:
            case Method():
                lane = self._workload.heavy if method.heavy else self._workload.short
                answer = await lane.run(lambda: _once(method, api, sent))
                if isinstance(answer, Response):
                    return answer
                return self._workload.streamed(answer.blocks, answer.media_type)
            case WaitingMethod():
                body = sent.read(method.name, method.body, method.bounds)
                return await method.handle(api, body, self._workload.short.run)
            case _:
                assert_never(method)

    def _is_authorised(self, request: Request) -> bool:
        # Not a Bearer token (docs/supervisely-api.md 1). Compared in constant time, so that it cannot be felt out.
        key = request.headers.get("x-api-key", "")
        return hmac.compare_digest(key.encode("latin-1", "replace"), self._token().encode())


def _named(scope: Scope) -> tuple[str, str]:
    """Return the version of the API and the method that the path of a request names."""
    version, _, name = str(scope["path"]).removeprefix(API).partition("/")
    return version, name


def _is_noted(method: "Method[Any] | WaitingMethod[Any]") -> bool:
    """Return whether a repeat that another server gets has to find what was made; starts of tasks see to it."""
    return isinstance(method, Method) and method.given is None and effect_of(method.name) is Effect.MAKES


def _once(method: "Method[Any]", api: ApiContext, sent: "Parameters") -> Response | Streamed:
    """Do what a method does, unless the server before this one did it and died before its answer was out."""
    if not _is_noted(method):
        return method.run(api, sent)
    unanswered = api.services.unanswered
    if (noted := unanswered.answer(api.call)) is not None and (known := _known(method, api, noted)) is not None:
        return known
    with unanswered.noting(api.call) as note:
        answer = method.run(api, sent)
    if note.is_made and not note.is_told and isinstance(answer, Response):
        unanswered.keep(api.call, bytes(answer.body))
    return answer


def _known(method: "Method[Any]", api: ApiContext, noted: bytes) -> Response | None:
    """Return the answer that the server before this one had for a call."""
    if method.again is None:
        return Response(noted, media_type="application/json")
    found = method.again(api, msgspec.json.decode(noted, type=tuple[int, ...]))
    return None if found is None else json_response(found)


class _Followed(Response):
    """An answer after which something is left to do if it was handed over."""

    def __init__(self, answer: Given, after: Callable[[], Awaitable[None]]) -> None:
        super().__init__(status_code=answer.status_code)
        self._answer, self._after = answer, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then do it."""
        await self._answer(scope, receive, send)
        if self._answer.is_given:
            await self._after()


async def receive(request: Request, target: Path, in_thread: InThread, *, small: bool = False) -> bytes | None:
    """Write the body of a request to a file, block by block; it is made even when the body is empty.

    A ``small`` body that fits into one block may be returned instead, and no file is made.

    Raises:
        SlowError: The next part does not come.
    """
    buffer = bytearray()

    def flush() -> None:
        nonlocal small
        small = False
        with target.open("ab") as file:
            file.write(buffer)
        buffer.clear()

    # Opened for each block: whichever thread of the pool writes it, nothing is left open when the client goes away.
    async for chunk in chunks_in_time(request):
        buffer.extend(chunk)
        if len(buffer) >= _BUFFER:
            await in_thread(flush)
    if small:
        return bytes(buffer)
    await in_thread(flush)
    return None


def _of_form(method: UploadMethod, api: ApiContext, form: Form) -> Response:
    answer = json_response(method.handle(api, form))
    if form.content is None:
        form.path.unlink(missing_ok=True)
    return answer


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request sends: texts of its address, over them those of a form or the fields of a JSON body."""

    texts: dict[str, str]
    content: bytes = b""  # JSON

    @classmethod
    def of(cls, request: Request, content: bytes) -> "Parameters":
        """Read the address and tell forms from JSON.

        Raises:
            InputError: It is another kind of form.
        """
        texts = dict(_pairs(request.scope["query_string"]))
        # The SDK sends ecosystem.models.list as a GET with a form in its body (docs/supervisely-api.md 3.3).
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("multipart/"):
            raise InputError("This method takes a JSON body.", "Send it with content-type application/json.")
        if content_type.startswith("application/x-www-form-urlencoded"):
            return cls(texts | dict(_pairs(content)))
        return cls(texts, content.strip())

    def read(self, method: str, body: type[_T], bounds: BodyBounds = USUAL) -> _T:
        """Check the parameters against the type of a body.

        Raises:
            InputError: A field is missing or not usable; the first one is named.
        """
        if not self.content:
            return checked(method, body, self.texts)
        if not self.texts:
            return decoded(method, body, self.content, bounds)
        return checked(method, body, self.texts | decoded(method, dict[str, Any], self.content, bounds))


def _pairs(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InputError(f"There are more than {_MOST_FIELDS} parameters.", "Send a JSON object.") from error
