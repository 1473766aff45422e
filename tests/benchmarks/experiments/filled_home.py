"""Data directories with experiments that nobody trained: records, settings, curves, and predictions where asked for.

Rows go straight into the database and files are linked where their content is the same, so ten thousand experiments
take seconds. ``python -m tests.benchmarks.experiments.filled_home HOME COUNT [--evaluated N]`` makes one to look at.
"""

import argparse
import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.evaluation.coco_size import Size, coco_size
from tests.fakes.evaluations import results_csv
from tests.fakes.server import experiment_record
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.store.database import now_text

PROJECTS = ((7001, "Road signs"), (7002, "Still life"), (7003, "Warehouse pallets"), (7004, "Leaf diseases, 2026"))
MODELS = ("YOLO26n-det", "YOLO26s-det", "YOLO26m-det", "YOLO11s-det", "Pico-det")
_FIRST_TASK = 100_000
_MAP_NAMES = ("mAP", "AP50", "AP75", "f1", "precision", "recall", "iou", "classification_accuracy", "calibration_score")


@dataclass(frozen=True, slots=True)
class _Content:
    """Bytes that many files have."""

    body: bytes
    path: Path
    hash: str


@dataclass(slots=True)
class _Files:
    """Files of team 1, written to disk at once and to the database in the end."""

    root: Path
    pool: Path
    rows: list[tuple[object, ...]] = field(default_factory=list)
    shared: dict[bytes, _Content] = field(default_factory=dict)
    now: str = field(default_factory=now_text)

    def add(self, path: str, body: bytes) -> int:
        """Add a file and return its id."""
        content = self.shared.get(body)
        if content is None:
            content = _Content(body, self.pool / str(len(self.shared)), b64encode(sha256(body).digest()).decode())
            content.path.write_bytes(body)
            self.shared[body] = content
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(content.path, target)
        number = 1_000_000 + len(self.rows)
        self.rows.append((number, path, len(body), content.hash, self.now, self.now))
        return number


def opened(home: Path) -> LocalPlatform:
    """Open a platform without a sample project."""
    platform = LocalPlatform(
        home, address="http://127.0.0.1:1", environment={"TRAINDASH_OFFLINE": "1"}, options=Options(with_sample=False)
    )
    platform.open()
    return platform


def fill(home: Path, count: int, evaluated: Mapping[int, Size] | None = None) -> tuple[int, ...]:
    """Put experiments into a data directory and return their task ids.

    Args:
        home: Made when it does not exist.
        count: How many.
        evaluated: Position of an experiment → what its evaluation is made of; the others have figures only.
    """
    platform = opened(home)
    root, pool = platform.services.layout.team_files / "1", home / "pool"
    pool.mkdir()
    files, tasks = _Files(root, pool), []
    for number in range(count):
        size = (evaluated or {}).get(number)
        tasks.append(_add(files, number, size))
    with platform.services.database.write() as connection:
        connection.executemany(
            "INSERT INTO team_files (id, team_id, user_id, path, size, hash, mime, created_at, updated_at)"
            " VALUES (?, 1, 1, ?, ?, ?, 'application/octet-stream', ?, ?)",
            files.rows,
        )
        module = connection.execute("SELECT id FROM modules ORDER BY id").fetchone()[0]
        connection.executemany(
            "INSERT INTO tasks (id, team_id, workspace_id, user_id, agent_id, module_id, project_id, kind, status,"
            " name, description, app_name, session_token, params, settings, output, created_at, updated_at,"
            " started_at, finished_at) VALUES (?, 1, 1, 1, 1, ?, ?, 'train', 'finished', 'pythonSpawned', ?,"
            " 'Train YOLO v8 - 26', 'x', ?, ?, ?, ?, ?, ?, ?)",
            [(task, module, *rest, *(files.now,) * 4) for task, *rest in tasks],
        )
    platform.close()
    return tuple(int(str(task[0])) for task in tasks)


