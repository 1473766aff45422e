"""What goes between a predictor (:mod:`traindash.training.trainers.predict`) and whoever started it.

Over the child's standard input come frames: first a :class:`PredictorSpec`, then a :class:`PredictRequest` at a time.
Each is answered by one :class:`PredictAnswer` over its standard output. A frame is its length in bytes, eight of them,
the lowest first, and msgpack. The child ends when its input does.
"""

from dataclasses import dataclass
from typing import IO

import msgspec

from traindash.domain.prediction import LEAST_CONFIDENCE, ImagePrediction, Timing, VideoFacts

MOST_BYTES = 512 * 2**20  # of a frame
_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorSpec:
    """One model to load."""

    trainer: str  # package under `traindash.training.trainers` whose engine it belongs to
    file: str  # absolute path of a checkpoint or an ONNX export
    task_type: str  # `object detection` or `instance segmentation`
    classes: tuple[str, ...]  # by number; of exports that do not name them themselves
    image_size: int | None = None  # longer side in pixels that the model gets; `None`: the one that the file names
    threads: int = 1  # CPU threads that it may use, at least 1
    device: str = "cpu"  # `cpu` or a CUDA index such as `0`


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenImage:
    """An image to look at: a file, the content of one, or a frame of a video."""

    path: str = ""  # absolute; never written to
    content: bytes = b""
    frame: int | None = None  # of the video at the path, from 0 on
    # width and height of the annotation that the answer shall fit to; `None`: the picture as people see it
    drawn_on: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictRequest:
    """Images that the model shall look at, or be timed with; or a video whose frames shall be counted."""

    images: tuple[GivenImage, ...] = ()
    video: str = ""  # absolute path; empty where there are images
    confidence: float = LEAST_CONFIDENCE  # objects below are left out; lower ones than this are never found
    # images of one batch that is timed, made of the given ones again and again; `None`: what is on them is told
    timed_batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictAnswer:
    """The answer to either: what the model can find, has found or has taken, or a video; else why it could not."""

    classes: tuple[str, ...] = ()
    images: tuple[ImagePrediction, ...] = ()  # in the order of the request
    video: VideoFacts | None = None
    timing: Timing | None = None
    message: str = ""  # empty if all went well
    hint: str = ""
    is_lasting: bool = False  # it could not because of the file: another try comes to the same


def write_frame(file: IO[bytes], value: PredictorSpec | PredictRequest | PredictAnswer) -> None:
    """Write a value whole.

    Raises:
        OSError: Nobody reads it.
    """
    content = msgspec.msgpack.encode(value)
    file.write(len(content).to_bytes(_LENGTH, "little"))
    file.write(content)
    file.flush()


def read_frame(file: IO[bytes]) -> bytes | None:
    """Return the next frame, to be decoded with msgpack; ``None`` where the input ends, also within one.

    Raises:
        ValueError: It is longer than any that is written.
    """
    head = file.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    length = int.from_bytes(head, "little")
    if length > MOST_BYTES:
        raise ValueError(f"A frame of {length} bytes is no message of a predictor.")
    content = file.read(length)
    return content if len(content) == length else None
