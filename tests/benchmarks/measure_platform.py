"""How fast the embedded platform answers: ``python -m tests.benchmarks.measure_platform [IMAGES]``.

Serves the tiny project over TCP and times single calls; then fills a project with many image rows (a million unless
told otherwise) and times its statistics and lists. Prints the median and the 95th percentile in milliseconds.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from sqlite3 import Connection

from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.platform.store.database import now_text

CALLS: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("instance.version", {}),
    ("tasks.info", {"id": 1}),
    ("file-storage.list", {"teamId": 1, "path": "/YOLO/YOLO26s-det", "recursive": True}),
    ("projects.info", {"id": 1}),
    ("images.list", {"projectId": 1}),
)
LARGE: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("projects.stats", {"id": 2}),
    ("images.list", {"projectId": 2}),
    ("images.list", {"datasetId": 8}),
    ("images.list", {"projectId": 2, "page": 1000}),
    ("images.list", {"projectId": 2, "filter": [{"field": "name", "operator": "like", "value": "_9999"}]}),
    ("images.list", {"projectId": 2, "filters": [{"type": "images_tag", "data": {"tagId": 9001}}]}),
    ("images.list", {"projectId": 2, "filters": [{"type": "objects_class", "data": {"classId": 9101}}]}),
)
DATASETS, CLASSES, CLASSES_PER_IMAGE = 10, 20, 4
HASH = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


def main() -> None:
    """Measure and print."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, live_platform(Path(folder) / "home") as live:
        _measure(live, CALLS, 200)
        began = time.perf_counter()
        with live.platform.services.database.write() as connection:
            _fill(connection, images)
        sys.stdout.write(f"{images} image rows written in {time.perf_counter() - began:.0f} s\n")
        _measure(live, LARGE, 5)


def _measure(live: LivePlatform, calls: tuple[tuple[str, Mapping[str, object]], ...], times: int) -> None:
    for method, body in calls:
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            live.post(method, **body)
            taken.append((time.perf_counter() - began) * 1000)
        high = sorted(taken)[int(0.95 * (times - 1))]
        sys.stdout.write(f"{statistics.median(taken):8.1f} {high:8.1f}  {method} {json.dumps(body)}\n")


def _fill(connection: Connection, images: int) -> None:
    now = now_text()
    classes = [
        {"id": 9101 + number, "title": f"c{number}", "shape": "rectangle", "color": "#FF0000"}
        for number in range(CLASSES)
    ]
    tags = [{"id": 9001, "name": "val", "value_type": "none"}]
    meta = json.dumps({"classes": classes, "tags": tags, "projectType": "images"})
    connection.execute(
        "INSERT INTO projects (id, workspace_id, team_id, user_id, name, meta, items_count, created_at, updated_at)"
        " VALUES (2, 1, 1, 1, 'Large', ?, ?, ?, ?)",
        (meta, images, now, now),
    )
    for number in range(DATASETS):
        connection.execute(
            "INSERT INTO datasets (id, project_id, user_id, name, images_count, created_at, updated_at)"
            " VALUES (?, 2, 1, ?, ?, ?, ?)",
            (4 + number, f"d{number}", images // DATASETS, now, now),
        )
    rows = ((100 + number, 4 + number % DATASETS, f"image_{number}.jpg", HASH, now, now) for number in range(images))
    connection.executemany(
        "INSERT INTO images (id, project_id, dataset_id, name, hash, mime, size, width, height, created_at, updated_at)"
        " VALUES (?, 2, ?, ?, ?, 'image/jpeg', 1000, 640, 480, ?, ?)",
        rows,
    )
    drawn = (
        (4 + number % DATASETS, f"c{(number + 7 * step) % CLASSES}", 100 + number)
        for number in range(images)
        for step in range(CLASSES_PER_IMAGE)
    )
    connection.executemany("INSERT INTO image_classes VALUES (?, ?, ?, 1)", drawn)
    tagged = ((4 + number % DATASETS, "val", 100 + number) for number in range(0, images, 5))
    connection.executemany("INSERT INTO image_tags VALUES (?, ?, ?)", tagged)
    connection.execute(
        "INSERT INTO dataset_classes SELECT dataset_id, class_name, count(*), sum(objects) FROM image_classes"
        " WHERE image_id >= 100 GROUP BY dataset_id, class_name"
    )


if __name__ == "__main__":
    main()