def _add(files: _Files, number: int, size: Size | None) -> tuple[object, ...]:
    """Add the files of an experiment and return the columns of its task."""
    random = np.random.default_rng(number)
    task, (project, name) = _FIRST_TASK + number, PROJECTS[number % len(PROJECTS)]
    folder = f"/experiments/{project}_{name}/{task}_YOLO"
    settings = _settings(random)
    text = "".join(f"{key}: {value}\n" for key, value in settings.items())
    gui_state = {
        "model": {"source": "Pretrained models", "framework": "YOLO", "model_name": MODELS[number % len(MODELS)]},
        "classes": ["apple", "pear"],
        "train_val_split": {"method": "random", "split": "train", "percent": 80},
        "hyperparameters": text,
        "options": {"model_benchmark": {"enable": True, "speed_test": True}},
    }
    record = _record(random, number, {"artifacts_dir": f"{folder}/", "project_id": project})
    if size is not None:
        record["evaluation_report_id"] = _add_evaluation(files, f"/model-benchmark/{project}_{name}/{task}_YOLO", size)
    for path, body in (
        ("hyperparameters.yaml", text.encode()),
        ("app_state.json", json.dumps(gui_state).encode()),
        ("experiment_info.json", json.dumps(record).encode()),
        ("train_val_split.json", json.dumps({"train": list(range(90_000, 90_160)), "val": []}).encode()),
        ("model_meta.json", b"{}"),
        ("open_app.lnk", f"/apps/sessions/{task}".encode()),
        ("checkpoints/best.pt", b"best"),
        ("checkpoints/last.pt", b"last"),
        ("ultralytics/results.csv", results_csv(seed=number % 50, epochs=60).encode()),
        ("ultralytics/args.yaml", b"epochs: 60\n"),
    ):
        files.add(f"{folder}/{path}", body)
    state = {"slyProjectId": project, "guiState": gui_state}
    output = {"experiment": {"data": record}}
    return (
        task,
        project,
        record["experiment_name"],
        *(json.dumps(value) for value in ({"state": state}, {"framework": "YOLO", "guiState": gui_state}, output)),
    )


def _settings(random: np.random.Generator) -> dict[str, object]:
    return {
        "epochs": int(random.choice([50, 100, 300])),
        "lr0": float(random.choice([0.001, 0.002, 0.005, 0.01])),
        "batch": int(random.choice([8, 16, 32])),
        "imgsz": int(random.choice([320, 640])),
        "optimizer": str(random.choice(["AdamW", "SGD"])),
        "mosaic": float(random.choice([0.0, 1.0])),
        "seed": int(random.integers(0, 4)),
    }


def _record(random: np.random.Generator, number: int, places: Mapping[str, object]) -> dict[str, Any]:
    level = float(random.beta(6, 4)) * 0.8
    measured = {name: round(min(1.0, level * float(random.uniform(0.9, 1.2))), 6) for name in _MAP_NAMES}
    blind = number % 17 == 5
    return experiment_record(
        _FIRST_TASK + number,
        f"{MODELS[number % len(MODELS)]}, try {number}",
        **places,
        model_name=MODELS[number % len(MODELS)],
        base_checkpoint="yolo26s.pt",
        datetime=f"2026-{1 + number % 11:02}-{1 + number % 28:02} {number % 24:02}:{number % 60:02}:12",
        evaluation_metrics={} if blind else measured,
        primary_metric=None if blind else "mAP",
        training_duration=float(random.uniform(60, 9000)),
        train_size=int(random.integers(100, 5000)),
        val_size=int(random.integers(20, 1000)),
        random_initialization=number % 3 == 0,
        device="NVIDIA GeForce RTX 4090" if number % 2 else "CPU",
    )


def _add_evaluation(files: _Files, folder: str, size: Size) -> int:
    truth, found = coco_size(size)
    files.add(f"{folder}/evaluation/cocoGt.json", json.dumps(truth).encode())
    files.add(f"{folder}/evaluation/cocoDt.json", json.dumps(found).encode())
    return files.add(f"{folder}/visualizations/template.vue", b"<html></html>")


def coco_sizes(count: int) -> Iterator[tuple[int, Size]]:
    """Return evaluations of the size of COCO's validation set: the same images, models of different quality."""
    for number in range(count):
        yield number, Size(quality=0.6 + 0.03 * number, model_seed=100 + number)


def main() -> None:
    """Make a data directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--evaluated", type=int, default=0)
    asked = parser.parse_args()
    tasks = fill(asked.home, asked.count, dict(coco_sizes(asked.evaluated)))
    print(f"{len(tasks)} experiments, tasks {tasks[0]} to {tasks[-1]}")  # noqa: T201 - a program for the terminal


if __name__ == "__main__":
    main()
