"""Frames of a video file, decoded in the process of the model that looks at them."""

import importlib
from pathlib import Path
from typing import Any, Self

from traindash.datasets.pixels import HUGE_PIXELS
from traindash.domain.prediction import VideoFacts
from traindash.errors import InputError
from traindash.settings import set_environment

# How files begin that FFmpeg shall see, by where: MP4 (and MOV), Matroska (and WebM), AVI. Others may be playlists,
# which name further files and addresses.
_HEADS = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "))
_HEAD_BYTES = 12
_NEAR = 60  # frames that are passed by quicker than they are sought
_KINDS = "MP4, MKV, WebM and AVI files are read"


class FrameReader:
    """Reads frames of videos, of one video at a time. Frames in their order are read quickly, others have to be sought.

    A frame that is turned by the file's own notes comes upright. Not for use by several threads.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._capture: Any = None  # cv2.VideoCapture
        self._next = 0  # frame that the next reading gives

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the video that was read last."""
        self._close()

    def facts(self, path: Path) -> VideoFacts:
        """Count the frames of a video.

        Raises:
            InputError: It cannot be read, or is too large.
        """
        cv2 = self._open(path)
        width, height = (int(self._capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > HUGE_PIXELS:
            most = f"up to {HUGE_PIXELS / 1e6:.0f} million are read"
            msg = f"The frames of the video have {width} x {height} pixels; {most}."
            raise InputError(msg, "Save it smaller.")
        frames = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        if not frames or not self._is_there(frames - 1):  # the file says none, or more than it has
            frames = self._counted()
        if not frames:
            raise InputError("The video has no frame that could be read.", f"Save it anew; {_KINDS}.")
        return VideoFacts(
            frames=frames, per_second=float(self._capture.get(cv2.CAP_PROP_FPS)), width=width, height=height
        )

    def write(self, path: Path, index: int, target: Path) -> tuple[Path, tuple[int, int]]:
        """Write a frame as an image that loses nothing; the target gets a suffix. Returns the file, and its size.

        Raises:
            InputError: There is no such frame, or it cannot be read.
        """
        cv2 = self._open(path)
        if not self._go_to(index):
            raise InputError(f"There is no frame {index} in the video.")
        is_read, pixels = self._capture.read()
        self._next = index + 1
        if not is_read:
            self._close()  # whatever is wrong with it, it begins anew
            raise InputError(f"Frame {index} of the video cannot be read.")
        file = target.with_suffix(".bmp")
        cv2.imwrite(str(file), pixels)
        height, width = pixels.shape[:2]
        return file, (width, height)

    def _open(self, path: Path) -> Any:  # noqa: ANN401 - cv2, which is imported late
        try:
            cv2 = importlib.import_module("cv2")
        except ImportError as error:
            msg = "This machine has no OpenCV, which reads videos."
            raise InputError(msg, "Install opencv-python-headless, or send the frames as images.") from error
        if self._path == path:
            return cv2
        self._close()
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if not any(head[start:].startswith(content) for start, content in _HEADS):
            raise InputError("The file is no video that can be read.", f"{_KINDS}.")
        # What a file names besides itself is left alone; OpenCV reads this when it opens one
        set_environment({"OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file"})
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not self._capture.isOpened():
            raise InputError("The file is no video that can be read.", f"{_KINDS}.")
        self._path, self._next = path, 0
        return cv2

    def _close(self) -> None:
        if self._capture is not None:
            self._capture.release()
        self._path, self._capture = None, None

    def _go_to(self, index: int) -> bool:
        """Make a frame the next one to be read."""
        if 0 <= index - self._next <= _NEAR:
            while self._next < index:
                if not self._capture.grab():
                    return False
                self._next += 1
            return True
        self._next = index
        return bool(self._capture.set(importlib.import_module("cv2").CAP_PROP_POS_FRAMES, index))

    def _is_there(self, index: int) -> bool:
        if not self._go_to(index):
            return False
        self._next = index + 1
        return bool(self._capture.grab())

    def _counted(self) -> int:
        """Count frames by reading all of them."""
        path = self._path
        self._close()
        if path is None:
            return 0
        self._open(path)
        while self._capture.grab():
            self._next += 1
        frames = self._next
        self._close()
        self._open(path)
        return frames
