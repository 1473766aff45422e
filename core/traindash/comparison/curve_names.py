"""What the names mean that frameworks give to the curves of a training.

The same quantity has the same title whatever framework reports it, so that one chart can show both; losses have the
same title only where they are the same loss. Names as found in Ultralytics 8 (``results.csv``), in the apps RT-DETRv2
(``rtdetrv2_pytorch/src/solver``, 229717d) and DEIM (``engine/solver``, dd0a831), and in detectron2, with which
SparseInst (99b88fd) and MaskDINO (2b3e895) train.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias, assert_never

from traindash.language import N_
from traindash.language import gettext as _

CurveGroup: TypeAlias = Literal["quality", "loss", "rate", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveMeaning:
    """What a curve shows."""

    name: str  # a message for what is known here, e.g. `mAP`, `Box (GIoU)`
    group: CurveGroup
    order: int = 0  # among those of its group: the lower the earlier
    side: Literal["training", "validation", ""] = ""  # which images a loss is of
    kind: str = ""  # of a loss, e.g. `box`; decides its colour
    beside_masks: bool = False  # it is of boxes and stands beside the same figure of masks

    @property
    def bounded(self) -> bool:
        """Whether it lies between 0 and 1, the higher the better."""
        return self.group == "quality"

    @property
    def of_masks(self) -> bool:
        """Whether it is a figure of masks."""
        return self.group == "quality" and self.name.startswith(_MASKS)

    @property
    def quantity(self) -> str:
        """The title of the vertical axis, e.g. ``mAP``."""
        if self.beside_masks:
            return _("Box {figure}").format(figure=_(self.name))
        return _("{kind} loss").format(kind=_(self.name)) if self.group == "loss" else _(self.name)

    @property
    def title(self) -> str:
        """The title of its chart, e.g. ``mAP on validation images``."""
        match self.group:
            case "quality":
                return _("{figure} on validation images").format(figure=self.quantity)
            case "loss" if self.side == "validation":
                return _("{kind} loss, validation").format(kind=_(self.name))
            case "loss":
                return _("{kind} loss, training").format(kind=_(self.name))
            case "rate" | "other":
                return self.quantity
        assert_never(self.group)


def of_boxes(meaning: CurveMeaning) -> CurveMeaning:
    """Return a figure of boxes under a name that tells it from that of masks beside it; any other as it is."""
    if meaning.group != "quality" or meaning.name not in _OF_BOXES:
        return meaning
    return replace(meaning, beside_masks=True)


def _quality(order: int, name: str) -> CurveMeaning:
    return CurveMeaning(name=name, group="quality", order=order)


_MASKS = "Mask"
_OF_BOXES = frozenset({"mAP", "AP50", "AP75"})
BOX_MAP, BOX_MAP50 = "metrics/mAP50-95(B)", "metrics/mAP50(B)"
MASK_MAP, MASK_MAP50 = "metrics/mAP50-95(M)", "metrics/mAP50(M)"
_MAP, _AP50, _AP75 = _quality(0, "mAP"), _quality(1, "AP50"), _quality(2, "AP75")
_MASK_AP, _MASK_AP50 = _quality(3, N_("Mask mAP")), _quality(4, N_("Mask AP50"))
# The twelve figures of pycocotools' `COCOeval.summarize` are numbered in its order; the first three are drawn.
_QUALITY = {
    BOX_MAP: _MAP,
    BOX_MAP50: _AP50,
    MASK_MAP: _MASK_AP,
    MASK_MAP50: _MASK_AP50,
    "Test/coco_eval_bbox_0": _MAP,
    "Test/coco_eval_bbox_1": _AP50,
    "Test/coco_eval_bbox_2": _AP75,
    "bbox/AP": _MAP,
    "bbox/AP50": _AP50,
    "bbox/AP75": _AP75,
    "segm/AP": _MASK_AP,
    "segm/AP50": _MASK_AP50,
    "sem_seg/mIoU": _quality(5, "mIoU"),
    "sem_seg/pACC": _quality(6, N_("Pixel accuracy")),
}
# Word in a name → kind of loss and what people call it
_LOSSES = {
    "box": ("box", N_("Box")),
    "bbox": ("box", "Box (L1)"),
    "giou": ("giou", "Box (GIoU)"),
    "cls": ("cls", N_("Class")),
    "ce": ("cls", N_("Class")),
    "vfl": ("cls", N_("Class (varifocal)")),
    "mal": ("cls", N_("Class (matchability)")),
    "focal": ("cls", N_("Class (focal)")),
    "dfl": ("dfl", "DFL"),
    "fgl": ("dfl", N_("Fine-grained localisation")),
    "ddf": ("ddf", N_("Decoupled distillation")),
    "seg": ("seg", N_("Mask")),
    "mask": ("seg", N_("Mask")),
    "dice": ("dice", N_("Mask (dice)")),
    "l1": ("l1", "L1"),
    "obj": ("obj", N_("Objectness")),
    "objectness": ("obj", N_("Objectness")),
    "total": ("total", N_("Total")),
}
# What helps the training along and is no figure of its own: losses of inner layers, times, further parameter groups
_HELPERS = re.compile(
    r"(_aux|_dn|_enc|_pre|_interm|_dec)(_|$|\d)|loss_\w+_\d+$|(^|/)(data_|rank_data_|eval_)?time$|eta_seconds|"
    r"(^|/)lr/?pg_?[1-9]|Lr/pg_[1-9]|^metrics/(precision|recall)\(|^Test/coco_eval_\w+_\d|"
    r"^(bbox|segm|sem_seg)/",
)
_RATE = re.compile(r"(^|/)(lr|learning[_-]rate)(/?pg_?0)?$", re.IGNORECASE)
_SIDES: dict[str, Literal["training", "validation"]] = {
    "train": "training", "val": "validation", "valid": "validation", "validation": "validation", "test": "validation",
    "eval": "validation",
}  # fmt: skip


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> CurveMeaning | None:
    """Return what a curve shows, by its framework's name; ``None`` for what is not worth a chart of its own.

    A name that is not known here stands for itself.
    """
    if (known := _QUALITY.get(name)) is not None:
        return known
    if _HELPERS.search(name):
        return None
    if _RATE.search(name):
        return CurveMeaning(name=N_("Learning rate"), group="rate")
    if "loss" in name.lower():
        return _loss(name)
    return CurveMeaning(name=name, group="other")


def _loss(name: str) -> CurveMeaning:
    first, _slash, rest = name.rpartition("/")
    side = _SIDES.get(first.lower(), "training")
    word = re.sub(r"(^|_)loss(_|$)", "_", rest.lower()).strip("_") or "total"
    kind, called = _LOSSES.get(word, (word, word.replace("_", " ").capitalize()))
    order = 0 if kind == "total" else list(_LOSSES).index(word) + 1 if word in _LOSSES else len(_LOSSES) + 1
    return CurveMeaning(
        name=called,
        group="loss",
        order=2 * order + (side == "validation"),
        side=side,
        kind=kind,
    )
