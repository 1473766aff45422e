"""Answers that did not arrive are given again, so that what a client asks for once is done once.

The official SDK sends a call again when its connection breaks, word for word (docs/supervisely-api.md 1.3). Whoever
calls the same thing twice because he wants it twice sends the same words. What tells them apart is whether the first
answer arrived. It did not when

- the connection ended before the last byte was handed over. That byte is held back for a moment, so that a client, or
  whatever stands between it and this server, that goes away when an answer begins is seen to do so;
- the connection was reset afterwards, which a system does when it throws away what nobody read;
- the same words come after just the pause that the SDK makes, and this client said nothing in between. This is the only
  sign when something in between took the whole answer and lost it.
"""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from traindash.platform.connections import FATE, Fate

KEPT_SECONDS = 310.0  # as long as the SDK repeats, 303 s
_HELD_SECONDS = 0.025
_MOST_CALLS, _MOST_BYTES, _MOST_CLIENTS = 1000, 32 * 2**20, 1000
_FIRST_BAD = 400
_DRAWN = re.compile(r'boundary="?[0-9a-f]{32}"?(?:$|;)')
# The SDK sleeps 1, 2, 4, … seconds; the rest is for its connection and for a busy machine.
_PAUSE, _SOONER, _LATER = 1.0, 0.03, 0.5
_REPEATING = ("python-requests/", "python-httpx/")  # what the SDK calls itself
_READING = frozenset(
    {"GetTaskContext", "all", "available", "download", "geometry", "get", "info", "list", "look", "me", "meta"}
    | {"models", "statistics", "stats", "version"}
)
# Named like what makes a second thing, and a second time comes to the same.
_REPLACING = frozenset({"annotations.bulk.add", "annotations.bulk.copy"})
_MAKING = frozenset({"add", "app", "clone", "copy", "create", "start", "upload"})


class Effect(StrEnum):
    """What a method does."""

    READS = "reads"
    CHANGES = "changes"  # a second time changes nothing more, or is refused
    MAKES = "makes"  # a second time makes a second thing


def effect_of(method: str) -> Effect:
    """Return what a method does by the last word of its name; one that is not known to read changes something."""
    if method in _REPLACING:
        return Effect.CHANGES
    word = method.rpartition(".")[2].partition("-")[0]
    if word in _READING:
        return Effect.READS
    return Effect.MAKES if word in _MAKING else Effect.CHANGES


def call_key(request: Request, content: bytes) -> str:
    """Return what is the same for a call and its repeat."""
    query: bytes = request.scope["query_string"]
    token, path = request.headers.get("x-api-key", ""), str(request.scope["path"])
    about = "\0".join((token, path, request.headers.get("content-type", ""))).encode()
    return hashlib.sha256(b"\0".join((about, query, content))).hexdigest()


def form_key(request: Request) -> str | None:
    """Return the same for an upload as a form, ``None`` for another one.

    The boundary of a form is drawn for each anew. The SDK's repeat has that of the first and no content at all, since
    its encoder is used up.
    """
    if "boundary=" not in request.headers.get("content-type", ""):
        return None
    return call_key(request, request.headers.get("content-length", "").encode())


def is_drawn(request: Request) -> bool:
    """Return whether the boundary of a form is 128 random bits, as the SDK draws them: no two forms have the same."""
    return _DRAWN.search(request.headers.get("content-type", "")) is not None


