"""Who works for requests: threads for short work, a few for heavy work, and how much may wait for them.

Python lets one thread compute at a time, so a request that computes takes its share from all others: heavy work runs in
few threads, and what does not fit into its queue is sent away with 429 and ``Retry-After``, which the official SDK
obeys (docs/supervisely-api.md 1.1). Work that was begun is not broken off; what a request may hold bounds it.
"""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import StreamingResponse

from traindash.errors import AppError, InputError

RETRY_SECONDS = 2
BODY_SECONDS = 60.0  # for a JSON body as a whole
CHUNK_SECONDS = 30.0  # for the next part of an upload
UNSENT_SECONDS = 10.0  # for the first part of a form
_LARGE_BODY = 2**20  # bytes; of larger ones only a few are in memory at once
_DRAINED = 64 * 2**20  # bytes of a body that is too large which are taken, so that its sender reads the answer
_PAUSE = 0.005  # seconds between the parts of such a body, so that other requests come in between
_SHOWN_FRAMES = 4
SOME = 2**18  # bytes of an answer that are made at one stroke
_TURN = 0.001  # seconds that a thread may compute while others wait; Python's own 0.005
_T = TypeVar("_T")
_log = logging.getLogger("traindash.platform")


def take_short_turns() -> None:
    """Let threads of this process take turns more often.

    An answer takes half a dozen turns of the event loop and of a worker; beside a thread that computes, such as an
    import, each of them waits for as long as that one may go on.
    """
    sys.setswitchinterval(_TURN)


class BusyError(AppError):
    """The server has too much to do for one more request of this kind."""

    def __init__(self) -> None:
        super().__init__("The server is busy with other requests.", "Try again in a few seconds.")


class SlowError(AppError):
    """The client does not send its request."""

    def __init__(self) -> None:
        super().__init__("The request did not arrive in time.", "Send it again.")


class InThread(Protocol):
    """Runs functions in worker threads of the API."""

    async def __call__(self, function: Callable[[], _T], /) -> _T:
        """Run a function and return what it returns."""


class Lane:
    """Some threads and a queue of bounded length; to be used from one event loop."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"platform-{name}")
        self._most = threads + waiting
        self._taken = 0

    async def run(self, function: Callable[[], _T], /) -> _T:
        """Run a function in a thread and return what it returns.

        Raises:
            BusyError: Too many wait already.
        """
        if self._taken >= self._most:
            raise BusyError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def leave(done: Future[_T]) -> None:
            # Taken until the thread is done and not until the client is gone: the work goes on without it.
            self._taken -= 1
            if answer.cancelled():
                return
            if (error := done.exception()) is None:
                answer.set_result(done.result())
            else:
                answer.set_exception(error)

        def wake(done: Future[_T]) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(leave, done)

        self._taken += 1
        try:
            future = self._executor.submit(function)
        except BaseException:
            self._taken -= 1
            raise
        # One turn of the loop for each answer; `asyncio.wrap_future` and a place to leave are two.
        future.add_done_callback(wake)
        return await answer

    def close(self) -> None:
        """Wait for what runs."""
        self._executor.shutdown(wait=True)


class Workload:
    """The lanes of a platform. The event loop's own threads stay free for static files and Streamlit."""

    def __init__(self) -> None:
        self.short = Lane("short", threads=12, waiting=500)
        few = max(1, min(2, (os.cpu_count() or 1) - 1))  # one core is left to the others
        self.heavy = Lane("heavy", threads=few, waiting=30)
        self.pictures = Lane("pictures", threads=few, waiting=200)  # a page asks for the thumbnails of a whole screen
        self.streams = Lane("streams", threads=2, waiting=500)  # the next block of answers that have begun
        self._large = _Places(most=2, waiting=10)
        self._refused = _Places(most=2, waiting=60)  # bodies that are too large, while they are thrown away

    def close(self) -> None:
        """Wait for what runs."""
        for lane in (self.short, self.heavy, self.pictures, self.streams):
            lane.close()

    def streamed(self, blocks: Iterator[bytes], media_type: str) -> StreamingResponse:
        """Answer with blocks that are made while they are sent."""

        async def give() -> AsyncIterator[bytes]:
            while some := await self.streams.run(lambda: some_of(blocks)):
                yield some

        return StreamingResponse(give(), media_type=media_type)

    @asynccontextmanager
    async def body(self, request: Request, megabytes: int) -> AsyncIterator[bytes]:
        """Read a body of a bounded size; while a large one is in use, only few others are.

        Raises:
            BusyError: Too many large bodies wait.
            InputError: It is larger.
            SlowError: It does not arrive in time.
        """
        if _declared(request) > megabytes * 2**20:
            async with self._refused.one():
                yield await read_body(request, megabytes)  # which refuses it
            return
        chunked = "transfer-encoding" in request.headers
        if megabytes * 2**20 > _LARGE_BODY and (chunked or _declared(request) > _LARGE_BODY):
            async with self._large.one():
                yield await read_body(request, megabytes)
        else:
            yield await read_body(request, megabytes)


