"""The address and the secret, in a file of their own that only its owner can read."""

import contextlib
import ipaddress
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import TypeAdapter, ValidationError

from core.errors import InputError, StorageError

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


_HOOK: TypeAdapter[Hook] = TypeAdapter(Hook)


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


def load_hook(path: Path) -> Hook | None:
    """Return what is set, ``None`` without a webhook or when its file is damaged."""
    try:
        return _HOOK.validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    except OSError as error:
        msg = f"The webhook in {path} cannot be read: {error.strerror}."
        raise StorageError(msg, "Check who owns the file.") from error


def save_hook(path: Path, hook: Hook | None) -> None:
    """Keep a webhook, readable by its owner only, or remove it.

    Raises:
        InputError: The secret is too short.
        StorageError: The file cannot be written.
    """
    if hook is not None and len(hook.secret) < LEAST_SECRET:
        msg = "The secret of the webhook is too short to protect anything."
        raise InputError(msg, f"Use {LEAST_SECRET} characters or more.")
    partial = path.with_name(path.name + ".partial")
    try:
        if hook is None:
            path.unlink(missing_ok=True)
            return
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": hook.url, "secret": hook.secret, "since": hook.since}, file)
        partial.replace(path)
    except OSError as error:
        msg = f"The webhook cannot be written to {path}: {error.strerror}."
        raise StorageError(msg, "Check that the data directory is writable.") from error
