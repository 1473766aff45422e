"""The same evaluation on fewer images or classes: matched and measured again, exactly."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.errors import InputError
from core.evaluation.evaluation import Evaluation, evaluate
from core.evaluation.match_view import EvaluationSettings
from core.evaluation.overlaps import Overlaps
from core.evaluation.records import BoolArray, CocoPair, FloatArray, Images, IntArray


def restrict(
    evaluation: Evaluation,
    *,
    images: IntArray | None = None,
    classes: Sequence[str] | None = None,
    settings: EvaluationSettings | None = None,
) -> Evaluation:
    """Return the evaluation of a part of the images and classes.

    Args:
        evaluation: Of all.
        images: Rows of the images, without repetition, in the order they shall have; ``None`` keeps all.
        classes: Names in the order they shall have; ``None`` keeps all.
        settings: Thresholds; those of the evaluation where none are given.

    Raises:
        InputError: A class does not exist, or the images hold no object of the classes.
    """
    pair = evaluation.pair
    rows = np.arange(pair.images.ids.size) if images is None else images
    names = pair.classes if classes is None else tuple(classes)
    if unknown := set(names) - set(pair.classes):
        message = f"The evaluation has no class {sorted(unknown)[0]!r}."
        raise InputError(message, f"Its classes are {', '.join(pair.classes)}.")
    kept_classes = np.array([pair.classes.index(name) for name in names], dtype=np.int64)
    part, overlaps = _part(pair, evaluation.overlaps, rows, kept_classes)
    if not (~part.gt.crowd).any():
        message = f"The {rows.size} chosen images hold no object of the chosen classes."
        raise InputError(message, "Choose more images or classes.")
    chosen = settings or evaluation.settings
    per_class = {name: iou for name, iou in chosen.iou_threshold_per_class.items() if name in names}
    measured = evaluate(part, overlaps, evaluation.kind, replace(chosen, iou_threshold_per_class=per_class))
    return replace(measured, masks=evaluation.masks)  # found by ids and places in the files, which stay as they are


def _part(pair: CocoPair, overlaps: Overlaps, images: IntArray, classes: IntArray) -> tuple[CocoPair, Overlaps]:
    new_image = _new_numbers(pair.images.ids.size, images)
    new_class = _new_numbers(len(pair.classes), classes)
    gt = _rows(new_image[pair.gt.image], new_class[pair.gt.category])
    dt = _rows(new_image[pair.dt.image], new_class[pair.dt.category], -pair.dt.scores)
    names, datasets = pair.images.file_names, pair.images.datasets
    part = CocoPair(
        images=Images(
            ids=pair.images.ids[images],
            file_names=tuple(names[i] for i in images.tolist()),
            datasets=tuple(datasets[i] for i in images.tolist()),
            sly_ids=pair.images.sly_ids[images],
            sizes=pair.images.sizes[images],
        ),
        category_ids=pair.category_ids[classes],
        classes=tuple(pair.classes[k] for k in classes.tolist()),
        gt=replace(
            pair.gt,
            ids=pair.gt.ids[gt],
            image=new_image[pair.gt.image[gt]],
            category=new_class[pair.gt.category[gt]],
            boxes=pair.gt.boxes[gt],
            area=pair.gt.area[gt],
            crowd=pair.gt.crowd[gt],
            sly_ids=pair.gt.sly_ids[gt],
        ),
        dt=replace(
            pair.dt,
            place=pair.dt.place[dt],
            image=new_image[pair.dt.image[dt]],
            category=new_class[pair.dt.category[dt]],
            boxes=pair.dt.boxes[dt],
            area=pair.dt.area[dt],
            scores=pair.dt.scores[dt],
            sly_ids=pair.dt.sly_ids[dt],
        ),
    )
    new_dt = _new_numbers(pair.dt.scores.size, dt)[overlaps.dt]
    new_gt = _new_numbers(pair.gt.ids.size, gt)[overlaps.gt]
    kept: BoolArray = (new_dt >= 0) & (new_gt >= 0)
    return part, Overlaps(dt=new_dt[kept], gt=new_gt[kept], iou=overlaps.iou[kept])


def _new_numbers(size: int, kept: IntArray) -> IntArray:
    """Return (size,) the place of each old row in ``kept``, -1 where it is left out."""
    numbers = np.full(size, -1, dtype=np.int64)
    numbers[kept] = np.arange(kept.size)
    return numbers


def _rows(image: IntArray, category: IntArray, *more: FloatArray) -> IntArray:
    """Return the rows that stay, sorted by image, class and the rest."""
    stays = np.flatnonzero((image >= 0) & (category >= 0))
    order = np.lexsort((*(key[stays] for key in reversed(more)), category[stays], image[stays]))
    return stays[order]