def some_of(blocks: Iterator[bytes]) -> bytes:
    """Return the next blocks as one; nothing when there are none left. Each turn of a thread costs as much as one."""
    some, size = [], 0
    for block in blocks:
        some.append(block)
        size += len(block)
        if size >= SOME:
            break
    return b"".join(some)


class _Places:
    """A bounded number of places, and of those who wait for one."""

    def __init__(self, *, most: int, waiting: int) -> None:
        self._semaphore = asyncio.Semaphore(most)
        self._left = most + waiting

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        if not self._left:
            raise BusyError
        self._left -= 1
        try:
            async with self._semaphore:
                yield
        finally:
            self._left += 1


async def read_body(request: Request, megabytes: int) -> bytes:
    """Read a body of a bounded size.

    Raises:
        InputError: It is larger.
        SlowError: It does not arrive in time.
    """
    most = megabytes * 2**20
    is_large = _declared(request) > most
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                is_large = is_large or size > most
                if size > _DRAINED:
                    break
                if is_large:  # the rest is taken and not kept: who is still sending would not see the answer
                    chunks.clear()
                    await asyncio.sleep(_PAUSE)
                else:
                    chunks.append(chunk)
    except TimeoutError as error:
        raise SlowError from error
    if is_large:
        raise InputError(f"The body is larger than {megabytes} MB.", "Send fewer items at once.")
    return b"".join(chunks)


def _declared(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() and len(declared) < 19 else 0  # noqa: PLR2004 - digits of 2**63


async def chunks_in_time(request: Request) -> AsyncGenerator[bytes, None]:
    """Yield the parts of a body.

    Raises:
        SlowError: The next one does not come.
        InputError: It is a form of which nothing comes.
    """
    stream = aiter(request.stream())
    # The SDK repeats a form without its content (docs/supervisely-api.md 1.3). Where the first try is known, it was
    # answered from there; here it is not, as after a kill of the server, and ten repeats would take ten minutes.
    is_unsent = "boundary=" in request.headers.get("content-type", "")
    while True:
        try:
            async with asyncio.timeout(UNSENT_SECONDS if is_unsent else CHUNK_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            if is_unsent:
                raise InputError("The content of this form does not come.", "Call the upload again.") from error
            raise SlowError from error
        is_unsent = False
        if chunk is None:
            return
        yield chunk


def log_fault(what: str) -> str:
    """Write the error at hand to the log, in one line; return the reference that stands there."""
    kind, error, trace = sys.exc_info()
    reference = uuid4().hex[:8]
    frames = traceback.extract_tb(trace)[-_SHOWN_FRAMES:]
    way = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames)
    name = "" if kind is None else kind.__name__
    said = ascii(str(error))[:300]
    _log.error("%s failed (reference %s): %s %s at %s", what, reference, name, said, way)
    return reference
