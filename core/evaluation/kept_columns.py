"""Arrays kept in a file of this machine: written whole or not at all, and a damaged file is as good as none."""

import hashlib
import io
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.files import replacing

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
    write_whole(path, lambda file: file.write(content), noun="The evaluation")


def write_whole(path: Path, write: Callable[[BinaryIO], object], *, noun: str) -> None:
    """Write a file; readers see all of it or nothing. Where that cannot be done, it is logged and left.

    Args:
        path: The file; its folder is made when it does not exist.
        write: Writes the content.
        noun: What it is, as the beginning of a sentence: ``The masks``.
    """
    try:
        with replacing(path) as partial, partial.open("wb") as file:
            write(file)
    except OSError as error:
        _log.warning("%s cannot be kept in %s: %s", noun, path.parent, error.strerror)
