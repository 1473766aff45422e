"""One signed POST. No redirect is followed: what is signed for one address goes to no other."""

import hashlib
import hmac
import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from traindash.domain.webhook import DeliveryState
from traindash.platform.webhook.hook import Hook

SIGNATURE_HEADER = "X-Traindash-Signature"
DELIVERY_HEADER = "X-Traindash-Delivery"
TIMEOUT_SECONDS = 5.0
_LATER = frozenset({408, 425, 429})
_GOOD, _MOVED, _BAD, _BROKEN = 200, 300, 400, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one attempt.

    Attributes:
        state: ``delivered``; ``waiting``: another attempt makes sense and cannot arrive twice; ``failed``: none does;
            ``uncertain``: it was sent, and no answer came.
        detail: A sentence.
    """

    state: DeliveryState
    detail: str


def signature(secret: str, body: bytes) -> str:
    """Return the value of :data:`SIGNATURE_HEADER`: ``sha256=`` and the HMAC-SHA256 of the body in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()


def send(hook: Hook, body: bytes, delivery: str, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Send a message.

    Args:
        hook: Where to.
        body: JSON.
        delivery: Name of the message; the same at every attempt.
        timeout: Seconds for the connection, and again for the answer.
    """
    parts = urlsplit(hook.url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Traindash",
        DELIVERY_HEADER: delivery,
        SIGNATURE_HEADER: signature(hook.secret, body),
    }
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:  # name, network, certificate: nothing was sent
        return Answer(state=DeliveryState.WAITING, detail=f"{parts.netloc} cannot be reached: {_words(error)}.")
    try:
        connection.request("POST", target, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        detail = f"{parts.netloc} did not answer ({_words(error)}); the message may have arrived."
        return Answer(state=DeliveryState.UNCERTAIN, detail=detail)
    finally:
        connection.close()
    return _judge(status, parts.netloc)


def _judge(status: int, receiver: str) -> Answer:
    if _GOOD <= status < _MOVED:
        return Answer(state=DeliveryState.DELIVERED, detail=f"{receiver} took it.")
    if _MOVED <= status < _BAD:
        detail = f"{receiver} points to another address (HTTP {status}). Set that address instead."
        return Answer(state=DeliveryState.FAILED, detail=detail)
    if status in _LATER or status >= _BROKEN:
        return Answer(state=DeliveryState.WAITING, detail=f"{receiver} could not take it (HTTP {status}).")
    return Answer(state=DeliveryState.FAILED, detail=f"{receiver} refused it (HTTP {status}).")


def _words(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200].rstrip(".")
