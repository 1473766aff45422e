"""What is done to an image before and after the network, as data: ``model.json`` of a package.

Told from the ONNX file itself, so that what a package says is what its network wants, whoever exported it. Two families
are known: exports of Ultralytics (one input; boxes of all places, or those that are left), and those of RT-DETR, D-FINE
and DEIM (``images`` and ``orig_target_sizes`` in; ``labels``, ``boxes`` and ``scores`` out).
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from traindash.domain.handover import ChosenModel
from traindash.errors import InputError
from traindash.handover.onnx_file import OnnxFacts
from traindash.language import gettext as _

Runner = Literal["predict_yolo.py", "predict_detr.py"]
# As the evaluation of every engine predicts; a test compares them with those of the trainers
NMS_IOU, MOST_FOUND = 0.7, 300
_FILL = 114  # grey of the border around an image that is not square; Ultralytics' own
_BOX = 4  # numbers of a box
_DETR_INPUTS, _DETR_OUTPUTS = {"images", "orig_target_sizes"}, {"labels", "boxes", "scores"}
_IMAGE_SIDES = 4  # images, colours, height, width
_MASKED = 2  # outputs of a model that finds outlines


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """How a network is run."""

    runner: Runner
    size: tuple[int, int]  # width and height of its images, at most where they may have any
    content: Mapping[str, object]  # of `model.json`
    is_padded_alike: bool  # whether it gets images with the border that its checkpoint was evaluated with


def describe(choice: ChosenModel, task_type: str, classes: Sequence[str], facts: OnnxFacts, file: str) -> Description:
    """Return how a model is run; ``classes`` by number, ``file`` is the place of the ONNX file in the package.

    Raises:
        InputError: It is none of the families that are known here.
    """
    size, multiple = _size(facts)
    names = _names(facts) or tuple(classes)
    if set(facts.inputs) >= _DETR_INPUTS and set(facts.outputs) >= _DETR_OUTPUTS:
        runner: Runner = "predict_detr.py"
        before: Mapping[str, object] = {"kind": "stretch", "interpolation": "bilinear", "antialias": True}
        after: Mapping[str, object] = {"kind": "detr", "max_detections": MOST_FOUND}
    elif len(facts.inputs) == 1:
        runner = "predict_yolo.py"
        before = {"kind": "letterbox", "fill": _FILL, "interpolation": "bilinear", "antialias": False}
        if multiple is not None:
            before = {**before, "multiple_of": multiple}  # the border goes no further
        after = _after_yolo(facts, names)
    else:
        raise InputError(
            _("Nobody here knows the outputs of this network: {outputs}.").format(outputs=", ".join(facts.outputs))
        )
    content = {
        "name": choice.title,
        "version": choice.version,
        "task": task_type,
        "classes": list(names),
        "thresholds": {"default": choice.thresholds.default, "classes": dict(choice.thresholds.classes)},
        "files": {"onnx": file},
        "preprocessing": {
            "upright": True,  # turned as its EXIF tag says
            "color": "RGB",
            "resize": {**before, "width": size[0], "height": size[1]},
            "divide_by": 255,
            "layout": "NCHW",
            "type": "float32",
        },
        "postprocessing": after,
    }
    is_alike = runner == "predict_yolo.py" and multiple is not None
    return Description(runner=runner, size=size, content=content, is_padded_alike=is_alike)


def _size(facts: OnnxFacts) -> tuple[tuple[int, int], int | None]:
    """Return width and height of the images, and what their sides are multiples of where these are free.

    Raises:
        InputError: The file does not say it.
    """
    image = facts.inputs.get("images") or next(iter(facts.inputs.values()), ())
    if len(image) == _IMAGE_SIDES:
        height, width = image[2:]
        if height is not None and width is not None:
            return (width, height), None
        try:  # exports of Ultralytics have it in their notes
            height, width = ast.literal_eval(facts.notes["imgsz"])
            return (int(width), int(height)), int(facts.notes["stride"])
        except (KeyError, ValueError, SyntaxError, TypeError):
            pass
    raise InputError(_("The ONNX file does not say the size of its images."), _("Export it with a fixed size."))


def _after_yolo(facts: OnnxFacts, classes: Sequence[str]) -> Mapping[str, object]:
    first = next(iter(facts.outputs.values()))
    masks = len(facts.outputs) == _MASKED
    # (1, 300, 6 + …) of boxes that are left, or (1, 4 + classes + …, places)
    is_left = facts.notes.get("end2end", "").lower() == "true" or (
        first[1:2] != (_BOX + len(classes),) and not masks and first[-1] == _BOX + 2
    )
    return {
        "kind": "yolo",
        "form": "end to end" if is_left else "all places",
        "nms_iou": NMS_IOU,
        "max_detections": MOST_FOUND,
        "masks": masks,
    }


def _names(facts: OnnxFacts) -> tuple[str, ...]:
    """Return the classes that an export of Ultralytics names, a dictionary in Python's words; none for others."""
    try:
        names = ast.literal_eval(facts.notes.get("names", "{}"))
        return tuple(str(names[number]) for number in range(len(names)))
    except (ValueError, SyntaxError, KeyError, TypeError):
        return ()
