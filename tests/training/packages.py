"""Packages of finished trainings: made as the dashboard makes them, and run where nothing of ours is."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from tests.training.trainer_process import FinishedRun
from traindash.comparison.folder import compare_folders
from traindash.domain.experiment import ExperimentInfo, clean_record
from traindash.domain.handover import ChosenModel, Need, Thresholds
from traindash.domain.ids import ProjectId, TaskId
from traindash.handover.package import Evaluated, Form, Packed, Parts, write_package
from traindash.handover.runner import check
from traindash.training.runs.spec import TrainResult, TrainSpec, read_images, read_result, read_spec

# What a bare environment has: three packages and what they need themselves
BARE = ("onnxruntime", "numpy", "PIL", "flatbuffers", "google", "packaging", "protobuf", "sympy", "mpmath")


def package_of(run: FinishedRun, target: Path, *, threshold: float, form: Form = "folder") -> Packed:
    """Write the package of a finished training."""
    spec, result = read_spec(run.layout.spec), read_result(run.layout.result)
    assert isinstance(spec, TrainSpec)
    assert isinstance(result, TrainResult)
    info = msgspec.convert(clean_record({"hyperparameters": "h.yaml", **result.experiment}), ExperimentInfo)
    images = {int(image.id): Path(image.path) for image in read_images(run.layout.images)}
    folder = run.layout.evaluation
    choice = ChosenModel(
        version=3,
        project_id=ProjectId(3),
        project_name="Tiny",
        task_id=TaskId(7),
        experiment_name=info.experiment_name,
        who="Ada",
        why="It finds | everything",
        need=Need(),
        thresholds=Thresholds(default=threshold),
        chosen_at="2026-12-01T10:00:00+00:00",
    )
    parts = Parts(
        choice=choice,
        experiment=compare_folders([folder]).experiments[0],
        info=info,
        classes=spec.classes,
        checkpoint=run.layout.artifacts / "checkpoints" / info.best_checkpoint,
        onnx=run.layout.artifacts / "export" / "best.onnx",
        evaluated=Evaluated(
            truth=folder / "evaluation" / "cocoGt.json",
            predictions=folder / "evaluation" / "cocoDt.json",
            download=lambda image: images[image].read_bytes(),
        ),
    )
    return write_package(target, parts, form)


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack a package; returns its one folder."""
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    (top,) = folder.iterdir()
    return top


def bare_python(folder: Path, scratch: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a file of a package where only :data:`BARE` can be imported, and nothing of this project."""
    packages = scratch / "site"
    if not packages.exists():
        packages.mkdir(parents=True)
        for name in BARE:
            try:
                found = importlib.util.find_spec(name)
            except ModuleNotFoundError:
                found = None
            if found is not None and found.origin is not None:
                home = Path(found.origin).parent
                (packages / home.name).symlink_to(home)
                for libraries in home.parent.glob(f"{'pillow' if name == 'PIL' else name}.libs"):
                    (packages / libraries.name).symlink_to(libraries)
    # -I and -S: neither the environment nor the installed packages; the script's folder and the bare ones alone
    program = f"import runpy, sys; sys.path[:0] = ['.', {str(packages)!r}]; sys.argv = sys.argv[1:]; "
    program += "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-I", "-S", "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def import_file(path: Path) -> Any:  # noqa: ANN401 - a module
    """Import a file of a package as a module that nobody else gets."""
    found = importlib.util.spec_from_file_location(f"packaged_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def furthest(run: FinishedRun, folder: Path, least: float = 0.05) -> tuple[int, float, float]:
    """Run a package over all evaluated images, and lay what it finds beside ``cocoDt.json``.

    Returns:
        The number of objects that were found by both or should have been, how far their scores are apart at most, and
        the smallest IoU of their boxes.
    """
    model = import_file(folder / "predict.py").Model(folder)
    found: dict[str, Any] = json.loads((run.layout.evaluation / "evaluation" / "cocoDt.json").read_text("utf-8"))
    names = {row["id"]: row["name"] for row in found["categories"]}
    paths = {int(image.id): image.path for image in read_images(run.layout.images)}
    count, apart, overlap = 0, 0.0, 1.0
    for image in found["images"]:
        rows = [row for row in found["annotations"] if row["image_id"] == image["id"]]
        answers = model.predict(paths[image["sly_id"]], least)
        for row in rows:
            left, top, width, height = row["bbox"]
            box = [left, top, left + width, top + height]
            mates = [one for one in answers if one["class"] == names[row["category_id"]]]
            shares = [(check.overlap(box, mate["box"]), mate) for mate in mates]
            best = max(shares, key=lambda pair: (pair[0] > 0.9, -abs(pair[1]["score"] - row["score"])), default=None)
            if best is None or best[0] < 0.5:
                apart = max(apart, row["score"] - least)  # at the threshold it may be missing
                continue
            answers.remove(best[1])
            count += 1
            apart, overlap = max(apart, abs(best[1]["score"] - row["score"])), min(overlap, best[0])
    return count, apart, overlap
