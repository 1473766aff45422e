"""The address and the secret, in a file of their own that only its owner can read."""

import contextlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from traindash.errors import InputError
from traindash.files import JsonFile

LEAST_SECRET = 16
_MOST_LETTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook.

    Attributes:
        url: ``http`` or ``https``; checked by :func:`checked_url`.
        secret: Signs the messages. Left out of ``repr``.
        since: ISO 8601 moment; tasks that ended before are not told.
    """

    url: str
    secret: str
    since: str

    def __repr__(self) -> str:
        """Return a text without the secret."""
        return f"Hook(url={self.url!r})"


_HOOK: msgspec.json.Decoder[Hook | None] = msgspec.json.Decoder(Hook | None)


def checked_url(text: str, *, offline: bool) -> str:
    """Return an address that messages can be sent to.

    Args:
        text: What a person typed.
        offline: Nothing may leave this machine.

    Raises:
        InputError: It cannot be used; says why.
    """
    url = text.strip()
    if len(url) > _MOST_LETTERS or not url.isprintable() or " " in url:
        msg = "The address of the webhook is too long or has spaces in it."
        raise InputError(msg, "Copy it again from the receiving program.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:
        msg = f"“{url[:100]}” is no address: {error}."
        raise InputError(msg, "It should look like https://example.org/hook.") from error
    if parts.scheme not in {"http", "https"} or not host:
        msg = f"“{url[:100]}” is no web address."
        raise InputError(msg, "It should look like https://example.org/hook.")
    if parts.username is not None or parts.password is not None:
        msg = "The address of the webhook must not hold a password: addresses are shown on screens and in logs."
        raise InputError(msg, "Let the receiver check the signature instead.")
    if offline and not is_loopback(parts):
        msg = f"{host} is another machine, and this dashboard was started with TRAINDASH_OFFLINE."
        raise InputError(msg, "Start it without that variable, or use an address of this machine.")
    return url


def is_loopback(parts: SplitResult) -> bool:
    """Return whether an address is on this machine for sure."""
    host = parts.hostname or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def checked_secret(secret: str) -> str:
    """Return a secret that protects something.

    Raises:
        InputError: It is too short.
    """
    if len(secret) < LEAST_SECRET:
        msg = "The secret of the webhook is too short to protect anything."
        raise InputError(msg, f"Use {LEAST_SECRET} characters or more.")
    return secret


def hook_file(path: Path) -> JsonFile[Hook | None]:
    """Return where the webhook is kept, readable by its owner only; ``None`` without one."""
    return JsonFile(path=path, decode=_HOOK.decode, empty=None, noun="The webhook", private=True)
