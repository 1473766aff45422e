"""Files of any size to disk: in blocks, gone on with after a break, checked by size and hash, cancellable."""

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from core.api.errors import ApiError, ContractError
from core.api.retry import RetryPolicy, may_pass
from core.api.transport import JsonObject, Transport
from core.errors import StateError, StorageError
from core.files import replacing


class DownloadCancelledError(StateError):
    """The person did not want the file any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known of a file before it arrives.

    Attributes:
        name: For messages.
        size: Bytes; ``None`` where unknown.
        hash: SHA-256 in base64, as Team Files keeps it (contract section 3.1); empty where unknown.
    """

    name: str
    size: int | None = None
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Whoever waits for a file.

    Attributes:
        progress: Called with the bytes that are here and the size of the file, ``None`` if unknown.
        cancelled: Asked after each block.
    """

    progress: Callable[[int, int | None], None] = lambda _done, _size: None
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Downloader:
    """Brings files from a server.

    Attributes:
        transport: The server.
        policy: How often a broken download is gone on with. Tries that bring new bytes do not count.
        sleep: Waits; stands in for the clock in tests.
    """

    transport: Transport
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, method: str, body: JsonObject, target: Path, expected: Expected, watcher: Watcher) -> None:
        """Write a file; ``target`` appears when it is complete and right, and nothing is left of a failed try.

        Raises:
            DownloadCancelledError: The watcher cancelled.
            ContractError: The content is not the one that the server promised.
            StorageError: It cannot be written.
            ApiError: As :meth:`Transport.stream`, when going on did not help.
        """
        try:
            with replacing(target, private=True) as partial:
                with partial.open("wb") as file:
                    self._fill(file, method, body, expected, watcher)
                _check(partial, method, expected)
        except OSError as error:
            msg = f"{expected.name} cannot be written to {target.parent}: {error.strerror or error}."
            raise StorageError(msg, "Check free space and permissions of the data directory.") from error

    def _fill(self, file: IO[bytes], method: str, body: JsonObject, expected: Expected, watcher: Watcher) -> None:
        attempt, known = 1, 0
        while True:
            try:
                self._append(file, method, body, expected, watcher)
            except ApiError as error:
                attempt = 2 if file.tell() > known else attempt + 1
                known = file.tell()
                wait = self.policy.wait_before(attempt, error.retry_after) if may_pass(error, attempt) else None
                if wait is None:
                    raise
                self.sleep(wait)
            else:
                return

    def _append(self, file: IO[bytes], method: str, body: JsonObject, expected: Expected, watcher: Watcher) -> None:
        with self.transport.stream(method, body, offset=file.tell()) as content:
            file.seek(content.start)
            file.truncate()
            size = content.size if expected.size is None else expected.size
            for block in content.blocks:
                file.write(block)
                watcher.progress(file.tell(), size)
                if watcher.cancelled():
                    msg = f"The download of {expected.name} was cancelled."
                    raise DownloadCancelledError(msg)
            file.flush()


def _check(path: Path, method: str, expected: Expected) -> None:
    size = path.stat().st_size
    if expected.size is not None and size != expected.size:
        msg = f"{expected.name} arrived with {size:,} bytes; the server speaks of {expected.size:,}."
        raise ContractError(msg, "Try again; the file may be changing right now.", method=method, field="body")
    if expected.hash:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        if b64encode(digest).decode() != expected.hash:
            msg = f"{expected.name} arrived damaged: its hash is not the one that the server names."
            raise ContractError(
                msg, "Try again; if it stays so, the file is damaged on the server.", method=method, field="body"
            )
