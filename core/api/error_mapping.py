"""From an HTTP answer to data or a typed error; no input or output here.

Error bodies, the codes that are worth another try and their meaning: contract section 1.1.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeAlias

from core.api.errors import (
    ApiError,
    ContractError,
    ForbiddenError,
    MissingError,
    RateLimitedError,
    RejectedError,
    RequestTimeoutError,
    ServerFailedError,
    UnauthorizedError,
)

PASSING_STATUSES = frozenset({408, 429, 499, 500, 502, 503, 504, 509, 598, 599})
"""Statuses that may be gone at the next try, as the official SDK sees it."""

_AGENT_NOT_READY = "Agent should call AgentConnected or AgentPing before attempting any other request"
_LONGEST_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        headers: Names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def error_of(method: str, answer: Answer, address: str) -> ApiError | None:
    """Return what an answer's status says is wrong, ``None`` if nothing.

    Args:
        method: API method that was called.
        answer: What came back.
        address: Server address, for the text.
    """
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    kind, what, hint = _meaning(answer, address)
    # Of a token there is nothing to add, and servers write to programmers: “send it in the header x-api-key”.
    words = ServerWords() if kind is UnauthorizedError else server_words(answer.body)
    if words.message and kind in {MissingError, RejectedError}:
        # What the server says is about what was asked for; more words would only hide it.
        message = f"{words.message}."
    else:
        message = f"{what}: {words.message}." if words.message else f"{what}."
    error = kind(message, words.hint or hint, method=method, status=answer.status)
    error.retry_after = _asked_to_wait(answer.headers)
    return error


def is_passing(error: ApiError) -> bool:
    """Whether the same request may work at the next try."""
    if error.status is None:
        return not isinstance(error, ContractError)
    return error.status in PASSING_STATUSES or (
        error.status == HTTPStatus.BAD_REQUEST and _AGENT_NOT_READY in error.message
    )


@dataclass(frozen=True, slots=True)
class ServerWords:
    """What a server says in an error body; empty where it says nothing.

    Attributes:
        message: Without the period at its end.
        hint: The next step; the embedded platform gives one.
    """

    message: str = ""
    hint: str = ""


def server_words(body: bytes) -> ServerWords:
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
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def json_of(method: str, answer: Answer) -> object:
    """Return the JSON of an answer.

    Raises:
        ContractError: The body is no JSON.
    """
    try:
        content: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        kind = answer.headers.get("content-type", "no content type").split(";")[0]
        msg = f"The server's answer to {method} is not JSON ({kind}, {len(answer.body)} bytes)."
        hint = "Check that the address is that of a Supervisely server."
        raise ContractError(msg, hint, method=method, field="body") from error
    return content


def _meaning(answer: Answer, address: str) -> tuple[type[ApiError], str, str]:
    """Return kind, what happened, and the next step."""
    status = answer.status
    if known := _MEANINGS.get(status):
        kind, what, hint = known
    elif status < HTTPStatus.BAD_REQUEST:
        # A followed redirect would turn POST into GET, so none is ever followed (contract section 1).
        target = answer.headers.get("location", "another address")
        return RejectedError, f"{address} redirects to {target}", "Use that server's address."
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind, what, hint = _FAILED
    else:
        kind, what, hint = RejectedError, "The server refused this", ""
    return kind, what.format(address=address), hint


_Meaning: TypeAlias = tuple[type[ApiError], str, str]
_GAVE_UP: _Meaning = (
    RequestTimeoutError,
    "The server gave up on this request",
    "Try again; if it stays so, the server is overloaded.",
)
_FAILED: _Meaning = (
    ServerFailedError,
    "The server failed",
    "Try again in a minute; if it stays so, look into the server's own log.",
)
_MEANINGS: Mapping[int, _Meaning] = {
    401: (
        UnauthorizedError,
        "{address} does not accept the API token",
        "Check the API token: copy it again from your account page on the server.",
    ),
    403: (
        ForbiddenError,
        "The server does not allow this",
        "Ask an admin of the team for the right to do this, or choose another team.",
    ),
    404: (MissingError, "The server does not have what was asked for", ""),
    429: (RateLimitedError, "The server gets too many requests", "Wait a moment and try again."),
    **dict.fromkeys((408, 499, 598, 599), _GAVE_UP),
}
