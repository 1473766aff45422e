"""Arrays kept in a file of this machine: written whole or not at all, and a damaged file is as good as none."""

import hashlib
import io
import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)
DIGEST_SIZE = hashlib.sha256().digest_size
Columns = Mapping[str, NDArray[Any]]


def load_columns(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a file; ``None`` where there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
    if hashlib.sha256(body).digest() != digest:
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as columns:
        return {name: columns[name] for name in columns.files}


def save_columns(path: Path, columns: Columns) -> None:
    """Write arrays; readers see all of them or nothing.

    A folder that cannot be written costs time, not the result: it is logged.
    """
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **columns)
    content = hashlib.sha256(body.getvalue()).digest() + body.getvalue()
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        _log.warning("The evaluation cannot be kept in %s: %s", path.parent, error.strerror)
        with suppress(OSError):
            part.unlink(missing_ok=True)
