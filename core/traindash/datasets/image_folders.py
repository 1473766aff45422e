"""Images without annotations, in one folder or several: a project whose labels are still to come.

Folders become datasets. Where they are called after classes, they say what is on an image but not where: a detector
learns nothing from that, so the names stay names of datasets.
"""

import re
from functools import partial
from itertools import groupby
from pathlib import Path

from traindash.datasets.folder import Folder
from traindash.datasets.foreign_formats import is_foreign
from traindash.datasets.image_files import is_image
from traindash.datasets.import_log import ProblemLog
from traindash.datasets.records import ImageRecord, RecordedDataset, dataset_name, recorded_project
from traindash.datasets.source import ProjectSource
from traindash.language import ngettext

# What lies in folders of images without being said about them: thumbnails of systems, and words for people
_BESIDE = re.compile(r"(^|/)(thumbs\.db|desktop\.ini|(readme|licen[cs]e)[^/]*)$", re.IGNORECASE)


def recognise_images(folder: Folder) -> str:
    """Return what speaks for images alone, a sentence; empty if anything else may be said about them."""
    images = sum(map(is_image, folder.files))
    if not images or not all(is_image(place) or _BESIDE.search(place) for place in folder.files) or is_foreign(folder):
        return ""
    return ngettext(
        "It has {count} image and no annotations.", "It has {count} images and no annotations.", images
    ).format(count=images)


def open_images(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder of images; each folder inside becomes a dataset.

    Raises:
        InputError: There is not a single image.
    """
    folder = Folder(root)
    places = sorted(filter(is_image, folder.files), key=_dataset)
    datasets = [
        RecordedDataset(name=name, records=tuple(map(partial(_record, folder.root), items)))
        for name, items in groupby(places, _dataset)
    ]
    return recorded_project(folder, datasets, log)


def _dataset(place: str) -> str:
    return dataset_name(place.rpartition("/")[0])


def _record(root: Path, place: str) -> ImageRecord:
    return ImageRecord(place=place, written=place, locate=lambda _folder: root / place)
