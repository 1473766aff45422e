"""Images that are fetched from other addresses, from hosts that a person has allowed and from nowhere else."""

import http.client
import ipaddress
import json
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from traindash.errors import InputError
from traindash.platform.multipart import Form
from traindash.platform.store.accounts import Accounts, store_setting
from traindash.platform.store.database import Database
from traindash.platform.store.uploads import Uploads
from traindash.platform.wire import shortened

MOST_HOSTS = 100
_SETTING = "link_hosts"
_SECONDS_EACH, _SECONDS_ALL = 15.0, 60.0  # for the next part of an answer; for all images of a request
_MOST_BYTES = 512 * 2**20  # of one image
_BLOCK = 2**18
_LONGEST = 253  # letters of a name in DNS
_GOOD, _MOVED, _BAD = 200, 300, 400


class Links:
    """Fetches linked images into the uploads. ``incoming`` is for what is being received."""

    def __init__(self, database: Database, uploads: Uploads, incoming: Path, *, offline: bool) -> None:
        self._database = database
        self._accounts = Accounts(database)
        self._uploads = uploads
        self._incoming = incoming
        self._offline = offline

    def hosts(self) -> tuple[str, ...]:
        """Return the hosts that images may be fetched from."""
        return tuple(json.loads(self._accounts.setting(_SETTING) or "[]"))

    def allow(self, hosts: Sequence[str]) -> tuple[str, ...]:
        """Set the hosts that images may be fetched from, and return them as they are kept.

        Raises:
            InputError: One is no name of a host.
        """
        kept = tuple(dict.fromkeys(_checked_host(host) for host in hosts if host.strip()))
        with self._database.write() as connection:
            store_setting(connection, _SETTING, json.dumps(kept))
        return kept

    def fetch(self, urls: Sequence[str]) -> list[str]:
        """Fetch images as if they were uploaded, and return their hashes.

        Raises:
            InputError: A host is not allowed, or an image cannot be fetched; names it.
        """
        allowed = self.hosts()
        places = [self._checked(url, allowed) for url in urls]
        boundary, form = uuid4().hex, self._incoming / uuid4().hex
        deadline = time.monotonic() + _SECONDS_ALL
        try:
            with form.open("wb") as file:
                for number, place in enumerate(places):
                    file.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{number}-file"\r\n\r\n'.encode())
                    _fetch(place, file, deadline)
                    file.write(b"\r\n")
                file.write(f"--{boundary}--\r\n".encode())
            return self._uploads.accept(Form(content_type=f"multipart/form-data; boundary={boundary}", path=form))
        finally:
            form.unlink(missing_ok=True)

    def _checked(self, url: str, allowed: Sequence[str]) -> SplitResult:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise InputError(f"{shortened(url)!r} is no address.", "Use one that begins with https://.") from error
        if parts.scheme not in {"http", "https"} or not host or not url.isprintable() or " " in url:
            raise InputError(f"{shortened(url)!r} is no web address.", "Use one that begins with https://.")
        if host not in allowed:
            msg = f"Images are not fetched from {shortened(host)}: this host is not allowed."
            raise InputError(msg, "Allow it on the Connection page, or download the image and upload the file.")
        if self._offline and not _is_loopback(host):
            msg = f"{shortened(host)} is another machine, and this dashboard was started with TRAINDASH_OFFLINE."
            raise InputError(msg, "Start it without that variable, or upload the file.")
        return parts


def _fetch(place: SplitResult, file: IO[bytes], deadline: float) -> None:
    """Write what an address answers to a file. No redirect is followed: it may lead to a host that is not allowed."""
    make = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    name = shortened(place.geturl())
    try:
        with closing(make(place.hostname or "", place.port, timeout=_SECONDS_EACH)) as connection:
            target = (place.path or "/") + (f"?{place.query}" if place.query else "")
            connection.request("GET", target, headers={"User-Agent": "Traindash"})
            answer = connection.getresponse()
            if _MOVED <= answer.status < _BAD:
                raise InputError(f"{name} points to another address.", "Use that address.")
            if not _GOOD <= answer.status < _MOVED:
                raise InputError(f"{name} answers with HTTP {answer.status}.", "Check the address in a browser.")
            size = 0
            while block := answer.read(_BLOCK):
                size += len(block)
                if size > _MOST_BYTES or time.monotonic() > deadline:
                    raise InputError(f"{name} is too large or too slow.", "Download the image and upload the file.")
                file.write(block)
    except (http.client.HTTPException, UnicodeError) as error:
        raise InputError(f"{name} does not answer as a web server does.", "Check the address.") from error
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise InputError(f"{name} cannot be reached: {shortened(reason)}.", "Check the address.") from error


def _checked_host(text: str) -> str:
    """Return a host as addresses name it.

    Raises:
        InputError: It is none.
    """
    host = text.strip().lower()
    with suppress(ValueError):
        found = urlsplit(host if "://" in host else f"//{host}").hostname or ""
        if 0 < len(found) <= _LONGEST and all(letter.isalnum() or letter in "-.:" for letter in found):
            return found
    raise InputError(f"{shortened(text)!r} is no name of a host.", "Write it as in images.example.org.")


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