@dataclass(slots=True, eq=False)
class Attempt:
    """One request for a call, and what is known of its answer's way."""

    request: Request
    number: int  # which request of its client it is
    clock: Callable[[], float]  # seconds, growing
    is_lost: bool = False  # its connection ended before the last byte of the answer was handed over
    given_at: float | None = None  # when that was handed over
    _watch: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        """Be the newest request of its connection."""
        if (fate := self._fate) is not None:
            fate.latest = self

    @property
    def was_reset(self) -> bool:
        """The connection broke off after this answer, and nothing else was asked over it."""
        fate = self._fate
        return fate is not None and fate.was_reset and fate.latest is self

    @property
    def _fate(self) -> Fate | None:
        found = self.request.scope.get("state", {}).get(FATE)
        return found if isinstance(found, Fate) else None

    def watch(self) -> None:
        """Begin to look whether the client is there; its whole request must have been read."""
        self._watch = self._watch or asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            pass
        self.is_lost = True

    async def send(self, response: Response, send: Send, *, held: bool) -> None:
        """Send an answer, the last byte after a moment if it is ``held``; none of it when the client is gone."""
        self.watch()
        body = bytes(response.body)
        # Copied, since the same answer may be sent again: who compresses it on the way changes the headers.
        headers = list(response.raw_headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        if held:
            await send(_part(body[:-1], more=True))
            body = body[-1:]
            if self._watch is not None:
                await asyncio.wait([self._watch], timeout=_HELD_SECONDS)
        self.close()
        if not self.is_lost:
            await send(_part(body, more=False))
            self.given_at = self.clock()

    def close(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watch.cancel()


def _part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@dataclass(slots=True, eq=False)
class _Call:
    """What was asked for once, however often it is sent."""

    key: str
    effect: Effect
    answer: asyncio.Future[Response]
    holder: Attempt  # who waits for the answer, or had it
    held: bool  # the last byte of its answer is held back
    certain: bool  # nobody but who sent it first can know its key
    times: int = 1  # how often it was sent
    until: float = field(default=float("inf"))  # when it is forgotten; not before it is done
    size: int = 0  # bytes of the answer, once it was sent

    def is_repeated_by(self, other: Attempt) -> bool:
        """Whether a request that says the same is the repeat of this call."""
        if self.certain or self.holder.is_lost or self.holder.was_reset:
            return True
        given = self.holder.given_at
        if self.effect is not Effect.MAKES or given is None or other.number != self.holder.number + 1:
            return False
        if not other.request.headers.get("user-agent", "").startswith(_REPEATING):
            return False
        late = other.clock() - given - _PAUSE * 2.0 ** (self.times - 1)
        return -_SOONER <= late <= _LATER


class Given(Response):
    """The answer to a call; who sends it notes how it went."""

    def __init__(self, repeats: "Repeats", call: _Call, attempt: Attempt, given: Response) -> None:
        super().__init__(status_code=given.status_code)
        self._repeats, self._call, self._attempt, self._given = repeats, call, attempt, given

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive  # both are those of the attempt
        try:
            await self._attempt.send(self._given, send, held=self._call.held)
        finally:
            self._attempt.close()
            self._repeats.note(self._call, self._given)

    @property
    def is_given(self) -> bool:
        """The last byte was handed over."""
        return self._attempt.given_at is not None


class Repeats:
    """The calls whose answers may be asked for once more; to be used from one event loop.

    ``clock`` gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[_Call, None] = {}  # the oldest first
        self._of_key: dict[str, list[_Call]] = {}  # the same ones
        self._size = 0  # bytes of their answers
        self._requests: OrderedDict[tuple[str, ...], int] = OrderedDict()

    def attempt(self, request: Request) -> Attempt:
        """Count a request of whatever kind, and return what a call is answered with."""
        headers = request.headers
        client = tuple(headers.get(name, "") for name in ("x-api-key", "user-agent", "x-task-id"))
        number = self._requests.pop(client, 0) + 1
        self._requests[client] = number
        while len(self._requests) > _MOST_CLIENTS:
            self._requests.popitem(last=False)
        return Attempt(request, number, self._clock)

    async def answer(
        self,
        key: str,
        effect: Effect,
        attempt: Attempt,
        make: Callable[[], Awaitable[Response]],
        *,
        held: bool = True,
        certain: bool = False,
    ) -> Response:
        """Answer a call: with what its first request was answered, or will be, if that did not arrive.

        ``make`` does what is asked for. Whatever it raises is raised here, for each request that waits for it. Without
        ``held`` the answer is sent at one stroke: for what is asked many times in a row, where a moment each is long.
        A ``certain`` key says by itself that a second request with it is a repeat.
        """
        now = self._clock()
        self._forget(now)
        alike = self._of_key.get(key, ())
        known = next((call for call in alike if call.until > now and call.is_repeated_by(attempt)), None)
        if known is not None:
            known.holder, known.times = attempt, known.times + 1
            attempt.watch()
            return Given(self, known, attempt, await asyncio.shield(known.answer))
        call = _Call(key, effect, asyncio.get_running_loop().create_future(), attempt, held and not certain, certain)
        self._calls[call] = None
        self._of_key.setdefault(key, []).append(call)
        try:
            call.answer.set_result(response := await make())
        except BaseException as error:
            self._remove(call)
            attempt.close()
            if isinstance(error, Exception):
                call.answer.set_exception(error)
                call.answer.exception()  # seen: often nobody else waits for it
            else:
                call.answer.cancel()
            raise
        if type(response) is Response:
            return Given(self, call, attempt, response)
        self._remove(call)  # a file or a stream: read, whatever the method is called
        attempt.close()
        return response

    def note(self, call: _Call, given: Response) -> None:
        """Keep a call whose answer was sent, well or not, for as long as it may be repeated."""
        if given.status_code >= _FIRST_BAD:  # nothing was done, so it may be tried again
            self._remove(call)
        elif call in self._calls:
            call.until = self._clock() + KEPT_SECONDS
            self._size += len(given.body) - call.size
            call.size = len(given.body)

    def _remove(self, call: _Call) -> None:
        if call not in self._calls:
            return
        del self._calls[call]
        self._size -= call.size
        alike = self._of_key[call.key]
        alike.remove(call)
        if not alike:
            del self._of_key[call.key]

    def _forget(self, now: float) -> None:
        # Looks at the oldest only, not at all that are kept: there are hundreds, and this is done for each request.
        while (oldest := next(iter(self._calls), None)) is not None and oldest.until <= now:
            self._remove(oldest)
        while len(self._calls) > _MOST_CALLS or self._size > _MOST_BYTES:
            done = next((call for call in self._calls if call.answer.done()), None)
            if done is None:
                return
            self._remove(done)
