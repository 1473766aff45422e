"""What can go wrong between this client and a server, by kind.

AppError
└── ApiError
    ├── ConnectionFailedError   no connection: refused, name unknown, broken off
    ├── RequestTimeoutError     no answer in time
    ├── UnauthorizedError       401: the token is missing or wrong
    ├── ForbiddenError          403: the token may not do this
    ├── MissingError            404: also a NotFoundError
    ├── RejectedError           400, 422 and other refusals of what was asked: also an InputError
    ├── RateLimitedError        429
    ├── ServerFailedError       5xx
    └── ContractError           an answer whose form is not the documented one; names method and field

Each knows the API method and the status, and tells them apart from its message. The server's own words
(``details.message``, docs/supervisely-api.md 1.1) are part of the message; the API token never is.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeAlias

from traindash.errors import AppError, InputError, NotFoundError
from traindash.formatting import size
from traindash.language import N_
from traindash.language import gettext as _


class ApiError(AppError):
    """Base of everything that can fail on the way to a server and back.

    The message is one sentence on what happened, the hint the next step. ``method`` is the API method that was called,
    e.g. ``tasks.info``, ``status`` the HTTP status, ``None`` when there was no answer.
    """

    retry_after: float | None = None  # seconds that the server wants to be left alone, `None` where it does not say

    def __init__(self, message: str, hint: str = "", *, method: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.method = method
        self.status = status

    @property
    def details(self) -> str:
        """Method and status, for whoever looks into it; messages for people leave them out."""
        status = "" if self.status is None else f"status {self.status}"
        return ", ".join(part for part in (self.method, status) if part)


class ConnectionFailedError(ApiError):
    """The server could not be reached, or it closed the connection before it answered.

    ``sent``: whether the request may have reached the server. ``False`` means that it certainly did nothing.
    """

    def __init__(self, message: str, hint: str = "", *, method: str = "", sent: bool = True) -> None:
        super().__init__(message, hint, method=method)
        self.sent = sent


class RequestTimeoutError(ApiError):
    """The server did not answer in time. It may have done what was asked."""


class UnauthorizedError(ApiError):
    """The server does not know the token."""


class ForbiddenError(ApiError):
    """The token's owner may not do this."""


class MissingError(ApiError, NotFoundError):
    """The server does not have what was asked for."""


class RejectedError(ApiError, InputError):
    """The server refuses what was asked, and says why."""


class RateLimitedError(ApiError):
    """Too many requests."""


class ServerFailedError(ApiError):
    """The server failed by its own fault."""


class ContractError(ApiError):
    """The answer does not have the documented form.

    ``field`` is the path of the first field that does not fit, e.g. ``entities.0.id``.
    """

    def __init__(self, message: str, hint: str = "", *, method: str = "", field: str = "") -> None:
        super().__init__(message, hint, method=method)
        self.field = field


# From an HTTP answer to data or a typed error; no input or output here.
#
# Error bodies, the codes that are worth another try and their meaning: docs/supervisely-api.md 1.1.


# statuses that may be gone at the next try, as the official SDK sees it
PASSING_STATUSES = frozenset({408, 429, 499, 500, 502, 503, 504, 509, 598, 599})

# A server that has just started says this with status 400 until its agents have called (docs/supervisely-api.md 1.1).
_AGENT_NOT_READY = "Agent should call AgentConnected or AgentPing before attempting any other request"
_LONGEST_QUOTE = 400  # characters: a stack trace is no sentence for people


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


def error_of(method: str, answer: HttpAnswer, address: str) -> ApiError | None:
    """Return what an answer's status says is wrong, ``None`` if nothing; the text names method and server address."""
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    kind, what, hint = _meaning(answer, address)
    # Of a token there is nothing to add, and servers write to programmers: “send it in the header x-api-key”.
    words = ServerWords() if kind is UnauthorizedError else _server_words(answer.body)
    if words.message and kind in {MissingError, RejectedError}:
        # What the server says is about what was asked for; more words would only hide it.
        message = f"{words.message}."
    else:
        message = f"{what}: {words.message}." if words.message else f"{what}."
    error = kind(message, words.hint or hint, method=method, status=answer.status)
    error.retry_after = _asked_to_wait(answer.headers)
    return error


def _is_passing(error: ApiError) -> bool:
    """Whether the same request may work at the next try."""
    if error.status is None:
        # No answer, or one that does not have the documented form: the same answer would come again.
        return not isinstance(error, ContractError)
    return error.status in PASSING_STATUSES or (
        error.status == HTTPStatus.BAD_REQUEST and _AGENT_NOT_READY in error.message
    )


@dataclass(frozen=True, slots=True)
class ServerWords:
    """What a server says in an error body; empty where it says nothing."""

    message: str = ""  # without the period at its end
    hint: str = ""  # the next step; the embedded platform gives one


