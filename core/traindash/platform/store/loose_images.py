"""Image files by content, whether an image uses them or not: what was uploaded, may be added, is collected."""

import base64
import json
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection, Row

import msgspec

from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database, moment_text, now_text
from traindash.steady_clock import CLOCK

KEPT_DAYS = 1  # for which a file stays that no image uses
_HASH_BYTES = 32
_BATCH = 500


class StoredImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image file in the store."""

    hash: str  # base64 of the SHA-256 of its content
    mime: str
    size: int  # bytes
    width: int  # pixels, as people see it
    height: int  # pixels, as people see it


class LooseImages:
    """The image files of the store."""

    def __init__(self, database: Database, blobs: ImageBlobs) -> None:
        self._database = database
        self._blobs = blobs

    def known(self, hashes: Iterable[str]) -> dict[str, StoredImage]:
        """Return those of the hashes whose files are here; each stays for at least a day from now."""
        rows = self._rows(hashes)
        found = {row["hash"]: row for row in rows if self._blobs.is_whole(row["hash"], row["mime"], row["size"])}
        loose = [digest for digest, row in found.items() if row["loose"]]
        if loose:
            with self._database.write() as connection:
                update = "UPDATE loose_images SET seen_at = ? WHERE hash IN (SELECT value FROM json_each(?))"
                connection.execute(update, (now_text(), json.dumps(loose)))
        return {digest: stored_image(row) for digest, row in found.items()}

    def noted(self, hashes: Iterable[str]) -> dict[str, StoredImage]:
        """Return what was written down of images with these hashes, whether their files are here or not."""
        return {row["hash"]: stored_image(row) for row in self._rows(hashes)}

    def _rows(self, hashes: Iterable[str]) -> list[Row]:
        wanted = json.dumps([digest for digest in dict.fromkeys(hashes) if _is_hash(digest)])
        columns = "hash, mime, size, width, height"
        query = (
            f"SELECT {columns}, 1 AS loose FROM loose_images WHERE hash IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant names
            f" UNION ALL SELECT {columns}, 0 FROM images WHERE hash IN (SELECT value FROM json_each(?)) GROUP BY hash"
        )
        with self._database.read() as connection:
            return connection.execute(query, (wanted, wanted)).fetchall()

    def collect(self) -> int:
        """Remove the files that no image has used for :data:`KEPT_DAYS`, and return how many there were.

        Nothing is removed while a task is under way: it reads images by their files. Serving tasks look at images only
        while they are asked to, and go on for weeks.
        """
        border = CLOCK.now() - timedelta(days=KEPT_DAYS)
        query = "SELECT * FROM loose_images WHERE seen_at < ?"
        busy = "SELECT 1 FROM tasks WHERE finished_at IS NULL AND kind <> 'serve' LIMIT 1"
        removed = 0
        with self._database.read() as connection:
            if connection.execute(busy).fetchone() is not None:
                return 0
            rows = connection.execute(query, (moment_text(border),)).fetchall()
        for start in range(0, len(rows), _BATCH):
            # In the transaction that looks: nobody can begin to use a file between the look and its end.
            with self._database.write() as connection:
                for row in rows[start : start + _BATCH]:
                    removed += self._drop(connection, row, border)
            time.sleep(0)  # who waits for the lock comes first
        return removed

    def _drop(self, connection: Connection, row: Row, border: datetime) -> bool:
        path: Path = self._blobs.path(row["hash"], row["mime"])
        if path.exists() and path.stat().st_mtime > border.timestamp():
            return False  # an import has just found it and counts on it
        query = "DELETE FROM loose_images WHERE hash = ? AND seen_at < ?"
        if not connection.execute(query, (row["hash"], moment_text(border))).rowcount:
            return False  # somebody has asked for it meanwhile
        query = "SELECT 1 FROM images WHERE hash = ? LIMIT 1"
        is_used: bool = connection.execute(query, (row["hash"],)).fetchone() is not None
        if not is_used:
            path.unlink(missing_ok=True)
        return not is_used

    def note(self, images: Iterable[StoredImage]) -> None:
        """Write down files that are about to be put in place, so that they are found, or collected one day."""
        now = now_text()
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO loose_images VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (hash) DO UPDATE SET seen_at = excluded.seen_at",
                [(image.hash, image.mime, image.size, image.width, image.height, now) for image in images],
            )


def _is_hash(text: str) -> bool:
    """Return whether a text is the base64 of a SHA-256."""
    try:
        return len(base64.b64decode(text, validate=True)) == _HASH_BYTES
    except ValueError:
        return False


def stored_image(row: Row) -> StoredImage:
    """Return what a row says of an image file; of its own table, or of an image that has it."""
    return StoredImage(hash=row["hash"], mime=row["mime"], size=row["size"], width=row["width"], height=row["height"])
