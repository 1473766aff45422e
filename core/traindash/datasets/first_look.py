"""A first look at data before they are taken in: how many images and objects, what is wrong, some pictures."""

import io
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from traindash.datasets.annotation_json import annotation_to_json
from traindash.datasets.importing import Candidate, OpenedImport, open_candidate
from traindash.datasets.pixels import small_copy
from traindash.datasets.source import SourceDataset, SourceImage
from traindash.domain.jobs import FirstLook, LookedAtImage

_SECONDS = 3.0
# So many are looked at even where it takes longer: a busy machine must not show two images of a small data set
_FEWEST_IMAGES = 200
_PICTURES = 6
_PICTURE_SIDE = 320
_Looked = tuple[SourceDataset, SourceImage]


def look_at(candidate: Candidate, *, seconds: float = _SECONDS, fewest: int = _FEWEST_IMAGES) -> FirstLook:
    """Read data for some seconds and at least so many images, from all datasets in turn; small data to their end.

    Raises:
        InputError: They cannot be read in this layout; says why.
    """
    with TemporaryDirectory(prefix="traindash-look-") as work:  # for pictures that are inside of annotations
        return _look(candidate, open_candidate(candidate, Path(work)), time.monotonic() + seconds, fewest)


def _look(candidate: Candidate, opened: OpenedImport, until: float, fewest: int) -> FirstLook:
    datasets = dict.fromkeys((item.path for item in opened.source.datasets), 0)
    shown: list[_Looked] = []
    bare: list[_Looked] = []  # without objects, shown where there is nothing else
    seen: Counter[str] = Counter()  # dataset → images of it in `shown`
    is_whole = True
    for dataset, image in _in_turn(opened.source.datasets):
        datasets[dataset.path] += 1
        # Those with objects tell more; of each dataset at least one has its place.
        if image.annotation.labels and (len(shown) < _PICTURES or not seen[dataset.path]):
            shown.append((dataset, image))
            seen[dataset.path] += 1
        elif len(bare) < _PICTURES:
            bare.append((dataset, image))
        if time.monotonic() > until and sum(datasets.values()) >= fewest:
            is_whole = False
            break
    return FirstLook(
        layout=candidate.layout.value,
        classes=opened.source.meta.classes,
        datasets=datasets,
        is_whole=is_whole,
        report=opened.report(),
        images=tuple(_picture(dataset, image) for dataset, image in _chosen(shown or bare)),
    )


def _in_turn(datasets: tuple[SourceDataset, ...]) -> Iterator[_Looked]:
    """One image of each dataset after another, until all are through."""
    walks = [(dataset, iter(dataset.images)) for dataset in datasets]
    while walks:
        for walk in tuple(walks):
            dataset, images = walk
            if (image := next(images, None)) is None:
                walks.remove(walk)
            else:
                yield dataset, image


def _chosen(shown: list[_Looked]) -> list[_Looked]:
    """At most so many as are shown, first of all one of each dataset."""
    first: dict[str, _Looked] = {}
    for looked in shown:
        first.setdefault(looked[0].path, looked)
    others = [looked for looked in shown if first[looked[0].path] is not looked]
    chosen = [*first.values(), *others][:_PICTURES]
    return sorted(chosen, key=shown.index)


def _picture(dataset: SourceDataset, image: SourceImage) -> LookedAtImage:
    drawn_on = image.annotation.width, image.annotation.height
    small = small_copy(image.path, (_PICTURE_SIDE, _PICTURE_SIDE), drawn_on)
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, format="JPEG", quality=85)
    return LookedAtImage(
        dataset=dataset.path,
        name=image.name,
        annotation=annotation_to_json(image.annotation),
        picture=buffer.getvalue(),
    )
