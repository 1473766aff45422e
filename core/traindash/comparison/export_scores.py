"""Exported files beside the checkpoints they came from, in words."""

from traindash.domain.experiment import ExportScore
from traindash.formatting import count, in_points, metric
from traindash.language import gettext as _
from traindash.language import ngettext

TOLERATED = 0.005  # half a point: what arithmetic of another runtime may change without anybody noticing
RUNTIMES = {"ONNXRuntime": "ONNX", "TensorRT": "TensorRT"}  # key in a record → what people call the file


def differs(score: ExportScore) -> bool:
    """Return whether an exported file works noticeably better or worse than its checkpoint."""
    return abs(score.score - score.checkpoint_score) > TOLERATED


def score_words(runtime: str, score: ExportScore) -> str:
    """Return a sentence on an exported file: ``The ONNX file reaches mAP 0.512, the checkpoint 0.513, …``."""
    name = RUNTIMES.get(runtime, runtime)
    gap = in_points(score.score - score.checkpoint_score)
    given = f", {score.given}" if score.given else ""
    reaches = ngettext(
        "The {format} file reaches {metric} {score}, the checkpoint {other} ({gap}), both on {images} validation "
        "image{given}.",
        "The {format} file reaches {metric} {score}, the checkpoint {other} ({gap}), both on {images} validation "
        "images{given}.",
        score.images,
    )
    figures = {"metric": score.metric, "score": metric(score.score), "other": metric(score.checkpoint_score)}
    return reaches.format(format=name, **figures, gap=gap, images=count(score.images), given=given)


def score_problem(runtime: str, score: ExportScore) -> str:
    """Return what is to be told of an exported file that differs; empty where it works as the checkpoint does."""
    if not differs(score):
        return ""
    works = (
        _("The exported {format} model works worse than its checkpoint.")
        if score.score < score.checkpoint_score
        else _("The exported {format} model works better than its checkpoint.")
    )
    measure = _("Measure it on your own images before you use it, or use the checkpoint.")
    return f"{works.format(format=RUNTIMES.get(runtime, runtime))} {score_words(runtime, score)} {measure}"