def _server_words(body: bytes) -> ServerWords:
    """Read an error body: ``details.message``, else ``error``.

    ``details`` may also be a list whose first element has the message.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ServerWords()
    if not isinstance(content, dict):
        return ServerWords()
    details = content.get("details")
    if isinstance(details, list) and details:
        details = details[0]
    if not isinstance(details, dict):
        details = {}
    said = (_text(words) for words in (details.get("message"), content.get("error"), content.get("message")))
    message = next((words for words in said if words), "")
    return ServerWords(message.rstrip("."), _text(details.get("hint")))


def _text(value: object) -> str:
    return value.strip()[:_LONGEST_QUOTE] if isinstance(value, str) else ""


def _asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a ``Retry-After`` header, which may be a number or a date; ``None`` without one."""
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:  # the header's other form, which proxies use
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def json_of(method: str, answer: HttpAnswer) -> object:
    """Return the JSON of an answer.

    Raises:
        ContractError: The body is no JSON.
    """
    try:
        content: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        kind = answer.headers.get("content-type", "no content type").split(";")[0]
        msg = _("The server's answer to {method} is not JSON ({kind}, {size}).").format(
            method=method, kind=kind, size=size(len(answer.body))
        )
        hint = _("Check that the address is that of a Supervisely server.")
        raise ContractError(msg, hint, method=method, field="body") from error
    return content


def _meaning(answer: HttpAnswer, address: str) -> tuple[type[ApiError], str, str]:
    """Return kind, what happened, and the next step."""
    status = answer.status
    if known := _MEANINGS.get(status):
        kind, what, hint = known
    elif status < HTTPStatus.BAD_REQUEST:
        # A followed redirect would turn POST into GET, so none is ever followed (docs/supervisely-api.md 1).
        target = answer.headers.get("location", _("another address"))
        return (
            RejectedError,
            _("{address} redirects to {target}").format(address=address, target=target),
            _("Use that server's address."),
        )
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind, what, hint = _FAILED
    else:
        kind, what, hint = RejectedError, N_("The server refused this"), ""
    return kind, _(what).format(address=address), _(hint)


_Meaning: TypeAlias = tuple[type[ApiError], str, str]
_GAVE_UP: _Meaning = (
    RequestTimeoutError,
    N_("The server gave up on this request"),
    N_("Try again; if it stays so, the server is overloaded."),
)
_FAILED: _Meaning = (
    ServerFailedError,
    N_("The server failed"),
    N_("Try again in a minute; if it stays so, look into the server's own log."),
)
_MEANINGS: Mapping[int, _Meaning] = {
    401: (
        UnauthorizedError,
        N_("{address} does not accept the API token"),
        N_("Check the API token: copy it again from your account page on the server."),
    ),
    403: (
        ForbiddenError,
        N_("The server does not allow this"),
        N_("Ask an admin of the team for the right to do this, or choose another team."),
    ),
    404: (MissingError, N_("The server does not have what was asked for"), ""),
    429: (RateLimitedError, N_("The server gets too many requests"), N_("Wait a moment and try again.")),
    **dict.fromkeys((408, 499, 598, 599), _GAVE_UP),
}


# When to ask again, and after how long. Pure: the caller sleeps.


# A typing error in an address does not pass; a server that restarts is back within the first wait or takes minutes.
_TRIES_TO_REACH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential waiting with jitter; a server's ``Retry-After`` wins when it is longer."""

    attempts: int = 4  # tries in all, at least 1
    first_seconds: float = 0.5  # longest wait before the second try; it doubles with each further one
    longest_seconds: float = 20.0  # no wait is longer. A `Retry-After` above it ends the trying: the person decides
    # gives numbers from 0 up to 1; stands in for chance in tests
    draw: Callable[[], float] = field(default=random.random)

    def wait_before(self, attempt: int, retry_after: float | None = None) -> float | None:
        """Return the seconds to wait before a try, ``None`` if there shall be no further one.

        ``attempt`` is the number of the next try, 2 for the first repetition; ``retry_after`` the seconds that the
        server asked for.
        """
        if attempt > self.attempts:
            return None
        longest: float = min(self.first_seconds * 2 ** (attempt - 2), self.longest_seconds)
        # Half of it is fixed, so that a burst of clients spreads out and still leaves the server time.
        wait = longest * (0.5 + 0.5 * self.draw())
        if retry_after is None:
            return wait
        return None if retry_after > self.longest_seconds else max(wait, retry_after)


NO_RETRY = RetryPolicy(attempts=1)  # for everything that changes something on the server


def may_pass(error: ApiError, attempt: int) -> bool:
    """Whether a further try makes sense. A server that nobody can reach is asked once more, then the person decides.

    ``attempt`` is the number of the next try, 2 for the first repetition.
    """
    unreachable = isinstance(error, ConnectionFailedError) and not error.sent
    return _is_passing(error) and not (unreachable and attempt > _TRIES_TO_REACH)
