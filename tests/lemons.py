"""A project as a Supervisely server exported it: kiwis and lemons, outlined by a person as bitmaps.

The annotations in ``tests/data/lemons`` are that server's own bytes. The photos are not kept; pictures of the same
sizes, with the fruit in a colour of its class, are drawn where a test needs them.
"""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from traindash.datasets.annotation_json import annotation_from_json
from traindash.datasets.geometry import decode_mask
from traindash.domain.annotation import Annotation, Bitmap

_EXPORTED = Path(__file__).parent / "data" / "lemons"
_COLORS = {"kiwi": (110, 90, 50), "lemon": (240, 220, 60)}


def write_lemons(folder: Path) -> Path:
    """Write the project into a folder that does not exist yet; returns the folder."""
    shutil.copytree(_EXPORTED, folder)
    images = folder / "ds1" / "img"
    images.mkdir()
    for file in sorted((folder / "ds1" / "ann").glob("*.json")):
        annotation = annotation_from_json(json.loads(file.read_bytes()), where=file.name)
        _picture(annotation).save(images / file.stem, format="JPEG")
    return folder


def _picture(annotation: Annotation) -> Image.Image:
    pixels = np.full((annotation.height, annotation.width, 3), 200, dtype=np.uint8)
    for label in annotation.labels:
        assert isinstance(label.geometry, Bitmap)
        (left, top), mask = label.geometry.origin, decode_mask(label.geometry)
        pixels[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = _COLORS[label.class_name]
    return Image.fromarray(pixels)
