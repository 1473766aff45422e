"""Exported files beside the checkpoints they came from, in words."""

from traindash.domain.experiment import ExportScore
from traindash.formatting import in_points, metric, plural

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
    return (
        f"The {name} file reaches {score.metric} {metric(score.score)}, the checkpoint {metric(score.checkpoint_score)}"
        f" ({gap}), both on {plural(score.images, 'validation image')}{given}."
    )


def score_problem(runtime: str, score: ExportScore) -> str:
    """Return what is to be told of an exported file that differs; empty where it works as the checkpoint does."""
    if not differs(score):
        return ""
    than = "worse" if score.score < score.checkpoint_score else "better"
    return (
        f"The exported {RUNTIMES.get(runtime, runtime)} model works {than} than its checkpoint. "
        f"{score_words(runtime, score)} Measure it on your own images before you use it, or use the checkpoint."
    )
