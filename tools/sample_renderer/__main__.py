"""``python -m tools.sample_renderer ARCHIVE.zip``."""

import sys
import tempfile
import zipfile
from pathlib import Path

from tools.sample_renderer.project import write_sample_project

# Zip entries carry a time; a fixed one makes the same pictures the same archive. 1980 is the first the format knows.
_WHEN = (1980, 1, 1, 0, 0, 0)


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder; the same content always gives the same bytes."""
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _WHEN)
            entry.external_attr = 0o644 << 16
            # A JPEG is compressed already: deflating it again costs time at every first start and saves one percent.
            kind = zipfile.ZIP_STORED if path.suffix == ".jpg" else zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes(), compress_type=kind)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        write_sample_project(Path(scratch))
        pack(Path(scratch), Path(sys.argv[1]))
