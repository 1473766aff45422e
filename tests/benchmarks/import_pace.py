"""How quick an import is: pictures a second and memory, in turn with others that read the same folders.

Run as ``python -m tests.benchmarks.import_pace [--images N] [--layouts yolo coco supervisely] [--rounds N]``.
``--datumaro`` names the Python of an environment with Datumaro, ``--sdk`` one with Supervisely's SDK, ``--beside``
another checkout of this project. The pictures are made once; each measurement is a process of its own, so that its
highest memory is its own, and the contestants take turns, since the machine may be busy with other things. What is
ours is the whole import: reading, checking each picture to its end, hashing, copying, rows. Others only read.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import psutil
from PIL import Image, ImageDraw

from tests.outside import ROOT
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.imports import import_path

LAYOUTS = ("yolo", "coco", "supervisely")
_CLASSES = tuple(f"class {number}" for number in range(10))
_SMALLEST, _LARGEST = 64, 320
_FEW = 4  # the share of all pictures that memory is compared with

# The highest memory of a process in MiB. `ru_maxrss` would begin at that of the process which has started it.
_HIGHEST = """
def highest():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
"""
# Datumaro reads annotations when a dataset is imported and pixels when they are asked for.
_DATUMARO = f"""{_HIGHEST}
import json, sys, time
from datumaro.components.dataset import Dataset
from datumaro.components.media import Image
ready, busy = time.perf_counter(), time.process_time()
layout, folder, pixels = sys.argv[1], sys.argv[2], sys.argv[3] == "pixels"
images = objects = 0
for item in Dataset.import_from(folder, layout):
    images += 1
    objects += len(item.annotations)
    if pixels:
        assert item.media.data is not None
print(json.dumps({{"seconds": time.perf_counter() - ready, "cpu": time.process_time() - busy, "images": images,
                  "objects": objects, "memory": highest()}}))
"""
_SDK = f"""{_HIGHEST}
import json, sys, time
import supervisely as sly
ready, busy = time.perf_counter(), time.process_time()
folder, pixels = sys.argv[2], sys.argv[3] == "pixels"
project = sly.Project(folder, sly.OpenMode.READ)
images = objects = 0
for dataset in project.datasets:
    for name in dataset:
        images += 1
        objects += len(dataset.get_ann(name, project.meta).labels)
        if pixels:
            assert sly.image.read(dataset.get_img_path(name)) is not None
print(json.dumps({{"seconds": time.perf_counter() - ready, "cpu": time.process_time() - busy, "images": images,
                  "objects": objects, "memory": highest()}}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one process measured."""

    seconds: float
    cpu: float  # of all threads together, seconds
    images: int
    objects: int
    memory: float  # highest of the process and of those that it starts, MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Who reads."""

    name: str
    command: tuple[str, ...]  # followed by layout, folder and the last word
    last: str
    code: Path = ROOT  # the checkout that `traindash` comes from

    def run(self, layout: str, folder: Path) -> Result:
        """Read a folder in a new process."""
        places = f"{self.code / 'core'}{os.pathsep}{ROOT}"
        done = subprocess.run(
            [*self.command, layout, str(folder), self.last],
            env={**os.environ, "PYTHONPATH": places, "TRAINDASH_OFFLINE": "1"},  # noqa: TID251 - needs PATH and the like
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return Result(**json.loads(done.stdout.splitlines()[-1]))


def write_all(root: Path, images: int) -> None:
    """Write pictures of 64 to 320 pixels with two to eight boxes each, in all layouts; the files are shared."""
    random = np.random.default_rng(0)
    folders = {"yolo": "images/train", "coco": "images/train", "supervisely": "ds0/img"}
    for layout, inside in folders.items():
        (root / layout / inside).mkdir(parents=True)
    for inside in ("yolo/labels/train", "coco/annotations", "supervisely/ds0/ann"):
        (root / inside).mkdir(parents=True)
    coco: dict[str, list[dict[str, object]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": number, "name": name} for number, name in enumerate(_CLASSES, start=1)],
    }
    for number in range(1, images + 1):
        width, height = (int(side) for side in random.integers(_SMALLEST, _LARGEST + 1, 2))
        name = f"{number:06}.jpg"
        boxes = [_box(random, width, height) for _ in range(random.integers(2, 9))]
        first = root / "yolo" / folders["yolo"] / name
        _picture(random, width, height, boxes).save(first, quality=85)
        for layout in ("coco", "supervisely"):
            os.link(first, root / layout / folders[layout] / name)
        _write_labels(root, number, (width, height), boxes)
        coco["images"].append({"id": number, "file_name": name, "width": width, "height": height})
        for kind, x, y, across, down in boxes:
            outline = [x, y, x + across, y, x + across, y + down, x, y + down]
            row = {"id": len(coco["annotations"]) + 1, "image_id": number, "category_id": kind + 1, "iscrowd": 0}
            box = {"bbox": [x, y, across, down], "area": across * down, "segmentation": [outline]}
            coco["annotations"].append(row | box)
    (root / "yolo" / "data.yaml").write_text(f"path: .\ntrain: images/train\nnames: {json.dumps(_CLASSES)}\n")
    (root / "coco" / "annotations" / "instances_train.json").write_text(json.dumps(coco))
    classes = [{"title": name, "shape": "rectangle", "color": "#3A68E0"} for name in _CLASSES]
    (root / "supervisely" / "meta.json").write_text(json.dumps({"classes": classes, "tags": []}))


def _box(random: np.random.Generator, width: int, height: int) -> tuple[int, ...]:
    across, down = int(random.integers(8, width // 2)), int(random.integers(8, height // 2))
    left, top = int(random.integers(0, width - across)), int(random.integers(0, height - down))
    return int(random.integers(len(_CLASSES))), left, top, across, down


def _picture(random: np.random.Generator, width: int, height: int, boxes: Sequence[tuple[int, ...]]) -> Image.Image:
    coarse = random.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(picture)
    for kind, x, y, across, down in boxes:
        draw.rectangle((x, y, x + across, y + down), outline=(25 * kind, 255 - 25 * kind, 90), width=2)
    return picture


def _write_labels(root: Path, number: int, size: tuple[int, int], boxes: Sequence[tuple[int, ...]]) -> None:
    width, height = size
    lines = (
        f"{kind} {(x + across / 2) / width:.6f} {(y + down / 2) / height:.6f} {across / width:.6f} {down / height:.6f}"
        for kind, x, y, across, down in boxes
    )
    (root / "yolo" / "labels" / "train" / f"{number:06}.txt").write_text("\n".join(lines) + "\n")
    # With all that a server exports, beside what is read.
    about = {"labelerLogin": "ada", "createdAt": "2024-05-01T10:00:00.000Z", "updatedAt": "2024-05-01T10:00:00.000Z"}
    objects = [
        {
            "id": number * 100 + place,
            "classId": kind + 1,
            "description": "",
            "geometryType": "rectangle",
            "tags": [],
            "classTitle": _CLASSES[kind],
            "points": {"exterior": [[x, y], [x + across - 1, y + down - 1]], "interior": []},
            **about,
        }
        for place, (kind, x, y, across, down) in enumerate(boxes)
    ]
    annotation = {"description": "", "tags": [], "size": {"height": height, "width": width}, "objects": objects}
    (root / "supervisely" / "ds0" / "ann" / f"{number:06}.jpg.json").write_text(json.dumps(annotation))


def import_once(folder: Path) -> Result:
    """Import a folder into a new data directory, as ``traindash import`` does."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        home = Path(scratch) / "home"
        options = Options(with_sample=False)
        platform = LocalPlatform(
            home, address="http://127.0.0.1:1", environment={"TRAINDASH_OFFLINE": "1"}, options=options
        )
        platform.open()
        platform.close()
        with _Memory() as memory:
            start, busy = time.perf_counter(), _busy()
            _, opened = import_path(home, folder)
            seconds, cpu = time.perf_counter() - start, _busy() - busy
    report = opened.report()
    return Result(seconds=seconds, cpu=cpu, images=report.images, objects=report.objects, memory=memory.highest)


class _Memory:
    """Looks ten times a second at the memory of this process and of those that it has started."""

    def __init__(self) -> None:
        self.highest = 0.0  # MiB; what they share is counted for each
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        own = psutil.Process()
        while not self._over.wait(0.1):
            now = own.memory_info().rss
            for child in own.children():
                with contextlib.suppress(psutil.Error):
                    now += child.memory_info().rss
            self.highest = max(self.highest, now / 2**20)


def _busy() -> float:
    """Seconds of processor time of this process and of those that it has started and ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def contestants(layout: str, asked: argparse.Namespace) -> list[Contestant]:
    """Return who is compared in a layout; ours first."""
    ours = (sys.executable, "-m", "tests.benchmarks.import_pace", "--once")
    found = [Contestant(name="import", command=ours, last="")]
    if asked.beside is not None:
        found.append(Contestant(name="import, other checkout", command=ours, last="", code=asked.beside))
    is_ours = layout == "supervisely"
    python, program, name = (asked.sdk, _SDK, "SDK") if is_ours else (asked.datumaro, _DATUMARO, "Datumaro")
    if python is not None:
        command = (str(python), "-c", program)
        found.append(Contestant(name=f"{name}, with pixels", command=command, last="pixels"))
        found.append(Contestant(name=f"{name}, without pixels", command=command, last="labels"))
    return found


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - a program for the terminal


def compare(root: Path, few: Path, layout: str, asked: argparse.Namespace) -> None:
    """Print what each contestant took, in one run."""
    racing = contestants(layout, asked)
    results: dict[str, list[Result]] = {one.name: [] for one in racing}
    for _ in range(asked.rounds):
        for one in racing:
            results[one.name].append(one.run(layout, root / layout))
    first = statistics.median(result.seconds for result in results[racing[0].name])
    for one in racing:
        seconds = statistics.median(result.seconds for result in results[one.name])
        cpu = statistics.median(result.cpu for result in results[one.name])
        result = results[one.name][0]
        small = one.run(layout, few / layout)
        memory = max(item.memory for item in results[one.name])
        say(
            f"{layout:12} {one.name:26} {result.images} images, {result.objects} objects: {seconds:6.1f} s, "
            f"{result.images / seconds:6.0f} images/s, {seconds / first:5.2f} x our time, {cpu:6.1f} s of CPU; "
            f"memory {small.memory:.0f} MiB for {small.images} images, {memory:.0f} for {result.images} "
            f"({memory / small.memory:.2f} x)"
        )


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--datumaro", type=Path)
    parser.add_argument("--sdk", type=Path)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures; used again if it is there")
    parser.add_argument("--once", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        result = import_once(Path(asked.once[1]))
        say(json.dumps({name: getattr(result, name) for name in Result.__slots__}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.keep or Path(scratch)
        all_of, few = root / str(asked.images), root / str(asked.images // _FEW)
        for folder, images in ((all_of, asked.images), (few, asked.images // _FEW)):
            if not folder.exists():
                write_all(folder, images)
        for layout in asked.layouts:
            compare(all_of, few, layout, asked)


if __name__ == "__main__":
    main()
